"""Why the drug was ordered: listed use, off-label use, or none that is known."""

from collections.abc import Iterator

from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import FactRef, OrderField, diagnosis
from services.generator.domain.guide import Guide


def indication(case: Case) -> Iterator[ChecklistItem]:
    guide = case.guide
    if guide is None:
        return
    listed = [(use, i) for i, code in enumerate(case.codes) for use in guide.drug.uses if code.startswith(use.icd10)]
    if not listed:
        yield _none(guide)
        return
    use, at = listed[0]
    if use.off_label:
        yield ChecklistItem(
            id="indication:off_label",
            severity="low",
            category="needs_additional_therapy",
            what=f"{use.name} is an off-label use of {guide.drug.generic}.",
            action="Confirm the coverage and that the prescriber has documented the reason.",
            evidence=(diagnosis(at), _any_dose(guide)),
            medication=guide.drug.generic,
        )


def _none(guide: Guide) -> ChecklistItem:
    return ChecklistItem(
        id="indication:none",
        severity="moderate",
        category="unnecessary_therapy",
        what=f"None of the diagnoses of this order is a use of {guide.drug.generic} that the knowledge base lists: "
        f"{'; '.join(use.name for use in guide.drug.uses)}.",
        action="Ask the prescriber for the indication, or for the code that is missing.",
        evidence=(OrderField(field="primary_diagnosis"), OrderField(field="medication"), _any_dose(guide)),
        medication=guide.drug.generic,
    )


def _any_dose(guide: Guide) -> FactRef | OrderField:
    """Uses are the drug's own, not a fact of an id: its dose rule is what stands nearest."""
    return guide.refs[guide.doses[0].id] if guide.doses else OrderField(field="medication")
