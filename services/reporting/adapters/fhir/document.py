"""The document around both parts: the Composition with its three sections, who made and who signed it, and the Bundle."""

from collections.abc import Sequence

from services.reporting.adapters.fhir.makers import (
    COMPOSITION,
    ORGANIZATION,
    PHARMACIST,
    device,
    has_organization,
    moment_of,
    organization,
    person,
    pharmacist_of,
    provenance,
)
from services.reporting.adapters.fhir.order import (
    PATIENT,
    concern_lines,
    concerns,
    medicine_lines,
    medicines,
    order_entries,
)
from services.reporting.adapters.fhir.parts import URI, Ids, Json, loinc, narrative, pruned
from services.reporting.adapters.fhir.plan import CARE_PLAN, PlanPart
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import PlanDocument

_PROFILE = "http://hl7.org/fhir/us/phcp/StructureDefinition/PhCP-Composition"
_UNSIGNED: Json = {"display": "No pharmacist yet: draft"}


def bundle_of(document: PlanDocument, pharmacy: Pharmacy) -> Json:
    """A document Bundle. The same version in the same state gives the same bytes."""
    ids = Ids(document.careplan_id, document.version)
    pharmacist = pharmacist_of(document)
    author = ids.to(PHARMACIST) if pharmacist else None
    plan = PlanPart(document, ids, author)
    entries = [
        _composition(document, ids, plan, pharmacy, author),
        *([person(pharmacist, ids)] if pharmacist else []),
        *([organization(pharmacy, ids)] if has_organization(pharmacy) else []),
        *order_entries(document.order, ids, pharmacy),
        *plan.entries(),
        device(document, ids),
        provenance(document, ids, author),
    ]
    bundle: Json = pruned(
        {
            "resourceType": "Bundle",
            # A draft and its approval are two documents about one version: only the Bundle's own id tells them apart.
            "identifier": {"system": URI, "value": f"urn:uuid:{ids.of(f'bundle/{document.review}')}"},
            "type": "document",
            "timestamp": moment_of(document).isoformat(),
            "entry": entries,
        }
    )
    return bundle


def _composition(document: PlanDocument, ids: Ids, plan: PlanPart, pharmacy: Pharmacy, author: Json | None) -> Json:
    custodian = ids.to(ORGANIZATION) if has_organization(pharmacy) else None
    signature = document.signature
    return ids.entry(
        COMPOSITION,
        "Composition",
        meta={"profile": [_PROFILE]},
        identifier=_identifier(document, document.version),
        status=_status(document),
        type=loinc("52521-2"),
        subject=ids.to(PATIENT),
        date=moment_of(document).isoformat(),
        author=[author or custodian or _UNSIGNED],
        title="Pharmacist Care Plan",
        confidentiality="N",
        attester=[{"mode": "professional", "time": signature.at.isoformat(), "party": author}] if signature else [],
        custodian=custodian,
        relatesTo=_replaced(document),
        event=[{"period": {"start": document.order.order_date.isoformat()}, "detail": [ids.to(CARE_PLAN)]}],
        section=_sections(document, ids, plan),
    )


def _identifier(document: PlanDocument, version: int) -> Json:
    return {"system": URI, "value": f"urn:uuid:{Ids(document.careplan_id, version).of(COMPOSITION)}"}


def _status(document: PlanDocument) -> str:
    if document.signature is None:
        return "preliminary"
    return "final" if document.replaces is None else "amended"


def _replaced(document: PlanDocument) -> list[Json]:
    """A signed version stands in the place of the one signed before it."""
    if document.signature is None or document.replaces is None:
        return []
    return [{"code": "replaces", "targetIdentifier": _identifier(document, document.replaces)}]


def _sections(document: PlanDocument, ids: Ids, plan: PlanPart) -> list[Json]:
    items, order = document.plan.sections, document.order
    problems = [f"{p.text} ({p.severity}, {p.category.replace('_', ' ')}, {p.status})" for p in items.problem_list]
    goals = [f"{goal.text} {goal.measure}: {goal.target}. Due {goal.due.isoformat()}." for goal in items.goals]
    requests = [f"{i.text} When: {i.when}. By: {i.by}." for i in items.interventions]
    checks = [
        f"{m.text} Test: {m.test}. First: {m.first}. Interval: {m.interval}. Threshold: {m.threshold}. Action: {m.action}"
        for m in items.monitoring
    ]
    concerned = [*(problem.id for problem in items.problem_list), *concerns(order)]
    planned = [*medicines(order), *plan.planned]
    return [
        _section("Health concerns", "75310-3", [*problems, *concern_lines(order)], ids, concerned),
        _section("Goals", "61146-7", goals, ids, [goal.id for goal in items.goals]),
        _section("Interventions", "62387-6", [*medicine_lines(order), *requests, *checks], ids, planned),
    ]


def _section(title: str, code: str, lines: Sequence[str], ids: Ids, names: Sequence[str]) -> Json:
    return {"title": title, "code": loinc(code), "text": narrative(lines), "entry": [ids.to(name) for name in names]}
