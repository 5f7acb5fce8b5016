"""G1, G2, G12: the form of the plan, whose it is, and that it is a draft."""

import re

from evals.look import Look
from schemas.readable import readable
from services.generator.domain.guards.form import identity_is_exact, is_a_draft, sections_are_complete
from services.generator.domain.guards.support import codes_are_the_orders

_BANNER = "Draft: requires pharmacist review"
_HEADINGS = ("Problem list", "Goals", "Pharmacist interventions", "Monitoring plan")
_CODE_SYSTEMS = re.compile(
    r"\b(?:SNOMED|LOINC|RxNorm|RXCUI|UNII|CPT|HCPCS)\b|\b\d{8,18}\b(?! ?(?:IU|copies))", re.IGNORECASE
)
_ICD = re.compile(r"\b[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})\b")


def sections(look: Look) -> list[str]:
    """G1. Second opinion: the headings as lines of the text, in the contract's order, and ids that are unique."""
    reasons = sections_are_complete(look.guards)
    lines = look.text.split("\n")
    places = [lines.index(heading) if heading in lines else -1 for heading in _HEADINGS]
    if -1 in places or places != sorted(places):
        reasons.append("text: its headings are not the four of the contract in their order")
    parts = look.plan.sections
    ids = [i.id for s in (parts.problem_list, parts.goals, parts.interventions, parts.monitoring) for i in s]
    if len(ids) != len(set(ids)):
        reasons.append("sections: an id is used twice")
    return reasons


def identity(look: Look) -> list[str]:
    """G2. Second opinion: nowhere in the text is there another MRN, NPI or code than the order's."""
    order, text = look.case.order, look.text
    reasons = identity_is_exact(look.guards) + codes_are_the_orders(look.guards)
    for name, pattern, right in (
        ("MRN", r"\bMRN:? ?(\w+)", order.patient.mrn),
        ("NPI", r"\bNPI:? ?(\w+)", order.provider.npi),
        ("date of birth", r"date of birth:? ?([\d/-]+)", order.patient.date_of_birth.isoformat()),
    ):
        said = re.findall(pattern, text.split("\nReferences\n")[0])
        if not said or set(said) != {right}:
            reasons.append(f"text: the {name} is missing or differs somewhere")
    codes = {order.primary_diagnosis, *order.additional_diagnoses}
    for where, part in look.texts:
        foreign = {code for code in _ICD.findall(part) if code not in codes and code not in order.patient_records}
        if foreign or _CODE_SYSTEMS.search(part):
            reasons.append(f"{where}: a code that the order does not carry")
    return reasons


def draft(look: Look) -> list[str]:
    """G12."""
    reasons = is_a_draft(look.guards)
    if readable(look.plan, look.case.order, "draft").split("\n")[0] != _BANNER:
        reasons.append("text: as a draft it does not begin with the banner")
    return reasons
