"""P2: 202 only after a durable commit; while PostgreSQL is away, full or failing, 503 with Retry-After."""

import asyncio
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from tests.support.background import finish
from tests.support.left_out import installed
from tests.support.small_disk import fill, small_disk
from tests.support.system import System, charted_order, embedded_broker, only_embedded, running_system

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


class _Answers:
    """What people were told while something went wrong."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.order_ids: list[str] = []
        self.told: Counter[int | None] = Counter()

    async def ask(self, count: int) -> None:
        for _ in range(count):
            answer = await self.system.post(charted_order())
            self.told[answer.status_code if answer else None] += 1
            if answer is None:
                continue
            assert answer.status_code in (202, 503), answer.text
            if answer.status_code == 202:
                self.order_ids.append(answer.json()["order_id"])
            else:
                assert int(answer.headers["retry-after"]) > 0
                assert answer.json()["code"] == "UNAVAILABLE"

    async def all_are_there(self) -> bool:
        shown = [await self.system.show(order_id) for order_id in self.order_ids]
        return all(order["order_id"] == order_id for order, order_id in zip(shown, self.order_ids, strict=True))


@pytest.fixture
def answers(system: System) -> _Answers:
    return _Answers(system)


@only_embedded
async def test_p2_while_postgres_is_dead_everybody_is_told_to_come_again(system: System, answers: _Answers) -> None:
    await system.postgres.kill()
    await answers.ask(10)
    assert answers.told == {503: 10}
    await system.postgres.start()
    await answers.ask(5)
    assert answers.told[202] == 5
    assert await answers.all_are_there()


@only_embedded
async def test_p2_postgres_killed_again_and_again_among_commits(system: System, answers: _Answers) -> None:
    asking = [asyncio.create_task(answers.ask(100)) for _ in range(8)]
    for _ in range(5):
        await asyncio.sleep(0.5)
        await system.postgres.kill()
        await system.postgres.start()
    await asyncio.gather(*asking)
    assert answers.told[202]
    assert answers.told[503]
    assert await answers.all_are_there()


@only_embedded
async def test_p2_connections_cut_in_the_middle_of_commits(system: System, answers: _Answers) -> None:
    system.line.delay = 0.005  # so that a cut finds something under way
    asking = [asyncio.create_task(answers.ask(15)) for _ in range(8)]
    for _ in range(10):
        await asyncio.sleep(0.15)
        system.line.reset()
    await asyncio.gather(*asking)
    assert answers.told[202]
    assert await answers.all_are_there()


@only_embedded
async def test_p2_a_line_to_postgres_that_is_down_and_one_that_is_slow(system: System, answers: _Answers) -> None:
    system.line.cut = True
    system.line.reset()
    await answers.ask(3)
    assert answers.told == {503: 3}
    system.line.cut, system.line.delay = False, 0.1
    await answers.ask(3)
    assert answers.told[202] == 3
    assert await answers.all_are_there()


@pytest.fixture
async def intake_on_a_small_disk(tmp_path: Path) -> AsyncIterator[System]:
    with small_disk() as disk:
        async with embedded_broker(tmp_path) as broker, running_system(disk, broker, ["intake"]) as system:
            yield system


async def test_p2_a_full_disk_is_told_and_afterwards_it_goes_on(intake_on_a_small_disk: System) -> None:
    system = intake_on_a_small_disk
    answers = _Answers(system)
    await answers.ask(5)
    assert answers.told == {202: 5}
    ballast = fill(system.home)
    async with asyncio.timeout(120):
        while not answers.told[503]:
            await answers.ask(20)
    ballast.unlink()
    assert system.postgres.data.is_relative_to(system.home), "another disk was filled than the one that counts"
    if system.postgres.pid is None:  # it gave up: its supervisor starts it again
        await system.postgres.start()
    async with asyncio.timeout(60):
        before = answers.told[202]
        while answers.told[202] < before + 5:
            await answers.ask(1)
    assert await answers.all_are_there()


@pytest.fixture
def strace() -> str:
    return installed("strace", "A failing disk left out: no `strace` here")


@only_embedded
async def test_p2_a_disk_that_fails_to_keep_is_no_202(system: System, answers: _Answers, strace: str) -> None:
    """What fsync could not write is not promised: PostgreSQL starts anew from what is surely there."""
    await answers.ask(5)
    assert system.postgres.pid
    everybody = [system.postgres.pid, *(child.pid for child in psutil.Process(system.postgres.pid).children())]
    command = [strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]
    command += ["-e", "inject=fsync,fdatasync:error=EIO", *(part for pid in everybody for part in ("-p", str(pid)))]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        async with asyncio.timeout(60):
            while not answers.told[503]:
                assert tracer.poll() is None, "strace could not attach"
                await answers.ask(4)
    finally:
        tracer.send_signal(signal.SIGINT)
        finish(tracer)
    if system.postgres.pid is None:
        await system.postgres.start()
    async with asyncio.timeout(60):
        before = answers.told[202]
        while answers.told[202] < before + 5:
            await answers.ask(1)
    assert await answers.all_are_there()
