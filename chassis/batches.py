"""Group commit: what arrives while one transaction runs shares the next one.

A request waits for nothing but the transaction before its own; under load one commit serves a hundred.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from chassis.background import hear
from chassis.pacing import pause_after

Item = TypeVar("Item")
Result = TypeVar("Result")


_LONGEST_PAUSE_SECONDS = 0.004
"""People wait for these."""


class Batches(Generic[Item, Result]):
    """`await submit(item)` gives that item's result of `save(items)`, which is one transaction.

    A batch that fails is tried again one by one, so that one bad item fails alone; `shared_failures`
    (the database is away) would fail each alike, and are answered to all at once.
    """

    def __init__(
        self,
        save: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        largest: int = 100,
        shared_failures: tuple[type[Exception], ...] = (),
    ) -> None:
        self._save, self._largest, self._shared_failures = save, largest, shared_failures
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(hear)
        self._waiting.append((item, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        # Shielded: a caller that goes away must not cancel what others wait for, nor leave its own item half done.
        return await asyncio.shield(answer)

    async def _drain(self) -> None:
        await asyncio.sleep(0)  # lets requests that arrived in the same tick of the loop join
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
                await self._answer(batch)
                # Whoever comes during the pause waits for it; who comes after it, or first of all, waits for nothing.
                await asyncio.sleep(pause_after(len(batch), longest_seconds=_LONGEST_PAUSE_SECONDS))
        finally:
            self._running = None

    async def _answer(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._save([item for item, _ in batch])
        except asyncio.CancelledError:
            for _, answer in (*batch, *self._waiting):
                answer.cancel()
            self._waiting.clear()
            raise
        except Exception as error:
            if len(batch) == 1 or isinstance(error, self._shared_failures):
                for _, answer in batch:
                    _settle(answer, error=error)
            else:
                for single in batch:
                    await self._answer([single])
        else:
            self._hand_out(results, batch)

    def _hand_out(self, results: Sequence[Result], batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        if len(results) == len(batch):
            for (_, answer), result in zip(batch, results, strict=True):
                _settle(answer, result)
        else:  # a defect; saving again, one by one, might do things twice
            for _, answer in batch:
                _settle(answer, error=ValueError(f"{len(results)} results for {len(batch)} items"))


def _settle(answer: "asyncio.Future[Result]", result: Result | None = None, error: Exception | None = None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)  # type: ignore[arg-type]
