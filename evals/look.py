"""One plan beside its case, and what the graders need of both. Its reading of texts is its own, not the guards'."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from evals.cases import Case, Synonyms, facts
from knowledge.facts import Fact
from knowledge.models import Drug
from schemas.careplan import CarePlan, Goal, Intervention, Monitoring, Problem, Severity
from schemas.readable import plan_text
from services.generator.domain.guards import Look as GuardLook
from services.generator.domain.request import PlanRequest, plan_request

RANK: dict[Severity, int] = {"low": 0, "moderate": 1, "high": 2}
_COMMON = frozenset(
    [
        "about",
        "after",
        "again",
        "against",
        "along",
        "among",
        "before",
        "being",
        "between",
        "could",
        "during",
        "every",
        "first",
        "follow",
        "given",
        "have",
        "into",
        "itself",
        "medicine",
        "medicines",
        "other",
        "patient",
        "should",
        "still",
        "that",
        "their",
        "there",
        "these",
        "they",
        "this",
        "those",
        "under",
        "until",
        "what",
        "when",
        "where",
        "which",
        "while",
        "with",
        "without",
        "would",
        "your",
        "order",
        "ordered",
        "record",
        "records",
        "dose",
        "doses",
    ]
)


@dataclass(frozen=True)
class Look:
    plan: CarePlan
    case: Case
    request: PlanRequest

    @classmethod
    def at(cls, plan: CarePlan, case: Case) -> "Look":
        return cls(plan, case, plan_request(case.order, facts()))

    @cached_property
    def guards(self) -> GuardLook:
        return GuardLook(self.plan, self.request)

    @cached_property
    def drug(self) -> Drug | None:
        return next((drug for drug in facts().drugs if drug.id == self.case.drug), None)

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """The drug's facts for these diagnoses, straight from the files."""
        order = self.case.order
        codes = (order.primary_diagnosis, *order.additional_diagnoses)
        every = self.drug.facts if self.drug else ()
        return tuple(f for f in every if not f.icd10 or any(code.startswith(f.icd10) for code in codes))

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Where and what the plan says, the identity and the references left out."""
        return tuple(_texts(self.plan))

    @cached_property
    def said(self) -> str:
        return "\n".join(text for _, text in self.texts)

    @cached_property
    def text(self) -> str:
        """The plan as it is read, the identity on top."""
        return plan_text(self.plan, self.case.order)

    @property
    def statements(self) -> tuple[Problem | Intervention, ...]:
        return (*self.plan.sections.problem_list, *self.plan.sections.interventions)

    @property
    def items(self) -> tuple[Problem | Goal | Intervention | Monitoring, ...]:
        return (*self.statements, *self.plan.sections.goals, *self.plan.sections.monitoring)

    def problems_with(self, synonyms: Synonyms) -> list[Problem]:
        """The problems that say one of the alternatives, the gravest first."""
        found = [p for p in self.plan.sections.problem_list if says(f"{p.text} {p.medication or ''}", synonyms)]
        return sorted(found, key=lambda p: -RANK[p.severity])

    def actions_for(self, problem: Problem) -> list[Intervention]:
        return [step for step in self.plan.sections.interventions if problem.id in step.addresses]


def says(text: str, synonyms: Synonyms) -> bool:
    low = text.casefold()
    return any(all(word.casefold() in low for word in words) for words in synonyms)


def telling_words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.findall(r"[a-z0-9]{4,}", text.casefold()) if word not in _COMMON)


def overlap(wanted: str, text: str) -> float:
    """How much of what is wanted stands in the text; 1 where nothing is wanted."""
    words = telling_words(wanted)
    return len(words & telling_words(text)) / len(words) if words else 1.0


def _texts(plan: CarePlan) -> Iterator[tuple[str, str]]:
    sections = plan.sections
    for problem in sections.problem_list:
        yield problem.id, problem.text
    for goal in sections.goals:
        yield goal.id, f"{goal.text}\n{goal.measure}\n{goal.target}"
    for step in sections.interventions:
        yield step.id, f"{step.text}\n{step.when}\n{step.by}"
    for row in sections.monitoring:
        parts = (row.text, row.test, row.first, row.interval, row.threshold, row.action, row.responsible)
        yield row.id, "\n".join(parts)
    yield "handout", plan.handout
    for gap in plan.gaps:
        yield "gaps", gap
