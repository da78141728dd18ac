"""Many callers, one batch: whoever waits while a commit is under way goes into the next one together.

There is no timer: the commit in progress is the window. With two writers one batch is decided while the database writes the
other. Each caller gets its own receipt or refusal. When a batch cannot be written — two processes race for one key, a deadlock
— it is retried, and a batch that keeps failing is halved until the one request at fault answers for itself alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Self, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.errors import Refusal
from ledger.points.commands import Command, Receipt
from ledger.points.engine import apply, retryable

SECOND_LEAST = 16
"""So many must wait for a batch to be begun beside another: fewer do better in the next one's company."""

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Combining(Generic[Asked, Answer]):
    """Writers over an engine: `work(tx, batch)` does what is asked, in order, an answer or a refusal for each.

    `batch_size_max` bounds one transaction; `retries_max` how often a batch is tried before it is halved; `writers` how many
    transactions there may be at a time.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        work: Callable[[AsyncConnection, Sequence[Asked]], Awaitable[Sequence[Answer | Refusal]]],
        *,
        batch_size_max: int = 500,
        retries_max: int = 3,
        writers: int = 1,
    ) -> None:
        self._engine = engine
        self._work = work
        self._batch_size_max = batch_size_max
        self._retries_max = retries_max
        self._waiting: list[tuple[Asked, asyncio.Future[Answer | Refusal]]] = []
        self._wake = asyncio.Event()
        self._writers_max = writers
        self._writers: list[asyncio.Task[None]] = []
        self._closing = False
        self._writing = 0

    async def __aenter__(self) -> Self:
        self._writers = [asyncio.create_task(self._write_on()) for _ in range(self._writers_max)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what waits, then stop."""
        self._closing = True
        self._wake.set()
        await asyncio.gather(*self._writers)

    async def submit(self, asked: Asked) -> Answer:
        """Have it done in the next batch and wait for its commit. Raises its `Refusal`, or the database's error when even
        alone it could not be written; then nothing of it happened, unless the connection broke during the commit: the same
        key tells."""
        if self._closing:
            raise RuntimeError("the combiner is closing")
        future: asyncio.Future[Answer | Refusal] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        self._wake.set()
        outcome = await future
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _write_on(self) -> None:
        while not (self._closing and not self._waiting):
            if len(self._waiting) < (SECOND_LEAST if self._writing else 1):
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._waiting[: self._batch_size_max]
            del self._waiting[: self._batch_size_max]
            self._writing += 1
            try:
                await self._settle(batch)
            finally:
                self._writing -= 1
                self._wake.set()

    async def _settle(self, batch: list[tuple[Asked, asyncio.Future[Answer | Refusal]]]) -> None:
        try:
            outcomes = await self._commit([asked for asked, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                _answer(batch[0][1], error)
                return
            half = len(batch) // 2
            await self._settle(batch[:half])
            await self._settle(batch[half:])
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            _answer(future, outcome)

    async def _commit(self, batch: Sequence[Asked]) -> Sequence[Answer | Refusal]:
        for attempt in range(self._retries_max):
            try:
                async with self._engine.begin() as tx:
                    return await self._work(tx, batch)
            except DBAPIError as error:
                if not retryable(error) or attempt + 1 == self._retries_max:
                    raise
        raise AssertionError("unreachable")


class Combiner(Combining[Command, Receipt]):
    """Commands combined. `async with Combiner(engine) as combiner: await combiner.submit(command)`."""

    def __init__(self, engine: AsyncEngine, *, batch_size_max: int = 500, retries_max: int = 3) -> None:
        super().__init__(engine, apply, batch_size_max=batch_size_max, retries_max=retries_max)


def _answer(future: asyncio.Future[Answer | Refusal], outcome: Answer | Refusal | BaseException) -> None:
    """Hand a caller its outcome, unless it has stopped waiting."""
    if future.done():
        return
    if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
