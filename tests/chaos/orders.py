"""Orders of every kind that a pharmacy sees, made from the seed: who sends what, and what must become of it."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any, Literal
from uuid import UUID

import httpx2

from local.demo_orders import demo_orders
from tests.chaos.model import case_text
from tests.support.orders import an_npi, letters
from tests.support.partners import sample, with_text
from tests.support.pdfs import printed

Outcome = Literal["completed", "needs_confirmation", "rejected", "refused"]
"""Where an order must come to rest; `refused`: its form is wrong, and there is no order at all."""
Story = Literal[
    "web", "web waiting", "web without a key", "pdf", "clinic", "pharmacorp", "hl7v2", "equal at once", "one key at once",
    "refill confirmed", "refill left", "refill foreseen", "provider conflict", "stubborn", "malformed",
]  # fmt: skip

STORIES: dict[Story, int] = {
    "web": 26, "web waiting": 8, "web without a key": 8, "pdf": 8, "clinic": 8, "pharmacorp": 8, "hl7v2": 8,
    "equal at once": 7, "one key at once": 5, "refill confirmed": 5, "refill left": 3, "refill foreseen": 3,
    "provider conflict": 3, "stubborn": 2, "malformed": 3,
}  # fmt: skip
_EQUAL_ORDERS = 6
_DAY, _OTHER_DAY = date(2026, 2, 5), date(2026, 3, 5)


@dataclass(frozen=True, slots=True)
class Post:
    """An HTTP request that submits an order. Repeated, it is the same byte for byte."""

    path: str
    caller: str
    """A staff role, or the source of a partner."""
    content_type: str
    body: bytes

    @property
    def by_partner(self) -> bool:
        return self.path.startswith("/api/intake/")


@dataclass(frozen=True, slots=True)
class Case:
    """One order that somebody wants. Cases of the same `group` are equal to the rules: one of them may be accepted."""

    number: int
    story: Story
    post: Post
    key: str | None
    group: int
    expected: Outcome = "completed"
    code: str | None = None
    """The finding that must be among the order's problems."""


def stories(seed: int) -> Iterator[tuple[Case, ...]]:
    """For ever. The cases of one story belong together: what `traffic` does with them is in its name."""
    chance = random.Random(f"{seed} orders")
    clinical = list(islice(demo_orders(_DAY, count=200, seed=seed), 200))
    number = 0
    while True:
        story = chance.choices(list(STORIES), list(STORIES.values()))[0]
        number += 10  # the cases of one story are numbered in a row
        yield _cases(story, number, chance, chance.choice(clinical))


def _cases(story: Story, number: int, chance: random.Random, clinical: dict[str, Any]) -> tuple[Case, ...]:
    order = _order(number, clinical, stubborn=story == "stubborn")
    first = Case(number, story, _web(order), _key(chance), number)
    match story:
        case "web without a key":
            return (replace(first, key=None),)
        case "pdf":
            return (replace(first, post=_with_pdf(order)),)
        case "clinic" | "pharmacorp" | "hl7v2":
            return (replace(first, post=_partner(story, number)),)
        case "equal at once":
            return tuple(
                replace(first, number=number + n, post=_web(_about(order, number + n)), key=_key(chance))
                for n in range(_EQUAL_ORDERS)
            )
        case "refill confirmed" | "refill left" | "refill foreseen":
            again = _about(order, number + 1) | {
                "order_date": _OTHER_DAY.isoformat(),
                "confirm": story == "refill foreseen",
            }
            refill = replace(first, number=number + 1, post=_web(again), key=_key(chance), group=number + 1)
            outcome: Outcome = "needs_confirmation" if story == "refill left" else "completed"
            return (first, replace(refill, expected=outcome, code="DUPLICATE_ORDER_OTHER_DAY"))
        case "provider conflict":
            other = _order(number + 1, clinical)
            other["provider"] = order["provider"] | {"name": "Dr. Pat Smith"}
            conflict = Case(number + 1, story, _web(other), _key(chance), number + 1)
            return (first, replace(conflict, expected="rejected", code="PROVIDER_NPI_CONFLICT"))
        case "malformed":
            broken = order | {"medication": "", "patient": order["patient"] | {"mrn": "12"}}
            return (replace(first, post=_web(broken), expected="refused"),)
        case "web" | "web waiting" | "one key at once" | "stubborn":
            return (first,)


def _order(number: int, clinical: dict[str, Any], *, stubborn: bool = False) -> dict[str, Any]:
    """A clinical picture of the demo's, for a patient and a provider whom nobody has met before."""
    name = letters(number).capitalize()
    return {
        **clinical,
        "patient": {
            **clinical["patient"], "first_name": f"Ana{name.lower()}", "last_name": f"Bell{name.lower()}",
            "mrn": f"{100_000 + number}",
        },
        "provider": {"name": f"Dr. Jane Lee{name.lower()}", "npi": an_npi(100_000 + number)},
        "patient_records": f"{clinical['patient_records']}\n{case_text(number, stubborn=stubborn)}",
        "order_date": _DAY.isoformat(),
    }  # fmt: skip


def _about(order: dict[str, Any], number: int) -> dict[str, Any]:
    """The same order, told apart by what its records say."""
    said = order["patient_records"].rpartition("\n")[0]
    return {**order, "patient_records": f"{said}\n{case_text(number)}"}


def _key(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def _web(order: dict[str, Any]) -> Post:
    return Post("/api/orders", "assistant", "application/json", json.dumps(order).encode())


def _with_pdf(order: dict[str, Any]) -> Post:
    """As the web form sends it: the order, and the records as a file beside it."""
    said = json.dumps({name: value for name, value in order.items() if name != "patient_records"}).encode()
    parts = {
        "order": ("order.json", said, "application/json"),
        "patient_records": ("records.pdf", printed(order["patient_records"]), "application/pdf"),
    }
    request = httpx2.Request(
        "POST", "http://nowhere", files=parts, headers={"Content-Type": "multipart/form-data; boundary=chaos"}
    )
    return Post("/api/orders", "assistant", request.headers["content-type"], request.read())


def _partner(source: Literal["clinic", "pharmacorp", "hl7v2"], number: int) -> Post:
    mrn, name, said = str(100_000 + number), letters(number).capitalize(), case_text(number)
    changes = {
        "clinic": (("20417", mrn), ("O'Neil-Ferrer", f"O'Neil-{name}"), ("RA seropositive", f"{said} RA seropositive")),
        "pharmacorp": (("330912", mrn), ("Ibañez Whitlock", f"Ibañez {name}"), ("Relapsing MS", f"{said} Relapsing MS")),
        "hl7v2": (("447120^", f"{mrn}^"), ("Nakagawa-Reyes", f"Nakagawa-{name}"), ("RA 11 years", f"{said} RA 11 years")),
    }  # fmt: skip
    return Post(f"/api/intake/{source}", source, sample(source).content_type, with_text(source, *changes[source]))
