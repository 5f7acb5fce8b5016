"""An admin's keys and accounts: made, listed, rotated, revoked, and refused everywhere from then on."""

import asyncio
import itertools
import json
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from local.serve import build_service
from services.intake.main import access_of
from services.intake.settings import IntakeSettings
from tests.support.chassis import until
from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack, serving

pytestmark = pytest.mark.anyio
NUMBERS = itertools.count()
PASSWORD = "correct horse battery staple"


def with_key(system: Stack, key: str) -> httpx2.AsyncClient:
    return system._client({"Authorization": f"Bearer {key}"})


async def made(system: Stack, **form: Any) -> dict[str, Any]:
    answer = await system.as_("admin").post("/api/ops/keys", json=form)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/ops/keys/{answer.json()['id']}"
    body: dict[str, Any] = answer.json()
    return body


async def refused_everywhere(client: httpx2.AsyncClient) -> None:
    """Intake at once; the others as soon as they have read it."""
    unknown = uuid4()
    assert_error(await client.get("/api/session"), 401, "error", "UNAUTHENTICATED")
    elsewhere = (
        ("GET", f"/api/careplans/{unknown}"),
        ("GET", "/api/orders"),
        ("GET", "/api/notifications/subscriptions"),
        ("POST", f"/api/careplans/{unknown}/approve"),
    )
    for method, path in elsewhere:

        async def refused(method: str = method, path: str = path) -> bool:
            return (await client.request(method, path)).status_code == 401

        await until(refused)


async def account(system: Stack, *roles: str) -> tuple[str, httpx2.AsyncClient]:
    """A new account, and a browser signed in to it."""
    username = f"kim{next(NUMBERS)}"
    form = {"username": username, "password": PASSWORD, "roles": list(roles)}
    answer = await system.as_("admin").post("/api/ops/accounts", json=form)
    assert (answer.status_code, answer.json()["roles"]) == (201, list(roles))
    browser = system.anonymous()
    assert (await browser.post("/api/session", json={"username": username, "password": PASSWORD})).status_code == 204
    return username, browser


# ── keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_partners_key_opens_its_own_door(system: Stack) -> None:
    key = await made(system, source="clinic", name="till 2027", days=30)
    shown = (await with_key(system, key["key"]).get("/api/session")).json()
    assert (shown["source"], shown["roles"]) == ("clinic", [])
    assert_error(await with_key(system, key["key"]).post("/api/orders", json={}), 403, "error", "FORBIDDEN")


async def test_a_staff_token_has_the_roles_given_or_those_of_the_account(system: Stack) -> None:
    username, _ = await account(system, "assistant", "analyst")
    for form, roles in (({}, ["analyst", "assistant"]), ({"roles": ["analyst"]}, ["analyst"])):
        token = await made(system, username=username, **form)
        assert (await with_key(system, token["key"]).get("/api/session")).json()["roles"] == roles


async def test_a_key_is_shown_once_and_kept_nowhere(system: Stack) -> None:
    key = await made(system, source="clinic")
    listed = await system.as_("admin").get("/api/ops/keys", params={"source": "clinic"})
    assert key["id"] in {item["id"] for item in listed.json()["items"]}
    signature = key["key"].rpartition(".")[2]
    assert signature not in listed.text
    connection = await asyncpg.connect(system.environments["intake"]["DATABASE_URL"])
    for table in ("tokens", "idempotency", "outbox", "audit"):
        everything = await connection.fetchval(f"SELECT string_agg(t::text, ' ') FROM intake.{table} AS t")
        assert signature not in (everything or "")
    await connection.close()


async def test_p6_a_repeat_gets_the_same_key_again(system: Stack) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first, second = [
        await system.as_("admin").post("/api/ops/keys", json={"source": "clinic"}, headers=headers) for _ in range(2)
    ]
    assert first.json() == second.json()
    assert (await with_key(system, second.json()["key"]).get("/api/session")).status_code == 200


async def test_a_revoked_key_is_refused_by_every_service_within_seconds(system: Stack) -> None:
    key = await made(system, source="clinic")
    client = with_key(system, key["key"])
    assert (await client.get("/api/orders")).status_code == 200
    for _ in range(2):
        assert (await system.as_("admin").delete(f"/api/ops/keys/{key['id']}")).status_code == 204
    await refused_everywhere(client)
    [shown] = [k for k in await listed(system, source="clinic") if k["id"] == key["id"]]
    assert (shown["live"], shown["revoked_by"]) == (False, "admin")


