"""Dose arithmetic that the files describe, worked through by hand."""

from decimal import Decimal

import pytest

from knowledge import load
from knowledge.dosing import DoseStep
from knowledge.facts import DoseRule

KB = load()


def step(fact_id: str, name: str) -> DoseStep:
    fact = KB.facts[fact_id]
    assert isinstance(fact, DoseRule)
    return next(s for s in fact.steps if s.name == name)


def test_ivig_2_g_per_kg_over_5_days_for_72_kg_is_144_g_and_28_8_g_a_day() -> None:
    course = step("ivig.dose.g_per_kg", "course")
    assert course.amount_for(Decimal(72)) == 144
    assert course.amount_per_day(Decimal(72)) == Decimal("28.8")


@pytest.mark.parametrize(
    ("weight", "dose"), [("40", 260), ("55", 260), ("55.1", 390), ("85", 390), ("85.1", 520), ("140", 520)]
)
def test_ustekinumab_induction_follows_the_weight_tiers(weight: str, dose: int) -> None:
    assert step("ustekinumab.dose.iv_induction", "induction").amount_for(Decimal(weight)) == dose


@pytest.mark.parametrize(("weight", "dose"), [("100", 45), ("100.1", 90)])
def test_ustekinumab_for_psoriasis_doubles_above_100_kg(weight: str, dose: int) -> None:
    assert step("ustekinumab.dose.psoriasis", "dose").amount_for(Decimal(weight)) == dose


@pytest.mark.parametrize(("weight", "dose"), [("70", 560), ("100", 800), ("130", 800)])
def test_tocilizumab_stops_at_800_mg(weight: str, dose: int) -> None:
    assert step("tocilizumab.dose.iv_ra", "raised by response").amount_for(Decimal(weight)) == dose


def test_infliximab_is_given_on_weeks_0_2_6_and_then_every_8_weeks() -> None:
    induction = step("infliximab.dose.iv_5", "induction")
    maintenance = step("infliximab.dose.iv_5", "maintenance")
    assert [day // 7 for day in induction.on_days] == [0, 2, 6]
    assert (maintenance.from_day, maintenance.every_days) == (14 * 7, 8 * 7)
    assert induction.amount_for(Decimal("80.5")) == Decimal("402.5")


def test_a_fixed_dose_needs_no_weight() -> None:
    assert step("ocrelizumab.dose.iv", "start").amount_for(None) == 300


def test_a_missing_weight_gives_no_dose() -> None:
    assert step("emicizumab.dose.weight", "loading").amount_for(None) is None
    assert step("ivig.dose.g_per_kg", "course").amount_per_day(None) is None


def test_a_step_that_says_its_amount_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly one of"):
        DoseStep(name="x", unit="mg", amount=Decimal(1), per_kg=Decimal(1))


def test_weight_tiers_with_a_gap_are_refused() -> None:
    tiers = [{"up_to_kg": 50, "amount": 1}, {"above_kg": 60, "amount": 2}]
    with pytest.raises(ValueError, match="gap or an overlap"):
        DoseStep.model_validate({"name": "x", "unit": "mg", "tiers": tiers})
