"""Inviting a friend: what counts and what does not, both rewards, caps, what undoes them, and what an operator looks at."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from ledger.earning import referrals, refunds
from ledger.earning.purchases import Booked
from ledger.earning.referrals import Moved, ReferralDecided, ReferralLinkEnded, ReferralLinkWrong
from ledger.members import families, succession
from ledger.merchants.merchant import Terms
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import Burn, Moment, member
from ledger.points.engine import post
from ledger.programme import Programme, Referrals
from tests.conftest import Database
from tests.ledger.earning.purchasing import book, bought
from tests.ledger.earning.shop import VAULT, Shop, moment, new_member, open_shop
from tests.ledger.members.homes import family_of
from tests.turns import PROGRAMME

RULES = Referrals(
    issuer="yunshan", inviter_points=500, friend_points=300, spend_minor=5000, per_month=2, per_year=3, burst_people=4
)


def programme(**rules: object) -> Programme:
    return PROGRAMME.model_copy(update={"referrals": RULES.model_copy(update=rules)})


@dataclass
class Scene:
    """A shop with a week to return things, somebody who invites, and one programme."""

    database: Database
    shop: Shop
    inviter: int
    programme: Programme

    async def friend(self, at: Moment, by: int | None = None) -> int:
        """Somebody who joins by the inviter's link."""
        async with self.database.engine.begin() as tx:
            who = await new_member(tx)
            assert await referrals.begin(tx, who, by or self.inviter, at=at)
        return who

    async def buys(self, who: int, document: str, minor: int = 8000, *, days: int = 0, shop: Shop | None = None) -> int:
        async with self.database.engine.begin() as tx:
            [done] = await book(tx, bought(shop or self.shop, document, minor, days=days, member_id=who), days=days)
        assert isinstance(done, Booked)
        return done.purchase.id

    async def look(self, days: int) -> list[Moved]:
        """Everything that is due on a day."""
        async with self.database.engine.begin() as tx:
            page = await referrals.look(tx, self.programme, after=0, limit=100, at=moment(days))
            undone = await referrals.undo(tx, self.programme, limit=100, at=moment(days))
        return page.moved + undone

    async def stands(self, friend: int) -> tuple[str, str | None]:
        async with self.database.engine.begin() as tx:
            found = await referrals.of_friend(tx, friend)
        assert found is not None
        return found.state, found.reason

    async def has(self, who: int, today: dt.date) -> tuple[int, int]:
        """Available common points, and what is owed."""
        async with self.database.engine.begin() as tx:
            held = [each for each in await statements.wallet(tx, member(who), today=today) if each.currency.id == 1]
        return (held[0].available, sum(held[0].deficits.values())) if held else (0, 0)

    async def sound(self) -> None:
        async with self.database.engine.begin() as tx:
            assert (await audit(tx)).holds


@pytest.fixture
async def scene(database: Database) -> Scene:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx, rate="0", terms=Terms(return_days=7))
        inviter = await new_member(tx)
    return Scene(database, shop, inviter, programme())


async def test_both_are_rewarded_the_day_after_the_return_window_and_not_before(scene: Scene) -> None:
    friend = await scene.friend(moment())
    assert await scene.look(0) == [] and await scene.stands(friend) == ("joined", None)
    await scene.buys(friend, "small", 4999)
    assert await scene.look(0) == [] and await scene.stands(friend) == ("joined", None)
    await scene.buys(friend, "first", 5000, days=1)
    assert await scene.look(1) == [] and await scene.stands(friend) == ("bought", None)
    assert await scene.look(7) == [] and await scene.has(scene.inviter, moment(7).today) == (0, 0)
    [moved] = await scene.look(8)
    assert moved.referral.state == "rewarded" and moved.inviter is not None and moved.friend is not None
    assert await scene.has(scene.inviter, moment(8).today) == (500, 0)
    assert await scene.has(friend, moment(8).today) == (300, 0)
    assert await scene.look(8) == [] and await scene.look(9) == []
    await scene.buys(friend, "second", 9000, days=9)
    assert await scene.look(30) == [] and await scene.has(scene.inviter, moment(30).today) == (500, 0)
    await scene.sound()


async def give_back(scene: Scene, purchase: int, document: str, minor: int | None, days: int) -> None:
    async with scene.database.engine.begin() as tx:
        when = moment(days)
        await refunds.refund(
            tx, scene.shop.merchant, purchase_id=purchase, document=document, occurred_at=when.now, at=when, actor="api",
            amount_minor=minor,
        )  # fmt: skip


