"""Who does what only one may do: a lease with an epoch, in a row of `lead`.

The database's clock decides. Whoever takes a lapsed lease over raises its epoch; work done in its name checks the epoch in the
transaction that does it (`Lease.check`), so a leader that was paused and wakes up changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.ending import end

log = structlog.get_logger(__name__)

LEASE_SECONDS = 15.0
RENEW_SECONDS = 4.0

_TAKE = text(
    "INSERT INTO lead AS l (role, holder, epoch, until)"
    " VALUES (:role, :holder, 1, clock_timestamp() + make_interval(secs => :lease))"
    " ON CONFLICT (role) DO UPDATE SET"
    " epoch = l.epoch + CASE WHEN l.holder = excluded.holder AND l.until >= clock_timestamp() THEN 0 ELSE 1 END,"
    " holder = excluded.holder, until = excluded.until"
    " WHERE l.holder = excluded.holder OR l.until < clock_timestamp()"
    " RETURNING epoch"
)
_GIVE_UP = text("UPDATE lead SET until = clock_timestamp() WHERE role = :role AND holder = :holder AND epoch = :epoch")
# Sharing the row's lock until the commit: a successor's take-over waits for this transaction, or this one finds it lost.
_CHECK = text(
    "SELECT 1 FROM lead WHERE role = :role AND holder = :holder AND epoch = :epoch AND until > clock_timestamp()"
    " FOR SHARE"
)


class LostLead(Exception):
    """Somebody else leads now; nothing more may be done in this epoch's name."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One period of leading."""

    role: str
    holder: str
    epoch: int

    async def check(self, tx: AsyncConnection) -> None:
        """Hold the lead until this transaction ends.

        Raises:
            LostLead: it is somebody else's.
        """
        asked = {"role": self.role, "holder": self.holder, "epoch": self.epoch}
        if await tx.scalar(_CHECK, asked) is None:
            raise LostLead(self.role)


async def take(tx: AsyncConnection, role: str, holder: str, seconds: float = LEASE_SECONDS) -> Lease | None:
    """Take or renew the lead of `role`; None while somebody else has it."""
    epoch = await tx.scalar(_TAKE, {"role": role, "holder": holder, "lease": seconds})
    return None if epoch is None else Lease(role, holder, int(epoch))


async def give_up(tx: AsyncConnection, lease: Lease) -> None:
    """End a lease that is still held; one that somebody else has meanwhile is left alone."""
    await tx.execute(_GIVE_UP, {"role": lease.role, "holder": lease.holder, "epoch": lease.epoch})


class Lead:
    """Runs `work` in one process at a time: whoever holds the lease of `role`.

    `work` is cancelled as soon as the lease could not be renewed; it is started anew with the next one.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        role: str,
        holder: str,
        work: Callable[[Lease], Awaitable[None]],
        *,
        lease_seconds: float = LEASE_SECONDS,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._role = role
        self._holder = holder
        self._work = work
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self.lease: Lease | None = None

    async def run(self) -> None:
        """Compete for the lead and work while it is held, until cancelled; then give it up at once."""
        working: asyncio.Task[None] | None = None
        try:
            while True:
                lease = await self._try()
                if lease != self.lease or (working is not None and working.done()):
                    await end(working)
                    working = None
                self.lease = lease
                if lease is not None and working is None:
                    working = asyncio.create_task(self._guard(lease))
                await asyncio.sleep(self._renew_seconds)
        finally:
            await end(working)
            if self.lease is not None:
                with contextlib.suppress(Exception):
                    async with self._engine.connect() as connection:
                        await give_up(connection, self.lease)
                self.lease = None

    async def _try(self) -> Lease | None:
        try:
            async with asyncio.timeout(self._lease_seconds - self._renew_seconds), self._engine.connect() as connection:
                return await take(connection, self._role, self._holder, self._lease_seconds)
        except (DBAPIError, OSError, TimeoutError) as error:
            log.warning("lead_not_renewed", role=self._role, error=type(error).__name__)
            return None

    async def _guard(self, lease: Lease) -> None:
        try:
            await self._work(lease)
        except LostLead:
            log.warning("lead_lost", role=self._role, epoch=lease.epoch)
        except Exception:
            log.exception("lead_work_failed", role=self._role)
