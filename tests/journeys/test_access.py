"""Who may call: credentials, roles, partners, sessions, and what is open."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest

from local.serve import build_service
from services.intake.main import access_of
from services.intake.settings import IntakeSettings
from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack, serving

STAFF = ("assistant", "pharmacist", "analyst", "admin")
WORKERS = {"assistant", "pharmacist", "admin"}
UNKNOWN = "0193f0a2-7a11-7c3e-8b1d-0d4f3f5f2aff"
# What each may who calls it is told when allowed; a path that names nothing answers 404 to those who may ask.
DOORS: dict[tuple[str, str], tuple[set[str], int]] = {
    ("POST", "/api/orders"): (WORKERS, 415),
    ("GET", f"/api/orders/{UNKNOWN}"): (WORKERS | {"partner"}, 404),
    ("GET", f"/api/orders/{UNKNOWN}/events"): (WORKERS | {"partner"}, 404),
    ("POST", f"/api/orders/{UNKNOWN}/confirm"): (WORKERS | {"partner"}, 404),
    ("POST", f"/api/orders/{UNKNOWN}/retry"): ({"pharmacist", "admin"}, 404),
    ("GET", "/api/orders"): (WORKERS | {"partner"}, 200),
    ("GET", f"/api/careplans/{UNKNOWN}"): (WORKERS | {"partner"}, 404),
    ("GET", f"/api/careplans/{UNKNOWN}/download"): (WORKERS | {"partner"}, 404),
    ("GET", "/api/reports/orders.csv"): ({"analyst", "admin"}, 200),
    ("GET", "/api/reports/summary"): ({"analyst", "admin"}, 200),
    ("GET", "/api/icd10?q=g70"): (WORKERS | {"partner"}, 200),
    ("GET", "/api/notifications/subscriptions"): ({"admin", "partner"}, 200),
    ("GET", f"/api/notifications/subscriptions/{UNKNOWN}"): ({"admin", "partner"}, 404),
    ("POST", "/api/notifications/subscriptions"): ({"admin", "partner"}, 400),
    ("PATCH", f"/api/notifications/subscriptions/{UNKNOWN}"): ({"admin", "partner"}, 400),
    ("DELETE", f"/api/notifications/subscriptions/{UNKNOWN}"): ({"admin", "partner"}, 404),
    ("GET", "/api/notifications/deliveries"): ({"admin", "partner"}, 200),
    ("POST", f"/api/notifications/deliveries/{UNKNOWN}/resend"): ({"admin", "partner"}, 404),
    ("GET", "/api/session"): ({*STAFF, "partner"}, 200),
    ("GET", "/api/ops/dead-letters"): ({"admin"}, 200),
    ("POST", f"/api/ops/dead-letters/{UNKNOWN}/replay"): ({"admin"}, 404),
}


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
async def test_a_door_opens_to_its_roles_only(door: tuple[str, str], system: Stack) -> None:
    allowed, status = DOORS[door]
    callers = {role: system.as_(role) for role in STAFF} | {"partner": system.as_partner("clinic")}
    for role, client in callers.items():
        answer = await client.request(*door)
        if role in allowed:
            assert answer.status_code == status, (role, answer.text)
        else:
            assert_error(answer, 403, "error", "FORBIDDEN")


@pytest.mark.parametrize("door", DOORS, ids=" ".join)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"},
     {"Authorization": "Bearer a.b.c"}, {"Cookie": "careplan_session=x"}, {"Authorization": "Bearer \xff"}],
    ids=str,
)  # fmt: skip
async def test_without_credentials_no_door_opens(door: tuple[str, str], headers: dict[str, str], system: Stack) -> None:
    answer = await system.anonymous().request(
        *door, headers=[(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
    )
    assert_error(answer, 401, "error", "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["/api/orders/x", "/api/careplans/x", "/api/orders?limit=0", "/api/reports/summary?from=x"]
)
async def test_who_has_no_credentials_is_told_that_first(path: str, system: Stack) -> None:
    assert_error(await system.anonymous().get(path), 401, "error", "UNAUTHENTICATED")


async def test_probes_are_open_and_metrics_on_loopback(system: Stack) -> None:
    client = system.anonymous()
    for path in ("/health/live", "/health/ready"):
        assert (await client.get(path)).status_code == 200
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "# TYPE" in answer.text


# ── partners ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def clinics(system: Stack) -> tuple[str, str]:
    """An order and its care plan, as if the clinic had sent it."""
    order_id = (await system.as_("assistant").post("/api/orders", json=new_order())).json()["order_id"]
    shown = await system.until(order_id, "completed")
    careplan_id = shown["careplan"]["careplan_id"]
    for service in ("intake", "reporting"):
        connection = await asyncpg.connect(system.environments[service]["DATABASE_URL"])
        update = f"UPDATE {service}.orders SET source = 'clinic' WHERE order_id = $1"
        while await connection.execute(update, order_id) != "UPDATE 1":
            pass
        await connection.close()
    return order_id, careplan_id


async def test_a_partner_sees_the_orders_and_care_plans_of_its_own_source_only(system: Stack) -> None:
    order_id, careplan_id = await clinics(system)
    clinic, pharmacorp = system.as_partner("clinic"), system.as_partner("pharmacorp")
    assert (await clinic.get(f"/api/orders/{order_id}")).json()["source"] == "clinic"
    for path in (f"/api/orders/{order_id}", f"/api/careplans/{careplan_id}", f"/api/careplans/{careplan_id}/download"):
        assert (await clinic.get(path)).status_code == 200
        assert_error(await pharmacorp.get(path), 404, "error", "NOT_FOUND")
    found = (await clinic.get("/api/orders", params={"limit": 100})).json()["items"]
    assert order_id in {item["order_id"] for item in found}
    assert {item["source"] for item in found} == {"clinic"}
    for params in ({}, {"source": "clinic"}, {"source": "web"}):
        found = (await pharmacorp.get("/api/orders", params=params)).json()["items"]
        assert {item["source"] for item in found} <= {"pharmacorp"}


async def test_a_partner_may_confirm_and_reads_no_detail_of_a_finding(system: Stack) -> None:
    staff, order = system.as_("assistant"), new_order()
    await staff.post("/api/orders", json=order, headers={"Prefer": "wait=20"})
    answer = await staff.post("/api/orders", json=order | {"order_date": "2026-02-06"}, headers={"Prefer": "wait=20"})
    order_id = answer.json()["detail"]["order_id"]
    connection = await asyncpg.connect(system.environments["intake"]["DATABASE_URL"])
    await connection.execute("UPDATE intake.orders SET source = 'clinic' WHERE order_id = $1", order_id)
    await connection.close()
    clinic = system.as_partner("clinic")
    [problem] = (await clinic.get(f"/api/orders/{order_id}")).json()["problems"]
    assert (problem["code"], problem["detail"]) == ("DUPLICATE_ORDER_OTHER_DAY", {})
    assert_error(
        await system.as_partner("pharmacorp").post(f"/api/orders/{order_id}/confirm"), 404, "error", "NOT_FOUND"
    )
    assert (await clinic.post(f"/api/orders/{order_id}/confirm")).status_code == 202


# ── sessions ───────────────────────────────────────────────────────────────────────────────────────────────────────

PASSWORD = "correct horse battery staple"


@pytest.fixture
async def signed_in(system: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser with the session of an assistant."""
    async with access_of(IntakeSettings(**system.environments["intake"])) as (accounts, _):  # type: ignore[arg-type]
        await accounts.add("kim", PASSWORD, ["assistant"])
    client = system.anonymous()
    answer = await client.post("/api/session", json={"username": "kim", "password": PASSWORD})
    assert (answer.status_code, answer.content) == (204, b"")
    yield client


