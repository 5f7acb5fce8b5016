"""Each dimension on small plans made by hand: what earns its points, and what loses them."""

import pytest

from evals.dimensions import DIMENSIONS, POINTS, marks
from evals.dimensions.reading import reading_grade
from tests.support.evals import cases, look, small_plan, written

CASE = "apremilast-psa"
GOAL = {
    "id": "G1", "text": "t", "measure": "flares", "target": "0 flares", "due": "2026-06-01", "addresses": ["P1"]
}  # fmt: skip
PROBLEM = {
    "id": "P1", "text": "Carbamazepine makes apremilast ineffective.", "category": "ineffective_drug", "severity": "high",
    "medication": "carbamazepine", "citations": ["R1"],
}  # fmt: skip


def _score(dimension: str, **changes: object) -> float:
    return marks(look(CASE, small_plan(cases()[CASE], **changes)))[dimension].score


def test_the_weights_make_85_points() -> None:
    assert POINTS == 85
    assert {name: weight for name, (_, weight, _) in DIMENSIONS.items()} == {
        "B1": 20, "B2": 10, "B3": 8, "B4": 12, "B5": 8, "B6": 15, "B7": 7, "B8": 5,
    }  # fmt: skip


def test_recall_counts_grave_problems_more_and_half_where_taken_lightly() -> None:
    assert _score("B1") == 0
    assert _score("B1", problem_list=[PROBLEM]) == pytest.approx(0.5)
    assert _score("B1", problem_list=[PROBLEM | {"severity": "low"}]) == pytest.approx(0.25)


def test_a_problem_without_a_ground_and_one_that_the_records_deny_cost_precision() -> None:
    assert _score("B2", problem_list=[PROBLEM]) == 1
    invented = PROBLEM | {"id": "P2", "text": "Nocturnal cramps disturb sleep."}
    denied = PROBLEM | {"id": "P3", "text": "The patient's data name suicidal thoughts."}
    assert _score("B2", problem_list=[PROBLEM, invented]) == pytest.approx(0.5)
    assert _score("B2", problem_list=[PROBLEM, denied, PROBLEM | {"id": "P4"}]) == pytest.approx(1 / 3)


def test_a_problem_without_evidence_or_medicine_loses_form() -> None:
    assert _score("B3", problem_list=[PROBLEM | {"citations": [], "medication": None}]) < _score(
        "B3", problem_list=[PROBLEM]
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"target": "improve symptoms"},
        {"target": "better"},
        {"due": "2026-01-01"},
        {"due": "2036-01-01"},
        {"addresses": []},
        {"measure": " "},
    ],
)
def test_a_goal_that_cannot_be_missed_loses_points(fault: dict[str, object]) -> None:
    assert _score("B4", goals=[GOAL | fault]) < _score("B4", goals=[GOAL])


def test_interventions_need_who_when_and_a_problem() -> None:
    plan = small_plan(cases()[CASE])
    step = plan.sections.interventions[0].model_dump()
    assert _score("B5") == 1
    assert _score("B5", interventions=[step | {"by": ""}]) < 1
    assert _score("B5", interventions=[step | {"addresses": []}]) < 1
    assert _score("B5", interventions=[step | {"text": "Do something."}]) == pytest.approx(0.8)


def test_monitoring_is_held_against_the_schedule() -> None:
    rows = [row.model_dump() for row in written(CASE).sections.monitoring]
    right = look(CASE)
    assert marks(right)["B6"].score == 1
    other = [rows[0], rows[1] | {"interval": "every 9 years"}, *rows[2:]]
    assert 0.5 < _score("B6", monitoring=other) < 1
    assert _score("B6", monitoring=[rows[0]]) < 0.6


def test_a_home_medicine_that_nobody_names_is_missed() -> None:
    assert _score("B7") == 0
    assert _score("B7", problem_list=[PROBLEM]) == pytest.approx(1 / 3)


def test_hard_words_and_codes_cost_the_handout() -> None:
    plain = "Take one pill each day. Call us if you feel sad. " * 5
    hard = "Pharmacotherapeutic administration necessitates comprehensive longitudinal surveillance of parameters. " * 6
    assert _score("B8", handout=plain) == 1
    assert _score("B8", handout=f"{plain} See P3 and K12.") == pytest.approx(0.5)
    assert _score("B8", handout=hard) == 0
    assert _score("B8", handout="Take it.") == 0


@pytest.mark.parametrize("case", sorted(cases()))
def test_every_handout_reads_at_grade_8_or_below_names_of_medicines_counted_in(case: str) -> None:
    handout = written(case).handout
    assert len(handout.split()) >= 40
    assert reading_grade(handout) <= 8


def test_the_reading_grade_is_near_what_others_compute() -> None:
    assert reading_grade("The cat sat on the mat. The dog ran to the park.") < 2
    assert (
        7
        < reading_grade("Patients receiving this medicine should contact their pharmacy whenever a fever develops.")
        < 15
    )
