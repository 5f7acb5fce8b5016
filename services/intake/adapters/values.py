"""Values as partners write them, as ours.

A converter gives our form or raises Unfit; a wrong JSON type it hands on, for the one form of an order to refuse.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from services.intake.domain.draft import Found, Unfit

_KG_PER_LB = 0.45359237
_PATTERNS = {"YYYY": "(?P<year>[0-9]{4})", "MM": "(?P<month>[0-9]{2})", "DD": "(?P<day>[0-9]{2})"}
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_DIGITS = re.compile(r"[0-9]+")

Convert = Callable[[Any], Any]


def date_as(form: str) -> Convert:
    """From a date in `form`, of YYYY, MM and DD (`MM/DD/YYYY`), and in no other."""
    pattern = re.escape(form)
    for part, expression in _PATTERNS.items():
        pattern = pattern.replace(part, expression)
    written = re.compile(pattern)

    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = written.fullmatch(value.strip())
        try:
            if found:
                day = "-".join(found.group("year", "month", "day"))
                date.fromisoformat(day)
                return day
        except ValueError:
            pass
        raise Unfit(f"A date is written {form} here.")

    return convert


def one_of(codes: Mapping[str, str]) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in codes:
            raise Unfit(f"This is one of {', '.join(codes)}.")
        return codes[value]

    return convert


def digits(value: Any) -> Any:
    """A number or a string of digits, as a string."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def padded(width: int) -> Convert:
    """A number or a string that may lack leading zeros."""

    def convert(value: Any) -> Any:
        text = digits(value)
        return text.zfill(width) if isinstance(text, str) and _DIGITS.fullmatch(text) else text

    return convert


def decimal(text: str) -> float:
    if not _DECIMAL.fullmatch(text.strip()):
        raise Unfit("This is a decimal number, such as 72.5.")
    return float(text)


def kilograms(amount: Any, unit: Found, pounds: Sequence[str] = ("lb",)) -> Any:
    """Rounded to 0.1 kg."""
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return amount
    place, written = unit
    if written != "kg" and written not in pounds:
        raise Unfit(f"The unit is one of kg, {', '.join(pounds)}.", place)
    weight = float(amount) * (1 if written == "kg" else _KG_PER_LB)
    return round(weight, 1) if math.isfinite(weight) else weight


def listed(text: Any, separator: str = ";") -> list[Any]:
    """The entries of one string; another type as its one entry, to be refused as such."""
    if not isinstance(text, str):
        return [] if text is None else [text]
    return [entry.strip() for entry in text.split(separator) if entry.strip()]
