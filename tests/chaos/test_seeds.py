"""A seed decides everything but time: the faults, the orders, the model's moods; and the fake model writes real plans."""

from itertools import islice

import pytest

from schemas.order import Order
from services.generator.domain.answer import parse_answer
from services.generator.domain.assemble import assemble
from services.generator.domain.guards import violations
from services.generator.domain.prompt import order_message
from services.generator.domain.redaction import Redaction
from tests.chaos.model import case_text, plan_for
from tests.chaos.mutants import Mutant, mutants, mutated
from tests.chaos.orders import STORIES, stories
from tests.chaos.schedule import PARTS, schedule
from tests.support.clinical_orders import SAMPLES
from tests.support.plans import PRODUCED_BY, request_for


def test_the_same_seed_gives_the_same_faults_and_orders_and_another_seed_others() -> None:
    assert schedule(7, 2) == schedule(7, 2) != schedule(8, 2)
    assert list(islice(stories(7), 50)) == list(islice(stories(7), 50)) != list(islice(stories(8), 50))


def test_faults_fit_into_the_time_and_befall_every_part() -> None:
    faults = schedule(3, 5)
    assert all(fault.at > 0 and fault.at + fault.seconds <= 5 * 60 for fault in faults)
    assert {part for fault in faults for part in fault.befalls} == set(PARTS)


def test_every_kind_of_order_comes() -> None:
    assert {cases[0].story for cases in islice(stories(1), 500)} == set(STORIES)


def test_no_two_cases_share_a_number_or_a_key() -> None:
    cases = [case for story in islice(stories(1), 300) for case in story]
    assert len({case.number for case in cases}) == len(cases)
    keys = [case.key for case in cases if case.key]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_fake_model_writes_from_the_prompt_alone_what_becomes_a_plan(sample: str) -> None:
    order = SAMPLES[sample]()
    named = Order.model_validate({**order.model_dump(), "patient_records": f"{order.patient_records}\n{case_text(12)}"})
    request = request_for(named)
    redaction = Redaction(named)
    text = redaction.show_in_json(plan_for(order_message(request, redaction, "fence")))
    assert violations(assemble(parse_answer(text), request, PRODUCED_BY), request) == []


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_every_mutant_still_fits_the_code(mutant: Mutant) -> None:
    with mutated(mutant) as copy:
        assert (copy / "chassis").is_dir()
