"""A pharmacist's revision: the form it comes in, and the next version it makes. Ids stay as they were across versions."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import Fault, InvalidInput
from schemas.careplan import CarePlan, Category, Changes, Sections, Severity

Text = Annotated[str, Field(min_length=1, max_length=4_000)]
Ids = Annotated[tuple[str, ...], Field(max_length=200)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Item(_Form):
    id: Annotated[str, Field(pattern=r"^[PGIM][0-9]{1,3}$")] | None = None
    """None for an item that the pharmacist adds: it gets the next free number."""
    text: Text
    citations: Ids = ()


class ProblemForm(_Item):
    category: Category
    severity: Severity
    status: Text = "open"
    medication: str | None = None


class GoalForm(_Item):
    measure: Text
    target: Text
    due: date
    addresses: Ids = ()


class InterventionForm(_Item):
    when: Text
    by: Text
    addresses: Ids = ()


class MonitoringForm(_Item):
    test: Text
    first: Text
    interval: Text
    threshold: Text
    action: Text
    responsible: Text
    addresses: Ids = ()


Items = Field(min_length=1, max_length=100)


class SectionsForm(_Form):
    problem_list: Annotated[tuple[ProblemForm, ...], Items]
    goals: Annotated[tuple[GoalForm, ...], Items]
    interventions: Annotated[tuple[InterventionForm, ...], Items]
    monitoring: Annotated[tuple[MonitoringForm, ...], Items]


class RejectedItem(_Form):
    """What the pharmacist struck out, and why: what is counted here improves the prompts."""

    item: Annotated[str, Field(pattern=r"^[PGIM][0-9]{1,3}$")]
    reason: Text


class RevisionForm(_Form):
    """`sections` make the text anew; `text` leaves the sections as they were."""

    sections: SectionsForm | None = None
    text: Annotated[str, Field(min_length=1, max_length=200_000)] | None = None
    note: Annotated[str, Field(max_length=2_000)] = ""
    rejected: Annotated[tuple[RejectedItem, ...], Field(max_length=400)] = ()


class ApprovalForm(_Form):
    version: int | None = None


_LETTERS: dict[str, Literal["P", "G", "I", "M"]] = {
    "problem_list": "P",
    "goals": "G",
    "interventions": "I",
    "monitoring": "M",
}


SECTION_OF = {letter: name for name, letter in _LETTERS.items()}


def revised(plan: CarePlan, form: RevisionForm, used_ids: Iterable[str]) -> CarePlan:
    """The next version. InvalidInput names every citation, problem or id that does not exist.

    `used_ids`: of every version so far, so that a number once given never means something else.
    """
    if (form.sections is None) == (form.text is None):
        raise InvalidInput([Fault("", "VALUE", "Send either sections or text.")])
    used_ids = set(used_ids)
    if faults := [*_never_there(form, used_ids)]:
        raise InvalidInput(faults)
    if form.text is not None:
        return plan.model_copy(update={"text": form.text, "text_edited": True})
    assert form.sections is not None
    sections = _with_ids(form.sections, set(used_ids))
    faults = [*_unknown(sections, plan), *_misplaced(form.sections)]
    if faults:
        raise InvalidInput(faults)
    return plan.model_copy(update={"sections": sections, "text": "", "text_edited": False})


def changes_between(before: CarePlan, after: CarePlan) -> Changes:
    """Item by item, in the order of the sections."""
    old, new = _by_id(before.sections), _by_id(after.sections)
    rewritten = ("text",) if (before.text, before.text_edited) != (after.text, after.text_edited) else ()
    return Changes(
        added=tuple(name for name in new if name not in old),
        changed=(*(name for name in new if name in old and new[name] != old[name]), *rewritten),
        removed=tuple(name for name in old if name not in new),
    )


def _by_id(sections: Sections) -> dict[str, Any]:
    return {item.id: item for name in _LETTERS for item in getattr(sections, name)}


def ids_of(sections: Sections) -> set[str]:
    return {item.id for name in _LETTERS for item in getattr(sections, name)}


def _with_ids(form: SectionsForm, used: set[str]) -> Sections:
    content: dict[str, list[dict[str, Any]]] = form.model_dump()
    used |= {item["id"] for items in content.values() for item in items if item["id"]}
    for name, letter in _LETTERS.items():
        for item in content[name]:
            if item["id"] is None:
                number = 1 + max((int(known[1:]) for known in used if known[0] == letter), default=0)
                new_id = f"{letter}{number}"
                item["id"] = new_id
                used.add(new_id)
    return Sections.model_validate(content)


def _never_there(form: RevisionForm, used: set[str]) -> Iterable[Fault]:
    for place, rejected in enumerate(form.rejected):
        if rejected.item not in used:
            yield Fault(f"rejected.{place}.item", "VALUE", "No version of the plan has an item with this id.")


def _unknown(sections: Sections, plan: CarePlan) -> Iterable[Fault]:
    citations = {citation.id for citation in plan.citations}
    problems = {problem.id for problem in sections.problem_list}
    for name in _LETTERS:
        for place, item in enumerate(getattr(sections, name)):
            where = f"sections.{name}.{place}"
            yield from _strangers(f"{where}.citations", item.citations, citations, "citation")
            yield from _strangers(f"{where}.addresses", getattr(item, "addresses", ()), problems, "problem")


def _strangers(where: str, named: Sequence[str], known: set[str], what: str) -> Iterable[Fault]:
    for place, name in enumerate(named):
        if name not in known:
            yield Fault(f"{where}.{place}", "VALUE", f"There is no {what} with this id in the plan.")


def _misplaced(form: SectionsForm) -> Iterable[Fault]:
    seen: set[str] = set()
    for name, letter in _LETTERS.items():
        for place, item in enumerate(getattr(form, name)):
            if item.id and (item.id[0] != letter or item.id in seen):
                yield Fault(f"sections.{name}.{place}.id", "VALUE", "This id belongs elsewhere, or is used twice.")
            if item.id:
                seen.add(item.id)
