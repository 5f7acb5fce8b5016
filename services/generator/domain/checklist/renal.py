"""A creatinine clearance below the one at which the drug's dose is reduced."""

import re
from collections.abc import Iterator

from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import OrderField, RecordQuote

_REDUCED_BELOW = re.compile(r"\bbelow (\d+) mL/min")
_CLEARANCE = re.compile(r"\b(?:creatinine clearance|crcl|clcr)\b[^.\n\d]{0,12}(\d{1,3}(?:\.\d)?)(?: ?ml/min)?")
_WORDS = frozenset({"clearance", "crcl", "clcr"})


def reduced_for_the_kidney(case: Case) -> Iterator[ChecklistItem]:
    """Code does not choose the lower dose: the tiers are the label's, and the prescriber's to apply."""
    guide = case.guide
    if guide is None or case.records.words.isdisjoint(_WORDS):
        return
    rules = [rule for rule in guide.doses if "creatinine_clearance" in rule.inputs]
    found = _CLEARANCE.search(case.records.low) if rules else None
    for rule in rules if found else ():
        limit = _REDUCED_BELOW.search(rule.text)
        if found is None or limit is None or float(found[1]) >= float(limit[1]):
            continue
        quote = RecordQuote(quote=case.order.patient_records[found.start() : found.end()])
        yield ChecklistItem(
            id=f"dose:renal:{rule.id}",
            severity="high",
            category="dose_too_high",
            what=f"{quote.quote} is on file, and {case.order.medication} is ordered: {rule.text}",
            action="Ask the prescriber which dose of the label's tiers is meant for this clearance; dispense none before.",
            evidence=(quote, OrderField(field="medication"), guide.refs[rule.id]),
            medication=guide.drug.generic,
        )
