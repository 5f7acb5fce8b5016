"""The business rules end to end: what one order makes known decides on the next, also at the same moment."""

import asyncio
from collections import Counter
from typing import Any

import httpx2
import pytest

from local.broker import EmbeddedBroker
from local.serve import build_service
from tests.support.chassis import until
from tests.support.orders import new_order
from tests.support.stack import Stack, environments, running

WAIT = {"Prefer": "wait=25"}


async def decided(client: httpx2.AsyncClient, order: dict[str, Any]) -> tuple[str, list[str]]:
    """The status, and the codes of everything found. However long it takes: who waits in vain is told 202 as well."""
    answer = await client.post("/api/orders", json=order, headers=WAIT)

    async def once_decided() -> dict[str, Any] | None:
        order: dict[str, Any] = (await client.get(answer.headers["location"])).json()
        return order if order["status"] != "pending" else None

    shown = await until(once_decided, 120)
    status = "processing" if shown["status"] == "completed" else shown["status"]
    return status, [problem["code"] for problem in shown["problems"]]


def change(order: dict[str, Any], **changes: Any) -> dict[str, Any]:
    parts = {name: {**order[name], **value} if isinstance(value, dict) else value for name, value in changes.items()}
    return order | parts


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"order_date": "2026-02-06", "medication": "Rituxan"}, ("processing", [])),
        ({"medication": "Rituxan", "provider": {"name": "LEE, JANE MD"}}, ("processing", [])),
        ({"medication": "Rituxan", "provider": {"name": "Dr. John Lee"}}, ("rejected", ["PROVIDER_NPI_CONFLICT"])),
        ({}, ("rejected", ["DUPLICATE_ORDER_SAME_DAY"])),
        ({"medication": "Gammagard"}, ("rejected", ["DUPLICATE_ORDER_SAME_DAY"])),
        ({"medication": "gamunex c"}, ("rejected", ["DUPLICATE_ORDER_SAME_DAY"])),
        ({"order_date": "2026-02-06"}, ("needs_confirmation", ["DUPLICATE_ORDER_OTHER_DAY"])),
        ({"patient": {"first_name": "Zoe"}, "medication": "Rituxan"}, ("needs_confirmation", ["PATIENT_MRN_MISMATCH"])),
        ({"patient": {"date_of_birth": "1980-06-08"}, "medication": "Rituxan"}, ("needs_confirmation", ["PATIENT_MRN_MISMATCH"])),
        ({"patient": {"mrn": "990000"}}, ("needs_confirmation", ["PATIENT_POSSIBLE_DUPLICATE"])),
        ({"patient": {"first_name": "Zoe"}}, ("rejected", ["PATIENT_MRN_MISMATCH", "DUPLICATE_ORDER_SAME_DAY"])),
        ({"primary_diagnosis": "G35", "medication": "Rituxan"}, ("processing", ["ICD10_NOT_BILLABLE"])),
    ],
)  # fmt: skip
async def test_a_second_order_is_decided_by_what_the_first_made_known(
    changes: dict[str, Any], outcome: tuple[str, list[str]], system: Stack
) -> None:
    client, first = system.as_("assistant"), new_order(provider={"name": "Dr. Jane Lee"})
    assert await decided(client, first) == ("processing", [])
    assert await decided(client, change(first, **changes)) == outcome


async def test_names_that_a_careful_person_calls_the_same_are_the_same(system: Stack) -> None:
    client = system.as_("assistant")
    first = new_order(patient={"first_name": "José", "last_name": "O'Brien-Łuk"})
    await decided(client, first)
    again = change(
        first, patient={"first_name": " jose\u0301", "last_name": "O\u2019BRIEN\u2011LUK"}, medication="Humira"
    )
    assert await decided(client, again) == ("processing", [])


async def test_a_wrong_check_digit_warns(system: Stack) -> None:
    order = new_order()
    npi = order["provider"]["npi"]
    wrong = npi[:9] + str((int(npi[9]) + 1) % 10)
    outcome = await decided(system.as_("assistant"), change(order, provider={"npi": wrong}))
    assert outcome == ("needs_confirmation", ["NPI_CHECK_DIGIT"])


