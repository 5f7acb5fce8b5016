"""What holds the suite itself: a program, a test or a fixture that hangs becomes a failure, and leaves nothing behind."""

import signal
import sys
import time
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.support.commands import TookTooLong, run_command
from tests.support.processes import ends
from tests.support.stack import serving

_LEAVES_A_GRANDCHILD = "sleep 600 & echo $!; "


def test_a_program_that_ends_is_not_waited_for_any_longer_because_a_grandchild_holds_its_output() -> None:
    began = time.monotonic()
    ran = run_command(["sh", "-c", _LEAVES_A_GRANDCHILD + "exit 3"], seconds=400)
    assert (ran.code, time.monotonic() - began < 60) == (3, True)
    assert ends(int(ran.output))


def test_a_program_over_its_limit_is_killed_with_all_that_it_started_and_says_what_it_printed() -> None:
    with pytest.raises(TookTooLong, match=r"longer than 3 s:\n\d+") as failed:
        run_command(["setsid", "--wait", "sh", "-c", _LEAVES_A_GRANDCHILD + "wait"], seconds=3)
    assert ends(int(str(failed.value).splitlines()[1]))


@pytest.mark.anyio
async def test_a_server_inside_a_test_leaves_ctrl_c_to_who_runs_it() -> None:
    before = signal.getsignal(signal.SIGINT)
    async with serving(FastAPI()):
        assert signal.getsignal(signal.SIGINT) == before


_HANGS = """
import asyncio, faulthandler, pytest
pytestmark = pytest.mark.timeout(6)

@pytest.fixture
async def something():
    yield 1

async def test_hangs(something):
    await asyncio.sleep(600)

async def test_goes_on(something):
    pass

@pytest.fixture
async def hangs_at_its_end():
    yield 1
    while True:
        try:
            await asyncio.sleep(600)
        except BaseException:
            pass

async def test_with_a_fixture_that_hangs(hangs_at_its_end):
    pass
"""


@pytest.mark.faults
def test_a_test_that_hangs_fails_and_a_fixture_that_hangs_ends_the_process(tmp_path: Path) -> None:
    file = tmp_path / "test_that_hangs.py"
    file.write_text(_HANGS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "-c",
        "pyproject.toml",
    ]
    command += ["--rootdir=.", "--confcutdir=/", "-p", "tests.conftest", "-o", "faulthandler_timeout=4"]
    ran = run_command([*command, file], seconds=90)
    assert ran.code == 1
    assert "test_hangs[asyncio] FAILED" in ran.output, ran.output
    assert "test_goes_on[asyncio] PASSED" in ran.output, ran.output
    assert "Timeout (0:00:04)!" in ran.output, ran.output
