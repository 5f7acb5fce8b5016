"""An order on its way in: what a sender meant, by our names, and where in its own document it said so.

Every fault and notice names the sender's place (`pt.chart_no`, `PID-3`), never ours.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chassis.errors import Fault
from chassis.strict_json import field_name
from schemas.order import Finding
from services.intake.domain.order_form import FormRules, OrderForm, check_form

_MAX_NOTICES = 100
_CODES = {
    "patient.mrn": "MRN_FORMAT",
    "patient.date_of_birth": "DATE_OF_BIRTH",
    "order_date": "ORDER_DATE",
    "patient_records": "RECORDS_UNREADABLE",
}
"""What a value that cannot be converted is called, where it is not simply a VALUE."""


class Unfit(ValueError):
    """A converter's word on a value that cannot be what it should be; never quotes the value. `place`: if another's fault."""

    def __init__(self, message: str, place: str | None = None) -> None:
        super().__init__(message)
        self.place = place


Found = tuple[str, Any]
"""A place in the sender's document, and the value there; None where nothing stands. A plain pair: every part of every
order is one, and an object costs as much as all else that is done with it.
"""


class Field(NamedTuple):
    """The same with names, where its parts are asked for one by one."""

    place: str
    value: Any


@dataclass(frozen=True, slots=True)
class EnclosedFile:
    """Patient records as a file inside the order, and the media type that the sender calls it."""

    content: bytes
    declared: str | None


@dataclass
class Draft:
    """`values` is what `POST /api/orders` takes as JSON; `places` says where each of our fields stands with the sender,
    of a list each of its entries.

    A field without a place is the sender's own: the canonical order has none.
    """

    values: Any
    faults: list[Fault] = field(default_factory=list)
    places: dict[str, str | list[str]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    """Places that nobody here knows: each becomes a notice, none a refusal."""
    external_id: str | None = None
    enclosed: EnclosedFile | None = None

    @classmethod
    def empty(cls) -> "Draft":
        # With patient and provider there, each of their required fields is missed by its own name.
        return cls({"patient": {}, "provider": {}})

    def put(self, name: str, found: Found, convert: Callable[[Any], Any] | None = None) -> None:
        """Our field `name` is what the sender wrote at `found`. What is absent, null or blank is left out."""
        place, value = found
        self.places[name] = place
        if _blank(value):
            return
        try:
            converted = convert(value) if convert else value
        except Unfit as unfit:
            self.fault(unfit.place or place, _CODES.get(name, "VALUE"), str(unfit))
            return
        if converted is not None:
            self._set(name, converted)

    def put_all(self, name: str, found: Iterable[Found]) -> None:
        """Our list `name` has these entries, in this order."""
        places: list[str] = []
        values: list[Any] = []
        for place, value in found:
            if not _blank(value):
                places.append(place)
                values.append(value)
        if values:
            self.places[name] = places
            self._set(name, values)

    def _set(self, name: str, value: Any) -> None:
        group, _, last = name.rpartition(".")
        (self.values[group] if group else self.values)[last] = value

    def fault(self, place: str, code: str, message: str) -> None:
        self.faults.append(Fault(field_name((place,)), code, message))

    def records_are(self, text: str) -> None:
        """What the enclosed file says."""
        self.values["patient_records"] = text

    def records_unreadable(self, code: str, message: str) -> None:
        self.fault(self.place_of("patient_records"), code, message)

    def place_of(self, name: str) -> str:
        """Where the sender has our field `name`; that of its list where the entry has none of its own."""
        group, _, last = name.rpartition(".")
        place = self.places.get(name) or self.places.get(group) or name
        if isinstance(place, str):
            return place
        return place[int(last)] if last.isdecimal() and int(last) < len(place) else place[0]

    def check(self, rules: FormRules) -> tuple[OrderForm | None, list[Fault]]:
        """The form where everything is right, and every fault by the sender's places, each place named once."""
        form, found = check_form(self.values, rules)
        if not found and not self.faults:
            return form, []
        faults = self.in_places([*dict.fromkeys(self.faults)], found)
        return (None if faults else form), faults

    def in_places(self, known: list[Fault], more: Sequence[Fault]) -> list[Fault]:
        """`known` and, renamed, those of `more` whose place has no fault yet: what could not be read is not also missing."""
        named = {fault.field for fault in known}
        renamed = [Fault(self.place_of(fault.field), fault.code, fault.message) for fault in more]
        return [*known, *dict.fromkeys(fault for fault in renamed if fault.field not in named)]

    def notices(self) -> list[Finding]:
        return [_ignored(place) for place in self.ignored[:_MAX_NOTICES]]


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def _ignored(place: str) -> Finding:
    shown = field_name((place,)).replace("\0", "?")
    return Finding(
        type="notice",
        code="UNKNOWN_FIELD",
        message=f"{shown} is not a field that we know: it was ignored.",
        detail={"field": shown},
    )
