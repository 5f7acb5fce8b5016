"""A language model outside the system: Anthropic's protocol over HTTP, plans from the prompt alone, every call counted.

It never dies with the system, so what it has counted is the bill. Now and then it refuses, fails, dawdles, breaks off,
never answers, or answers with something that is no plan: by seed, so that a run can be repeated.
"""

import asyncio
import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from schemas.order import Order
from services.generator.adapters.scripted import scripted_answer
from services.generator.domain.answer import Answer
from services.generator.domain.request import plan_request
from tests.support.model_servers import breaks_off, refuses, says
from tests.support.plans import facts

Mood = Literal["good", "slow", "busy", "broken", "cut", "silent", "nonsense"]

_MOODS: dict[Mood, int] = {"good": 76, "slow": 6, "busy": 5, "broken": 5, "cut": 3, "silent": 2, "nonsense": 3}
UNBILLED: frozenset[Mood] = frozenset({"busy", "broken"})
USABLE: frozenset[Mood] = frozenset({"good", "slow"})
_STUBBORN_REFUSALS = 3

_ANSWER = TypeAdapter(Answer)
_CASE = re.compile(r"chaos-(\d{5})(s?)")
_ORDER = re.compile(r"# Order\n\n(\{.*?\n\})\n", re.DOTALL)
_RECORDS = re.compile(r"<records (\w+)>\n(.*)\n</records \1>", re.DOTALL)


def case_text(case: int, *, stubborn: bool = False) -> str:
    """What stands in the records of an order, so that its calls are known. A stubborn case is refused three times."""
    return f"Chart chaos-{case:05d}{'s' if stubborn else ''}."


@dataclass(slots=True)
class Call:
    """One request that reached the model. Times are of the monotonic clock; `ended` is when the last byte was out."""

    case: int
    mood: Mood
    started: float
    ended: float = 0.0

    @property
    def billed(self) -> bool:
        return self.mood not in UNBILLED


@dataclass
class FakeModel:
    """An ASGI application. `calls` is the bill, in the order in which calls came."""

    seed: int
    calls: list[Call] = field(default_factory=list)
    _asked: Counter[int] = field(default_factory=Counter)
    _refused: Counter[int] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        prompt = _prompt_in(await Request(scope, receive).json())
        found = _CASE.search(prompt)
        assert found, "every order of a chaos run says which case it is"
        call = Call(int(found[1]), self._mood(int(found[1]), stubborn=bool(found[2])), time.monotonic())
        self.calls.append(call)
        try:
            response = await self._answer(call, prompt, receive)
            if response is not None:
                await response(scope, receive, send)
        finally:
            call.ended = time.monotonic()

    def _mood(self, case: int, *, stubborn: bool) -> Mood:
        """Which it is depends on the case and on how often it was asked, not on when."""
        self._asked[case] += 1
        chance = random.Random(f"{self.seed} {case} {self._asked[case]}")
        mood = chance.choices(list(_MOODS), list(_MOODS.values()))[0]
        if stubborn and mood not in UNBILLED and self._refused[case] < _STUBBORN_REFUSALS:
            self._refused[case] += 1
            return "nonsense"
        return mood

    async def _answer(self, call: Call, prompt: str, receive: Receive) -> Response | None:
        """None: there is none, and who asked has hung up."""
        chance = random.Random(f"{self.seed} {call.case} seconds {self._asked[call.case]}")
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        match call.mood:
            case "busy":
                return refuses(429, retry_after="1")()
            case "broken":
                return refuses(chance.choice((500, 503, 529)))()
            case "silent":
                await receive()  # until who asked hangs up
                return None
            case "cut":
                return breaks_off()
            case "nonsense":
                return says("anthropic", '{"problem_list": []}')()
            case "slow":
                await asyncio.sleep(chance.uniform(2, 4))
        return says("anthropic", plan_for(prompt))()


def plan_for(prompt: str) -> str:
    """What `scripted` makes of a prompt: it knows no more of the patient than a real model would."""
    return _ANSWER.dump_json(scripted_answer(plan_request(order_in(prompt), facts()))).decode()


def order_in(prompt: str) -> Order:
    """The order as far as the prompt tells it: somebody of that age, with the redacted records."""
    order, records = _ORDER.search(prompt), _RECORDS.search(prompt)
    assert order
    assert records
    told = json.loads(order[1])
    day = date.fromisoformat(told["order_date"])
    return Order.model_validate({
        **told,
        "patient": {
            "first_name": "Nobody", "last_name": "Inparticular", "mrn": "999999",
            "date_of_birth": date(day.year - told["age"], day.month, min(day.day, 28)),
            "sex": told["sex"], "weight_kg": told["weight_kg"], "allergies": told["allergies"],
        },
        "provider": {"name": "Somebody Else", "npi": "0000000000"},
        "patient_records": records[2],
    })  # fmt: skip


def _prompt_in(request: dict[str, Any]) -> str:
    content: str = request["messages"][0]["content"]
    return content