async def test_what_goes_back_within_its_window_does_not_count_and_the_next_purchase_does(scene: Scene) -> None:
    friend = await scene.friend(moment())
    first = await scene.buys(friend, "first", 8000)
    await scene.look(0)
    await give_back(scene, first, "back", None, 3)
    assert await scene.look(3) == [] and await scene.stands(friend) == ("joined", None)
    second = await scene.buys(friend, "second", 8000, days=5)
    await give_back(scene, second, "some of it", 3000, 6)
    assert await scene.look(11) == [] and await scene.stands(friend) == ("bought", None)
    assert [each.referral.state for each in await scene.look(12)] == ["rewarded"]


async def test_a_refund_after_all_undoes_both_sides_exactly_and_gives_the_cap_back(scene: Scene) -> None:
    friend = await scene.friend(moment())
    purchase = await scene.buys(friend, "first", 8000)
    assert len(await scene.look(7)) == 1
    await give_back(scene, purchase, "little", 3000, 8)
    assert await scene.look(8) == [] and await scene.stands(friend) == ("rewarded", None)
    await give_back(scene, purchase, "more", 1, 9)
    [moved] = await scene.look(9)
    assert moved.referral.state == "undone" and moved.inviter is not None and moved.friend is not None
    for who in (friend, scene.inviter):
        assert await scene.has(who, moment(9).today) == (0, 0)
    assert await scene.look(10) == []
    for n in range(2):
        other = await scene.friend(moment(10, minutes=n * 3000))
        await scene.buys(other, f"other-{n}", 6000 + n, days=14)
    assert [each.referral.inviter_points for each in await scene.look(21)] == [500, 500]
    await scene.sound()


async def test_what_was_spent_of_a_reward_becomes_a_deficit(scene: Scene) -> None:
    friend = await scene.friend(moment())
    purchase = await scene.buys(friend, "first")
    await scene.look(7)
    async with scene.database.engine.begin() as tx:
        at = moment(8)
        await post(
            tx,
            Burn(key="spent", owner=member(scene.inviter), currency=1, at=at, actor="test", points=400,
                 merchant_id=scene.shop.merchant.id),
        )  # fmt: skip
    await give_back(scene, purchase, "back", None, 8)
    await scene.look(8)
    assert await scene.has(scene.inviter, moment(8).today) == (0, 400)
    await scene.sound()


async def test_past_the_month_and_the_year_the_friend_is_rewarded_and_the_inviter_not(scene: Scene) -> None:
    got: list[int | None] = []
    for n in range(3):
        friend = await scene.friend(moment(n * 2))
        await scene.buys(friend, f"d-{n}", 6000 + n, days=n * 2)
        moved = await scene.look(n * 2 + 7)
        got += [each.referral.inviter_points for each in moved]
        assert await scene.has(friend, moment(n * 2 + 7).today) == (300, 0)
    assert got == [500, 500, 0], "two a month, in November"
    for n in range(3, 5):
        friend = await scene.friend(moment(20 + n * 2))
        await scene.buys(friend, f"d-{n}", 6000 + n, days=20 + n * 2)
        got += [each.referral.inviter_points for each in await scene.look(20 + n * 2 + 7)]
    assert got == [500, 500, 0, 500, 0], "three a year: the last of them in December"
    assert await scene.has(scene.inviter, moment(60).today) == (1500, 0)


async def test_at_the_cap_two_friends_at_once_and_an_operator_beside_give_no_more_than_it(scene: Scene) -> None:
    scene.programme = programme(per_month=1, burst_people=2)
    friends = [await scene.friend(moment(minutes=n - 10)) for n in range(2)]
    for n, each in enumerate(friends):
        await scene.buys(each, f"d-{n}", 6000 + n)
    assert {each.referral.suspects for each in await scene.look(7)} == {("burst",)}

    async def lets_count(friend: int) -> int | None:
        async with scene.database.engine.begin() as tx:
            moved = await referrals.counted(tx, scene.programme, friend, by="operator:1", at=moment(7))
            assert moved is not None
            return moved.referral.inviter_points

    assert sorted(await asyncio.gather(*map(lets_count, friends))) == [0, 500]  # type: ignore[type-var]
    assert await scene.has(scene.inviter, moment(7).today) == (500, 0)


async def test_the_first_purchase_reported_twice_at_once_is_one_reward(scene: Scene) -> None:
    friend = await scene.friend(moment())

    async def reported() -> int:
        return await scene.buys(friend, "first", 8000)

    assert len(set(await asyncio.gather(*(reported() for _ in range(4))))) == 1
    await scene.look(0)
    found = await asyncio.gather(*(scene.look(7) for _ in range(4)))
    assert [each.referral.state for page in found for each in page] == ["rewarded"]
    assert await scene.has(scene.inviter, moment(7).today) == (500, 0)
    assert await scene.has(friend, moment(7).today) == (300, 0)
    await scene.sound()


