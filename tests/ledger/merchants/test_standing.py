"""What a merchant may become: every standing × every event, as a table; and that a suspension touches issuing alone."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.merchants import log, standing
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import MerchantMayNotIssue, NoSuchMerchant
from ledger.merchants.standing import EVENTS, STANDINGS, NotFromThisStanding, ReasonMissing, Standing
from tests.conftest import Database
from tests.turns import NOW, TODAY, coalition

# certify   reject    withdraw  suspend    lapse     renew     reinstate  close
TABLE = """
applied             certified closed    closed    -          -         -         -          -
certified           -         -         -         operator   lapsed    -         -          closed
suspended:certificate -       -         -         operator   -         certified -          closed
suspended:operator  -         -         -         -          -         -         certified  closed
closed              -         -         -         -          -         -         -          -
"""
NAMES = {
    "certified": Standing("certified"),
    "closed": Standing("closed"),
    "operator": Standing("suspended", "operator"),
    "lapsed": Standing("suspended", "certificate"),
}


def rows() -> list[tuple[Standing, str, Standing | None]]:
    cells = [line.split() for line in TABLE.strip().splitlines()]
    found = []
    for name, *becomes in cells:
        status, _, suspended_for = name.partition(":")
        before = Standing(status, suspended_for or None)
        found += [(before, event, NAMES.get(cell)) for event, cell in zip(EVENTS, becomes, strict=True)]
    return found


async def put(tx: AsyncConnection, before: Standing) -> int:
    market, _ = await coalition(tx)
    query = text("UPDATE merchant SET status = :status, suspended_for = :suspended_for WHERE id = :id")
    await tx.execute(query, {"id": market.id, **before._asdict()})
    return market.id


def test_the_table_speaks_of_every_standing_and_every_event() -> None:
    assert {(before, event) for before, event, _ in rows()} == {(s, e) for s in STANDINGS for e in EVENTS}


@pytest.mark.parametrize(("before", "event", "after"), rows())
async def test_what_happens_to_a_merchant(
    database: Database, before: Standing, event: standing.Event, after: Standing | None
) -> None:
    async with database.engine.begin() as tx:
        merchant_id = await put(tx, before)
        if after is None:
            with pytest.raises(NotFromThisStanding) as no:
                await standing.move(tx, merchant_id, event, by="operator:1", now=NOW, reason="查无此照")
            assert (no.value.status, no.value.event) == (before.status, event)
            assert await standing.of(tx, merchant_id) == before
            assert await log.read(tx, merchant_id) == []
            return
        assert await standing.move(tx, merchant_id, event, by="operator:1", now=NOW, reason="查无此照") == after
        assert await standing.of(tx, merchant_id) == after
        [line] = await log.read(tx, merchant_id)
        assert (line.who, line.what) == ("operator:1", standing._SAID[event])
        assert line.facts.get("reason") == ("查无此照" if event in ("reject", "suspend", "close") else None)
        merchant = await merchants.by_id(tx, merchant_id)
        if after.status == "certified":
            merchant.must_issue(TODAY)
        else:
            with pytest.raises(MerchantMayNotIssue):
                merchant.must_issue(TODAY)


async def test_what_takes_something_away_says_why(database: Database) -> None:
    async with database.engine.begin() as tx:
        merchant_id = await put(tx, standing.CERTIFIED)
        for reason in ("", " \n ", "长" * 201):
            with pytest.raises(ReasonMissing):
                await standing.move(tx, merchant_id, "suspend", by="operator:1", now=NOW, reason=reason)
        with pytest.raises(NoSuchMerchant):
            await standing.move(tx, 999, "suspend", by="operator:1", now=NOW, reason="x")
