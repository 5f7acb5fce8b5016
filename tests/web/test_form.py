"""The web form: its own unit tests, its first load, and journeys in a real browser against the running all-in-one."""

import json
import os
from pathlib import Path

import pytest

from local.environment import SERVICES
from local.front import Front
from local.serve import build_service
from tests.support.all_in_one import AllInOne
from tests.support.commands import Ran, run_command
from tests.support.stack import NO_BROKER, environments

pytestmark = pytest.mark.timeout(1200)
"""The first of them builds the form and starts the system."""

WEB = Path(__file__).parents[2] / "web"
CLIENT = WEB / "src" / "api" / "generated"
JOURNEYS = sorted({file.name for file in (WEB / "e2e").glob("*.test.ts")} - {"screenshots.test.ts", "mending.test.ts"})


def _npm(*arguments: str, seconds: float = 500, **environment: str) -> Ran:
    environment = {**os.environ, "NO_COLOR": "1", **environment}
    return run_command(
        [WEB / "scripts" / "npm", "run", "--silent", *arguments], seconds=seconds, env=environment
    ).well()


def test_the_logic_of_the_form_holds_its_unit_tests(built_form: Path) -> None:
    _npm("test")


def test_no_page_needs_more_than_250_kilobytes_at_a_first_visit(built_form: Path) -> None:
    assert "new-order-page" in _npm("first-load").output


def test_no_built_file_names_an_address_outside(built_form: Path) -> None:
    """Links in comments and namespaces aside: whatever the browser could fetch from is our own origin."""
    for file in [*built_form.rglob("*.html"), *built_form.rglob("*.css")]:
        assert "//" not in file.read_text().replace("http://www.w3.org/2000/svg", ""), file.name


def test_the_client_is_the_one_that_the_services_descriptions_make(built_form: Path, tmp_path: Path) -> None:
    """`npm run api` makes it anew."""
    settings = environments("postgresql://nobody@127.0.0.1:9/nothing", NO_BROKER, embedded_broker=True)
    services = {service: build_service(service, settings[service]) for service in SERVICES}
    (tmp_path / "openapi.json").write_text(json.dumps(Front(services).openapi()))
    _npm("api", OPENAPI=str(tmp_path / "openapi.json"), API_OUT=str(tmp_path / "generated"))
    made = sorted((tmp_path / "generated").glob("*.gen.ts"))
    assert made
    assert [file.name for file in made if file.read_text() != (CLIENT / file.name).read_text()] == []


@pytest.mark.parametrize("journey", JOURNEYS)
def test_journeys_through_the_form(form: AllInOne, journey: str) -> None:
    """A file of web/e2e, in Chromium."""
    _npm("e2e", "--", f"e2e/{journey}", seconds=1000, CAREPLAN_URL=form.base_url, CAREPLAN_HOME=str(form.home))
