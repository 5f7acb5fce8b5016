"""HTTP in: what the models have cost, for analysts; how they are, for admins."""

import json
import re
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BeforeValidator

from chassis.errors import NotFound
from chassis.ids import id_in
from chassis.security import Caller, staff
from services.generator.documents import Costs, CostsOfOrder, ModelsState
from services.generator.use_cases import Accounts

Analyst = Annotated[Caller, Depends(staff("analyst"))]
Admin = Annotated[Caller, Depends(staff("admin"))]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_day(value: object) -> object:
    """A form sends all of its fields, the empty ones too; pydantic alone takes a date for more than a date."""
    if value == "":
        return None
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("a date is written YYYY-MM-DD")
    return value


Day = Annotated[date | None, BeforeValidator(_written_day)]


def routers(accounts: Accounts) -> list[APIRouter]:
    costs = APIRouter(prefix="/api/costs", tags=["reports"])
    ops = APIRouter(prefix="/api/ops", tags=["operations"])

    @costs.get("", response_model=Costs)
    async def get_costs(
        _: Analyst,
        first_day: Annotated[Day, Query(alias="from")] = None,
        last_day: Annotated[Day, Query(alias="to")] = None,
    ) -> Response:
        """The ledger of calls to language models, by day and by model: an estimate, from a dated table of prices."""
        return _json(await accounts.costs(first_day, last_day))

    @costs.get("/orders/{order_id}", response_model=CostsOfOrder)
    async def get_costs_of_order(_: Analyst, order_id: str) -> Response:
        """Each call that one order's plan took, those that failed included."""
        found = id_in(order_id)
        if found is None:
            raise NotFound("There is no such order.")
        return _json(await accounts.costs_of_order(found))

    @ops.get("/models", response_model=ModelsState)
    async def get_models(_: Admin) -> Response:
        """Which models write here, whether their breakers are open, and what is left of the budget."""
        return _json(await accounts.state())

    return [costs, ops]


def _json(body: Any) -> Response:
    return Response(json.dumps(body, default=_plain), media_type="application/json")


def _plain(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value)
