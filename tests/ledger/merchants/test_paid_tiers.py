"""Tiers for money: the terms as a table, one sale a tap, taken back once, ends on the programme's calendar."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import qualifying
from ledger.errors import Refusal
from ledger.members import standings
from ledger.members.standings import Grant, Held
from ledger.members.tiers import Standing
from ledger.merchants import log, paid_tier_sales, paid_tier_undo, paid_tiers
from ledger.merchants.merchant import Merchant, Terms
from ledger.merchants.paid_tier_sales import Sale, Taken
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.programme import Programme, Tier, TierFee
from tests.conftest import Database
from tests.ledger.earning.shop import Shop, new_member, open_shop
from tests.ledger.members.test_tiers import LADDER
from tests.turns import PROGRAMME

TODAY = dt.date(2026, 11, 22)
NOW = dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC)
SILVER = TierFee(amount_minor=9_800, days=90, sellers=("yunshan", "fruit"), extends=False, take_back_days=3)
GOLD = TierFee(amount_minor=29_800, days=365, sellers=("yunshan",))
SELLING = (
    LADDER[0],
    LADDER[1].model_copy(update={"fee": SILVER}),
    LADDER[2].model_copy(update={"fee": GOLD}),
)
PROG = PROGRAMME.model_copy(update={"tiers": SELLING})
YUNSHAN = Merchant(1, "yunshan", "云山超市", "Yunshan Market", "grocery", None, "CNY", "certified", Terms())
FRUIT = replace(YUNSHAN, id=2, code="fruit")


def at(days: int = 0, minutes: int = 0) -> Moment:
    return Moment(NOW + dt.timedelta(minutes=minutes), TODAY + dt.timedelta(days=days), days)


def day(text_: str) -> dt.date:
    return dt.date.fromisoformat(text_)


# earned until, granted until → which is sold → until, or the refusal with its date
TERMS = [
    ("", "", "silver", "2027-02-20"),
    ("", "", "gold", "2027-11-22"),
    ("plain", "", "gold", "2027-11-22"),
    ("silver 2027-11-30", "", "gold", "2027-11-22"),
    ("silver 2027-11-30", "", "silver", "tier_adds_nothing 2027-11-30"),
    ("gold 2027-01-31", "", "silver", "tier_adds_nothing 2027-01-31"),
    ("gold 2026-11-22", "", "gold", "tier_adds_nothing 2026-11-22"),  # its last day is still theirs
    ("gold 2026-11-21", "", "gold", "2027-11-22"),
    ("", "gold 2027-01-10", "silver", "tier_adds_nothing 2027-01-10"),
    ("", "gold 2027-01-10", "gold", "2028-01-10"),  # added to the present end
    ("", "gold 2027-01-10, gold 2026-12-01", "gold", "2028-01-10"),  # the longest of them
    ("", "silver 2027-01-10", "gold", "2027-11-22"),
    ("", "silver 2027-01-10", "silver", "tier_not_extended 2027-01-10"),
    ("", "", "plain", "tier_not_sold_here"),
    ("", "", "platinum", "tier_not_sold_here"),
]


def held(earned: str, granted: str) -> Held:
    code, _, until = earned.partition(" ")
    standing = Standing(code, day("2025-11-01"), day(until) if until else None) if code and code != "plain" else None
    if code == "plain":
        standing = Standing(code, day("2025-11-01"), None)
    pairs = [each.split() for each in granted.split(", ")] if granted else []
    return Held(7, None, standing, None, tuple(Grant(tier, day(end), "test") for tier, end in pairs))


@pytest.mark.parametrize(("earned", "granted", "tier", "said"), TERMS)
def test_what_is_sold_to_whom_until_when(earned: str, granted: str, tier: str, said: str) -> None:
    try:
        found = paid_tiers.offered(PROG, YUNSHAN, tier, held(earned, granted), today=TODAY)
    except Refusal as no:
        assert " ".join(filter(None, [no.code, str(no.facts.get("until") or "")])) == said
    else:
        assert found.until.isoformat() == said


@pytest.mark.parametrize(
    ("today", "days", "until"),
    [
        ("2028-02-29", 365, "2029-02-28"),
        ("2028-02-28", 1, "2028-02-29"),
        ("2027-03-01", 365, "2028-02-29"),
        ("2027-12-31", 60, "2028-02-29"),
        ("2028-02-29", 1461, "2032-02-29"),
    ],
)
def test_days_are_counted_over_leap_days_and_year_ends(today: str, days: int, until: str) -> None:
    fee = GOLD.model_copy(update={"days": days})
    ladder = (*SELLING[:2], SELLING[2].model_copy(update={"fee": fee}))
    programme = PROG.model_copy(update={"tiers": ladder})
    assert paid_tiers.offered(programme, YUNSHAN, "gold", held("", ""), today=day(today)).until == day(until)


def test_a_merchant_sells_what_the_programme_says_while_it_is_certified() -> None:
    assert [tier.code for tier, _ in paid_tiers.sold_by(PROG, YUNSHAN)] == ["silver", "gold"]
    assert [tier.code for tier, _ in paid_tiers.sold_by(PROG, FRUIT)] == ["silver"]
    for shop, why in (
        (replace(YUNSHAN, status="suspended"), "suspended"),
        (replace(YUNSHAN, status="closed"), "closed"),
        (replace(YUNSHAN, certified_until=day("2026-11-21")), "suspended"),
    ):
        with pytest.raises(paid_tiers.SellerMayNotSell) as no:
            paid_tiers.offered(PROG, shop, "gold", held("", ""), today=TODAY)
        assert no.value.status == why
    with pytest.raises(paid_tiers.TierNotSoldHere):
        paid_tiers.offered(PROG, FRUIT, "gold", held("", ""), today=TODAY)


def test_terms_that_cannot_be_are_no_programme() -> None:
    def programme(*steps: Tier) -> Programme:
        return Programme.model_validate({**PROGRAMME.model_dump(), "tiers": [each.model_dump() for each in steps]})

    assert programme(*SELLING).tiers == SELLING
    with pytest.raises(ValidationError, match="not for sale"):
        programme(LADDER[0].model_copy(update={"fee": SILVER}), *LADDER[1:])
    for wrong, why in (
        ({"sellers": []}, "sellers"),
        ({"sellers": ["a", "a"]}, "named twice"),
        ({"amount_minor": 0}, "amount_minor"),
        ({"days": 0}, "days"),
        ({"take_back_days": -1}, "take_back_days"),
    ):
        with pytest.raises(ValidationError, match=why):
            TierFee.model_validate({**GOLD.model_dump(), **wrong})


async def sell(
    tx: AsyncConnection,
    shop: Shop,
    tier: str = "gold",
    *,
    by: Staff | None = None,
    who: int | None = None,
    nonce: str = "n1",
    when: Moment | None = None,
) -> Sale:
    """One whole sale: as it is offered, so it is sold."""
    when = when or at()
    who = who or shop.customer
    shown = await paid_tier_sales.quote(tx, PROG, shop.merchant, who, tier, today=when.today)
    sale, _ = await paid_tier_sales.sell(
        tx, PROG, shop.merchant, by or shop.cashier, who, shown.terms, nonce=nonce, at=when
    )
    return sale


async def back(tx: AsyncConnection, sale: Sale, by: Staff, *, reason: str = "unwanted", when: Moment | None = None):
    return await paid_tier_undo.take_back(tx, PROG, by, sale.id, reason, minutes=10, at=when or at())


async def in_force(tx: AsyncConnection, who: int) -> str | None:
    found: str | None = await tx.scalar(text("SELECT tier FROM member WHERE id = :who"), {"who": who})
    return found


async def test_a_sale_grants_the_tier_names_who_sold_it_and_is_no_purchase(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        sale = await sell(tx, shop)
        assert (sale.until, sale.take_back_until, sale.extends_from) == (day("2027-11-22"), day("2026-11-29"), None)
        assert await in_force(tx, shop.customer) == "gold"
        again, new = await paid_tier_sales.sell(
            tx, PROG, shop.merchant, shop.cashier, shop.customer, ("gold", 29_800, 365, sale.until), nonce="n1", at=at()
        )
        assert (again, new) == (sale, False)
        [line] = await log.read(tx, shop.merchant.id)
        assert (line.what, line.who, line.facts["amount_minor"]) == ("tier_sold", shop.cashier.actor, 29_800)
        assert await tx.scalar(text("SELECT count(*) FROM purchase")) == 0
        assert await tx.scalar(text("SELECT count(*) FROM entry")) == 0
        seen = await qualifying.progress(tx, PROG, shop.customer, TODAY)
        assert (seen.so_far.spend_minor, seen.so_far.visits, seen.until) == (0, 0, sale.until)
        [past] = await standings.history(tx, shop.customer)
        assert (past.after, past.why, past.until) == ("gold", "granted", sale.until)


async def test_bought_again_it_lasts_longer_and_ends_with_the_last_day(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await sell(tx, shop)
        more = await sell(tx, shop, nonce="n2", when=at(30))
        assert (more.extends_from, more.until) == (day("2027-11-22"), day("2028-11-21"))
        last = (more.until - TODAY).days
        assert (await qualifying.look(tx, PROG, [shop.customer], at(last))).changes == []
        [end] = (await qualifying.look(tx, PROG, [shop.customer], at(last + 1))).changes
        assert (end.before, end.after, end.why) == ("gold", "plain", "grant_ended")
        whys = [each.why for each in await standings.history(tx, shop.customer)]
        assert whys == ["grant_ended", "extended", "granted"]


@pytest.mark.parametrize("who", ["company", "unclaimed", "frozen", "closed"])
async def test_tiers_are_for_active_members_alone(database: Database, who: str) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        change = "kind = 'company'" if who == "company" else f"status = '{who}'"
        await tx.execute(text(f"UPDATE member SET {change} WHERE id = :id"), {"id": shop.customer})
        with pytest.raises(paid_tiers.NoTierForThem) as no:
            await sell(tx, shop)
        assert no.value.who == who
        with pytest.raises(paid_tiers.NoTierForThem):
            await paid_tier_sales.sell(
                tx, PROG, shop.merchant, shop.cashier, shop.customer, ("gold", 1, 1, TODAY), nonce="n", at=at()
            )


@pytest.mark.parametrize(
    "shown",
    [
        ("gold", 19_800, 365, day("2027-11-22")),
        ("gold", 29_800, 360, day("2027-11-22")),
        ("gold", 29_800, 365, day("2027-11-21")),  # shown yesterday
    ],
)
async def test_what_was_not_shown_is_not_sold(database: Database, shown: tuple[str, int, int, dt.date]) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        with pytest.raises(paid_tier_sales.TierSaleChanged):
            await paid_tier_sales.sell(tx, PROG, shop.merchant, shop.cashier, shop.customer, shown, nonce="n", at=at())
        assert await paid_tier_sales.listed(tx, shop.merchant.id) == []
        assert await in_force(tx, shop.customer) is None


async def test_of_two_tills_that_sell_to_one_member_at_once_one_does(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        shown = await paid_tier_sales.quote(tx, PROG, shop.merchant, shop.customer, "gold", today=TODAY)

    async def till(by: Staff, nonce: str) -> str:
        try:
            async with database.engine.begin() as tx:
                await paid_tier_sales.sell(
                    tx, PROG, shop.merchant, by, shop.customer, shown.terms, nonce=nonce, at=at()
                )
                return "sold"
        except Refusal as no:
            return no.code

    ends = await asyncio.gather(*(till(by, by.label) for by in (shop.cashier, shop.colleague, shop.manager)))
    assert sorted(ends) == ["sold", "tier_sale_changed", "tier_sale_changed"]
    async with database.engine.begin() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM tier_grant")) == 1


async def test_one_tap_that_comes_three_times_at_once_sells_once_and_says_the_same(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        shown = await paid_tier_sales.quote(tx, PROG, shop.merchant, shop.customer, "gold", today=TODAY)

    async def tap() -> tuple[Sale, bool]:
        async with database.engine.begin() as tx:
            return await paid_tier_sales.sell(
                tx, PROG, shop.merchant, shop.cashier, shop.customer, shown.terms, nonce="n", at=at()
            )

    ends = await asyncio.gather(*(tap() for _ in range(3)))
    assert len({sale.id for sale, _ in ends}) == 1
    assert sorted(new for _, new in ends) == [False, False, True]


# who, sold by themselves, days later, minutes later → taken back, or why not
BACK = [
    ("cashier", True, 0, 10, "done"),
    ("cashier", True, 0, 11, "too_late_to_take_tier_back"),
    ("colleague", False, 0, 1, "not_allowed"),
    ("manager", False, 0, 600, "done"),
    ("owner", False, 7, 0, "done"),
    ("manager", False, 8, 0, "too_late_to_take_tier_back"),
    ("manager", True, 7, 0, "done"),
]


@pytest.mark.parametrize(("who", "own", "days", "minutes", "end"), BACK)
async def test_a_sale_is_taken_back_by_whom_and_until_when(
    database: Database, who: str, own: bool, days: int, minutes: int, end: str
) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        by: Staff = getattr(shop, who)
        sale = await sell(tx, shop, by=by if own else shop.cashier)
        when = Moment(NOW + dt.timedelta(days=days, minutes=minutes), TODAY + dt.timedelta(days=days))
        assert paid_tier_undo.may_take_back(sale, by, minutes=10, at=when) is (end == "done")
        try:
            after, change = await back(tx, sale, by, when=when)
        except Refusal as no:
            assert no.code == end
            assert await in_force(tx, shop.customer) == "gold"
        else:
            assert (end, after.reason, after.taken_back_at) == ("done", "unwanted", when.now)
            assert (change.before, change.after, change.until) == ("gold", "plain", None)
            assert await in_force(tx, shop.customer) == "plain"
            with pytest.raises(paid_tier_undo.TierTakenBack):
                await back(tx, sale, shop.owner, when=when)


async def test_taken_back_a_member_falls_to_what_they_have_otherwise(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await standings.grant(
            tx, PROG, shop.customer, "silver", day("2027-01-31"), "bought", key="points", actor="test", at=at()
        )
        sale = await sell(tx, shop)
        _, change = await back(tx, sale, shop.manager)
        assert (change.before, change.after, change.until) == ("gold", "silver", day("2027-01-31"))
        assert (await qualifying.look(tx, PROG, [shop.customer], at())).changes == []


async def test_the_last_of_several_sales_is_taken_back_first(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        first = await sell(tx, shop)
        second = await sell(tx, shop, nonce="n2")
        with pytest.raises(paid_tier_undo.TierSoldAgainSince) as no:
            await back(tx, first, shop.manager)
        assert no.value.sale_id == second.id
        _, change = await back(tx, second, shop.manager)
        assert (change.after, change.until) == ("gold", first.until)
        _, change = await back(tx, first, shop.manager)
        assert (change.after, change.until) == ("plain", None)
        third = await sell(tx, shop, nonce="n3")
        assert third.extends_from is None and third.until == first.until


async def test_a_reason_is_needed_and_another_shops_sale_is_none(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        other = await open_shop(tx, code="fruit")
        sale = await sell(tx, shop)
        for wrong in (" \n ", "字" * 101):
            with pytest.raises(paid_tier_undo.TakeBackReasonNeeded):
                await back(tx, sale, shop.manager, reason=wrong)
        with pytest.raises(paid_tier_sales.NoSuchTierSale):
            await back(tx, sale, other.manager)
        with pytest.raises(paid_tier_sales.NoSuchTierSale):
            await paid_tier_sales.by_id(tx, sale.id + 1)


async def test_two_who_take_one_sale_back_at_once_do_it_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        sale = await sell(tx, shop)

    async def undo(by: Staff) -> str:
        try:
            async with database.engine.begin() as tx:
                await back(tx, sale, by)
                return "done"
        except Refusal as no:
            return no.code

    ends = await asyncio.gather(*(undo(by) for by in (shop.cashier, shop.manager, shop.owner)))
    assert sorted(ends) == ["done", "tier_taken_back", "tier_taken_back"]
    async with database.engine.begin() as tx:
        lines = [each.what for each in await log.read(tx, shop.merchant.id)]
        assert lines == ["tier_taken_back", "tier_sold"]


async def test_the_drawer_counts_what_was_taken_and_given_back_by_whom(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        others = [await new_member(tx) for _ in range(2)]
        sale = await sell(tx, shop)
        await sell(tx, shop, "silver", who=others[0], nonce="n2")
        await sell(tx, shop, "silver", who=others[1], nonce="n3", by=shop.colleague)
        await back(tx, sale, shop.manager, when=at(minutes=30))
        span = {"since": NOW, "until": NOW + dt.timedelta(minutes=30)}

        async def taken(by: Staff | None, later: int = 1) -> Taken:
            until = span["until"] + dt.timedelta(minutes=later)
            staff_id = by.id if by else None
            return await paid_tier_sales.taken(tx, shop.merchant.id, since=NOW, until=until, staff_id=staff_id)

        assert await taken(None) == Taken(3, 49_400, 1, 29_800)
        assert await taken(shop.cashier) == Taken(2, 39_600, 0, 0)
        assert await taken(shop.manager) == Taken(0, 0, 1, 29_800)
        assert await taken(None, later=0) == Taken(3, 49_400, 0, 0), "the end is not in it"
        assert [each.tier for each in await paid_tier_sales.listed(tx, shop.merchant.id)] == [
            "silver",
            "silver",
            "gold",
        ]
        mine = await paid_tier_sales.listed(tx, shop.merchant.id, staff_id=shop.colleague.id)
        assert [each.member_id for each in mine] == [others[1]]