async def test_what_a_friend_bought_on_a_card_that_they_claimed_later_counts(scene: Scene) -> None:
    friend = await scene.friend(moment())
    async with scene.database.engine.begin() as tx:
        paper = await new_member(tx)
    await scene.buys(paper, "first", 8000, days=1)
    assert await scene.look(8) == [] and await scene.stands(friend) == ("joined", None)
    async with scene.database.engine.begin() as tx:
        await succession.follow(tx, paper, friend)
    assert [each.referral.state for each in await scene.look(8)] == ["rewarded"]
    assert await scene.has(friend, moment(8).today) == (300, 0)


async def test_an_operator_decides_once(scene: Scene) -> None:
    scene.programme = programme(burst_people=2)
    friends = [await scene.friend(moment(minutes=n - 10)) for n in range(2)]
    for n, each in enumerate(friends):
        await scene.buys(each, f"d-{n}", 6000 + n)
    await scene.look(7)
    assert await scene.look(8) == [], "nothing happens to it by itself"
    async with scene.database.engine.begin() as tx:
        assert [each.friend_id for each in await referrals.waiting(tx)] == friends
        moved = await referrals.refused(tx, friends[0], by="operator:1")
        assert (moved.referral.state, moved.referral.reason) == ("not_counted", "refused")
        with pytest.raises(ReferralDecided):
            await referrals.counted(tx, scene.programme, friends[0], by="operator:2", at=moment(8))
        with pytest.raises(ReferralDecided):
            await referrals.refused(tx, friends[0], by="operator:2")


async def shared(scene: Scene) -> int:
    friends = [await scene.friend(moment(n)) for n in (0, 2)]
    for n, each in enumerate(friends):
        await scene.buys(each, f"d-{n}", 6000, days=3)
    return friends[1]


async def chained(scene: Scene) -> int:
    top = await scene.friend(moment())
    middle = await scene.friend(moment(minutes=10), by=top)
    last = await scene.friend(moment(minutes=20), by=middle)
    await scene.buys(last, "d", days=3)
    return last


@pytest.mark.parametrize(("pattern", "suspect"), [(shared, "same_purchase"), (chained, "chain")])
async def test_what_looks_like_a_pattern_is_set_aside(scene: Scene, pattern: object, suspect: str) -> None:
    friend = await pattern(scene)  # type: ignore[operator]
    await scene.look(10)
    async with scene.database.engine.begin() as tx:
        found = await referrals.of_friend(tx, friend)
    assert found is not None and (found.state, found.suspects) == ("review", (suspect,))
    assert await scene.has(friend, moment(10).today) == (0, 0)


async def test_staff_of_the_merchant_count_elsewhere_only(scene: Scene) -> None:
    async with scene.database.engine.begin() as tx:
        other = await open_shop(tx, rate="0", code="fruit", terms=Terms(return_days=0))
    friend = await scene.friend(moment(), by=scene.shop.cashier.member_id)
    await scene.buys(friend, "at the inviter's", days=0)
    assert await scene.look(10) == [] and await scene.stands(friend) == ("joined", None)
    await scene.buys(friend, "elsewhere", days=10, shop=other)
    assert [each.referral.state for each in await scene.look(10)] == ["rewarded"]


@pytest.mark.parametrize("left_days_ago", [None, 179, 181])
async def test_one_family_does_not_count_within_its_window(scene: Scene, left_days_ago: int | None) -> None:
    async with scene.database.engine.begin() as tx:
        friend = await new_member(tx)
        family = await family_of(tx, scene.inviter, friend, at=moment(-200))
        if left_days_ago is not None:
            place = family.place_of(friend)
            when = moment(7 - left_days_ago)
            await tx.execute(
                text(
                    "UPDATE family_place SET left_at = :now, left_on = :on, how = 'left' WHERE id = :id AND member_id = :who"
                ),
                {"now": when.now, "on": when.today, "id": place.id, "who": friend},
            )
        assert await families.of(tx, scene.inviter) is not None
        await referrals.begin(tx, friend, scene.inviter, at=moment())
    await scene.buys(friend, "d")
    [moved] = await scene.look(7)
    expected = ("rewarded", None) if left_days_ago == 181 else ("not_counted", "family")
    assert (moved.referral.state, moved.referral.reason) == expected


