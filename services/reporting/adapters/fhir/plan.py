"""The plan's part: drug therapy problems as Conditions, Goals, what is planned as ServiceRequests, and the CarePlan over them."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.careplan import Citation, Goal, Intervention, Monitoring, Problem
from schemas.readable import plan_text
from services.reporting.adapters.fhir.order import MEDICATION, PATIENT, diagnosis_names, medicines
from services.reporting.adapters.fhir.parts import URI, Ids, Json, hl7, narrative, words
from services.reporting.domain.plan_document import PlanDocument

CARE_PLAN = "care-plan"
_OUR_CATEGORIES = "urn:careplan:drug-therapy-problem"
"""Strand's seven as the plan writes them. SNOMED codes are given only once mapped with confidence: none is yet."""
_CARE_PLAN_CATEGORY = {
    "coding": [{"system": "http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "code": "assess-plan"}]
}
_HEALTH_CONCERN = {
    "coding": [{"system": "http://hl7.org/fhir/us/core/CodeSystem/condition-category", "code": "health-concern"}]
}
_CLOSED = frozenset({"resolved", "closed"})


@dataclass(frozen=True)
class PlanPart:
    document: PlanDocument
    ids: Ids
    pharmacist: Json | None
    """Who signed or revised this version."""

    def entries(self) -> list[Json]:
        sections = self.document.plan.sections
        return [
            self._care_plan(),
            *map(self._problem, sections.problem_list),
            *map(self._goal, sections.goals),
            *map(self._intervention, sections.interventions),
            *map(self._monitoring, sections.monitoring),
        ]

    @property
    def _approved(self) -> bool:
        return self.document.review == "approved"

    @property
    def planned(self) -> list[str]:
        sections = self.document.plan.sections
        return [item.id for item in sections.interventions] + [item.id for item in sections.monitoring]

    def _care_plan(self) -> Json:
        plan, current = self.document.plan, self.document.current
        return self.ids.entry(
            CARE_PLAN,
            "CarePlan",
            text=narrative(plan_text(plan, self.document.order).splitlines()),
            identifier=[{"system": URI, "value": f"urn:uuid:{self.document.careplan_id}"}],
            status="active" if self._approved else "draft",
            intent="plan" if self._approved else "proposal",
            category=[_CARE_PLAN_CATEGORY],
            title="Pharmacist Care Plan",
            subject=self.ids.to(PATIENT),
            created=current.created_at.isoformat(),
            author=self.pharmacist,
            addresses=[self.ids.to(name) for name in (*diagnosis_names(self.document.order), *self._problem_ids())],
            goal=[self.ids.to(goal.id) for goal in plan.sections.goals],
            activity=[{"reference": self.ids.to(name)} for name in self.planned],
            note=[words(gap) for gap in plan.gaps],
        )

    def _problem(self, item: Problem) -> Json:
        status = "resolved" if item.status.lower() in _CLOSED else "active"
        return self.ids.entry(
            item.id,
            "Condition",
            identifier=self.ids.item(item.id),
            clinicalStatus=hl7("condition-clinical", status),
            verificationStatus=hl7("condition-ver-status", "confirmed" if self._approved else "provisional"),
            category=[_HEALTH_CONCERN],
            severity=words(item.severity),
            code={"coding": [{"system": _OUR_CATEGORIES, "code": item.category}], **words(item.text)},
            subject=self.ids.to(PATIENT),
            evidence=[*self._medicine(item.medication), *({"code": [words(text)]} for text in self._cited(item))],
            note=[words(f"Status: {item.status}")],
        )

    def _medicine(self, medication: str | None) -> Iterable[Json]:
        """The medicine that a problem is about: by reference where the order has it, else in words."""
        if medication is None:
            return
        order = self.document.order
        known = dict(
            zip((order.medication, *(t for t in order.medication_history if t.strip())), medicines(order), strict=True)
        )
        if medication in known:
            yield {"detail": [self.ids.to(known[medication])]}
        else:
            yield {"code": [words(f"Medication: {medication}")], "detail": [self.ids.to(MEDICATION)]}

    def _goal(self, item: Goal) -> Json:
        target = {"measure": words(item.measure), "detailString": item.target, "dueDate": item.due.isoformat()}
        return self.ids.entry(
            item.id,
            "Goal",
            identifier=self.ids.item(item.id),
            lifecycleStatus="active" if self._approved else "proposed",
            description=words(item.text),
            subject=self.ids.to(PATIENT),
            target=[target],
            addresses=self._addressed(item.addresses),
            note=[words(text) for text in self._cited(item)],
        )

    def _intervention(self, item: Intervention) -> Json:
        return self._request(item, "intervention", item.text, when=item.when, by=item.by)

    def _monitoring(self, item: Monitoring) -> Json:
        notes = (item.text, f"Threshold: {item.threshold}", f"Action: {item.action}")
        when = f"First: {item.first}; interval: {item.interval}"
        return self._request(item, "monitoring", item.test, *notes, when=when, by=item.responsible)

    def _request(
        self, item: Intervention | Monitoring, category: str, what: str, *notes: str, when: str, by: str
    ) -> Json:
        return self.ids.entry(
            item.id,
            "ServiceRequest",
            identifier=self.ids.item(item.id),
            status="active" if self._approved else "draft",
            intent="plan" if self._approved else "proposal",
            category=[words(category)],
            code=words(what),
            subject=self.ids.to(PATIENT),
            occurrenceTiming={"code": words(when)},
            requester=self.pharmacist,
            performerType=words(by),
            reasonReference=self._addressed(item.addresses),
            note=[words(text) for text in (*notes, *self._cited(item))],
        )

    def _problem_ids(self) -> list[str]:
        return [problem.id for problem in self.document.plan.sections.problem_list]

    def _addressed(self, names: Iterable[str]) -> list[Json]:
        known = set(self._problem_ids())
        return [self.ids.to(name) for name in names if name in known]

    def _cited(self, item: Problem | Goal | Intervention | Monitoring) -> list[str]:
        by_id = {citation.id: citation for citation in self.document.plan.citations}
        return [cited(by_id[name]) for name in item.citations if name in by_id]


def cited(citation: Citation) -> str:
    return f'{citation.id} {citation.source}: "{citation.quote}"'
