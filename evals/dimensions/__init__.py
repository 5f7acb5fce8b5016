"""The graded dimensions B1-B8: each 0 to 1, with the reasons for what it lacks, and its weight. 85 points together."""

from collections.abc import Callable, Mapping

from evals.dimensions.actions import goals, interventions, reconciliation
from evals.dimensions.mark import Mark
from evals.dimensions.monitoring import monitoring
from evals.dimensions.problems import form, precision, recall, recall_of_grave
from evals.dimensions.reading import handout
from evals.look import Look

DIMENSIONS: Mapping[str, tuple[str, int, Callable[[Look], Mark]]] = {
    "B1": ("expected problems found", 20, recall),
    "B2": ("no problem without a ground", 10, precision),
    "B3": ("form and evidence of problems", 8, form),
    "B4": ("goals that can be missed", 12, goals),
    "B5": ("interventions", 8, interventions),
    "B6": ("monitoring by the schedule", 15, monitoring),
    "B7": ("home medicines reconciled", 7, reconciliation),
    "B8": ("handout readable", 5, handout),
}
POINTS = sum(weight for _, weight, _ in DIMENSIONS.values())


def marks(look: Look) -> dict[str, Mark]:
    return {name: grade(look) for name, (_, _, grade) in DIMENSIONS.items()}


__all__ = ["DIMENSIONS", "POINTS", "Mark", "marks", "recall_of_grave"]
