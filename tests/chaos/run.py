"""One run: start the system, send orders and harm it by the schedule, let it heal, judge."""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.evidence import gather_evidence
from tests.chaos.model import FakeModel
from tests.chaos.orders import stories
from tests.chaos.schedule import Fault, schedule
from tests.chaos.system import BrokerName, System, running_system
from tests.chaos.traffic import Traffic
from tests.chaos.verdict import TIME_MAY_TELL, Trial, Violation, verdict
from tests.support.stack import serving

_STORIES_A_SECOND = 2.5
_LOOK_AGAIN_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run depends on, time aside."""

    seed: int
    minutes: float
    broker: BrokerName
    heal_within: float = 180.0

    @property
    def faults(self) -> list[Fault]:
        return schedule(self.seed, self.minutes)


@dataclass(frozen=True)
class Outcome:
    """`healing_seconds`: from the end of the last fault until everything was at rest and everybody agreed."""

    plan: Plan
    trial: Trial
    violations: list[Violation]
    healing_seconds: float


@dataclass
class Progress:
    """What a run tells whoever watches it."""

    say: Callable[[str], None] = lambda _line: None
    step: Callable[[float, Traffic, FakeModel], None] = lambda _seconds, _traffic, _model: None


async def run(plan: Plan, home: Path, progress: Progress) -> Outcome:
    model = FakeModel(plan.seed)
    async with serving(model) as model_url, running_system(home, plan.broker, model_url) as system:
        traffic = Traffic((system.url("intake-1"), system.url("intake-2")), plan.seed)
        async with _told(progress, traffic, model), _closing(traffic):
            playing = await _through_the_faults(plan, system, traffic, progress)
            healed = time.monotonic()
            progress.say("Everything runs again: healing.")
            trial = await _at_rest(plan, system, traffic, model, playing)
            return Outcome(plan, trial, verdict(trial), time.monotonic() - healed)


async def _through_the_faults(
    plan: Plan, system: System, traffic: Traffic, progress: Progress
) -> "set[asyncio.Task[None]]":
    """Returns when every part runs again; the stories that have not ended yet go on."""
    started = time.monotonic()
    playing: set[asyncio.Task[None]] = set()
    sending = asyncio.create_task(_send(plan, traffic, playing))
    async with asyncio.TaskGroup() as suffering:
        for fault in plan.faults:
            await asyncio.sleep(max(0.0, fault.at - (time.monotonic() - started)))
            progress.say(str(fault))
            suffering.create_task(system.suffer(fault))
    await sending
    return playing


async def _send(plan: Plan, traffic: Traffic, playing: "set[asyncio.Task[None]]") -> None:
    chance = random.Random(f"{plan.seed} when")
    end = time.monotonic() + plan.minutes * 60
    for cases in stories(plan.seed):
        await asyncio.sleep(chance.expovariate(_STORIES_A_SECOND))
        if time.monotonic() > end:
            return
        playing.add(asyncio.create_task(traffic.play(cases)))


async def _at_rest(
    plan: Plan, system: System, traffic: Traffic, model: FakeModel, playing: "set[asyncio.Task[None]]"
) -> Trial:
    """The trial once nothing is missing that time may bring, at the latest when the time to heal is up."""
    deadline = time.monotonic() + plan.heal_within
    done, late = await asyncio.wait(playing, timeout=plan.heal_within)
    for task in late:
        task.cancel()
    for task in done:
        task.result()  # a defect of ours is no verdict
    while True:
        trial = await _trial(system, traffic, model)
        missing = any(violation.charge in TIME_MAY_TELL for violation in verdict(trial))
        if not missing or time.monotonic() > deadline:
            return trial
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _trial(system: System, traffic: Traffic, model: FakeModel) -> Trial:
    ids = [order_id for _, order_id in traffic.orders()]
    return Trial(
        submissions=traffic.submissions,
        evidence=await gather_evidence(system.url("intake-1"), system.url("reporting-1"), ids),
        calls=model.calls,
        disturbances=system.disturbances,
        clock_offset=time.time() - time.monotonic(),
        away=traffic.away,
        dead=[name for name, part in system.parts.items() if part.pid is None],
    )


@asynccontextmanager
async def _told(progress: Progress, traffic: Traffic, model: FakeModel) -> AsyncIterator[None]:
    started = time.monotonic()

    async def tell() -> None:
        while True:
            progress.step(time.monotonic() - started, traffic, model)
            await asyncio.sleep(0.5)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()


@asynccontextmanager
async def _closing(traffic: Traffic) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await traffic.close()


async def in_new_home(work: Callable[[Path], Awaitable[Outcome]], keep_logs_in: Path) -> Outcome:
    """A home of its own; its logs stay where something went wrong."""
    home = Path(tempfile.mkdtemp(prefix="careplan-chaos-"))
    kept = False
    try:
        outcome = await work(home)
        kept = not outcome.violations
        return outcome
    finally:
        if not kept:
            shutil.copytree(home / "logs", keep_logs_in, dirs_exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)
