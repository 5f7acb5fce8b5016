"""Orders of people nobody has met before, so that tests can share one running system."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2

from services.validation.domain.provider import has_right_check_digit
from tests.support.stack import sample_order

_NUMBERS = count(1)
_LETTERS = "abcdefghij"


def letters(number: int) -> str:
    """A number as a word, for names, which have no digits."""
    return "".join(_LETTERS[int(digit)] for digit in str(number))


def an_npi(number: int) -> str:
    nine = f"{number:09d}"
    return next(npi for digit in range(10) if has_right_check_digit(npi := f"{nine}{digit}"))


def new_order(**changes: Any) -> dict[str, Any]:
    """The web sample for a new patient and a new provider; `changes` as in `sample_order`."""
    number = next(_NUMBERS)
    name = letters(number).capitalize()
    patient = {"first_name": f"Ana{name.lower()}", "last_name": f"Bell{name.lower()}", "mrn": f"{number:06d}"}
    provider = {"name": f"Dr. Jane Lee{name.lower()}", "npi": an_npi(number)}
    return sample_order(
        **{
            "order_date": "2026-02-05",
            **changes,
            "patient": patient | changes.get("patient", {}),
            "provider": provider | changes.get("provider", {}),
        }
    )


def events_in(lines: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Server-sent events: name and data of each."""
    name = ""
    for line in lines:
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            yield name, json.loads(line.removeprefix("data:"))


def assert_error(answer: httpx2.Response, status: int, kind: str, code: str) -> dict[str, Any]:
    """The one form of every error."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["type"], body["code"]) == (status, kind, code), answer.text
    assert set(body) == {"type", "code", "message", "detail", "trace_id"}
    assert len(body["trace_id"]) == 32
    assert int(body["trace_id"], 16)
    return body
