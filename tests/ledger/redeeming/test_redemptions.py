"""Redeeming on the real database: what goes and what comes back, once per intention, whatever happens at the same moment."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from sqlalchemy import text

from ledger.errors import Refusal
from ledger.points.audit import audit
from ledger.redeeming import counter, redemptions, shelf, vouchers
from ledger.redeeming.lapses import lapse
from ledger.redeeming.may_redeem import DayQuotaTaken, MemberHadAll, OfferPaused, PointsShort, SoldOut
from ledger.redeeming.offers import Limits
from ledger.redeeming.publish import set_active
from ledger.redeeming.redemptions import OfferChanged, Redeemed, UndoOver
from ledger.redeeming.vouchers import NoSuchRedemption, Redemption, VoucherExpired, VoucherTakenBack, VoucherUsed
from tests.ledger.redeeming.stage import Stage, at, offer, per_unit, per_yuan

BOX = offer("box", "进口水果礼盒", "Imported fruit box", "fruit", per_unit(500, 2500, most=3))
VARIABLE = offer("voucher", "超市抵用券", "Market voucher", "market", per_yuan(50, 20, 4, 100))


async def undo(stage: Stage, who_id: int, redemption_id: int, **when: int) -> Redemption:
    async with stage.engine.begin() as tx:
        return await redemptions.undo(tx, who_id, redemption_id, grace_days=30, at=at(**when), actor="test")


async def test_a_redemption_burns_what_ends_soonest_and_the_voucher_says_what_it_is_good_for(stage: Stage) -> None:
    who = await stage.member((320, "2026-11-30"), (860, "2026-12-31"))
    [box] = await stage.publish(BOX)
    done = await stage.redeem(who, box)
    assert (done.redemption.points, done.redemption.value_minor, done.available) == (500, 2500, 680)
    assert await stage.schedule(who) == [("2026-12-31", 680)]
    assert str(done.redemption.valid_until) == "2026-12-22"
    async with stage.engine.begin() as tx:
        again = await vouchers.one(tx, who.id, done.redemption.id)
        assert await vouchers.reveal(tx, again, stage.vault) == done.code


@pytest.mark.parametrize(("yuan", "points"), [(20, 1000), (24, 1200)])
async def test_a_variable_voucher_costs_fifty_points_a_yuan(stage: Stage, yuan: int, points: int) -> None:
    who = await stage.member((1200, "-"))
    [voucher] = await stage.publish(VARIABLE)
    done = await stage.redeem(who, voucher, yuan * 100)
    assert (done.redemption.points, done.redemption.value_minor, done.redemption.units) == (points, yuan * 100, 1)


async def test_the_code_is_nowhere_to_be_read_in_the_database(stage: Stage) -> None:
    who = await stage.member((500, "-"))
    [box] = await stage.publish(BOX)
    done = await stage.redeem(who, box)
    async with stage.engine.begin() as tx:
        tables = await tx.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        for table in tables:
            rows = [str(row) for row in await tx.execute(text(f'SELECT t::text FROM "{table}" t'))]
            assert not any(done.code in row or done.code.encode().hex() in row for row in rows), table


async def test_two_taps_of_one_confirm_button_are_one_redemption_even_at_once(stage: Stage) -> None:
    who = await stage.member((5000, "-"))
    [box] = await stage.publish(BOX)
    done = await asyncio.gather(*(stage.redeem(who, box, nonce="same") for _ in range(6)))
    assert len({d.redemption.id for d in done}) == len({d.code for d in done}) == 1
    assert Counter(d.repeated for d in done) == {True: 5, False: 1}
    assert {d.available for d in done} == {4500} and await stage.available(who) == 4500


async def test_the_last_piece_goes_to_exactly_one_of_twenty(stage: Stage) -> None:
    people = [await stage.member((500, "-")) for _ in range(20)]
    [box] = await stage.publish(BOX.model_copy(update={"limits": Limits(stock=1)}))
    outcomes = await asyncio.gather(*(stage.redeem(p, box) for p in people), return_exceptions=True)
    assert Counter(type(o) for o in outcomes) == {Redeemed: 1, SoldOut: 19}
    assert await stage.taken(box) == {"0001-01-01": 1}
    assert sorted([await stage.available(p) for p in people]) == [0] + [500] * 19


async def test_the_days_allowance_is_never_passed_and_opens_again_tomorrow(stage: Stage) -> None:
    people = [await stage.member((500, "-")) for _ in range(12)]
    [box] = await stage.publish(BOX.model_copy(update={"limits": Limits(day=5, stock=100)}))
    outcomes = await asyncio.gather(*(stage.redeem(p, box) for p in people), return_exceptions=True)
    assert Counter(type(o) for o in outcomes) == {Redeemed: 5, DayQuotaTaken: 7}
    assert await stage.taken(box) == {"0001-01-01": 5, "2026-11-22": 5}
    no = next(o for o in outcomes if isinstance(o, DayQuotaTaken))
    assert (no.per_day, no.left, str(no.reopens_on), no.may_tomorrow) == (5, 0, "2026-11-23", True)
    late = people[next(i for i, o in enumerate(outcomes) if isinstance(o, DayQuotaTaken))]
    assert (await stage.redeem(late, box, when=at(days=1))).redemption.state == "issued"


async def test_one_members_limit_holds_against_their_own_simultaneous_taps(stage: Stage) -> None:
    who = await stage.member((5000, "-"))
    [box] = await stage.publish(BOX.model_copy(update={"limits": Limits(member_day=2)}))
    outcomes = await asyncio.gather(*(stage.redeem(who, box) for _ in range(6)), return_exceptions=True)
    assert Counter(type(o) for o in outcomes) == {Redeemed: 2, MemberHadAll: 4}
    assert await stage.available(who) == 4000


async def test_a_refused_redemption_leaves_stock_and_points_as_they_were(stage: Stage) -> None:
    who = await stage.member((499, "-"))
    [box] = await stage.publish(BOX.model_copy(update={"limits": Limits(stock=3)}))
    with pytest.raises(PointsShort) as short:
        await stage.redeem(who, box)
    assert (short.value.needed, short.value.available) == (500, 499)
    assert await stage.taken(box) == {"0001-01-01": 0} and await stage.available(who) == 499


async def test_another_price_than_the_one_shown_is_never_charged(stage: Stage) -> None:
    who = await stage.member((1000, "-"))
    [box] = await stage.publish(BOX)
    async with stage.engine.begin() as tx:
        shown = await shelf.one(tx, box)
    await stage.publish(BOX.model_copy(update={"price": per_unit(600, 2500)}))
    async with stage.engine.begin() as tx:
        with pytest.raises(OfferChanged):
            await redemptions.redeem(
                tx, who, box, amount=1, version=shown.version, points=500, nonce="n", code="x", vault=stage.vault,
                undo_minutes=10, at=at(), actor="test",
            )  # fmt: skip
    assert await stage.available(who) == 1000


async def test_publishing_waits_for_redemptions_in_flight_and_counts_them(stage: Stage) -> None:
    people = [await stage.member((500, "-")) for _ in range(8)]
    [box] = await stage.publish(BOX)
    limited = BOX.model_copy(update={"limits": Limits(stock=4)})
    outcomes = await asyncio.gather(
        *(stage.redeem(p, box) for p in people[:4]), stage.publish(limited), *(stage.redeem(p, box) for p in people[4:]),
        return_exceptions=True,
    )  # fmt: skip
    had = sum(isinstance(o, Redeemed) for o in outcomes)
    assert {type(o) for o in outcomes} <= {Redeemed, list, SoldOut, OfferChanged}
    async with stage.engine.begin() as tx:
        rows = await tx.execute(text("SELECT taken, limit_to FROM offer_stock"))
        [(taken, limit)] = [(row.taken, row.limit_to) for row in rows]
        assert taken == had == await tx.scalar(text("SELECT sum(units) FROM redemption")) and taken <= max(4, limit)


async def test_a_paused_offer_refuses_and_its_vouchers_stay_good(stage: Stage) -> None:
    who, cashier = await stage.member((1000, "-")), await stage.staff("fruit")
    [box] = await stage.publish(BOX)
    done = await stage.redeem(who, box)
    async with stage.engine.begin() as tx:
        await set_active(tx, box, False)
    with pytest.raises(OfferPaused):
        await stage.redeem(who, box)
    async with stage.engine.begin() as tx:
        used = await counter.use(tx, cashier, done.code, vault=stage.vault, at=at())
    assert isinstance(used, Redemption) and used.state == "used"


async def test_undo_gives_everything_back_to_the_lots_it_came_from(stage: Stage) -> None:
    who = await stage.member((320, "2026-11-30"), (860, "2026-12-31"))
    [box] = await stage.publish(BOX.model_copy(update={"limits": Limits(stock=9, day=5)}))
    done = await stage.redeem(who, box, 2)
    back = await undo(stage, who.id, done.redemption.id, minutes=9)
    assert back.state == "taken_back"
    assert await stage.schedule(who) == [("2026-11-30", 320), ("2026-12-31", 860)]
    assert await stage.taken(box) == {"0001-01-01": 0, "2026-11-22": 0}
    again = await undo(stage, who.id, done.redemption.id, minutes=99)
    assert again.ended_at == back.ended_at and await stage.available(who) == 1180


async def test_undo_across_midnight_returns_an_ended_lot_as_its_grace_lot(stage: Stage) -> None:
    who = await stage.member((500, "2026-11-22"))
    [box] = await stage.publish(BOX)
    done = await stage.redeem(who, box)
    await undo(stage, who.id, done.redemption.id, days=1, minutes=9 - 1440)
    assert await stage.schedule(who, at(days=1)) == [("2026-12-23", 500)]


@pytest.mark.parametrize("minutes", [10, 11])
async def test_undo_is_over_with_the_last_minute(stage: Stage, minutes: int) -> None:
    who = await stage.member((500, "-"))
    [box] = await stage.publish(BOX)
    done = await stage.redeem(who, box)
    with pytest.raises(UndoOver):
        await undo(stage, who.id, done.redemption.id, minutes=minutes)


async def test_nobody_undoes_or_opens_anothers_voucher(stage: Stage) -> None:
    who, other = await stage.member((500, "-")), await stage.member((500, "-"))
    [box] = await stage.publish(BOX)
    done = await stage.redeem(who, box)
    with pytest.raises(NoSuchRedemption):
        await undo(stage, other.id, done.redemption.id)


async def test_using_and_undoing_at_once_one_of_them_wins(stage: Stage) -> None:
    cashier = await stage.staff("fruit")
    [box] = await stage.publish(BOX)

    async def use(code: str) -> Redemption | Refusal:
        async with stage.engine.begin() as tx:
            return await counter.use(tx, cashier, code, vault=stage.vault, at=at())

    for _ in range(8):
        who = await stage.member((500, "-"))
        done = await stage.redeem(who, box)
        used, back = await asyncio.gather(
            use(done.code), undo(stage, who.id, done.redemption.id), return_exceptions=True
        )
        if isinstance(used, VoucherTakenBack):
            assert isinstance(back, Redemption) and await stage.available(who) == 500
        else:
            assert isinstance(used, Redemption) and isinstance(back, VoucherUsed)
            assert await stage.available(who) == 0


async def test_unused_vouchers_give_their_points_back_after_their_last_day(stage: Stage) -> None:
    who = await stage.member((320, "2026-12-05"), (680, "2027-06-30"))
    keeps = offer("keeps", "体验课", "Trial class", "market", per_unit(200), unused="forfeit", validity_days=20)
    box, kept = await stage.publish(BOX.model_copy(update={"limits": Limits(stock=5), "validity_days": 20}), keeps)
    first, second = await stage.redeem(who, box), await stage.redeem(who, kept)
    for days, lapsed in ((20, []), (21, [first.redemption.id, second.redemption.id]), (22, [])):
        async with stage.engine.begin() as tx:
            found = await lapse(tx, at=at(days=days), grace_days=30)
        assert [each.voucher.id for each in found] == lapsed
    # 320 had ended meanwhile and returns as a grace lot of 30 days; the class's 200 stay spent.
    assert await stage.schedule(who, at(days=21)) == [("2027-01-12", 320), ("2027-06-30", 480)]
    assert await stage.taken(box) == {"0001-01-01": 0}
    with pytest.raises(VoucherExpired):
        await undo(stage, who.id, first.redemption.id)


async def test_lapsing_takes_at_most_so_many_and_goes_on(stage: Stage) -> None:
    who = await stage.member((2500, "-"))
    [box] = await stage.publish(BOX)
    for _ in range(5):
        await stage.redeem(who, box)
    sizes = []
    for _ in range(3):
        async with stage.engine.begin() as tx:
            sizes.append(len(await lapse(tx, at=at(days=31), grace_days=30, limit=2)))
    assert sizes == [2, 2, 1] and await stage.available(who, when=at(days=31)) == 2500


async def test_the_books_balance_after_all_of_it(stage: Stage) -> None:
    who = await stage.member((320, "2026-11-30"), (2000, "2027-12-31"))
    box, voucher = await stage.publish(BOX, VARIABLE)
    first, second = await stage.redeem(who, box), await stage.redeem(who, voucher)
    await undo(stage, who.id, first.redemption.id)
    async with stage.engine.begin() as tx:
        await lapse(tx, at=at(days=40), grace_days=30)
        assert second.redemption.points == 1000
        report = await audit(tx)
    assert report.holds, report
