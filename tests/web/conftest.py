"""One running all-in-one with the built form, as `make up` gives it, for everything that opens a browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.all_in_one import AllInOne, all_in_one
from tests.support.commands import run_command
from tests.support.left_out import installed

PROJECT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="session")
def built_form() -> Path:
    """web/dist, up to date. The Python packages are those that run this test: make is told to leave them alone."""
    run_command(["make", "--silent", "--old-file", ".venv/ready", "web"], seconds=400, cwd=PROJECT).well()
    return PROJECT / "web" / "dist"


@pytest.fixture(scope="session")
def chromium(built_form: Path) -> str:
    """A browser, and the form for it to open."""
    assert built_form.is_dir()
    return installed(CHROMIUM, f"The form's journeys left out: no Chromium at {CHROMIUM} (set CHROMIUM to another)")


@pytest.fixture(scope="session")
def form(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AllInOne]:
    with all_in_one(tmp_path_factory.mktemp("form") / "home") as system:
        system.start(200)
        yield system
