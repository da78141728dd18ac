"""Giving a dividend out through the timetable: page by page, each member told once, and nothing lost when a chunk dies."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import dividends as duty
from ledger.earning import dividends
from ledger.points.audit import audit
from tests.conftest import Database
from tests.jobs.duties import PROGRAMME, Office
from tests.ledger.earning.shop import moment, new_member, open_shop
from tests.ledger.earning.test_dividends import SINCE, UNTIL, buys
from tests.turns import PROGRAMME as DOCUMENT
from tests.turns import joined

PEOPLE = 7


@pytest.fixture
async def office(database: Database) -> Office:
    """A pool of 700 is funded for members who earned 1 to 7 points; the last has no Telegram."""
    made = Office(database, [duty.duty])
    async with database.engine.begin() as tx:
        await tx.execute(PROGRAMME, {"document": DOCUMENT.model_dump_json()})
        shop = await open_shop(tx)
        for number in range(1, PEOPLE):
            who = await joined(tx, 600 + number, f"会员{number}")
            await buys(tx, shop, who.id, number)
        await buys(tx, shop, await new_member(tx), PEOPLE)
        period = {"since": SINCE, "until": UNTIL, "nonce": "n"}
        await dividends.fund(tx, shop.merchant, shop.owner, pool=700, at=moment(), **period)  # type: ignore[arg-type]
    return made


async def told(office: Office) -> list[str]:
    rows = await office.sql("SELECT params->>'text' FROM outbox ORDER BY id")
    return [str(said).splitlines()[0] for (said,) in rows]


async def test_every_share_is_given_and_told_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty, "SHARES_PER_CHUNK", 3)
    await office.catch_up()
    await office.catch_up()
    assert await told(office) == [f"<b>+{25 * number} 分</b> · 分红 · 云山超市" for number in range(1, PEOPLE)]
    rows = await office.sql(
        "SELECT sum(balance)::int FROM account WHERE owner_kind = 'member' AND purpose = 'available'"
    )
    assert rows == [(700,)]
    assert await office.sql("SELECT paid_at IS NOT NULL FROM dividend") == [(True,)]
    async with office.database.engine.connect() as tx:
        assert (await audit(tx)).holds


async def test_a_chunk_that_dies_after_giving_is_tried_again_and_gives_nothing_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty, "SHARES_PER_CHUNK", 3)
    pay, calls = dividends.pay, []

    async def dying(*args: Any, **facts: Any) -> list[dividends.Paid]:
        given = await pay(*args, **facts)
        calls.append(len(given))
        if len(calls) == 2:
            raise ConnectionError("the process dies")
        return given

    monkeypatch.setattr(dividends, "pay", dying)
    await office.catch_up()
    assert calls[:3] == [3, 3, 3], "the second page was given twice, of which once for nothing"
    assert len(await told(office)) == PEOPLE - 1
    rows = await office.sql("SELECT count(*), sum(points)::int FROM entry WHERE kind = 'transfer'")
    assert rows == [(PEOPLE, 700)]
