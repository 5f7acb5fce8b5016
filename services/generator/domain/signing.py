"""What stands between a plan and a pharmacist's signature: the hard gates, held against the version that is to be signed.

A revision may take out what a gate asks for, or put in what nobody gave us. The pharmacist is a source too: a number or a
medicine that the note of a revision names ("weight 72 kg, by phone") counts as given. What a pharmacist wrote as
text of their own is theirs; the sections below it are what is held against the gates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas.careplan import CarePlan
from services.generator.domain.guards import evidence, form, safety, support
from services.generator.domain.guards.look import Look
from services.generator.domain.request import PlanRequest

_GATES: tuple[tuple[str, Callable[[Look], list[str]]], ...] = (
    ("G1", form.sections_are_complete),
    ("G2", form.identity_is_exact),
    ("G2", support.codes_are_the_orders),
    ("G3", support.numbers_are_supported),
    ("G4", support.arithmetic_is_right),
    ("G5", safety.allergies_are_named),
    ("G6", safety.boxed_warnings_are_addressed),
    ("G7", safety.findings_are_raised),
    ("G7", safety.no_daily_methotrexate),
    ("G7", safety.nothing_is_called_safe),
    ("G8", evidence.cited_items_exist),
    ("G8", evidence.facts_are_cited),
    ("G9", support.names_are_known),
    ("G10", support.nothing_leaks),
    ("G11", form.placeholders_are_explained),
    ("G12", form.is_a_draft),
)


@dataclass(frozen=True, slots=True)
class OpenGate:
    """`where`: the item ("P1"), the section or the finding; `message` holds nothing of the patient's."""

    gate: str
    where: str
    message: str


def open_gates(
    plan: CarePlan, request: PlanRequest, first: CarePlan | None = None, notes: Sequence[str] = ()
) -> list[OpenGate]:
    """Every gate that is open, all at once. `first`: the version that the generator wrote, `notes`: those of the revisions."""
    sections_alone = plan.model_copy(update={"text": "", "text_edited": False})
    look = Look(sections_alone, request, given_too="\n".join(notes), read_before=_read_before(first))
    found = [(gate, reason.partition(": ")) for gate, check in _GATES for reason in check(look)]
    return [OpenGate(gate, where, message) for gate, (where, _, message) in found]


def _read_before(first: CarePlan | None) -> frozenset[str]:
    """The words of `scripted` are code's own, and were not held against the guards of wording when they were written."""
    if first is None or first.produced_by.provider != "scripted":
        return frozenset()
    return frozenset(text for _, text in Look.texts_of(first))
