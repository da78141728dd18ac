"""When duties run. A scheduler in memory only says «look»; what is due, and how far it got, lives in `slot`.

Only the leader of `jobs` works, and every chunk checks its lease's epoch in its own transaction. After a pause, a crash or a
move of the programme's clock the latest slot that fell due is run: each duty does whatever is due by its moment, so one run
catches up with many nights.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import failures
from bot.addressees import say
from bot.clock import Clock
from bot.leads import Lease, LostLead
from bot.logs import turn_context
from bot.request import compact
from jobs.duty import Chunk, Duty, Slot
from ledger.members.vault import Vault
from ledger.programme import Programme

log = structlog.get_logger(__name__)

LOOK_SECONDS = 20
NUDGE_SECONDS = 60
TRIES_MAX = 5

_DUE = text(
    "INSERT INTO slot (job, due_at)"
    " SELECT * FROM unnest(CAST(:jobs AS text[]), CAST(:times AS timestamptz[])) ON CONFLICT DO NOTHING"
)
_OPEN = text("SELECT job, due_at FROM slot WHERE state IN ('due', 'running') ORDER BY due_at, job")
_TAKE = text(
    "UPDATE slot SET state = 'running', epoch = :epoch, started_at = coalesce(started_at, clock_timestamp())"
    " WHERE job = :job AND due_at = :due AND state IN ('due', 'running') RETURNING progress"
)
_KEEP = text("UPDATE slot SET progress = CAST(:progress AS jsonb) WHERE job = :job AND due_at = :due")
_END = text(
    "UPDATE slot SET state = :state, outcome = CAST(:outcome AS jsonb), ended_at = clock_timestamp()"
    " WHERE job = :job AND due_at = :due"
)
_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")


@cache
def discover(package: str = "jobs") -> tuple[Duty, ...]:
    """The `duty` of every module in `jobs/`, by name."""
    found = []
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, package + "."):
        duty = getattr(importlib.import_module(module.name), "duty", None)
        if isinstance(duty, Duty):
            found.append(duty)
    return tuple(sorted(found, key=lambda each: each.name))


class Timetable:
    """Runs what is due, while it leads."""

    def __init__(self, engine: AsyncEngine, vault: Vault, clock: Clock, duties: Sequence[Duty]) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._duties = {duty.name: duty for duty in duties}
        self._look = asyncio.Event()
        self._asked = 0
        self._answered = asyncio.Condition()
        self._answered_up_to = 0

    async def run(self, lease: Lease) -> None:
        """Look now, whenever the scheduler says so and whenever `nudge` does; until cancelled.

        Raises:
            LostLead: somebody else leads.
        """
        scheduler = AsyncIOScheduler(timezone=self._clock.zone)
        scheduler.add_job(self._look.set, "interval", seconds=LOOK_SECONDS)
        for duty in self._duties.values():
            if duty.at is not None:
                scheduler.add_job(self._look.set, "cron", hour=duty.at.hour, minute=duty.at.minute, second=1)
        scheduler.start()
        try:
            while True:
                self._look.clear()
                asked = self._asked
                try:
                    await self.catch_up(lease)
                except LostLead:
                    raise
                except Exception as error:
                    if failures.meaning(error) == "fails":
                        raise
                    log.warning("timetable_waits", error=type(error).__name__)
                async with self._answered:
                    self._answered_up_to = asked
                    self._answered.notify_all()
                await self._look.wait()
        finally:
            scheduler.shutdown(wait=False)

    async def nudge(self) -> None:
        """Look now, and return when what was due has run. For whoever moved the clock, in the leader's own process.

        Raises:
            TimeoutError: nobody leads here, or the work takes longer than a minute.
        """
        self._asked += 1
        mine = self._asked
        self._look.set()
        async with asyncio.timeout(NUDGE_SECONDS), self._answered:
            await self._answered.wait_for(lambda: self._answered_up_to >= mine)

    async def catch_up(self, lease: Lease) -> None:
        """Run every slot that is due, oldest first.

        Raises:
            LostLead: somebody else leads.
        """
        async with self._engine.begin() as tx:
            await lease.check(tx)
            at = await self._clock.moment(tx)
            due = {name: duty.last_due(at, self._clock.zone) for name, duty in self._duties.items()}
            await tx.execute(_DUE, {"jobs": list(due), "times": list(due.values())})
        async with self._engine.begin() as tx:
            slots = [Slot(row.job, row.due_at) for row in await tx.execute(_OPEN)]
        for slot in slots:
            if slot.job in self._duties:
                await self._run(self._duties[slot.job], slot, lease)

    async def _run(self, duty: Duty, slot: Slot, lease: Lease) -> None:
        """One slot, chunk by chunk, to its end. A chunk that fails again and again ends it; the next slot goes on from there."""
        tries = 0
        with turn_context(slot.key):
            while True:
                try:
                    if not await self._chunk(duty, slot, lease):
                        return
                    tries = 0
                except LostLead:
                    raise
                except Exception as error:
                    means = failures.meaning(error)
                    tries += 1
                    if tries < TRIES_MAX:
                        failures.log_round(log, "chunk_tried_again", error, job=slot.job)
                        await asyncio.sleep(0.05 * 2**tries)
                        continue
                    if means == "not now":
                        raise
                    log.exception("duty_failed", job=slot.job)
                    await self._end(slot, lease, "failed", {"error": f"{type(error).__name__}: {error}"[:500]})
                    return

    async def _chunk(self, duty: Duty, slot: Slot, lease: Lease) -> bool:
        """One chunk in one transaction; False when the slot is done."""
        async with self._engine.begin() as tx:
            await lease.check(tx)
            asked = {"job": slot.job, "due": slot.due_at}
            taken = (await tx.execute(_TAKE, {**asked, "epoch": lease.epoch})).one_or_none()
            document = await tx.scalar(_PROGRAMME)
            if taken is None or document is None:
                return False  # ended already; or nothing is set up, so nothing can be due
            stored: dict[str, Any] = taken.progress
            number = stored.get("chunks", 0)
            at = await self._clock.moment(tx)
            chunk = Chunk(tx, f"{slot.key}:{number}", at, Programme.model_validate(document), stored.get("at", {}))
            then = await duty.run(chunk, slot)
            await say(tx, self._vault, chunk.tells, today=at.today, zone=self._clock.zone)
            if then is None:
                await tx.execute(_END, {**asked, "state": "done", "outcome": compact({"chunks": number + 1})})
            else:
                await tx.execute(_KEEP, {**asked, "progress": compact({"at": then, "chunks": number + 1})})
        return then is not None

    async def _end(self, slot: Slot, lease: Lease, state: str, outcome: dict[str, Any]) -> None:
        async with self._engine.begin() as tx:
            await lease.check(tx)
            asked = {"job": slot.job, "due": slot.due_at, "state": state, "outcome": compact(outcome)}
            await tx.execute(_END, asked)
