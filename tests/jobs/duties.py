"""A timetable on a test's database, run by hand."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from bot.clock import Clock
from bot.leads import Lease, take
from bot.timetable import Timetable, discover
from jobs.duty import Duty
from tests import turns
from tests.conftest import Database

PROGRAMME = text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))")


class Office:
    """The duties over a database whose present is `now` (a settable UTC instant)."""

    def __init__(self, database: Database, duties: Sequence[Duty] | None = None) -> None:
        self.database = database
        self.now = turns.NOW
        self.clock = Clock(turns.ZONE, lambda: self.now)
        self.vault = turns.vault()
        self.timetable = Timetable(database.engine, self.vault, self.clock, discover() if duties is None else duties)

    async def set_up(self) -> None:
        """A coalition and its programme."""
        async with self.database.engine.begin() as tx:
            await turns.coalition(tx)
            await tx.execute(PROGRAMME, {"document": turns.PROGRAMME.model_dump_json()})

    async def lead(self, holder: str = "test") -> Lease:
        """Take the lead of the duties."""
        async with self.database.engine.begin() as tx:
            lease = await take(tx, "jobs", holder)
        assert lease is not None
        return lease

    async def catch_up(self, lease: Lease | None = None) -> None:
        """Run whatever is due now."""
        await self.timetable.catch_up(lease or await self.lead())

    async def days_pass(self, days: int) -> None:
        """Move the programme's date."""
        async with self.database.engine.begin() as tx:
            await self.clock.move(tx, days)

    async def sql(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Rows of one statement, committed."""
        async with self.database.engine.begin() as tx:
            found = await tx.execute(text(statement), values)
            return [tuple(row) for row in found.all()] if found.returns_rows else []

    async def outcomes(self, job: str) -> list[tuple[object, ...]]:
        """State and outcome of a job's slots, oldest first."""
        return await self.sql("SELECT state, outcome FROM slot WHERE job = :job ORDER BY due_at", job=job)
