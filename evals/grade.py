"""One plan, graded: every gate, every dimension, and the share of the 85 points that code can give."""

from collections.abc import Sequence
from dataclasses import dataclass

from evals.cases import Case
from evals.dimensions import DIMENSIONS, POINTS, Mark, marks, recall_of_grave
from evals.gates import GATES, failures
from evals.look import Look
from schemas.careplan import CarePlan


@dataclass(frozen=True, slots=True)
class Grade:
    case_id: str
    split: str
    gates: dict[str, list[str]]
    """Every gate, with what fails it."""
    marks: dict[str, Mark]
    recall_of_grave: float

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(name for name, reasons in self.gates.items() if reasons)

    @property
    def score(self) -> float:
        """Of the points that code can give; a failed gate does not lower it, it fails the case."""
        return sum(DIMENSIONS[name][1] * mark.score for name, mark in self.marks.items()) / POINTS

    @property
    def reasons(self) -> tuple[str, ...]:
        gates = [f"{name} {reason}" for name, reasons in self.gates.items() for reason in reasons]
        lost = sorted(self.marks, key=lambda name: (self.marks[name].score - 1) * DIMENSIONS[name][1])
        return (*gates, *(f"{name} {reason}" for name in lost for reason in self.marks[name].reasons))


def grade(plan: CarePlan, case: Case) -> Grade:
    look = Look.at(plan, case)
    return Grade(case.id, case.split, failures(look), marks(look), recall_of_grave(look))


def no_plan(case: Case, reasons: Sequence[str]) -> Grade:
    """An answer that cannot become a plan fails every gate, for the reasons that assembling it gave."""
    said = list(reasons) or ["there is no plan"]
    return Grade(
        case.id,
        case.split,
        dict.fromkeys(GATES, said),
        {name: Mark(0.0, ("there is no plan",)) for name in DIMENSIONS},
        0.0,
    )


def worst(runs: Sequence[Grade]) -> Grade:
    """Of several runs of a case: the one with most failed gates, then the lowest score."""
    return min(runs, key=lambda run: (-len(run.failed), run.score))