def cookie_of(answer: httpx2.Response) -> dict[str, str]:
    first, *attributes = answer.headers["set-cookie"].split("; ")
    return {"": first, **{name.lower(): value for name, _, value in (a.partition("=") for a in attributes)}}


async def test_signing_in_gives_a_cookie_that_scripts_cannot_read(signed_in: httpx2.AsyncClient, system: Stack) -> None:
    answer = await system.anonymous().post("/api/session", json={"username": "kim", "password": PASSWORD})
    cookie = cookie_of(answer)
    assert "httponly" in cookie
    assert (cookie["samesite"].lower(), cookie["path"]) == ("lax", "/")
    assert int(cookie["max-age"]) > 0
    assert "secure" not in cookie  # TLS ends at the gateway of a real installation
    assert "domain" not in cookie


async def test_where_a_gateway_speaks_tls_the_cookie_is_for_tls_only(
    signed_in: httpx2.AsyncClient, system: Stack
) -> None:
    settings = system.beside("intake", CAREPLAN_PUBLIC_URL="https://careplans.example.org")
    async with serving(build_service("intake", settings)) as base_url, httpx2.AsyncClient(base_url=base_url) as client:
        client.timeout = httpx2.Timeout(40)
        answer = await client.post("/api/session", json={"username": "kim", "password": PASSWORD})
        assert "secure" in cookie_of(answer)


