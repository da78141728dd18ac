"""Shifts left open end with their day: as of midnight, with that day's totals, once; and their people are told."""

from __future__ import annotations

import datetime as dt

from chat.turn import Tell
from jobs import shifts as duty
from jobs.duty import Chunk, Slot
from ledger.merchants import outlets, shifts
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, open_shop
from tests.turns import PROGRAMME, ZONE, shown

MIDNIGHT = dt.datetime.combine(NOON.astimezone(ZONE).date() + dt.timedelta(days=1), dt.time(), ZONE)


async def night(database: Database, after: dt.timedelta) -> list[Tell]:
    """The duty, so long after midnight."""
    now = (MIDNIGHT + after).astimezone(dt.UTC)
    slot = Slot("shifts", now)
    async with database.engine.begin() as tx:
        chunk = Chunk(tx, f"{slot.key}:1", Moment(now, now.astimezone(ZONE).date()), PROGRAMME)
        assert await duty.run(chunk, slot) is None
        return chunk.tells


async def test_what_was_left_open_is_closed_as_of_midnight_and_said_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        where = await outlets.open_outlet(tx, by=shop.owner, name="南京路店", now=NOON)
        till = await outlets.open_till(tx, where.id, "1号台", by=shop.owner, now=NOON)
        begun = await shifts.begin(tx, staff=shop.cashier, till_id=till.id, now=NOON)
    assert await night(database, -dt.timedelta(minutes=1)) == []
    [told] = await night(database, dt.timedelta(minutes=3))
    assert told.member_id == shop.cashier.member_id
    assert shown(told.screen).startswith("1号台 · 南京路店的班没有交,已替您交到")
    assert "was left open" in shown(told.screen, "en")
    assert await night(database, dt.timedelta(minutes=3)) == []
    async with database.engine.begin() as tx:
        closed = await shifts.by_id(tx, begun.id)
        assert closed is not None and closed.totals is not None
        assert (closed.closed_at, closed.closed_by) == (MIDNIGHT.astimezone(dt.UTC), "day")
