"""Staff sign in at a real OpenID Connect provider, and work with the session that comes of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from local.ports import free_port
from local.serve import build_service
from tests.support.oidc_provider import Browser, NodeUnavailable, installed, oidc_provider
from tests.support.orders import assert_error, new_order
from tests.support.stack import Stack, serving

pytestmark = pytest.mark.anyio
SECRETS = {"careplan": "only for tests: %&+", "careplan-by-post": "only-for-tests", "careplan-public": None}


@pytest.fixture(scope="session", autouse=True)
def node() -> None:
    try:
        installed()
    except NodeUnavailable as reason:
        pytest.skip(str(reason))


class Site:
    """Intake with the provider configured, at its public address."""

    def __init__(self, base_url: str, issuer: str, public_url: str) -> None:
        self.base_url, self.issuer, self.public_url = base_url, issuer, public_url

    def browser(self, login: str = "kim.pharmacist") -> Browser:
        return Browser(httpx2.AsyncClient(base_url=self.base_url, timeout=60), login)


@asynccontextmanager
async def site(
    system: Stack, home: Path, client_id: str = "careplan", *, id_token_has_all: bool = False, **more: str
) -> AsyncIterator[Site]:
    """A second intake beside the shared system's, on the same database, with staff sign-in by OIDC."""
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        callback = f"{public_url}/api/session/oidc/callback"
        issuer = await stack.enter_async_context(
            oidc_provider(callback, home / "oidc.log", id_token_has_all=id_token_has_all)
        )
        oidc = {"OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": client_id, "CAREPLAN_PUBLIC_URL": public_url}
        settings = system.beside("intake", **(oidc | more))
        if secret := SECRETS[client_id]:
            settings["OIDC_CLIENT_SECRET"] = secret
        base_url = await stack.enter_async_context(serving(build_service("intake", settings), port))
        yield Site(base_url, issuer, public_url)


