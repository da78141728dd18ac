"""Refunds: what remains is recomputed by the rules and facts that paid, and caps and budgets get back exactly what they gave."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import awards, refunds, returns
from ledger.earning.purchases import AmountMustBePositive, Booked, DocumentTaken, Purchase
from ledger.earning.refund_plans import RefundAboveLimit
from ledger.earning.refunds import Refunded
from ledger.earning.returns import Back, NoSuchLine, Returned
from ledger.earning.rules.bill import Bill, Part
from ledger.merchants.authority import NotAllowed
from ledger.merchants.merchant import MonthsToMonthEnd, Never, Terms
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import Burn, Expire, Release, member
from ledger.points.engine import post
from tests.conftest import Database
from tests.ledger.earning.purchasing import bill, book, bought, budgets, caps, write_rule
from tests.ledger.earning.shop import Shop, moment, open_shop


async def buy(tx: AsyncConnection, shop: Shop, document: str, *parts: Part, days: int = 0, **said: Any) -> Purchase:
    (done,) = await book(tx, bought(shop, document, bill=Bill(parts, "CNY"), days=days, **said), days=days)
    assert isinstance(done, Booked)
    return done.purchase


async def give_back(
    tx: AsyncConnection, shop: Shop, of: Purchase, document: str = "R1", *, days: int = 1, **how: Any
) -> Refunded:
    at = moment(days)
    return await refunds.refund(
        tx, shop.merchant, purchase_id=of.id, document=document, occurred_at=at.now, at=at, actor="api", **how
    )


async def returned(
    tx: AsyncConnection, shop: Shop, *items: Returned, document: str = "C1", days: int = 5
) -> refunds.Unreferenced:
    at = moment(days)
    return await refunds.refund_items(
        tx,
        shop.merchant,
        member_id=shop.customer,
        items=items,
        document=document,
        occurred_at=at.now,
        at=at,
        actor="api",
    )


async def test_lines_come_back_piece_by_piece_each_with_its_own_points(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        of = await buy(tx, shop, "a", Part(10000, "green", pieces=3, item="LED"), Part(5000, item="milk"))
        one = await give_back(tx, shop, of, lines=[Back(0, 1)])
        two = await give_back(tx, shop, of, "R2", lines=[Back(0, 2), Back(1, 1)])
        found = await audit(tx)
    # ¥100 ÷ 3 pieces: two of them are worth ¥66.66, at 1.5 points.
    assert (of.points, one.amount_minor, one.points) == (200, 3334, 51)
    assert (two.amount_minor, two.points, two.purchase.left_minor) == (11666, 149, 0)
    assert found.violations == ()


async def test_a_line_that_is_not_there_or_has_come_back_is_refused(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        of = await buy(tx, shop, "a", Part(10000, pieces=2), Part(5000))
        await give_back(tx, shop, of, lines=[Back(0, 1)])
        for lines in ([Back(0, 2)], [Back(0, 1), Back(0, 1)], [Back(2, 1)], [Back(1, 0)], [Back(1, -1)]):
            with pytest.raises(NoSuchLine):
                await give_back(tx, shop, of, "R2", lines=lines)
        again = await give_back(tx, shop, of, lines=[Back(0, 1)])
        with pytest.raises(DocumentTaken):
            await give_back(tx, shop, of, lines=[Back(1, 1)])
    assert (again.repeated, again.points) == (True, 50)


async def test_lines_and_amounts_may_follow_each_other_in_any_order(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        parts = (Part(10000, "green"), Part(10000))
        first, second = await buy(tx, shop, "a", *parts), await buy(tx, shop, "b", *parts)
        await give_back(tx, shop, first, "R1", amount_minor=5000)
        await give_back(tx, shop, first, "R2", lines=[Back(1, 1)])
        await give_back(tx, shop, second, "R3", lines=[Back(1, 1)])
        await give_back(tx, shop, second, "R4", amount_minor=2500)
        rest = await tx.execute(
            text(
                "SELECT p.amount_minor - p.refunded_minor, p.points - sum(r.points)::bigint"
                " FROM purchase p JOIN refund r ON r.purchase_id = p.id GROUP BY p.id ORDER BY p.id"
            )
        )
        left = [tuple(row) for row in rest]
    # ¥75 of the green line are left either way: 112.5 points, rounded down.
    assert left == [(7500, 112), (7500, 112)]


async def test_what_was_paid_otherwise_leaves_with_its_lines(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        one = bought(shop, "a", bill=Bill((Part(10000), Part(30000)), "CNY", 20000))
        (done,) = await book(tx, one)
        assert isinstance(done, Booked)
        back = await give_back(tx, shop, done.purchase, lines=[Back(0, 1)])
        rest = await give_back(tx, shop, done.purchase, "R2")
    assert (done.purchase.points, back.amount_minor, back.points) == (200, 5000, 50)
    assert (rest.amount_minor, rest.points) == (15000, 150)


async def test_bonus_and_multiplier_shrink_with_what_is_left(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "twice", kind="multiplier", factor="2")
        await write_rule(tx, shop, "plus", kind="bonus", points=90, when={"min_spend_minor": 25000})
        of = await buy(tx, shop, "a", Part(30000))
        third = await give_back(tx, shop, of, amount_minor=10000)  # below the least spend now, as it was not then
        rest = await give_back(tx, shop, of, "R2")
    assert (of.points, third.points, rest.points) == (690, 230, 460)


async def test_a_rule_that_changed_and_a_member_who_changed_do_not_matter(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "gold", kind="multiplier", factor="3", when={"tiers": ["gold"]})
        await tx.execute(text("UPDATE member SET tier = 'gold' WHERE id = :id"), {"id": shop.customer})
        of = await buy(tx, shop, "a", Part(10000))
        await tx.execute(text("UPDATE member SET tier = NULL WHERE id = :id"), {"id": shop.customer})
        await write_rule(tx, shop, "gold", kind="bonus", points=5)
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="7")
        half = await give_back(tx, shop, of, amount_minor=5000, days=400)
    assert (of.points, half.points) == (300, 150)


async def test_caps_and_budgets_get_back_what_they_gave_and_give_it_again(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        limits = [{"points": 250, "per": "day"}, {"points": 900, "per": "ever"}]
        await write_rule(tx, shop, "plus", kind="multiplier", factor="2", caps=limits, budget={"points": 260})
        first = await buy(tx, shop, "a", Part(20000))
        second = await buy(tx, shop, "b", Part(20000))
        before = await caps(tx), await budgets(tx)
        await give_back(tx, shop, first, amount_minor=15000, days=3)
        after = await caps(tx), await budgets(tx)
        third = await buy(tx, shop, "c", Part(30000))
        await give_back(tx, shop, third, "R3", days=3)
        await give_back(tx, shop, second, "R4", days=3)
        await give_back(tx, shop, first, "R5", days=3)
        end = await caps(tx), await budgets(tx)
    day = ("plus", "2026-11-11")
    assert [(p.points - p.shares["yunshan-base"], p.shares["plus"]) for p in (first, second, third)] == [
        (200, 200), (50, 50), (150, 150),
    ]  # fmt: skip
    assert (before[0][day], before[1]) == (250, {"rule:plus": 250})
    assert (after[0][day], after[0]["plus", "ever"], after[1]) == (100, 100, {"rule:plus": 100})
    assert end == ({day: 0, ("plus", "ever"): 0}, {"rule:plus": 0})


async def test_a_cap_that_a_rule_got_later_is_not_given_what_it_never_counted(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        of = await buy(tx, shop, "a", Part(20000))
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", caps=[{"points": 50, "per": "day"}])
        await buy(tx, shop, "b", Part(20000))
        await give_back(tx, shop, of)
        counted = await caps(tx)
    assert counted == {("yunshan-base", "2026-11-11"): 50}


async def test_items_come_back_without_a_reference_from_the_newest_earlier_lines(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        lamp = {"item": "LED"}
        old = await buy(tx, shop, "1", Part(2000, pieces=2, **lamp))
        new = await buy(tx, shop, "2", Part(4000, pieces=2, **lamp), Part(1000, item="milk"), days=1)
        await buy(tx, shop, "3", Part(9000, pieces=1, **lamp), days=9)  # not bought yet
        other = bought(shop, "4", member_id=shop.owner.member_id, bill=bill(7000, **lamp))
        await book(tx, other)
        done = await returned(tx, shop, Returned("LED", 3), Returned("milk", 2), Returned("bread", 1))
        again = await returned(tx, shop, Returned("LED", 3), Returned("milk", 2), Returned("bread", 1), days=6)
        with pytest.raises(DocumentTaken):
            await returned(tx, shop, Returned("LED", 2))
        with pytest.raises(AmountMustBePositive):
            await returned(tx, shop, Returned("LED", 0), document="C2")
        last = await returned(tx, shop, Returned("LED", 5), document="C3")
    reached = [(each.purchase.id, each.amount_minor, each.points) for each in done.refunds]
    assert reached == [(new.id, 5000, 50), (old.id, 1000, 10)]
    assert done.rest == (Returned("milk", 1), Returned("bread", 1))
    assert [each.repeated for each in again.refunds] == [True, True] and again.rest == done.rest
    assert ([each.points for each in last.refunds], last.rest) == ([10], (Returned("LED", 4),))


async def test_a_refund_after_the_points_were_spent_or_their_lot_expired(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx, terms=Terms(return_days=0, life=Never()))
        brief = await open_shop(tx, code="brief", terms=Terms(return_days=0, life=MonthsToMonthEnd(months=0)))
        who = member(shop.customer)
        spent = await buy(tx, shop, "a", Part(30000))
        burn = Burn(key="b", owner=who, currency=1, at=moment(), actor="m", merchant_id=shop.merchant.id, points=250)
        await post(tx, burn)
        gone = await buy(tx, brief, "b", Part(30000), member_id=shop.customer)
        await post(tx, Expire(key="e", owner=who, currency=1, at=moment(30), actor="job"))
        first = await give_back(tx, shop, spent, days=31)
        second = await give_back(tx, brief, gone, days=31)
        (held,) = await statements.wallet(tx, who, today=moment(31).today)
        found = await audit(tx)
    assert first.receipt is not None and second.receipt is not None
    assert first.receipt.facts["deficit"] == 250
    assert second.receipt.facts["from_expired"] == 300
    assert (held.available, held.deficits) == (0, {shop.merchant.id: 250})
    assert found.violations == ()


async def test_a_refund_within_the_return_window_and_after_its_release(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        of, who = await buy(tx, shop, "a", Part(30000)), member(shop.customer)
        await give_back(tx, shop, of, amount_minor=10000, days=2)
        (waiting,) = await statements.wallet(tx, who, today=moment(2).today)
        await post(tx, Release(key="r", owner=who, currency=1, at=moment(7), actor="job"))
        await give_back(tx, shop, of, "R2", amount_minor=10000, days=8)
        (after,) = await statements.wallet(tx, who, today=moment(8).today)
    assert (waiting.pending, waiting.available) == (200, 0)
    assert (after.pending, after.available) == (0, 100)


@pytest.mark.parametrize(
    ("who", "minor", "refusal"),
    [
        ("cashier", 2000, None),
        ("cashier", 2001, RefundAboveLimit),
        ("manager", 10000, None),
        ("owner", None, None),
    ],
)
async def test_a_cashier_refunds_up_to_a_limit_of_each_purchase(
    database: Database, who: str, minor: int | None, refusal: type[Exception] | None
) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx, terms=Terms(cashier_refund_minor=5000))
        of = await buy(tx, shop, "a", Part(20000))
        how = {"merchant": shop.merchant, "purchase_id": of.id, "reason": "returned", "at": moment(1)}
        await awards.refund(tx, staff=shop.cashier, nonce="n0", amount_minor=3000, **how)
        if refusal:
            with pytest.raises(refusal):
                await awards.refund(tx, staff=getattr(shop, who), nonce="n1", amount_minor=minor, **how)
            return
        done = await awards.refund(tx, staff=getattr(shop, who), nonce="n1", amount_minor=minor, **how)
    assert done.amount_minor == (minor or 17000)


async def test_a_cashier_without_a_limit_refunds_nothing(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        of = await buy(tx, shop, "a", Part(20000))
        how = {"merchant": shop.merchant, "purchase_id": of.id, "reason": "returned", "at": moment(1), "nonce": "n"}
        with pytest.raises(NotAllowed):
            await awards.refund(tx, staff=shop.cashier, **how)
        with pytest.raises(awards.ReasonNeeded):
            await awards.refund(tx, staff=shop.manager, **(how | {"reason": " "}))


async def test_a_purchase_from_before_facts_were_kept_can_still_be_refunded(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        of = await buy(tx, shop, "a", Part(20000))
        await tx.execute(text("UPDATE purchase SET facts = '{}', shares = '{}'"))
        half = await give_back(tx, shop, of, amount_minor=10000)
    assert half.points == 100


# What remains of a bill, and what each rule gets back: pure.

PARTS = st.lists(
    st.builds(Part, st.integers(0, 10**6), pieces=st.integers(1, 9), item=st.sampled_from(["a", "b"])),
    min_size=1,
    max_size=5,
)


@given(PARTS, st.integers(0, 10**6), st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), max_size=8))
def test_lines_that_come_back_one_by_one_leave_what_they_leave_together(
    parts: list[Part], otherwise: int, asked: list[tuple[int, int]]
) -> None:
    whole = Bill(tuple(parts), "CNY", min(otherwise, sum(part.amount_minor for part in parts)))
    gone: Counter[int] = Counter()
    left = whole.net_minor
    for place, pieces in asked:
        if place < len(parts) and gone[place] + pieces <= parts[place].pieces:
            left = returns.left_after(whole, gone, left, [Back(place, pieces)])
            gone[place] += pieces
    assert left == returns.left_after(whole, {}, whole.net_minor, [Back(*each) for each in gone.items()])
    assert returns.remaining(whole, gone, left).net_minor == left
    everything = {place: part.pieces for place, part in enumerate(parts)}
    assert returns.remaining(whole, everything, 0).gross_minor == 0


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 50)),
    st.dictionaries(st.sampled_from("abcde"), st.integers(0, 50)),
)
def test_rules_get_back_together_what_was_taken_back_and_none_more_than_it_gave(
    before: dict[str, int], after: dict[str, int]
) -> None:
    taken = max(0, sum(before.values()) - sum(after.values()))
    back = returns.shares_back(before, after, taken)
    assert sum(back.values()) == taken
    assert all(0 < points <= before[rule] for rule, points in back.items())


@pytest.mark.parametrize(
    ("left", "pieces", "amounts"),
    [(20000, (3, 1), (10000, 10000)), (10000, (2, 1), (5000, 5000)), (1, (1, 1), (1, 0)), (0, (0, 0), (0, 0))],
)
def test_an_amount_makes_lines_smaller_alike_and_leaves_a_piece_until_it_is_wholly_paid_back(
    left: int, pieces: tuple[int, ...], amounts: tuple[int, ...]
) -> None:
    rest = returns.remaining(Bill((Part(10000, pieces=3), Part(10000)), "CNY"), {}, left)
    assert tuple(part.pieces for part in rest.parts) == pieces
    assert tuple(part.amount_minor for part in rest.parts) == amounts