async def test_a_purchase_that_comes_too_late_or_was_made_before_does_not_count(scene: Scene) -> None:
    early, late = await scene.friend(moment(minutes=60)), await scene.friend(moment(1))
    await scene.buys(early, "before they joined")
    await scene.buys(late, "a day late", days=182)
    assert await scene.look(180) == []
    ended = await scene.look(182)
    assert [each.referral.reason for each in ended] == ["late", "late"]
    assert await scene.stands(late) == ("not_counted", "late")


@pytest.mark.parametrize("who", ["inviter", "friend"])
async def test_whose_account_is_closed_is_not_rewarded(scene: Scene, who: str) -> None:
    friend = await scene.friend(moment())
    await scene.buys(friend, "d")
    closed = friend if who == "friend" else scene.inviter
    async with scene.database.engine.begin() as tx:
        await tx.execute(text("UPDATE member SET status = 'closed' WHERE id = :id"), {"id": closed})
    [moved] = await scene.look(7)
    assert (moved.referral.state, moved.referral.reason) == ("not_counted", "gone")


async def test_nobody_is_their_own_friend_or_anybodys_twice(scene: Scene) -> None:
    friend = await scene.friend(moment())
    async with scene.database.engine.begin() as tx:
        assert not await referrals.begin(tx, scene.inviter, scene.inviter, at=moment())
        assert not await referrals.begin(tx, friend, scene.shop.customer, at=moment())
        assert not await referrals.begin(tx, scene.shop.customer, 999_999, at=moment())
        found = await referrals.of_friend(tx, friend)
        assert found is not None and found.inviter_id == scene.inviter
        assert [each.friend_id for each in await referrals.of_inviter(tx, scene.inviter)] == [friend]
        assert await referrals.counts(tx, scene.inviter) == {"joined": 1}


async def test_without_cover_a_reward_waits_and_comes_by_itself(scene: Scene) -> None:
    friend = await scene.friend(moment())
    await scene.buys(friend, "d")
    async with scene.database.engine.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO cover (merchant_id, money, float_minor, reserved_minor, outstanding_minor, counted_at)"
                " VALUES (:id, 'CNY', 100, 0, 0, now())"
            ),
            {"id": scene.shop.merchant.id},
        )
    assert await scene.look(7) == [] and await scene.stands(friend) == ("bought", None)
    async with scene.database.engine.begin() as tx:
        await tx.execute(text("UPDATE cover SET float_minor = 10000000"))
    assert [each.referral.state for each in await scene.look(8)] == ["rewarded"]


async def test_pages_are_gone_through_one_after_the_other(scene: Scene) -> None:
    scene.programme = programme(burst_people=100, per_month=100, per_year=100)
    friends = [await scene.friend(moment(minutes=n - 10)) for n in range(5)]
    for n, each in enumerate(friends):
        await scene.buys(each, f"d-{n}", 6000 + n)
    after, seen, pages = 0, list[int](), 0
    while True:
        async with scene.database.engine.begin() as tx:
            page = await referrals.look(tx, scene.programme, after=after, limit=2, at=moment(7))
        pages, seen = pages + 1, seen + [each.referral.friend_id for each in page.moved]
        if page.last:
            break
        after = page.after
    assert (pages, seen) == (3, friends)


@given(st.integers(1, 2**62), st.dates(dt.date(2026, 1, 1), dt.date(2999, 12, 31)))
def test_a_link_says_whose_it_is_until_its_last_day(member_id: int, until: dt.date) -> None:
    carried = referrals.token(VAULT, member_id, until=until)
    assert len(f"{referrals.LINK}_{carried}") <= 64
    assert referrals.inviter(VAULT, carried, today=until) == member_id
    with pytest.raises(ReferralLinkEnded):
        referrals.inviter(VAULT, carried, today=until + dt.timedelta(days=1))


WRONG: Sequence[str] = ["", "1", "1_2", "1_2_3", "zz_zz_aaaaaaaaaa", "a_b_c_d"]


@pytest.mark.parametrize("carried", WRONG)
def test_a_link_that_we_did_not_sign_is_nobodys(carried: str) -> None:
    with pytest.raises(ReferralLinkWrong):
        referrals.inviter(VAULT, carried, today=moment().today)
    good = referrals.token(VAULT, 7, until=moment().today)
    with pytest.raises(ReferralLinkWrong):
        referrals.inviter(VAULT, "8" + good[1:], today=moment().today)


async def test_a_programme_without_referrals_rewards_none(scene: Scene) -> None:
    friend = await scene.friend(moment())
    await scene.buys(friend, "d")
    scene.programme = PROGRAMME
    assert await scene.look(7) == [] and await scene.stands(friend) == ("joined", None)