async def test_a_session_says_who_and_which_roles(signed_in: httpx2.AsyncClient) -> None:
    answer = await signed_in.get("/api/session")
    assert answer.json() == {"username": "kim", "roles": ["assistant"], "source": None}


async def test_a_session_may_what_its_roles_may(signed_in: httpx2.AsyncClient) -> None:
    answer = await signed_in.post("/api/orders", json=new_order())
    assert answer.status_code == 202
    assert (await signed_in.get(answer.headers["location"])).status_code == 200
    assert_error(await signed_in.get("/api/reports/summary"), 403, "error", "FORBIDDEN")


async def test_signing_out_takes_the_cookie_away(signed_in: httpx2.AsyncClient) -> None:
    answer = await signed_in.delete("/api/session")
    assert (answer.status_code, cookie_of(answer)["max-age"]) == (204, "0")
    assert_error(await signed_in.get("/api/session"), 401, "error", "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
    ids=str,
)  # fmt: skip
async def test_another_origins_page_changes_nothing_with_a_cookie(
    headers: dict[str, str], signed_in: httpx2.AsyncClient
) -> None:
    assert_error(await signed_in.post("/api/orders", json=new_order(), headers=headers), 403, "error", "FORBIDDEN")
    assert_error(await signed_in.delete("/api/session", headers=headers), 403, "error", "FORBIDDEN")
    body = {"username": "kim", "password": PASSWORD}
    assert_error(await signed_in.post("/api/session", json=body, headers=headers), 403, "error", "FORBIDDEN")
    assert (await signed_in.get("/api/session", headers=headers)).status_code == 200


async def test_our_own_page_may(signed_in: httpx2.AsyncClient, system: Stack) -> None:
    headers = {"Origin": system.base_url, "Sec-Fetch-Site": "same-origin"}
    assert (await signed_in.post("/api/orders", json=new_order(), headers=headers)).status_code == 202


@pytest.mark.parametrize(
    ("username", "password"), [("kim", "wrong"), ("nobody", PASSWORD), ("KIM", PASSWORD), ("' OR 1=1 --", "x")]
)
async def test_a_wrong_name_and_a_wrong_password_are_told_alike(
    username: str, password: str, signed_in: httpx2.AsyncClient, system: Stack
) -> None:
    answer = await system.anonymous().post("/api/session", json={"username": username, "password": password})
    body = assert_error(answer, 401, "error", "UNAUTHENTICATED")
    assert body["message"] == "User name or password is wrong."
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("content", "errors"),
    [
        (b"", [("", "MALFORMED")]),
        (b"username=kim", [("", "MALFORMED")]),
        (b"\xff", [("", "MALFORMED")]),
        (b"[]", [("", "TYPE")]),
        (b"{}", [("username", "REQUIRED"), ("password", "REQUIRED")]),
        (b'{"username": "kim"}', [("password", "REQUIRED")]),
        (b'{"username": " ", "password": null}', [("username", "REQUIRED"), ("password", "REQUIRED")]),
        (b'{"username": 5, "password": ["x"]}', [("username", "TYPE"), ("password", "TYPE")]),
        (b'{"username": "kim", "password": "x", "role": "admin"}', [("role", "UNKNOWN_FIELD")]),
        (rb'{"username": "kim\u0000", "password": "\ud800"}', [("username", "MALFORMED"), ("password", "MALFORMED")]),
        (b'{"username": "' + b"x" * 1001 + b'", "password": "x"}', [("username", "VALUE")]),
        (b'{"username": "a", "username": "b", "password": "x"}', [("", "MALFORMED")]),
    ],
    ids=str,
)
async def test_a_wrong_body_is_told_in_the_one_form(content: bytes, errors: list[Any], system: Stack) -> None:
    for headers in ({"Content-Type": "application/json"}, {}):
        answer = await system.anonymous().post("/api/session", content=content, headers=headers)
        body = assert_error(answer, 400, "validation", "VALIDATION")
        assert [(error["field"], error["code"]) for error in body["detail"]["errors"]] == errors


async def test_a_huge_body_is_not_read(system: Stack) -> None:
    answer = await system.anonymous().post("/api/session", content=b" " * (2 * 1024 * 1024 + 1))
    assert_error(answer, 413, "error", "TOO_LARGE")
