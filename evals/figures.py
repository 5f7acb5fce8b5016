"""Numbers with their units, read a second time: quantities, and values that follow a test's name.

Written apart from services/generator/domain/numbers.py on purpose: two readings that agree are worth more than one.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

_NUMBER = re.compile(
    r"(?<![\w.,/-])(\d{4}-\d\d-\d\d|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?!\d)"
    r"(?:[\s-]?(mg/kg|g/kg|mcg/kg|units/kg|mg/dl|g/dl|iu/ml|u/l|ml/min|/mm3|/ul|kg|lbs?|pounds|mcg|mg|ml|g|%|ms|mm|l|"
    r"minutes?|hours?|days?|weeks?|months?|years?)(?![\w/]))?",
    re.IGNORECASE,
)
_SCALE: dict[str, tuple[str, Decimal]] = {
    "g/kg": ("mg/kg", Decimal(1000)), "mcg/kg": ("mg/kg", Decimal("0.001")),
    "g": ("mg", Decimal(1000)), "mcg": ("mg", Decimal("0.001")),
    "lb": ("kg", Decimal("0.45359237")), "lbs": ("kg", Decimal("0.45359237")), "pounds": ("kg", Decimal("0.45359237")),
    "minute": ("hour", 1 / Decimal(60)), "day": ("hour", Decimal(24)), "week": ("hour", Decimal(168)),
    "month": ("hour", Decimal(720)), "year": ("hour", Decimal(8760)), "/ul": ("/mm3", Decimal(1)),
}  # fmt: skip
_HALF_A_POUND = Decimal("0.25")
_PLURAL = {"minutes": "minute", "hours": "hour", "days": "day", "weeks": "week", "months": "month", "years": "year"}
_TESTS = (
    "creatinine|bun|egfr|alt|ast|bilirubin|hgb|hemoglobin|platelets|anc|alc|lymphocytes|eosinophils|tsh|inr|ldh|igg|total ige|"
    "fvc|qtc|ldl|lvef|hcv rna|hbv dna|wbc|das28|cdai|easi|pasi|act|index"
)
_TEST_VALUE = re.compile(
    rf"\b({_TESTS})\b(?: (?:is|was|of|at))?[ :=]{{1,3}}(\d[\d,]*(?:\.\d+)?)(?!\d|-\d)", re.IGNORECASE
)


class Figure(NamedTuple):
    """`value` in the base unit, rounded so that a pound and its kilograms meet."""

    unit: str
    value: Decimal
    raw: str


def figures(text: str) -> Iterator[Figure]:
    for number, written in _NUMBER.findall(text):
        if "-" in number:
            yield Figure("date", Decimal(number.replace("-", "")), number)
            continue
        plain = written.lower()
        unit, scale = _SCALE.get(_PLURAL.get(plain, plain), (_PLURAL.get(plain, plain), Decimal(1)))
        value = Decimal(number.replace(",", "")) * scale
        yield Figure(unit, round(value, 1 if unit == "kg" else 4).normalize(), number)


def test_values(text: str) -> set[tuple[str, str]]:
    """Of "creatinine 1.1" it is (creatinine, 1.1): a value that belongs to another test is not this one's."""
    return {(name.lower(), value.replace(",", "").rstrip(".")) for name, value in _TEST_VALUE.findall(text)}


def a_date(day: date) -> Figure:
    return Figure("date", Decimal(day.strftime("%Y%m%d")).normalize(), day.isoformat())


class Given:
    """What may be used. A unit that nobody wrote is no fault where the figure itself was given without one."""

    def __init__(self, known: set[Figure]) -> None:
        self._known = {(f.unit, f.value) for f in known}
        self._plain = {f.value for f in known if f.unit == ""}
        self._raw = {f.raw.replace(",", "") for f in known}

    def has(self, figure: Figure) -> bool:
        if figure.unit == "":
            return figure.raw.replace(",", "") in self._raw
        if figure.unit == "date":
            return ("date", figure.value) in self._known
        if figure.unit == "kg":
            # Whole pounds are rounded kilograms.
            return any(abs(figure.value - value) <= _HALF_A_POUND for unit, value in self._known if unit == "kg")
        in_base = Decimal(figure.raw.replace(",", "")).normalize() in self._plain
        return (figure.unit, figure.value) in self._known or (in_base and figure.unit not in ("mg", "mg/kg"))
