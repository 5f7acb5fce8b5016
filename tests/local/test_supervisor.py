"""The supervisor, with real processes: nothing stays dead, and nothing stays behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local.lifeline import tie
from local.process import Child, ChildFailed
from local.supervisor import Supervisor, pause_before_restart
from tests.support.chassis import until
from tests.support.commands import speaking
from tests.support.processes import command_of, lives

pytestmark = pytest.mark.anyio


def _child(folder: Path, name: str = "sleeper", command: str = "exec sleep 600", **more: object) -> Child:
    return Child(name=name, command=["sh", "-c", command], log=folder / f"{name}.log", **more)  # type: ignore[arg-type]


async def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        process = await supervisor.start(_child(tmp_path))
        for _ in range(3):
            first = process.pid
            assert first
            os.kill(first, signal.SIGKILL)
            await until(lambda old=first: process.pid not in (None, old))  # type: ignore[misc]


def test_a_child_that_dies_young_waits_longer_each_time_but_is_back_within_two_seconds() -> None:
    pauses = [pause_before_restart(deaths) for deaths in range(60)]
    assert pauses == sorted(pauses)
    assert pauses[1] < 1.0
    assert pauses[-1] < 2.0


async def test_a_child_that_keeps_dying_never_takes_more_than_a_few_starts_a_second(tmp_path: Path) -> None:
    states: list[str] = []
    async with Supervisor(lambda _name, state: states.append(state)) as supervisor:
        await supervisor.start(_child(tmp_path, command="exit 1"))
        started = asyncio.get_running_loop().time()
        await until(lambda: states.count("died") >= 5)
        seconds = asyncio.get_running_loop().time() - started
    assert seconds > 1.4, "the pauses after four young deaths"


async def test_children_start_one_after_another_and_stop_last_first(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    async with Supervisor(lambda name, state: said.append((name, state))) as supervisor:
        await supervisor.start(_child(tmp_path, "first"))
        await supervisor.start(_child(tmp_path, "second"))
    assert said == [
        ("first", "starting"), ("first", "ready"), ("second", "starting"), ("second", "ready"),
        ("second", "stopping"), ("second", "stopped"), ("first", "stopping"), ("first", "stopped"),
    ]  # fmt: skip


async def test_start_returns_when_the_child_answers(tmp_path: Path) -> None:
    async def answers() -> bool:
        return (tmp_path / "up").exists()

    async with Supervisor() as supervisor:
        await supervisor.start(
            _child(tmp_path, command=f"sleep 0.2; touch {tmp_path}/up; exec sleep 600", ready=answers)
        )
        assert (tmp_path / "up").exists()


async def test_a_child_that_cannot_start_is_an_error_that_names_its_log(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    async with Supervisor() as supervisor:
        with pytest.raises(ChildFailed, match=r"dead ended at once \(3\); see .*dead\.log"):
            await supervisor.start(_child(tmp_path, "dead", "exit 3", ready=never))
        with pytest.raises(ChildFailed, match="did not answer within"):
            await supervisor.start_together([_child(tmp_path, "mute", ready=never, ready_within=0.2)])
    assert not _children()


async def test_a_child_deaf_to_sigterm_is_killed_after_its_grace_period(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        deaf = f"trap '' TERM; touch {tmp_path}/deaf; sleep 600 & wait; wait"
        await supervisor.start(_child(tmp_path, command=deaf, stop_within=0.3))
        await until((tmp_path / "deaf").exists)
        started_at = time.monotonic()
    assert 0.3 <= time.monotonic() - started_at < 14, "not the fifteen seconds that others get"
    assert not _children()


async def test_what_a_dead_child_had_started_ends_with_it(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        process = await supervisor.start(_child(tmp_path, command=f"sleep 600 & echo $! > {tmp_path}/pid; wait"))
        await until(lambda: (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text()))
        helper = int((tmp_path / "pid").read_text())
        os.kill(process.pid or 0, signal.SIGKILL)
        await until(lambda: not lives(helper))


_PARENT = """
import asyncio, sys
from pathlib import Path
from local.process import Child
from local.supervisor import Supervisor
def say(name, state):
    print(name, state, flush=True)
async def main(folder):
    async with Supervisor(say) as supervisor:
        for name in ("first", "second"):
            process = await supervisor.start(Child(name=name, command=["sleep", "600"], log=folder / "log"))
            print(process.pid, flush=True)
        await supervisor.wait()
    print("left", flush=True)
asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_everything_last_started_first(tmp_path: Path, number: signal.Signals) -> None:
    with speaking([sys.executable, "-c", _PARENT, str(tmp_path)]) as parent:
        _two_children_of(parent)
        parent.send_signal(number)
        said, _ = parent.communicate(timeout=60)
    assert said.splitlines() == ["second stopping", "second stopped", "first stopping", "first stopped", "left"]
    assert parent.returncode == 0


async def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    with speaking([sys.executable, "-c", _PARENT, str(tmp_path)]) as parent:
        children = _two_children_of(parent)
        parent.kill()
        parent.wait(60)
    await until(lambda: not any(map(lives, children)))


_TIED = """
import subprocess, sys, time
from signal import SIGTERM
from local.lifeline import tie
command, before_exec = tie(["sleep", "600"], SIGTERM, by_kernel=False)
print(subprocess.Popen(command, preexec_fn=before_exec).pid, flush=True)
time.sleep(600)
"""


async def test_nothing_outlives_a_killed_parent_where_the_kernel_does_not_help() -> None:
    with speaking([sys.executable, "-c", _TIED]) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        await until(lambda: psutil.Process(child).name() == "sleep")
        assert lives(child)
        parent.kill()
        parent.wait(60)
    await until(lambda: not lives(child))


def test_the_watcher_ends_with_the_child_it_watches() -> None:
    while_it_lives = f"0.{os.getpid()}"  # seconds, and like no other test's
    command, _ = tie(["sleep", while_it_lives], signal.SIGTERM, by_kernel=False)
    with subprocess.Popen(command, start_new_session=True) as process:
        process.wait(60)
    end = time.monotonic() + 45
    while any(while_it_lives in command_of(found) for found in psutil.process_iter()):
        assert time.monotonic() < end
        time.sleep(0.1)


def _two_children_of(parent: "subprocess.Popen[str]") -> list[int]:
    assert parent.stdout
    lines = [parent.stdout.readline().strip() for _ in range(6)]
    return [int(lines[2]), int(lines[5])]


def _children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.name() in ("sh", "sleep")]
