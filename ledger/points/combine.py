"""Many callers, one batch: whoever waits while a commit is under way goes into the next one together.

There is no timer: the commit in progress is the window. Each caller gets its own receipt or refusal. When a batch cannot be
written — two processes race for one key, a deadlock — it is retried, and a batch that keeps failing is halved until the one
command at fault answers for itself alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.errors import Refusal
from ledger.points.commands import Command, Receipt
from ledger.points.engine import apply, retryable

Waiting = tuple[Command, "asyncio.Future[Receipt | Refusal]"]


class Combiner:
    """One writer over an engine. `async with Combiner(engine) as combiner: await combiner.submit(command)`.

    `batch_size_max` bounds one transaction; `retries_max` how often a batch is tried before it is halved.
    """

    def __init__(self, engine: AsyncEngine, *, batch_size_max: int = 500, retries_max: int = 3) -> None:
        self._engine = engine
        self._batch_size_max = batch_size_max
        self._retries_max = retries_max
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> Combiner:
        self._writer = asyncio.create_task(self._write_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what waits, then stop."""
        self._closing = True
        self._wake.set()
        if self._writer is not None:
            await self._writer

    async def submit(self, command: Command) -> Receipt:
        """Apply a command in the next batch and wait for its commit. Raises its `Refusal`, or the database's error when even
        alone it could not be written; then nothing of it happened, unless the connection broke during the commit: the same
        key tells."""
        if self._closing:
            raise RuntimeError("the combiner is closing")
        future: asyncio.Future[Receipt | Refusal] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        self._wake.set()
        outcome = await future
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _write_on(self) -> None:
        while not (self._closing and not self._waiting):
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._waiting[: self._batch_size_max]
            del self._waiting[: self._batch_size_max]
            await self._settle(batch)

    async def _settle(self, batch: list[Waiting]) -> None:
        try:
            outcomes = await self._commit([command for command, _ in batch])
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

    async def _commit(self, commands: Sequence[Command]) -> list[Receipt | Refusal]:
        for attempt in range(self._retries_max):
            try:
                async with self._engine.begin() as tx:
                    return await apply(tx, commands)
            except DBAPIError as error:
                if not retryable(error) or attempt + 1 == self._retries_max:
                    raise
        raise AssertionError("unreachable")


def _answer(future: asyncio.Future[Receipt | Refusal], outcome: Receipt | Refusal | BaseException) -> None:
    """Hand a caller its outcome, unless it has stopped waiting."""
    if future.done():
        return
    if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
