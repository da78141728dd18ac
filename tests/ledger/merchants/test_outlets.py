"""Outlets, tills and shifts: names and labels once each, who may, and that nobody works two shifts and no till has two."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.merchants import log, outlets, shifts, staff
from ledger.merchants.authority import NotAllowed
from ledger.merchants.outlets import (
    NoSuchOutlet,
    NoSuchTill,
    OutletNameTaken,
    OutletTextWrong,
    TillLabelTaken,
    TillLabelWrong,
    TooManyOutlets,
)
from ledger.merchants.shifts import Totals
from tests.conftest import Database
from tests.ledger.earning.shop import NOON, Shop, open_shop

NOTHING = Totals(0, 0, 0, 0, 0, 0, 0)
HOUR = dt.timedelta(hours=1)


async def test_an_outlet_has_tills_and_both_have_names_of_their_own(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        made = await outlets.open_outlet(
            tx, by=shop.owner, name=" 南京路\n店 ", region="sh", address="南京路 1 号", now=NOON
        )
        assert (made.name, made.region, made.address, made.hours) == ("南京路 店", "sh", "南京路 1 号", "")
        with pytest.raises(OutletNameTaken):
            await outlets.open_outlet(tx, by=shop.owner, name="南京路 店", now=NOON)
        second = await outlets.open_outlet(tx, by=shop.manager, name="虹桥店", now=NOON)
        one = await outlets.open_till(tx, made.id, "1号台", by=shop.manager, now=NOON)
        with pytest.raises(TillLabelTaken):
            await outlets.open_till(tx, second.id, " 1号台 ", by=shop.manager, now=NOON)
        found = await outlets.of(tx, made.merchant_id)
        assert [(each.name, [t.label for t in each.tills]) for each in found] == [
            ("南京路 店", ["1号台"]),
            ("虹桥店", []),
        ]
        with pytest.raises(OutletNameTaken):
            await outlets.change(tx, second.id, "name", "南京路 店", by=shop.owner, now=NOON)
        changed = await outlets.change(tx, second.id, "hours", "9:00–21:00", by=shop.owner, now=NOON)
        assert changed.hours == "9:00–21:00"
        await outlets.close_outlet(tx, made.id, by=shop.owner, now=NOON)
        with pytest.raises(NoSuchTill):
            await outlets.till(tx, made.merchant_id, one.id)
        await outlets.open_till(tx, second.id, "1号台", by=shop.owner, now=NOON)
        said = [line.what for line in await log.read(tx, made.merchant_id, limit=20)]
        assert said == [
            "till_opened",
            "outlet_closed",
            "outlet_changed",
            "till_opened",
            "outlet_opened",
            "outlet_opened",
        ]


async def test_a_cashier_runs_no_outlets_and_no_one_those_of_others(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        with pytest.raises(NotAllowed):
            await outlets.open_outlet(tx, by=shop.cashier, name="南京路店", now=NOON)
        made = await outlets.open_outlet(tx, by=shop.owner, name="南京路店", now=NOON)
        till = await outlets.open_till(tx, made.id, "1号台", by=shop.owner, now=NOON)
        other = staff.Staff(99, made.merchant_id + 1, 99, "owner", "别家", NOON)
        with pytest.raises(NoSuchOutlet):
            await outlets.close_outlet(tx, made.id, by=other, now=NOON)
        with pytest.raises(NoSuchTill):
            await outlets.close_till(tx, till.id, by=other, now=NOON)
        with pytest.raises(NoSuchTill):
            await shifts.begin(tx, staff=other, till_id=till.id, now=NOON)


@pytest.mark.parametrize("name", ["", "  ", "长" * 31])
async def test_names_and_labels_fit_on_a_line(database: Database, name: str) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        with pytest.raises(OutletTextWrong):
            await outlets.open_outlet(tx, by=shop.owner, name=name, now=NOON)
        made = await outlets.open_outlet(tx, by=shop.owner, name="南京路店", now=NOON)
        with pytest.raises(TillLabelWrong):
            await outlets.open_till(tx, made.id, name, by=shop.owner, now=NOON)
        for number in range(outlets.TILLS_MOST):
            await outlets.open_till(tx, made.id, f"{number}号", by=shop.owner, now=NOON)
        with pytest.raises(TooManyOutlets):
            await outlets.open_till(tx, made.id, "再一个", by=shop.owner, now=NOON)


async def two_tills(tx, shop: Shop) -> tuple[outlets.Till, outlets.Till]:  # type: ignore[no-untyped-def]
    made = await outlets.open_outlet(tx, by=shop.owner, name="南京路店", region="hz", now=NOON)
    one = await outlets.open_till(tx, made.id, "1号台", by=shop.owner, now=NOON)
    return one, await outlets.open_till(tx, made.id, "2号台", by=shop.owner, now=NOON)


async def test_a_shift_knows_its_till_its_outlet_and_its_region_until_the_day_is_over(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        one, _ = await two_tills(tx, shop)
        assert await shifts.current(tx, shop.cashier.id, since=NOON - HOUR) is None
        begun = await shifts.begin(tx, staff=shop.cashier, till_id=one.id, now=NOON)
        assert (begun.till, begun.outlet, begun.region, begun.closed_at) == ("1号台", "南京路店", "hz", None)
        assert await shifts.current(tx, shop.cashier.id, since=NOON - HOUR) == begun
        assert await shifts.current_of_member(tx, shop.cashier.member_id, since=NOON - HOUR) == begun
        assert await shifts.current(tx, shop.cashier.id, since=NOON + HOUR) is None, "of yesterday"
        closed = await shifts.close(
            tx, begun, Totals(2, 12_800, 128, 0, 1, 0, 0), by="cashier", who=shop.cashier.actor, at=NOON + HOUR
        )
        assert closed.totals == Totals(2, 12_800, 128, 0, 1, 0, 0)
        again = await shifts.close(tx, begun, NOTHING, by="day", who="job:shifts", at=NOON + 2 * HOUR)
        assert again == closed, "closed it stays as it was"
        assert await shifts.current(tx, shop.cashier.id, since=NOON - HOUR) is None


async def test_whatever_is_in_the_way_of_a_shift_is_found(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        one, two = await two_tills(tx, shop)
        mine = await shifts.begin(tx, staff=shop.cashier, till_id=one.id, now=NOON)
        theirs = await shifts.begin(tx, staff=shop.manager, till_id=two.id, now=NOON)
        assert await shifts.in_the_way(tx, staff=shop.cashier, till_id=two.id) == [mine, theirs]
        for each in (mine, theirs):
            await shifts.close(tx, each, NOTHING, by="next", who=shop.cashier.actor, at=NOON + HOUR)
        moved = await shifts.begin(tx, staff=shop.cashier, till_id=two.id, now=NOON + HOUR)
        assert await shifts.open_at(tx, mine.merchant_id) == [moved]
        assert [each.id for each in await shifts.recent(tx, mine.merchant_id)] == [moved.id, theirs.id, mine.id]


async def test_a_shift_left_open_is_found_the_next_day(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        one, _ = await two_tills(tx, shop)
        begun = await shifts.begin(tx, staff=shop.cashier, till_id=one.id, now=NOON)
        assert await shifts.left_open(tx, midnight=NOON, after=0, limit=5) == []
        assert await shifts.left_open(tx, midnight=NOON + 12 * HOUR, after=0, limit=5) == [begun]
        assert await shifts.left_open(tx, midnight=NOON + 12 * HOUR, after=begun.id, limit=5) == []
