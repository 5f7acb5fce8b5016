"""How loops wait, and requests for each other.

Under load a loop waits a little between two batches, so that the next one serves more orders.

A transaction costs about the same for one order as for thirty. The pause grows with what was just handled: a single order
is followed by next to none, so that nobody waits while there is little to do.
"""

import asyncio

_SECONDS_AN_ITEM = 0.002
_LONGEST_SECONDS = 0.1


def pause_after(handled: int, longest_seconds: float = _LONGEST_SECONDS) -> float:
    """Seconds to wait after a batch of that many."""
    return min(handled * _SECONDS_AN_ITEM, longest_seconds)


async def in_step() -> None:
    """Lets whatever came in the same moment get as far as here: what follows is then done for all of it in a row, with its
    code and data still in the processor's caches. Three such steps take a tenth off what an order costs intake under load
    (docs/performance.md); an order that comes alone pays a turn of the loop.
    """
    await asyncio.sleep(0)


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Waits until `event` is set, so long at most.

    Not by `asyncio.wait_for`: in Python 3.11 that forgets a cancellation which comes in the moment when what it waits for is
    done, and who was told to stop goes on for ever (https://github.com/python/cpython/issues/86296).
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