@pytest.fixture(scope="module")
async def here(system: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(system, Path(tmp_path_factory.mktemp("oidc"))) as made:
        yield made


async def test_whoever_signs_in_at_the_provider_works_here_with_the_roles_it_gives(here: Site) -> None:
    browser = here.browser("kim.pharmacist.analyst")
    answer = await browser.sign_in("/api/session/oidc?then=/orders", up_to=f"{here.public_url}/orders")
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders")
    shown = (await browser.client.get("/api/session")).json()
    assert shown == {"username": "kim", "roles": ["analyst", "pharmacist"], "source": None}
    assert (await browser.client.post("/api/orders", json=new_order())).status_code == 202
    assert_error(await browser.client.get("/api/ops/keys"), 403, "error", "FORBIDDEN")


async def test_the_session_is_one_like_any_other_and_ends_by_signing_out(here: Site) -> None:
    browser = here.browser()
    answer = await browser.sign_in("/api/session/oidc?then=/in", up_to=f"{here.public_url}/in")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("careplan_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    stolen = cookie.partition(";")[0]
    assert_error(
        await browser.client.post("/api/orders", json=new_order(), headers={"Origin": "https://evil.example"}),
        403,
        "error",
        "FORBIDDEN",
    )
    assert (await browser.client.delete("/api/session")).status_code == 204
    thief = httpx2.AsyncClient(base_url=here.base_url, headers={"Cookie": stolen})
    assert_error(await thief.get("/api/session"), 401, "error", "UNAUTHENTICATED")


async def test_who_has_no_role_at_the_provider_has_none_here(here: Site) -> None:
    browser = here.browser("kim.janitor")
    assert_error(await browser.sign_in("/api/session/oidc"), 403, "error", "FORBIDDEN")
    assert_error(await browser.client.get("/api/session"), 401, "error", "UNAUTHENTICATED")


async def test_the_request_carries_state_nonce_and_a_pkce_challenge_and_no_secret(here: Site) -> None:
    answer = await here.browser().client.get("/api/session/oidc")
    asked = {name: value[0] for name, value in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 32
    assert not any("secret" in name or "only for tests" in value for name, value in asked.items())
    [cookie] = answer.headers.get_list("set-cookie")
    assert "HttpOnly" in cookie
    assert asked["state"] not in cookie


@pytest.fixture
async def returned(here: Site) -> AsyncIterator[tuple[Browser, str]]:
    """Signed in at the provider, with the address that it sends the browser back to, not yet opened."""
    browser = here.browser()
    answer = await browser.sign_in("/api/session/oidc", up_to=f"{here.public_url}/api/session/oidc/callback")
    yield browser, answer.headers["location"]


async def refused(answer: httpx2.Response) -> None:
    assert_error(answer, 401, "error", "UNAUTHENTICATED")
    assert not any(c.startswith("careplan_session=") for c in answer.headers.get_list("set-cookie"))


async def test_somebody_elses_browser_cannot_use_the_code(returned: tuple[Browser, str], here: Site) -> None:
    _, callback = returned
    await refused(await here.browser().client.get(callback))
    other = here.browser()
    await other.client.get("/api/session/oidc")
    await refused(await other.client.get(callback))


async def test_another_state_or_code_is_refused(returned: tuple[Browser, str]) -> None:
    browser, callback = returned
    asked = {name: value[0] for name, value in parse_qs(urlsplit(callback).query).items()}
    path = "/api/session/oidc/callback"
    for wrong in ({"state": "x"}, {"state": ""}, {"code": "x"}, {"code": ""}, {"error": "access_denied", "code": ""}):
        await refused(await browser.client.get(path, params=asked | wrong))
    await refused(await browser.client.get(path))


async def test_a_code_is_good_once(returned: tuple[Browser, str]) -> None:
    browser, callback = returned
    assert (await browser.client.get(callback)).status_code == 303
    browser.client.cookies.delete("careplan_session")
    await refused(await browser.client.get(callback))


@pytest.mark.parametrize(
    "then", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
async def test_a_sign_in_leads_to_a_page_of_ours_only(then: str, here: Site) -> None:
    browser = here.browser()
    start = str(httpx2.URL("/api/session/oidc", params={"then": then}))
    answer = await browser.sign_in(start, up_to=f"{here.public_url}/api/session/oidc/callback")
    assert (await browser.client.get(answer.headers["location"])).headers["location"] == "/"


async def test_passwords_are_off_where_a_provider_is_and_who_is_nobody_is_told_where_to_go(here: Site) -> None:
    client = here.browser().client
    answer = await client.post("/api/session", json={"username": "kim", "password": "x"})
    assert_error(answer, 403, "error", "FORBIDDEN")
    body = assert_error(await client.get("/api/session"), 401, "error", "UNAUTHENTICATED")
    assert body["detail"] == {"sign_in": {"password": False, "oidc": "/api/session/oidc"}}


async def test_without_a_provider_there_is_no_such_door(system: Stack) -> None:
    assert_error(await system.anonymous().get("/api/session/oidc"), 404, "error", "NOT_FOUND")
    body = assert_error(await system.anonymous().get("/api/session"), 401, "error", "UNAUTHENTICATED")
    assert body["detail"] == {"sign_in": {"password": True, "oidc": None}}


@pytest.mark.parametrize(
    ("client_id", "more"),
    [
        ("careplan-public", {}),
        ("careplan-by-post", {"id_token_has_all": True}),
        (
            "careplan",
            {"OIDC_ROLES_CLAIM": "realm_access.roles", "OIDC_ROLE_NAMES": "pharmacist=CP-pharmacist,admin=CP-boss"},
        ),
    ],
)
async def test_clients_and_claims_of_other_kinds(
    client_id: str, more: dict[str, Any], system: Stack, tmp_path: Path
) -> None:
    async with site(system, tmp_path, client_id, **more) as other:
        browser = other.browser()
        await browser.sign_in("/api/session/oidc?then=/in", up_to=f"{other.public_url}/in")
        assert (await browser.client.get("/api/session")).json()["roles"] == ["pharmacist"]


async def test_while_the_provider_is_away_it_is_503(system: Stack, tmp_path: Path) -> None:
    async with site(system, tmp_path, OIDC_ISSUER="http://127.0.0.1:9") as other:
        answer = await other.browser().client.get("/api/session/oidc")
        assert_error(answer, 503, "error", "UNAVAILABLE")
        assert answer.headers["retry-after"]