async def test_only_accepted_orders_make_patients_and_providers_known(system: Stack) -> None:
    client, first = system.as_("assistant"), new_order()
    npi = first["provider"]["npi"]
    wrong = change(first, provider={"npi": npi[:9] + str((int(npi[9]) + 1) % 10)})
    assert (await decided(client, wrong))[0] == "needs_confirmation"
    other = change(wrong, patient={"first_name": "Zoe"}, provider={"name": "John Lee"})
    assert await decided(client, other) == ("needs_confirmation", ["NPI_CHECK_DIGIT"])


async def test_a_confirmed_mismatch_leaves_the_record_as_it_was(system: Stack) -> None:
    client, first = system.as_("assistant"), new_order()
    await decided(client, first)
    zoe = change(first, patient={"first_name": "Zoe"}, medication="Humira", confirm=True)
    assert await decided(client, zoe) == ("processing", ["PATIENT_MRN_MISMATCH"])
    assert await decided(client, change(first, medication="Enbrel")) == ("processing", [])
    assert (await decided(client, change(zoe, medication="Stelara", confirm=False)))[1] == ["PATIENT_MRN_MISMATCH"]
    assert (await decided(client, change(first, medication="Humira")))[1] == ["DUPLICATE_ORDER_SAME_DAY"]


async def test_a_confirmed_possible_duplicate_is_a_patient_of_its_own(system: Stack) -> None:
    client, first = system.as_("assistant"), new_order()
    await decided(client, first)
    twin = change(first, patient={"mrn": f"98{first['patient']['mrn'][2:]}"}, confirm=True)
    assert await decided(client, twin) == ("processing", ["PATIENT_POSSIBLE_DUPLICATE"])
    assert await decided(client, change(twin, medication="Humira", confirm=False)) == ("processing", [])
    assert (await decided(client, change(twin, confirm=False)))[1] == ["DUPLICATE_ORDER_SAME_DAY"]


async def test_the_mrn_of_one_with_the_name_of_another_warns_twice(system: Stack) -> None:
    client, ana, bo = system.as_("assistant"), new_order(), new_order()
    await decided(client, ana)
    await decided(client, bo)
    mixed = change(ana, patient={"mrn": bo["patient"]["mrn"]}, medication="Humira")
    assert (await decided(client, mixed))[1] == ["PATIENT_MRN_MISMATCH", "PATIENT_POSSIBLE_DUPLICATE"]


async def test_p5_fifty_equal_orders_at_once_are_one_accepted_and_49_blocked(system: Stack) -> None:
    client = system.as_("assistant")
    for _ in range(3):
        order = new_order()
        outcomes = Counter([str(found) for found in await asyncio.gather(*(decided(client, order) for _ in range(50)))])
        assert outcomes == {
            str(("processing", [])): 1,
            str(("rejected", ["DUPLICATE_ORDER_SAME_DAY"])): 49,
        }


async def test_thirty_different_orders_of_one_new_patient_at_once_make_one_patient(system: Stack) -> None:
    client, base = system.as_("assistant"), new_order()
    orders = [change(base, medication=f"Drug number {n}") for n in range(30)]
    outcomes = await asyncio.gather(*(decided(client, order) for order in orders))
    assert Counter(status for status, _ in outcomes) == {"processing": 30}
    zoe = change(base, patient={"first_name": "Zoe"}, medication="Humira")
    answer = await client.post("/api/orders", json=zoe, headers=WAIT)
    assert [w["code"] for w in answer.json()["detail"]["warnings"]] == ["PATIENT_MRN_MISMATCH"]


async def test_two_replicas_of_validation_decide_as_if_one_order_came_first(
    database_url: str, broker: EmbeddedBroker
) -> None:
    """P5 with the database's own constraints and locks, since no topic's order helps between two members."""
    settings = environments(database_url, broker.bootstrap_servers, embedded_broker=True)
    async with running(settings) as stack:
        second = build_service("validation", settings["validation"])
        async with second.router.lifespan_context(second):
            await asyncio.sleep(1.5)
            client = stack.as_("assistant")
            for _ in range(3):
                order = new_order()
                outcomes = Counter(
                    status for status, _ in await asyncio.gather(*(decided(client, order) for _ in range(50)))
                )
                assert outcomes == {"processing": 1, "rejected": 49}
