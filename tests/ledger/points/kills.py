"""Processes killed at random instants, and the proof that nothing was lost and nothing doubled.

`survive` is the whole experiment: the suite does it twenty times, `bench soak` a thousand.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ledger.points import commands as c
from ledger.points.audit import audit
from ledger.points.combine import Combiner
from ledger.points.engine import PINNED_PLANS
from tests.ledger.points import worker

ALIVE_SECONDS = (0.02, 0.35)
AT_ONCE = 2
READY_SECONDS_MAX = 60


@dataclass
class Survived:
    """What the processes said before they died, and what was found afterwards."""

    kills: int = 0
    begun: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    entries: int = 0
    lost: list[str] = field(default_factory=list)
    """Acknowledged keys without an entry."""
    doubled: list[str] = field(default_factory=list)
    """Keys with more than one entry, or that acted again when they were retried."""
    missing: list[str] = field(default_factory=list)
    """Keys that have no entry although their chain was run again."""
    violations: list[str] = field(default_factory=list)

    @property
    def nothing_happened(self) -> bool:
        """Nothing lost, nothing doubled, and every sum holds."""
        return not (self.lost or self.doubled or self.missing or self.violations)


def processes() -> Any:
    """How workers are started: from a server process that has imported everything once, where the system has one."""
    context = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
    if sys.platform != "win32":
        context.set_forkserver_preload(["tests.ledger.points.worker"])
    return context


async def survive(
    url: str, *, kills: int, seed: int, audit_every: int = 50, say: Callable[[str], None] = lambda line: None
) -> Survived:
    """Start workers on the database, kill them, and run again what they left half done; audit now and then and at the end."""
    chance, context, found = random.Random(seed), processes(), Survived()
    engine = create_async_engine(url, connect_args={"server_settings": PINNED_PLANS})
    try:
        await worker.endow(url)
        unchecked: set[str] = set()
        while found.kills < kills:
            names = [f"{seed}.{found.kills + n}" for n in range(min(AT_ONCE, kills - found.kills))]
            seconds = [chance.uniform(*ALIVE_SECONDS) for _ in names]
            said = await asyncio.gather(
                *(asyncio.to_thread(_live, context, url, *one) for one in zip(names, seconds, strict=True))
            )
            found.kills += len(names)
            begun = {
                line.removeprefix(worker.BEGINS) for lines in said for line in lines if line.startswith(worker.BEGINS)
            }
            acknowledged = {line for lines in said for line in lines if not line.startswith(worker.BEGINS)}
            found.begun |= begun
            found.acknowledged |= acknowledged
            await _finish(engine, begun, acknowledged, found)
            unchecked |= begun
            if found.kills % audit_every < AT_ONCE or found.kills == kills:
                await _prove(engine, unchecked, found)
                unchecked.clear()
                say(f"{found.kills} kills, {len(found.acknowledged)} keys acknowledged, {found.entries} entries")
            if not found.nothing_happened:
                break
    finally:
        await engine.dispose()
    return found


def _live(context: Any, url: str, name: str, seconds: float) -> list[str]:
    """One worker's life: what it said until it was killed so many seconds after it was ready."""
    hears, says = context.Pipe(duplex=False)
    process = context.Process(target=worker.load, args=(url, name, 0, says))
    process.start()
    says.close()
    try:
        if not hears.poll(READY_SECONDS_MAX) or hears.recv() != worker.READY:
            raise AssertionError("the worker did not start")
        lines = heard(hears, seconds)
    finally:
        process.kill()
        process.join()
    lines += heard(hears, None)
    hears.close()
    process.close()
    return lines


def heard(pipe: Connection, seconds: float | None) -> list[str]:
    """What comes down the pipe for so long, or until its end."""
    lines, until = [], time.monotonic() + (seconds or 0)
    try:
        while seconds is None or (left := until - time.monotonic()) > 0:
            if seconds is None or pipe.poll(left):
                lines.append(pipe.recv())
    except EOFError:
        pass
    return lines


async def _finish(engine: AsyncEngine, begun: Iterable[str], acknowledged: set[str], found: Survived) -> None:
    """Check what was acknowledged, then run every chain again that had begun: what was done answers, what was not is done."""
    async with engine.connect() as tx:
        rows = await tx.execute(text("SELECT key FROM entry WHERE key = ANY(:keys)"), {"keys": list(acknowledged)})
        found.lost += sorted(acknowledged - {key for (key,) in rows})
    async with Combiner(engine) as combiner:

        async def submit(command: c.Command) -> c.Receipt:
            receipt = await combiner.submit(command)
            if command.key in acknowledged and not receipt.repeated:
                found.doubled.append(command.key)
            return receipt

        await asyncio.gather(*(worker.chain(name, submit) for name in begun))


async def _prove(engine: AsyncEngine, begun: set[str], found: Survived) -> None:
    expected = [key for name in begun for key in worker.keys_of(name)]
    async with engine.connect() as tx:
        await tx.execution_options(isolation_level="REPEATABLE READ")
        rows = await tx.execute(
            text("SELECT key, count(*) FROM entry WHERE key = ANY(:keys) GROUP BY 1"), {"keys": expected}
        )
        counts: dict[str, int] = {key: count for key, count in rows}
        found.missing += [key for key in expected if key not in counts]
        found.doubled += [key for key, count in counts.items() if count > 1]
        proof = await audit(tx)
        found.violations += map(str, proof.violations)
        found.entries = proof.entries
        if not proof.holds:
            found.violations.append("an issuer's sum does not add up")
