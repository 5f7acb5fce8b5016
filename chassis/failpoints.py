"""Places where a test breaks a running system on purpose: `CAREPLAN_FAILPOINTS=publish:kill:3` dies at the third publish.

    commit    the transaction is durable, and nobody has been told
    publish   Kafka has the events, and the outbox does not know
    ack       a poll had its effect, and its offsets are not committed
    model     the model has answered, and the answer is not kept
    answer    the answer is kept, and nobody has read it

`kill` ends the process as `kill -9` does, `raise` is a connection that broke, `sleep` stalls what passes. Each strikes once.
Without the variable nothing is armed, and a place costs a look at an empty dict. A process that finds the variable without
its permission does not start.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from chassis.telemetry import log

Place = Literal["commit", "publish", "ack", "model", "answer"]
Action = Literal["kill", "raise", "sleep"]

PERMISSION = "this system may be broken"
_SLEEP_SECONDS = 3.0


@dataclass
class _Failpoint:
    action: Action
    passes_left: int


armed: dict[Place, _Failpoint] = {}
"""Look here before `reach`: `if failpoints.armed: await failpoints.reach("commit")`."""


def arm(environment: Mapping[str, str]) -> None:
    """Reads `CAREPLAN_FAILPOINTS`: `place:action:n`, several with commas between. SystemExit where it is not permitted."""
    wanted = environment.get("CAREPLAN_FAILPOINTS")
    if not wanted:
        return
    if environment.get("CAREPLAN_FAILPOINTS_PERMISSION") != PERMISSION:
        raise SystemExit("CAREPLAN_FAILPOINTS is for tests, and breaks a running system: unset it.")
    for one in wanted.split(","):
        place, action, passes = one.split(":")
        if place not in get_args(Place) or action not in get_args(Action):
            raise SystemExit(f"CAREPLAN_FAILPOINTS: there is no {place}:{action}.")
        armed[cast("Place", place)] = _Failpoint(cast("Action", action), int(passes))


async def reach(place: Place) -> None:
    failpoint = armed.get(place)
    if failpoint is None:
        return
    failpoint.passes_left -= 1
    if failpoint.passes_left > 0:
        return
    del armed[place]
    log.warning("failpoint.strikes", place=place, action=failpoint.action)
    match failpoint.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise ConnectionResetError(f"failpoint {place}")
        case "sleep":
            await asyncio.sleep(_SLEEP_SECONDS)
