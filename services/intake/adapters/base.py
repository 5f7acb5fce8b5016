"""What every source has in common: three steps from a partner's bytes to an order.

    parse       bytes -> the partner's own document; what is not one is MALFORMED
    transform   the document -> a Draft: our values, and where the partner has each of them
    validate    the one form of an order, the same for every door; faults under the partner's own names

A source writes the first two; the third is `Draft.check`, and no source has a say in it.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NoReturn

from chassis.errors import Fault, InvalidInput
from services.intake.domain.draft import Draft, Field, Found, Unfit

TEXT_LIMIT = 2 * 1024 * 1024


class Source(ABC):
    """One partner format. `draft` takes any bytes whatever and gives a Draft, or raises Rejected: nothing else."""

    name: ClassVar[str]
    content_type: ClassVar[str]
    largest_body: ClassVar[int] = TEXT_LIMIT

    def draft(self, body: bytes) -> Draft:
        draft = Draft.empty()
        self.transform(self.parse(body), draft)
        if "patient.mrn" not in draft.places:
            raise TypeError(f"{self.name}.transform puts no patient.mrn: a required field must have a place")
        return draft

    @abstractmethod
    def parse(self, body: bytes) -> Any:
        """The partner's document. Raises InvalidInput (`malformed`) for bytes that are none."""

    @abstractmethod
    def transform(self, document: Any, draft: Draft) -> None:
        """Puts every field of ours that the format has, also where this document lacks it; lists what it ignores."""


def malformed(message: str, place: str = "") -> NoReturn:
    raise InvalidInput([Fault(place, "MALFORMED", message)])


def put_external_id(draft: Draft, found: Found) -> None:
    """The partner's own number of the order: kept and shown, never looked into."""
    place, number = found
    if number is None:
        return
    if not isinstance(number, str):
        draft.fault(place, "TYPE", "This is a text.")
    elif len(number) > 200:
        draft.fault(place, "VALUE", "This has at most 200 characters.")
    else:
        draft.external_id = number.strip() or None


__all__ = ["TEXT_LIMIT", "Draft", "Field", "Found", "Source", "Unfit", "malformed", "put_external_id"]
