"""A generator over a database of its own, without Kafka, and models that do what they are told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from chassis.crypto import Keyring, new_key
from chassis.database import Database
from chassis.ids import new_id
from chassis.messaging.codec import Codec
from chassis.messaging.jobs import Worker
from local.environment import with_role
from schemas.careplan import CarePlan, ProducedBy
from schemas.event import Event, Fact
from schemas.order import Order
from schemas.validation import OrderAccepted
from services.generator.adapters.fleet import Fleet, one_model
from services.generator.adapters.model import LanguageModel, ModelAnswer
from services.generator.adapters.scripted import scripted_answer
from services.generator.domain.answer import Answer
from services.generator.domain.assemble import assemble
from services.generator.domain.prices import Price, Prices, Rate, Usage
from services.generator.domain.redaction import Redaction
from services.generator.domain.request import PlanRequest, plan_request
from services.generator.storage import Assignment
from services.generator.use_cases import Asking, Budget, Generator
from tests.support.databases import ROLE_PASSWORD
from tests.support.plans import facts
from tests.support.stack import sample_order

Step = Callable[[PlanRequest], ModelAnswer]


def good(request: PlanRequest) -> ModelAnswer:
    """A text about the redacted order, as a model would send it."""
    text = TypeAdapter(Answer).dump_json(scripted_answer(request)).decode()
    return _said(Redaction(request.order).hide(text))


def unusable(_: PlanRequest) -> ModelAnswer:
    return _said("not what was asked for")


def _said(text: str) -> ModelAnswer:
    return ModelAnswer(text, "double-1", TOOK, provider="double", prompt_version="1")


def raising(error: Exception) -> Step:
    def step(_: PlanRequest) -> ModelAnswer:
        raise error

    return step


@dataclass
class BilledModel:
    """A language model that does what its steps say, one a call; the last one for ever."""

    steps: Sequence[Step]
    provider: str = "double"
    model: str = "double-1"
    billed: bool = True
    prompt_version: str = "1"
    complaints: list[Sequence[str]] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return len(self.complaints)

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        self.complaints.append(complaints)
        return self.steps[min(self.calls, len(self.steps)) - 1](request)


@dataclass
class Desk:
    """A generator over its own database, without Kafka: what it emitted is read from its outbox."""

    database: Database
    generator: Generator
    codec: Codec
    lease: timedelta = timedelta(seconds=30)

    async def accept(self, attempt: int = 1, order_id: UUID | None = None, order: Order | None = None) -> UUID:
        order_id = order_id or new_id()
        fact: Fact = OrderAccepted(
            order_id=order_id, attempt=attempt, order=order or an_order(), patient_id=new_id(), provider_id=new_id()
        )
        await self.generator.take_on([Event(new_id(), "validation", datetime.now(UTC), fact)])
        return order_id

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        worker = Worker(self.database, self.generator.write_plan, lease=self.lease, safety_poll_seconds=0.05)
        self.generator.room = worker.room
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def emitted(self, count: int = 1, seconds: float = 45) -> list[Any]:
        """The facts in the outbox, once there are `count`."""
        rows: list[asyncpg.Record] = []
        for _ in range(int(seconds / 0.02)):
            async with self.database.reading() as db:
                rows = await db.fetch("SELECT headers, value FROM outbox ORDER BY id")
            if len(rows) >= count:
                break
            await asyncio.sleep(0.02)
        events = [self.codec.decode(json.loads(row["headers"]), row["value"]) for row in rows]
        assert len(events) == count, [event and event.type for event in events]
        return [event.data for event in events if event]

    async def calls(self, count: int = 1, seconds: float = 45) -> list[dict[str, Any]]:
        """The ledger, oldest first, once it has `count` calls that ended."""
        rows: list[asyncpg.Record] = []
        for _ in range(int(seconds / 0.02)):
            async with self.database.reading() as db:
                rows = await db.fetch("SELECT *, cost_usd::float8 AS usd FROM model_calls ORDER BY call_id")
            if sum(row["outcome"] != "ASKED" for row in rows) >= count:
                break
            await asyncio.sleep(0.02)
        return [dict(row) for row in rows]


def an_order() -> Order:
    sample = sample_order()
    return Order.model_validate({**sample, "order_date": date(2026, 2, 5)})


PRICES = Prices(
    date(2026, 11, 21),
    {
        ("double", "double-1"): Price(Rate(Decimal(10), Decimal(12), Decimal(1), Decimal(50))),
        ("other", "other-1"): Price(Rate(Decimal(10), Decimal(12), Decimal(1), Decimal(50))),
    },
)
TOOK = Usage(input_tokens=5_000, output_tokens=9_000)
"""A call to a double: $0.50. Before it, up to about a dollar is set aside."""


@asynccontextmanager
async def desks(database_url: str) -> AsyncIterator["DeskWith"]:
    keyring = Keyring.parse(f"test:{new_key()}")
    codec = Codec("generator", keyring)
    database = Database(with_role(database_url, "careplan_generator", ROLE_PASSWORD), codec)

    def build(model: LanguageModel | Fleet, budget_usd: str | None = None) -> Desk:
        def prepare(assignment: Assignment) -> PlanRequest:
            return plan_request(assignment.order, facts(), assignment.findings)

        def compose(answer: ModelAnswer, request: PlanRequest) -> CarePlan:
            by = ProducedBy(
                provider=answer.provider,
                model=answer.model,
                prompt_version=answer.prompt_version,
                knowledge_version="1",
            )
            return assemble(answer.answer(request.order), request, by)

        models = model if isinstance(model, Fleet) else one_model(model)
        budget = Budget(None if budget_usd is None else Decimal(budget_usd))
        asking = Asking(database, keyring, models.candidates, PRICES, budget)
        generator = Generator(
            database, keyring, asking, prepare, compose, billed=models.billed, first_backoff_seconds=0.01
        )
        return Desk(database, generator, codec)

    yield build
    await database.close()


DeskWith = Callable[..., Desk]
