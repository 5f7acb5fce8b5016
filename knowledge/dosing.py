"""How a dose follows from a weight, written so that code computes it and a language model never does."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import model_validator

from knowledge.parts import Days, Flag, Frozen, Positive, Text


class WeightTier(Frozen):
    """One row of a weight table: heavier than `above_kg`, up to and including `up_to_kg`."""

    above_kg: Decimal = Decimal(0)
    up_to_kg: Positive | None = None
    amount: Positive

    def holds(self, weight_kg: Decimal) -> bool:
        return self.above_kg < weight_kg and (self.up_to_kg is None or weight_kg <= self.up_to_kg)


class DoseStep(Frozen):
    """One leg of a regimen: exactly one of `per_kg`, `amount` or `tiers`, and when it is given.

    `per_kg_to` makes `per_kg` the lower end of a range. `on_days` counts from day 0, the day of the first dose;
    `every_days` repeats from the last of them, or from `from_day`.
    """

    name: Text
    unit: Literal["g", "mg", "tablet"]
    total_or_single: Literal["total", "single"] = "single"
    per_kg: Positive | None = None
    per_kg_to: Positive | None = None
    amount: Positive | None = None
    tiers: tuple[WeightTier, ...] = ()
    max_amount: Positive | None = None
    divided_over_days: Days | None = None
    times_a_day: Days | None = None
    on_days: tuple[Days, ...] = ()
    from_day: Days | None = None
    every_days: Days | None = None
    optional: Flag = False

    @property
    def needs_weight(self) -> bool:
        return self.amount is None

    def amount_for(self, weight_kg: Decimal | None) -> Decimal | None:
        """The dose in `unit`, not rounded to vials; the lower end of a range; None where the weight is missing."""
        if self.amount is not None:
            return self.amount
        if weight_kg is None:
            return None
        if self.per_kg is not None:
            dose = self.per_kg * weight_kg
            return dose if self.max_amount is None else min(dose, self.max_amount)
        return next((tier.amount for tier in self.tiers if tier.holds(weight_kg)), None)

    def amount_per_day(self, weight_kg: Decimal | None) -> Decimal | None:
        """The share of one day where a total is divided over several; otherwise the single dose."""
        amount = self.amount_for(weight_kg)
        return amount / self.divided_over_days if amount is not None and self.divided_over_days else amount

    @model_validator(mode="after")
    def _one_way_to_say_how_much(self) -> Self:
        if sum((self.per_kg is not None, self.amount is not None, bool(self.tiers))) != 1:
            raise ValueError(f"step '{self.name}' needs exactly one of per_kg, amount, tiers")
        if self.total_or_single == "total" and not self.divided_over_days:
            raise ValueError(f"step '{self.name}' is a total and needs divided_over_days")
        for lower, upper in zip(self.tiers, self.tiers[1:], strict=False):
            if lower.up_to_kg != upper.above_kg:
                raise ValueError(f"step '{self.name}' has a gap or an overlap between its weight tiers")
        return self
