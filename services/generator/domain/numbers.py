"""Numbers with their units, so that "28.8 g", "28,800 mg" and "28.8 g a day" can be compared."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

# Begins with the digit and looks back afterwards: the other way round every letter of the text would be looked at.
_NUMBER = re.compile(
    r"([0-9](?<![\w.].)(?<![a-z]-.)(?<!\d,.)[0-9]*(?:-\d\d-\d\d(?!\d)|(?:,\d{3})*(?:\.\d+)?))(?:"
    r"\s?(mg/kg|g/kg|mcg/kg|kgs?|kilograms?|lbs?|pounds|mcg|µg|mg|grams?|g|ml|%|units?)(?![\w/])"
    r"|[\s-](minute|hour|day|week|wk|month|year)s?\b)?"
)
_FACTORS: dict[str, tuple[str, float]] = {
    "": ("", 1),
    "mg/kg": ("per_kg", 1), "g/kg": ("per_kg", 1000), "mcg/kg": ("per_kg", 0.001),
    "kg": ("weight", 1), "kgs": ("weight", 1), "kilogram": ("weight", 1), "kilograms": ("weight", 1),
    "lb": ("weight", 0.45359237), "lbs": ("weight", 0.45359237), "pounds": ("weight", 0.45359237),
    "mcg": ("mass", 0.001), "µg": ("mass", 0.001), "mg": ("mass", 1),
    "g": ("mass", 1000), "gram": ("mass", 1000), "grams": ("mass", 1000),
    "ml": ("volume", 1), "%": ("percent", 1), "unit": ("units", 1), "units": ("units", 1),
    "minute": ("time", 1), "hour": ("time", 60), "day": ("time", 1440), "week": ("time", 10080), "wk": ("time", 10080),
    "month": ("time", 43200), "year": ("time", 525600),
}  # fmt: skip
_CLOSE = 0.005


class Number(NamedTuple):
    """`kind` is what the unit measures, "" without one, "date" for a date; `value` is in that kind's base unit."""

    kind: str
    value: float
    raw: str


def numbers_in(folded: str) -> Iterator[Number]:
    """Of a text in lower case. "CD20", "IL-6" and "P1" are names, not numbers."""
    for number, unit, time in _NUMBER.findall(folded):
        if "-" in number:
            yield Number("date", float(number.replace("-", "")), number)
            continue
        kind, factor = _FACTORS[unit or time]
        yield Number(kind, float(number.replace(",", "")) * factor, number)


class Known:
    """Numbers that may be used. With a unit the quantity must agree; without one the figure alone must be known."""

    __slots__ = ("_figures", "_quantities", "_weights")

    def __init__(self, numbers: AbstractSet[Number]) -> None:
        self._figures = {number.raw.replace(",", "") for number in numbers}
        self._quantities = {(number.kind, round(number.value, 6)) for number in numbers}
        self._weights = [number.value for number in numbers if number.kind == "weight"]

    def covers(self, number: Number) -> bool:
        if number.kind == "":
            return number.raw.replace(",", "") in self._figures
        if number.kind == "weight":
            return any(abs(number.value - weight) <= weight * _CLOSE for weight in self._weights)
        return (number.kind, round(number.value, 6)) in self._quantities
