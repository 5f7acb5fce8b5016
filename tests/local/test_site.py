"""The web form's files beside the API: pages for browsers, deep links included; for programs the API's own answers."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from local.front import owner_of
from local.site import Site

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def built(tmp_path: Path) -> Site:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Care plans</title>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("1")
    return Site(tmp_path)


def scope(path: str, accept: str = "*/*") -> dict[str, object]:
    return {"type": "http", "path": path, "headers": [(b"accept", accept.encode())]}


@pytest.mark.parametrize("path", ["/", "/orders", "/orders/01a1fc7e-7c2f-7136-b238-0c8714ea24f7"])
def test_every_page_opens_by_its_own_address_with_a_strict_policy(built: Site, path: str) -> None:
    answer = TestClient(built).get(path, headers=BROWSER)
    assert (answer.status_code, "Care plans" in answer.text) == (200, True)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert not any(loophole in policy for loophole in ("unsafe", "data:", "http", "*"))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


def test_built_files_may_be_kept_for_ever_since_their_names_change(built: Site) -> None:
    assert "immutable" in TestClient(built).get("/assets/app-1a2b.js").headers["cache-control"]


def test_no_file_outside_the_folder_is_served(built: Site, tmp_path: Path) -> None:
    (tmp_path.parent / "secret.txt").write_text("no")
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt"):
        assert TestClient(built).get(path, headers=BROWSER).text != "no"


def test_what_a_program_asks_for_in_vain_is_left_to_the_api(built: Site) -> None:
    assert built.has(scope("/orders", "text/html"))
    assert built.has(scope("/assets/app-1a2b.js"))
    assert not built.has(scope("/nothing"))


def test_where_the_form_is_not_built_the_first_page_says_so_and_nothing_else_is_taken(tmp_path: Path) -> None:
    missing = Site(tmp_path / "dist")
    assert "make web" in TestClient(missing).get("/").text
    assert not missing.has(scope("/orders", "text/html"))


@pytest.mark.parametrize(
    ("method", "path", "owner"),
    [
        ("POST", "/api/orders", "intake"),
        ("GET", "/api/orders", "reporting"),
        ("GET", "/api/orders/events", "reporting"),
        ("GET", "/api/orders/x", "intake"),
        ("POST", "/api/careplans/x/approve", "generator"),
        ("GET", "/api/careplans/x", "reporting"),
        ("GET", "/api/reports/summary", "reporting"),
        ("GET", "/api/ops/dead-letters", "ops"),
        ("GET", "/health/ready", "intake"),
        ("GET", "/orders", "site"),
        ("POST", "/orders", "intake"),
    ],
)
def test_each_address_has_one_owner(method: str, path: str, owner: str) -> None:
    assert owner_of(method, path) == owner
