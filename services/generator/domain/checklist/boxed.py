"""What holds for every patient who gets this drug: boxed warnings and REMS."""

from collections.abc import Iterator

from services.generator.domain.case import Case
from services.generator.domain.checklist.item import ChecklistItem
from services.generator.domain.guide import Guide


def boxed_warnings(case: Case) -> tuple[ChecklistItem, ...]:
    return _of_drug(case.guide) if case.guide else ()


def _of_drug(guide: Guide) -> tuple[ChecklistItem, ...]:
    items = guide.memo.get("boxed")
    if not isinstance(items, tuple):
        items = guide.memo["boxed"] = (*_boxed(guide), *_rems(guide))
    return items


def _boxed(guide: Guide) -> Iterator[ChecklistItem]:
    for fact in guide.boxed:
        yield ChecklistItem(
            id=f"boxed:{fact.id}",
            severity="high",
            category="adverse_reaction",
            what=f"Boxed warning of {guide.drug.generic}: {fact.text}",
            action=fact.action,
            evidence=(guide.refs[fact.id],),
            when="before the first dose and during treatment",
            medication=guide.drug.generic,
        )


def _rems(guide: Guide) -> Iterator[ChecklistItem]:
    for fact in guide.rems:
        yield ChecklistItem(
            id=f"rems:{fact.id}",
            severity="high",
            category="adverse_reaction",
            what=f"REMS gate before dispensing: {fact.gate}. {fact.text}",
            action=fact.action,
            evidence=(guide.refs[fact.id],),
            when="before every dispensing",
            medication=guide.drug.generic,
        )
