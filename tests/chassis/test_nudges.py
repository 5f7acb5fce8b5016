"""Who has written tells who reads, also in another process."""

import asyncio

import pytest

from chassis.messaging.nudges import Nudges, outbox_of
from local.ports import free_port

pytestmark = pytest.mark.anyio


async def test_what_is_told_in_one_process_is_heard_in_the_other_and_not_told_back() -> None:
    here, there = Nudges(), Nudges()
    one, two = free_port(), free_port()
    heard, echo = asyncio.Event(), asyncio.Event()
    there.listen(["careplan.orders"], heard)
    async with here.shared_with(one, [two]), there.shared_with(two, [one]):
        here.listen(["careplan.decisions"], echo)
        here.tell(["careplan.orders", outbox_of("generator")])
        await asyncio.wait_for(heard.wait(), 45)
        there.tell(["careplan.decisions"])
        await asyncio.wait_for(echo.wait(), 45)


async def test_a_word_that_nobody_understands_is_passed_over() -> None:
    here, there = Nudges(), Nudges()
    one, two = free_port(), free_port()
    heard = there.listen(["careplan.orders"], asyncio.Event())
    async with here.shared_with(one, [two]), there.shared_with(two, [one]):
        here.tell(["\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "nobody listens to this"])
        here.tell(["careplan.orders"])
        await asyncio.wait_for(heard.wait(), 45)
