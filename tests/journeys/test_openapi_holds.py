"""No caller gets a 5xx, or an answer that the OpenAPI document does not name, whatever it sends.

Schemathesis sends it: every operation, by every role, with values at and over every limit (coverage) and with any others.
The shorter one is among `make test-faults` and takes four minutes beside other work, the longer one among `make test-soak`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from local.postgres import EmbeddedPostgres
from tests.support.openapi_fuzz import Fuzz
from tests.support.orders import new_order
from tests.support.partners import new_patient
from tests.support.stack import Stack, new_system, partner_key, token

ROLES = ("admin", "pharmacist", "assistant", "analyst")
SIGN_OUT = "sign_out_api_session_delete"
"""Done last: a token that signed out is good for nothing more."""


@pytest.fixture(scope="module")
async def attacked(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stack]:
    """A system of its own: what is made up here might be the patients of other tests."""
    async with new_system(postgres_server, Path(tmp_path_factory.mktemp("attacked"))) as stack:
        yield stack


@pytest.fixture(scope="module")
async def ids(attacked: Stack) -> Mapping[str, str]:
    """Something of everything, the clinic's: its partner may see it, and so may staff."""
    clinic, json = attacked.as_partner("clinic"), {"Content-Type": "application/json"}
    hook = {"url": "http://localhost:9/hook", "statuses": ["completed"]}
    subscription = (await clinic.post("/api/notifications/subscriptions", json=hook)).json()
    accepted = await clinic.post("/api/intake/clinic", content=new_patient("clinic"), headers=json)
    order = await attacked.until(accepted.json()["order_id"], "completed")
    await clinic.post("/api/intake/clinic", content=b"{}", headers=json)
    submissions = (await attacked.as_("admin").get("/api/ops/submissions")).json()["items"]
    delivery_id = await _first_delivery(attacked)
    return {
        "order_id": order["order_id"],
        "careplan_id": order["careplan"]["careplan_id"],
        "source": "clinic",
        "id": submissions[0]["id"],
        "subscription_id": subscription["id"],
        "delivery_id": delivery_id,
    }


async def _first_delivery(attacked: Stack) -> str:
    async with asyncio.timeout(60):
        while not (items := (await attacked.as_("admin").get("/api/notifications/deliveries")).json()["items"]):
            await asyncio.sleep(0.05)
    return str(items[0]["id"])


def authorization_of(caller: str) -> str | None:
    if caller == "nobody":
        return None
    return f"Bearer {token(caller) if caller in ROLES else partner_key(caller)}"


async def everybody_attacks(
    attacked: Stack,
    ids: Mapping[str, str],
    folder: Path,
    thorough: Mapping[str, int],
    *options: str,
    seconds: float = 1_200,
) -> None:
    """`thorough`: how many made-up cases an operation by whom; the others get a few, and no coverage of limits."""
    fuzz, at_once = Fuzz(attacked.base_url, folder, seconds), asyncio.Semaphore(2)

    async def attack(caller: str) -> str:
        phases = ["--phases", "coverage,fuzzing" if caller in thorough else "fuzzing"]
        cases = ["--max-examples", str(thorough.get(caller, 4))]
        async with at_once:
            named = (caller, authorization_of(caller), ids)
            return await fuzz(*named, *phases, *cases, "--exclude-operation-id", SIGN_OUT, *options)

    callers = [*thorough, *({*ROLES, "clinic", "pharmacorp", "nobody"} - set(thorough))]
    found = await asyncio.gather(*map(attack, callers))
    found.append(await fuzz("leaving", authorization_of("assistant"), {}, "--include-operation-id", SIGN_OUT))
    assert not any(found), "\n".join(found)
    await _a_normal_order_still_completes(attacked)


async def _a_normal_order_still_completes(attacked: Stack) -> None:
    answer = await attacked.as_("assistant").post("/api/orders", json={**new_order(), "confirm": True})
    assert answer.status_code == 202, answer.text
    await attacked.until(answer.json()["order_id"], "completed")


@pytest.mark.faults
@pytest.mark.timeout(3_000)
async def test_every_role_finds_only_answers_of_the_document(
    attacked: Stack, ids: Mapping[str, str], tmp_path: Path
) -> None:
    await everybody_attacks(attacked, ids, tmp_path, {"admin": 6, "clinic": 3}, "--seed", "4")


@pytest.mark.soak
@pytest.mark.timeout(3_600)
async def test_every_role_finds_only_answers_of_the_document_however_long_it_looks(
    attacked: Stack, ids: Mapping[str, str], tmp_path: Path
) -> None:
    everybody = dict.fromkeys((*ROLES, "clinic", "pharmacorp", "nobody"), 150)
    await everybody_attacks(attacked, ids, tmp_path, everybody, seconds=3_000)
