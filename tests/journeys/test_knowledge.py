"""Drug facts as the staff reads and searches them."""

import pytest

from tests.support.stack import Stack

pytestmark = pytest.mark.anyio


async def test_the_staff_reads_and_searches_the_facts_and_sees_that_nobody_has_verified_them(system: Stack) -> None:
    assistant = system.as_("assistant")
    listed = (await assistant.get("/api/knowledge")).json()
    assert len(listed["drugs"]) == 25
    assert {drug["status"] for drug in listed["drugs"]} == {"unverified"}
    one = (await assistant.get("/api/knowledge/tocilizumab")).json()
    assert len(one["facts"]) == one["drug"]["facts"]
    anc = next(fact for fact in one["facts"] if fact["fact_id"] == "tocilizumab.baseline.anc")
    assert anc["more"]["do not start"] == "ANC below 2,000 per mm3"
    found = (await assistant.get("/api/knowledge/search", params={"q": "rifampin", "drug": "apremilast"})).json()[
        "facts"
    ]
    assert found[0]["fact_id"] == "apremilast.interact.inducers"
    assert (await assistant.get("/api/knowledge/nothing")).status_code == 404
    assert (await assistant.get("/api/knowledge/search")).status_code == 400
    assert (await system.as_partner("clinic").get("/api/knowledge")).status_code == 403