async def listed(system: Stack, **params: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await system.as_("admin").get("/api/ops/keys", params=params)).json()["items"]
    return items


async def test_a_rotated_key_is_good_beside_its_successor_for_the_overlap(system: Stack) -> None:
    old = await made(system, source="pharmacorp", days=90, name="production")
    answer = await system.as_("admin").post(f"/api/ops/keys/{old['id']}/rotate", json={"overlap_hours": 1})
    new = answer.json()
    assert (answer.status_code, new["source"], new["name"]) == (201, "pharmacorp", "production")
    for key in (old["key"], new["key"]):
        assert (await with_key(system, key).get("/api/orders")).status_code == 200
    answer = await system.as_("admin").post(f"/api/ops/keys/{new['id']}/rotate", json={"overlap_hours": 0})
    assert (await with_key(system, answer.json()["key"]).get("/api/session")).status_code == 200
    await refused_everywhere(with_key(system, new["key"]))
    assert (await with_key(system, old["key"]).get("/api/session")).status_code == 200
    again = await system.as_("admin").post(f"/api/ops/keys/{new['id']}/rotate")
    assert_error(again, 409, "error", "WRONG_STATE")


async def test_keys_are_listed_in_pages_newest_first(system: Stack) -> None:
    keys = [(await made(system, source="hl7v2"))["id"] for _ in range(3)]
    admin = system.as_("admin")
    first = (await admin.get("/api/ops/keys", params={"source": "hl7v2", "limit": 2})).json()
    assert [item["id"] for item in first["items"]] == keys[:0:-1]
    rest = await admin.get("/api/ops/keys", params={"source": "hl7v2", "cursor": first["next_cursor"]})
    assert keys[0] in [item["id"] for item in rest.json()["items"]]


@pytest.mark.parametrize(
    ("form", "errors"),
    [
        ({}, [("source", "REQUIRED")]),
        ({"source": "nobody"}, [("source", "VALUE")]),
        ({"source": "clinic", "username": "kim", "roles": ["admin"]}, [("username", "VALUE"), ("roles", "VALUE")]),
        ({"username": "nobody-of-that-name"}, [("roles", "REQUIRED")]),
        ({"username": "kim", "roles": ["boss"]}, [("roles.0", "VALUE")]),
        ({"source": "clinic", "days": 0, "secret": "x"}, [("days", "VALUE"), ("secret", "UNKNOWN_FIELD")]),
    ],
    ids=str,
)
async def test_everything_wrong_with_a_key_is_told_at_once(
    form: dict[str, Any], errors: list[tuple[str, str]], system: Stack
) -> None:
    answer = await system.as_("admin").post("/api/ops/keys", json=form)
    body = assert_error(answer, 400, "validation", "VALIDATION")
    assert [(error["field"], error["code"]) for error in body["detail"]["errors"]] == errors


# ── accounts and sessions ──────────────────────────────────────────────────────────────────────────────────────────


async def test_signing_out_ends_the_session_itself_not_only_the_cookie(system: Stack) -> None:
    _, browser = await account(system, "assistant")
    copied = system._client({"Cookie": f"careplan_session={browser.cookies['careplan_session']}"})
    assert (await copied.get("/api/orders")).status_code == 200
    assert (await browser.delete("/api/session")).status_code == 204
    await refused_everywhere(copied)


async def test_signing_out_with_a_key_leaves_the_key_as_it_is(system: Stack) -> None:
    client = with_key(system, (await made(system, source="clinic"))["key"])
    assert (await client.delete("/api/session")).status_code == 204
    assert (await client.get("/api/session")).status_code == 200


@pytest.mark.parametrize("change", [{"disabled": True}, {"roles": ["analyst"]}, {"password": "another long password"}])
async def test_a_changed_account_ends_its_sessions_and_tokens(change: dict[str, Any], system: Stack) -> None:
    username, browser = await account(system, "assistant")
    token = with_key(system, (await made(system, username=username))["key"])
    answer = await system.as_("admin").patch(f"/api/ops/accounts/{username}", json=change)
    assert answer.status_code == 200
    for client in (browser, token):
        assert_error(await client.get("/api/session"), 401, "error", "UNAUTHENTICATED")
    again = await browser.post("/api/session", json={"username": username, "password": PASSWORD})
    assert again.status_code == (204 if "roles" in change else 401)


async def test_everybody_of_a_name_is_signed_out_at_once(system: Stack) -> None:
    username, browser = await account(system, "pharmacist")
    assert (await system.as_("admin").post(f"/api/ops/accounts/{username}/sign-out")).status_code == 204
    await refused_everywhere(browser)
    [session] = await listed(system, kind="session", username=username)
    assert session["live"] is False


