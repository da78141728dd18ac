"""Breakage by month and issuer: every way in and out of the `expired` accounts, and the export, beside the sums of the legs."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.merchants import breakage
from ledger.merchants.breakage import Broken, Record
from ledger.points import commands as c
from ledger.points import expiry
from ledger.points.engine import apply, post
from tests import turns
from tests.conftest import Database
from tests.ledger.points.builders import (
    COMMON,
    RAIL,
    accrue,
    audited,
    burn,
    claw_back,
    hold,
    moment,
    reinstate,
    reverse,
    void,
)

ANN, BEN = c.member(11), c.member(12)
JAN, FEB, MAR, APR = (dt.date(2026, month, 1) for month in (1, 2, 3, 4))


async def _night(tx: AsyncConnection, day: dt.date) -> list[expiry.Ended]:
    ended, then = await expiry.page(tx, key=f"night:{day}", actor="job:expire", at=moment(day))
    assert then is None
    return ended


async def _legs(tx: AsyncConnection) -> dict[tuple[int, int], int]:
    rows = await tx.execute(
        text(
            "SELECT p.issuer_id, a.currency_id, sum(p.points)::bigint FROM posting p JOIN account a ON a.id = p.account_id"
            " WHERE a.purpose = 'expired' GROUP BY 1, 2"
        )
    )
    return {(issuer, currency): points for issuer, currency, points in rows}


async def test_each_month_counts_what_ended_in_it_less_what_came_back(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, rail = await turns.coalition(tx)
        ends = dt.date(2026, 1, 20)
        ours = {"issuer_id": market.id, "expires_on": ends}
        theirs = {"issuer_id": rail.id, "expires_on": ends, "currency": RAIL}
        bought = await post(tx, accrue(100, owner=ANN, **ours))
        await apply(tx, [accrue(40, owner=BEN, **ours), accrue(30, owner=BEN, **theirs)])
        spent = await post(tx, burn(60, owner=ANN))
        kept = await post(tx, hold(15, owner=ANN))
        # January: 25 of Ann's, 40 and 30 of Ben's run out; the held 15 come back too late for grace and end with it.
        ended = await _night(tx, dt.date(2026, 1, 21))
        assert sorted(each.points for each in ended) == [25, 30, 40]
        late = dt.date(2026, 2, 10)
        await post(tx, void(kept.entry_id, owner=ANN, at=moment(late), grace_days=-1))
        # February: Ben's 40 are restored; of Ann's purchase 20 go back, which had run out.
        (bens,) = [each for each in ended if each.owner == BEN and each.currency == COMMON]
        await post(tx, reverse(bens.entry_id, owner=BEN, at=moment(late), expires_on=dt.date(2026, 2, 20)))
        await post(tx, claw_back(bought.entry_id, 20, owner=ANN, issuer_id=market.id, at=moment(late)))
        # March: what was restored has run out again; a late return has no grace left.
        await _night(tx, MAR)
        await post(tx, reinstate(spent.entry_id, owner=ANN, at=moment(MAR), grace_days=-1))
        found = await breakage.by_month(tx, JAN, APR)
        only = await breakage.by_month(tx, FEB, MAR)
        legs = await _legs(tx)
        exported = [row async for row in breakage.everything(tx)]
        rails = [row async for row in breakage.everything(tx, "rail")]
    assert found == [
        Broken(JAN, market.id, COMMON, 65, 0, 0),
        Broken(JAN, rail.id, RAIL, 30, 0, 0),
        Broken(FEB, market.id, COMMON, 15, 40, 20),
        Broken(MAR, market.id, COMMON, 100, 0, 0),
    ]
    assert only == found[2:3] and only[0].points == -45
    assert legs == {(market.id, COMMON): 65 - 45 + 100, (rail.id, RAIL): 30}
    assert exported[2] == Record(FEB, "market", "common", 15, 40, 20, -45, -90, "CNY")
    assert [row[:-2] for row in rails] == [(JAN, "rail", "rail", 30, 0, 0, 30)]
    assert sum(row.breakage for row in exported) == sum(legs.values())
    await audited(database.engine)
