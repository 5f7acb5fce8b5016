"""What the models have cost, and how they are: read for analysts and admins."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from chassis.database import Database, Transaction
from services.generator import ledger
from services.generator.adapters.fleet import Fleet
from services.generator.domain.prices import Prices
from services.generator.use_cases.asking import Budget


@dataclass(frozen=True)
class Accounts:
    database: Database
    models: Fleet
    prices: Prices
    budget: Budget

    async def costs(self, first: date | None, last: date | None) -> dict[str, Any]:
        """By day and by model, both days included (UTC)."""
        async with self.database.snapshot() as db:
            return {
                "estimate": True,
                "prices_as_of": self.prices.as_of.isoformat(),
                "budget": await self._budget(db),
                "by_day": await ledger.by_day(db, first, last),
                "by_model": await ledger.by_model(db, first, last),
            }

    async def costs_of_order(self, order_id: UUID) -> dict[str, Any]:
        async with self.database.reading() as db:
            calls = await ledger.of_order(db, order_id)
        total = sum(call["cost_usd"] or 0.0 for call in calls)
        return {"estimate": True, "order_id": order_id, "cost_usd": round(total, 6), "calls": calls}

    async def state(self) -> dict[str, Any]:
        async with self.database.reading() as db:
            budget = await self._budget(db)
        small, large, *fallbacks = (f"{model.provider}:{model.model}" for model in self.models.models)
        return {
            "small": small,
            "large": large,
            "fallbacks": fallbacks,
            "providers": [
                {"provider": gate.provider, "breaker": await gate.state(), "paused_seconds": gate.paused_seconds}
                for gate in self.models.gates
            ],
            "budget": budget,
        }

    async def _budget(self, db: Transaction) -> dict[str, Any]:
        spent, limit = await ledger.spent_this_month(db), self.budget.monthly_usd
        state = "no_limit" if limit is None else "used_up" if self._is_used_up(spent, limit) else "open"
        return {"state": state, "monthly_usd": None if limit is None else float(limit), "spent_usd": float(spent)}

    def _is_used_up(self, spent: Decimal, limit: Decimal) -> bool:
        """Also where what is left is too little for one more call."""
        return spent >= limit or self.budget.used_up
