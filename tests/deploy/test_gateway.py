"""The gateway's table is the all-in-one's: each method and path reaches the service that owns it, and nothing else gets out."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import pytest

from local import site
from local.environment import SERVICES
from local.front import owner_of
from tests.deploy.conftest import Watched
from tests.support.gateway import gateway
from tests.support.in_thread import Answered, Asked, serving_in_thread

pytestmark = pytest.mark.timeout(900)
"""The first of them starts a system, and has it work for a day."""


@contextmanager
def _who(name: str) -> Iterator[str]:
    """A service that answers everything with its name and the path it was asked for."""

    def answer(asked: Asked) -> Answered:
        return Answered(200, f"{name} {asked.path}".encode(), {"server": "said nobody"})

    with serving_in_thread(answer) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def door(caddy: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    folder = Path(tmp_path_factory.mktemp("gateway"))
    files = folder / "site"
    (files / "assets").mkdir(parents=True)
    (files / "index.html").write_text("<title>the form</title>")
    (files / "assets" / "app-1.js").write_text("// built")
    with ExitStack() as stack:
        upstreams = {name: stack.enter_context(_who(name)) for name in SERVICES}
        url = stack.enter_context(gateway(caddy, folder, upstreams, files))
        yield stack.enter_context(httpx2.Client(base_url=url, timeout=30))


def test_every_path_of_the_api_reaches_its_owner(door: httpx2.Client, watched: Watched) -> None:
    with watched.system.as_("admin") as admin:
        paths = admin.get("/openapi.json").json()["paths"]
    asked = wrong = 0
    for template, methods in paths.items():
        path = template.replace("{source}", "clinic").replace("{", "").replace("}", "")
        for method in methods:
            owner = owner_of(method.upper(), path)
            if owner == "ops" or path == "/metrics":
                continue
            answer = door.request(method.upper(), path)
            asked += 1
            wrong += answer.status_code != 200 or answer.text != f"{owner} {path}"
            assert answer.text == f"{owner} {path}", f"{method} {path}"
    assert asked > 20
    assert wrong == 0


@pytest.mark.parametrize("service", SERVICES)
def test_each_services_own_operations_are_below_its_name(door: httpx2.Client, service: str) -> None:
    if service != "intake":
        assert door.get(f"/api/ops/{service}/dead-letters?limit=3").text == f"{service} /api/ops/dead-letters?limit=3"
    else:
        assert door.get("/api/ops/dead-letters").text == "intake /api/ops/dead-letters"


def test_metrics_do_not_leave_the_house(door: httpx2.Client) -> None:
    assert door.get("/metrics").status_code == 404
    assert door.get("//metrics").text != "intake /metrics"


def test_nothing_says_what_serves_it(door: httpx2.Client) -> None:
    assert "server" not in door.get("/api/session").headers
    assert "server" not in door.get("/").headers


def test_the_form_is_served_as_the_all_in_one_serves_it(door: httpx2.Client) -> None:
    page = {"accept": "text/html,*/*"}
    for path in ("/", "/orders/new", "/index.html"):
        answer = door.get(path, headers=page)
        assert "the form" in answer.text, path
        assert {name: answer.headers[name] for name in site._HEADERS} == site._HEADERS
        assert answer.headers["cache-control"] == "no-cache"
    assert "immutable" in door.get("/assets/app-1.js").headers["cache-control"]
    assert door.get("/no/such/file").text == "intake /no/such/file", "a program gets the API's 404, not a page"
    assert door.post("/orders/new").text == "intake /orders/new"


def test_a_body_that_nobody_would_take_is_stopped_at_the_door(door: httpx2.Client) -> None:
    assert door.post("/api/orders", content=b"x" * (17 * 1024 * 1024)).status_code in (413, 502)
    assert door.post("/api/orders", content=b"x" * (15 * 1024 * 1024)).status_code == 200
