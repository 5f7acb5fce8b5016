"""The same drug, or a second drug of a kind that is not combined."""

from collections.abc import Iterator

from services.generator.domain.case import Case, Medicine
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.evidence import OrderField
from services.generator.domain.guide import Guide
from services.generator.domain.lexicon import NameIndex

MEDICATION = OrderField(field="medication")


def same_drug(case: Case) -> Iterator[ChecklistItem]:
    """The ordered drug, under any of its names, already stands in the medication history."""
    guide = case.guide
    if guide is None:
        return
    for medicine in case.medicines:
        if any(medicine.reading.has(name) for name in guide.own_index.names_in(medicine.reading)):
            yield ChecklistItem(
                id=f"duplicate:same:{medicine.index}",
                severity="moderate" if medicine.ended else "high",
                category="unnecessary_therapy",
                what=f"{medicine.text} is in the medication history and {guide.drug.generic} is ordered: the same drug.",
                action="Ask whether this order continues or replaces it, and when the last dose was given.",
                evidence=(medicine.evidence, MEDICATION),
                medication=medicine.text,
            )


def two_biologics(case: Case) -> Iterator[ChecklistItem]:
    """A biologic or JAK inhibitor beside another one, where no listed interaction says so already."""
    guide, rule = case.guide, case.library.rules.get("two_biologics")
    if guide is None or rule is None:
        return
    if all(guide.own_names.isdisjoint(case.library.classes[c]) for c in rule.classes):
        return
    for medicine in case.medicines:
        if any(_of_class(medicine, guide, case.library.indexes[name]) for name in rule.with_classes):
            yield ChecklistItem(
                id=f"duplicate:class:{medicine.index}",
                severity="moderate" if medicine.ended else "high",
                category="unnecessary_therapy",
                what=f"{guide.drug.generic} is ordered beside {medicine.text}. {rule.text}",
                action=rule.action,
                evidence=(medicine.evidence, MEDICATION),
                medication=medicine.text,
            )


def _of_class(medicine: Medicine, guide: Guide, index: NameIndex) -> bool:
    """It names a member that is neither the ordered drug nor in one of its listed interactions."""
    return any(
        name.text not in guide.own_names and name.text not in guide.interacting and medicine.reading.has(name)
        for name in index.names_in(medicine.reading)
    )


def methotrexate_every_day(case: Case) -> Iterator[ChecklistItem]:
    """Methotrexate written as a daily dose: the weekly one is meant almost always, and the mistake kills."""
    for medicine in case.medicines:
        words = medicine.reading.words
        if not words & {"methotrexate", "mtx", "trexall", "otrexup", "rasuvo"} or medicine.ended:
            continue
        if words & {"daily", "qd", "bid", "tid", "day"} and not words & {"weekly", "week", "wk", "qwk"}:
            yield ChecklistItem(
                id=f"dose:methotrexate:{medicine.index}",
                severity="high",
                category="dose_too_high",
                what=f"{medicine.text}: methotrexate is written as a daily dose.",
                action="Call the prescriber before anything is dispensed: confirm that once a week is meant, and the day of the week.",
                evidence=(medicine.evidence,),
                medication=medicine.text,
            )