async def test_p6_signing_somebody_out_again_with_the_same_key_ends_nothing_new(system: Stack) -> None:
    username, browser = await account(system, "assistant")
    path, headers = f"/api/ops/accounts/{username}/sign-out", {"Idempotency-Key": str(uuid4())}
    assert (await system.as_("admin").post(path, headers=headers)).status_code == 204
    assert (await browser.post("/api/session", json={"username": username, "password": PASSWORD})).status_code == 204
    assert (await system.as_("admin").post(path, headers=headers)).status_code == 204
    assert (await browser.get("/api/session")).status_code == 200
    too_long = await system.as_("admin").post(path, headers={"Idempotency-Key": "k" * 256})
    assert_error(too_long, 400, "validation", "VALIDATION")


async def test_an_account_is_made_once(system: Stack) -> None:
    username, _ = await account(system, "assistant")
    form = {"username": username, "password": PASSWORD, "roles": ["admin"]}
    assert_error(await system.as_("admin").post("/api/ops/accounts", json=form), 409, "error", "WRONG_STATE")
    shown = (await system.as_("admin").get("/api/ops/accounts")).json()["items"]
    assert [a["roles"] for a in shown if a["username"] == username] == [["assistant"]]
    assert "argon2" not in json.dumps(shown)


async def test_unknown_keys_and_accounts_are_404(system: Stack) -> None:
    admin = system.as_("admin")
    for answer in (
        await admin.delete(f"/api/ops/keys/{uuid4()}"),
        await admin.post(f"/api/ops/keys/{uuid4()}/rotate"),
        await admin.patch("/api/ops/accounts/nobody", json={"disabled": True}),
    ):
        assert_error(answer, 404, "error", "NOT_FOUND")


# ── too many ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def attempts(client: httpx2.AsyncClient, username: str, password: str, count: int) -> list[int]:
    body = {"username": username, "password": password}
    answers = await asyncio.gather(*(client.post("/api/session", json=body) for _ in range(count)))
    return [answer.status_code for answer in answers]


async def test_after_too_many_failures_a_name_waits_whether_anybody_has_it_or_not(system: Stack) -> None:
    settings = system.beside("intake", CAREPLAN_SIGN_IN_FAILURES="2/hour")
    async with serving(build_service("intake", settings)) as base_url, httpx2.AsyncClient(base_url=base_url) as client:
        client.timeout = httpx2.Timeout(40)
        username, _ = await account(system, "assistant")
        told = set()
        for name in (username, f"nobody{username}"):
            statuses = await attempts(client, name, "wrong", 6)
            assert statuses.count(401) in (2, 3)  # two are checked at once
            assert statuses.count(429) == 6 - statuses.count(401)
            answer = await client.post("/api/session", json={"username": name, "password": PASSWORD})
            told.add(assert_error(answer, 429, "error", "RATE_LIMITED")["message"])
            assert 0 < int(answer.headers["retry-after"]) <= 3600
        assert len(told) == 1
        other, _ = await account(system, "assistant")
        assert await attempts(client, other, PASSWORD, 1) == [204]


async def test_an_address_that_tries_many_names_waits_too(system: Stack) -> None:
    async with access_of(IntakeSettings(**system.environments["intake"])) as (accounts, _):  # type: ignore[arg-type]
        for _ in range(100):
            await accounts.failures_of_address.failed("192.0.2.7")
        with pytest.raises(Exception, match="Too many"):
            await accounts.sign_in("kim", PASSWORD, "192.0.2.7")


# ── rates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_caller_over_its_limit_is_told_to_wait_before_its_body_is_read(system: Stack) -> None:
    settings = system.beside("intake", CAREPLAN_RATE_LIMIT="5/hour")
    async with serving(build_service("intake", settings)) as base_url:
        headers = system.as_("assistant").headers
        async with httpx2.AsyncClient(base_url=base_url, headers=headers) as client:
            statuses = [(await client.post("/api/orders", json=new_order())).status_code for _ in range(7)]
            assert statuses == [202] * 5 + [429] * 2
            answer = await client.get("/api/session")
            assert_error(answer, 429, "error", "RATE_LIMITED")
            assert 0 < int(answer.headers["retry-after"]) <= 3600


async def test_the_all_in_one_holds_nobody_up(system: Stack) -> None:
    client = system.as_("assistant")
    answers = await asyncio.gather(*(client.get("/api/session") for _ in range(400)))
    assert {answer.status_code for answer in answers} == {200}
