"""Doses are computed by code, from the order's weight, or not at all."""

from datetime import date
from typing import Any

import pytest

from tests.support.clinical_orders import SAMPLES
from tests.support.plans import found, request_for


def test_ivig_is_two_grams_a_kilogram_over_five_days() -> None:
    (dose,) = request_for(SAMPLES["ivig"]()).doses
    assert dose.words == "course: 2 g/kg x 72 kg = 144 g in total, 28.8 g a day for 5 days"
    assert dose.dates == tuple(date(2026, 2, day) for day in (5, 6, 7, 8, 9))


@pytest.mark.parametrize(
    ("code", "weight", "amount"),
    [("K50.90", 80.0, "400"), ("M05.79", 80.0, "240"), ("K51.00", 62.5, "312.5")],
)
def test_infliximab_follows_the_diagnosis(code: str, weight: float, amount: str) -> None:
    doses = request_for(medication="Remicade IV", primary_diagnosis=code, patient_weight_kg=weight).doses
    assert f"= {amount} mg" in doses[0].words


@pytest.mark.parametrize(("weight", "amount"), [(55.0, "260"), (55.1, "390"), (85.0, "390"), (85.1, "520")])
def test_ustekinumab_induction_follows_the_weight_table(weight: float, amount: str) -> None:
    doses = request_for(medication="Stelara IV", primary_diagnosis="K50.90", patient_weight_kg=weight).doses
    assert doses[0].words == f"induction: {amount} mg"


def test_no_weight_no_dose() -> None:
    request = request_for(patient_weight_kg=None)
    assert request.doses == ()
    assert "Weight not provided: no dose was computed." in [missing.text for missing in request.gaps]
    assert found(patient_weight_kg=None)["weight:missing"].severity == "high"


def test_a_fixed_dose_needs_no_weight() -> None:
    request = request_for(medication="Ocrevus", primary_diagnosis="G35", patient_weight_kg=None)
    assert [dose.words for dose in request.doses] == ["start: 300 mg", "maintenance: 600 mg"]
    assert "weight:missing" not in {item.id for item in request.checklist}


@pytest.mark.parametrize(
    ("stated", "finding"),
    [
        ("IVIG 2 g/kg total over 5 days (0.4 g/kg/day, 28 g a day).", None),
        ("IVIG 2 g/kg total over 5 days, 28.8 g a day; vial rounding allowed.", None),
        ("IVIG 0.4 g/kg/day for 5 days.", None),
        ("IVIG 2 g/kg total, 280 g a day.", "dose:arithmetic"),
        ("IVIG 20 g/kg total.", "dose:rule"),
        ("IVIG 0.2 g/kg total.", "dose:rule"),
    ],
)
def test_a_stated_dose_by_weight_is_checked(stated: str, finding: str | None) -> None:
    items = {item_id for item_id in found(patient_records=stated) if item_id.startswith("dose:")}
    assert items == ({finding} if finding else set())


@pytest.mark.parametrize(("stated", "is_found"), [("adalimumab 40 mg SC", False), ("adalimumab 400 mg SC", True)])
def test_a_stated_amount_ten_times_the_rules_is_found(stated: str, *, is_found: bool) -> None:
    items = found(medication="Humira", primary_diagnosis="M05.79", patient_records=f"Start {stated} every 2 weeks.")
    assert ("dose:amount" in items) is is_found


def test_children_have_their_own_rules() -> None:
    child: dict[str, Any] = {
        "medication": "fingolimod",
        "primary_diagnosis": "G35",
        "patient_date_of_birth": "2014-01-01",
    }
    assert "0.25 mg" in request_for(**child, patient_weight_kg=35.0).doses[0].words
    assert "0.5 mg" in request_for(**child, patient_weight_kg=45.0).doses[0].words


def test_dates_are_counted_from_the_order_date() -> None:
    request = request_for(medication="Ocrevus", primary_diagnosis="G35")
    igg = next(visit for visit in request.calendar if visit.fact.id == "ocrelizumab.monitor.immunoglobulins")
    assert (igg.on, igg.again) == (date(2026, 8, 6), date(2027, 2, 4))


def test_what_comes_after_the_course_is_counted_from_its_end() -> None:
    renal = next(visit for visit in request_for().calendar if visit.fact.id == "ivig.monitor.renal")
    assert renal.on == date(2026, 2, 12)
    assert renal.first == "before dose 1"
