"""Runs the cases: asks the provider, grades what it says, plants the controls, and holds all of it against the pass gate."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.cases import Case, facts
from evals.controls import Caught, check_all
from evals.dimensions import DIMENSIONS
from evals.grade import Grade, grade, no_plan, worst
from evals.harmless import false_alarms
from evals.passing import Check, checks
from evals.providers import Asked, Provider, Run
from schemas.careplan import CarePlan
from services.generator.adapters.scripted import Scripted

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    provider: str
    cases: tuple[Case, ...]
    runs: dict[str, list[Run]]
    grades: list[Grade]
    """One a case: of several runs the worst."""
    controls: list[Caught]
    harmless: int
    """How many harmlessly changed plans were graded."""
    alarms: list[str]
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def mean(self) -> float:
        return sum(g.score for g in self.grades) / len(self.grades) if self.grades else 0.0

    def mean_of(self, dimension: str) -> float:
        return sum(g.marks[dimension].score for g in self.grades) / len(self.grades) if self.grades else 0.0

    @property
    def written_by(self) -> list[str]:
        """Provider, model, prompt and knowledge of the plans, with how many there are of each."""
        by = Counter(run.produced_by for runs in self.runs.values() for run in runs)
        return [
            f"{b.provider}, model {b.model}, prompt {b.prompt_version}, knowledge {b.knowledge_version}: {count} plans"
            for b, count in by.items()
        ]


async def run(
    provider: Provider,
    cases: Sequence[Case],
    baseline: Mapping[str, float] | None = None,
    progress: Progress = lambda _: None,
) -> Result:
    runs: dict[str, list[Run]] = {}
    grades: list[Grade] = []
    for case in cases:
        runs[case.id] = list(await provider.runs(case))
        if runs[case.id]:
            grades.append(worst([_graded(one, case) for one in runs[case.id]]))
        progress(case.id)
    clean = await _clean_plans(cases)
    caught = check_all(clean, cases)
    progress("controls")
    harmless, alarms = false_alarms(clean, cases)
    progress("harmless changes")
    return Result(
        provider.name,
        tuple(cases),
        runs,
        grades,
        caught,
        harmless,
        alarms,
        checks(grades, len(cases), caught, baseline),
    )


def _graded(one: Run, case: Case) -> Grade:
    return grade(one.plan, case) if one.plan is not None else no_plan(case, one.reasons)


async def _clean_plans(cases: Sequence[Case]) -> dict[str, CarePlan]:
    """The grading is tested on plans of `scripted`, whoever wrote the ones that are graded."""
    scripted = Asked(Scripted())
    plans = {case.id: (await scripted.runs(case))[0].plan for case in cases}
    return {case_id: plan for case_id, plan in plans.items() if plan is not None}


def as_json(result: Result) -> dict[str, Any]:
    """What a later run can be compared with, and a page can show."""
    return {
        "provider": result.provider,
        "written_by": result.written_by,
        "knowledge_version": facts().version,
        "jury": "not run: there is no API key",
        "passed": result.passed,
        "mean": round(result.mean, 4),
        "checks": [{"name": c.name, "passed": c.passed, "said": c.said} for c in result.checks],
        "dimensions": {name: round(result.mean_of(name), 4) for name in DIMENSIONS},
        "cases": [
            {
                "id": g.case_id,
                "split": g.split,
                "score": round(g.score, 4),
                "grave_recall": g.recall_of_grave,
                "failed_gates": list(g.failed),
                "dimensions": {name: round(mark.score, 4) for name, mark in g.marks.items()},
                "reasons": list(g.reasons),
            }
            for g in result.grades
        ],
        "controls": [{"id": c.control.id, "case": c.control.case_id, "caught_by": list(c.by)} for c in result.controls],
        "false_alarms": {"plans": result.harmless, "raised": result.alarms},
    }
