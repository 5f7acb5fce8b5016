"""HTTP in: what the models have cost, for analysts; how they are, for admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from chassis.answer import json_answer
from chassis.errors import NotFound
from chassis.ids import id_in
from chassis.queries import Day
from chassis.security import Caller, staff
from services.generator.documents import Costs, CostsOfOrder, ModelsState
from services.generator.use_cases import Accounts

Analyst = Annotated[Caller, Depends(staff("analyst"))]
Admin = Annotated[Caller, Depends(staff("admin"))]


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
        return json_answer(await accounts.costs(first_day, last_day))

    @costs.get("/orders/{order_id}", response_model=CostsOfOrder)
    async def get_costs_of_order(_: Analyst, order_id: str) -> Response:
        """Each call that one order's plan took, those that failed included."""
        found = id_in(order_id)
        if found is None:
            raise NotFound("There is no such order.")
        return json_answer(await accounts.costs_of_order(found))

    @ops.get("/models", response_model=ModelsState)
    async def get_models(_: Admin) -> Response:
        """Which models write here, whether their breakers are open, and what is left of the budget."""
        return json_answer(await accounts.state())

    return [costs, ops]
