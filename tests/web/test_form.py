"""The web form: its own unit tests, its first load, and journeys in a real browser against the running all-in-one."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.all_in_one import AllInOne

WEB = Path(__file__).parents[2] / "web"
JOURNEYS = sorted({file.name for file in (WEB / "e2e").glob("*.test.ts")} - {"screenshots.test.ts"})


def _npm(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [WEB / "scripts" / "npm", "run", "--silent", *arguments],
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(180)
def test_the_logic_of_the_form_holds_its_unit_tests(built_form: Path) -> None:
    ran = _npm("test")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_page_needs_more_than_250_kilobytes_at_a_first_visit(built_form: Path) -> None:
    ran = _npm("first-load")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "new-order-page" in ran.stdout


def test_no_built_file_names_an_address_outside(built_form: Path) -> None:
    """Links in comments and namespaces aside: whatever the browser could fetch from is our own origin."""
    for file in [*built_form.rglob("*.html"), *built_form.rglob("*.css")]:
        assert "//" not in file.read_text().replace("http://www.w3.org/2000/svg", ""), file.name


@pytest.mark.timeout(400)
@pytest.mark.parametrize("journey", JOURNEYS)
def test_journeys_through_the_form(form: AllInOne, journey: str) -> None:
    """A file of web/e2e, in Chromium."""
    ran = _npm("e2e", "--", f"e2e/{journey}", CAREPLAN_URL=form.base_url, CAREPLAN_HOME=str(form.home))
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-6000:]
