"""A rush: worker processes in which many people press «confirm» for the same scarce thing at the same moment.

`press` is the whole experiment: the suite does it with sixty people, `bench redeem.hot` with five thousand.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.engines import LOCK_TIMEOUT_MS
from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.points.engine import PINNED_PLANS
from ledger.redeeming import codes, pool_spending, redemptions
from tests.ledger.points.kills import processes
from tests.ledger.redeeming.stage import TODAY, at, vault

REDEEMED = "redeemed"
READY, GO = "ready", "go"
SECONDS_MAX = 120


class Told(NamedTuple):
    """What one person was told: `REDEEMED`, or a refusal's code, so many seconds after it was their turn."""

    member_id: int
    outcome: str
    seconds: float


Decide = Callable[[int], Awaitable[str]]
Work = Callable[[str, int, int, Sequence[int], int, Connection], None]
"""What a process does: (url, offer id, points, members, connections, pipe)."""


async def in_turn(people: Sequence[int], at_once: int, decide: Decide, pipe: Connection) -> None:
    """When the word is given, decide on all of them, so many at once; then say what each was told."""
    queue, told = iter(people), list[Told]()

    async def caller() -> None:
        for who in queue:
            began = time.perf_counter()
            outcome = await decide(who)
            told.append(Told(who, outcome, time.perf_counter() - began))

    pipe.send(READY)
    await asyncio.to_thread(pipe.recv)
    await asyncio.gather(*(caller() for _ in range(at_once)))
    pipe.send(told)


async def opened(engine: AsyncEngine, connections: int) -> None:
    """Open so many connections, as a worker that has been serving has them."""
    several = [await engine.connect() for _ in range(connections)]
    for each in several:
        await each.close()


def press(
    url: str,
    offer_id: int,
    points: int,
    people: Sequence[int],
    connections: int,
    pipe: Connection,
    slot: dt.datetime | None = None,
    pooled: bool = False,
) -> None:
    """A worker: each redemption is a transaction of its own, as a turn is. `slot`: the time that everybody wants. `pooled`: their
    families' pools pay, as their rights allow."""
    asyncio.run(_press(url, offer_id, points, people, connections, pipe, slot, pooled))


async def _press(
    url: str,
    offer_id: int,
    points: int,
    people: Sequence[int],
    connections: int,
    pipe: Connection,
    slot: dt.datetime | None,
    pooled: bool,
) -> None:
    pinned = PINNED_PLANS | {"lock_timeout": str(LOCK_TIMEOUT_MS)}
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, connect_args={"server_settings": pinned})
    sealed = vault()
    await opened(engine, connections)

    async def decide(who: int) -> str:
        try:
            async with engine.begin() as tx:
                right = await pool_spending.right(tx, who, today=TODAY) if pooled else None
                await redemptions.redeem(
                    tx,
                    Member(who, "active", joined_on=TODAY),
                    offer_id,
                    amount=1,
                    version=1,
                    points=points,
                    nonce=f"rush:{offer_id}:{slot}",
                    code=codes.mint(hashlib.sha256(f"{offer_id}:{who}:{slot}".encode()).digest()),
                    vault=sealed,
                    undo_minutes=10,
                    at=at(),
                    actor=f"member:{who}",
                    slot=slot,
                    pool_id=right.family.id if right is not None else None,
                )
        except Refusal as no:
            return no.code
        return REDEEMED

    await in_turn(people, connections, decide, pipe)
    await engine.dispose()


def rush(
    work: Work, url: str, offer_id: int, points: int, people: Iterable[int], *, workers: int = 2, connections: int = 16
) -> tuple[list[Told], float]:
    """Let all these people go for an offer through so many workers at once; what they were told, and the seconds it took."""
    context, everybody, running = processes(), list(people), []
    for number in range(workers):
        here, there = context.Pipe()
        mine = everybody[number::workers]
        process = context.Process(target=work, args=(url, offer_id, points, mine, connections, there))
        process.start()
        there.close()
        running.append((process, here))
    try:
        for _, pipe in running:
            assert pipe.poll(SECONDS_MAX) and pipe.recv() == READY
        began = time.perf_counter()
        for _, pipe in running:
            pipe.send(GO)
        told: list[Told] = []
        for _, pipe in running:
            assert pipe.poll(SECONDS_MAX)
            told += pipe.recv()
        return told, time.perf_counter() - began
    finally:
        for process, pipe in running:
            process.join(5)
            process.kill()
            pipe.close()
