"""A family's pool: what goes in stays its owner's, who may spend it, what comes back and to whom, and everybody at once."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from ledger.errors import Refusal
from ledger.members import leaving, pools
from ledger.members.families import Family, NotFamilyHead, NotInFamily, NotInFamilyYet
from ledger.members.member import Member
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import NotEnoughPoints, Owner, Release
from ledger.points.engine import post
from ledger.redeeming import cash, pool_spending, redemptions
from ledger.redeeming.lapses import lapse
from ledger.redeeming.may_redeem import PointsShort
from ledger.redeeming.pool_spending import AbovePoolLimit, PoolRequestOpen, PoolRequestOver
from ledger.redeeming.redemptions import Redeemed
from tests.ledger.members.homes import RULES, family_of
from tests.ledger.redeeming.stage import COMMON, Stage, at, offer, per_unit

BOX = offer("box", "进口水果礼盒", "Imported fruit box", "fruit", per_unit(500, 2500, most=9))
DEAR = offer("dear", "大礼盒", "Large box", "fruit", per_unit(700, 2500))
PAID = offer("paid", "鲜橙", "Oranges", "fruit", per_unit(400, 1800, cash=1000))
_numbers = itertools.count(1)


@pytest.fixture
async def stage(stage: Stage) -> AsyncIterator[Stage]:
    """The stage; whatever a test did to it, the ledger adds up."""
    yield stage
    async with stage.engine.begin() as tx:
        found = await audit(tx)
    assert found.holds, found.violations


class Home:
    """A family with a head and others, and what they do."""

    def __init__(self, stage: Stage, family: Family, people: list[Member]) -> None:
        self.stage, self.family, self.people = stage, family, people

    async def put(self, who: Member, points: int, days: int = 0) -> None:
        async with self.stage.engine.begin() as tx:
            key = f"put:{next(_numbers)}"
            facts = {"currency": COMMON, "key": key, "at": at(days), "actor": "test"}
            await pools.put(tx, self.family.id, who.id, points, **facts)

    async def take_out(self, who: Member, points: int) -> None:
        async with self.stage.engine.begin() as tx:
            facts = {"currency": COMMON, "key": f"out:{next(_numbers)}", "at": at(), "actor": "test"}
            await pools.take_out(tx, self.family.id, who.id, points, **facts)

    async def may_spend(self, who: Member, most: int | None) -> None:
        async with self.stage.engine.begin() as tx:
            place = self.family.place_of(who.id)
            await pools.may_spend(tx, self.family.id, self.people[0].id, place.id, most)

    async def spend(self, who: Member, offer_id: int, amount: int = 1, **more: object) -> Redeemed:
        return await self.stage.redeem(who, offer_id, amount, pool_id=self.family.id, **more)  # type: ignore[arg-type]

    async def leave(self, who: Member, days: int = 0) -> None:
        async with self.stage.engine.begin() as tx:
            await leaving.leave(tx, RULES, self.family.id, who.id, at=at(days))

    async def lies(self, days: int = 0) -> int:
        return (await self.of(self.people[0], days)).available

    async def of(self, who: Member, days: int = 0) -> pools.Pool:
        async with self.stage.engine.begin() as tx:
            return await pools.shown(tx, self.family.id, who.id, COMMON, today=at(days).today)


async def home(stage: Stage, *lots: tuple[tuple[int, str], ...]) -> Home:
    """A family of so many, each with these lots; the first is its head."""
    people = [await stage.member(*each) for each in lots]
    async with stage.engine.begin() as tx:
        family = await family_of(tx, *(each.id for each in people), at=at())
    return Home(stage, family, people)


async def test_what_is_put_in_stays_its_owners_and_comes_out_again(stage: Stage) -> None:
    here = await home(stage, ((300, "2026-12-31"), (200, "-")), ((100, "2027-01-31"),))
    head, other = here.people
    await here.put(head, 400)
    await here.put(other, 100)
    assert await here.of(head) == pools.Pool(500, 400, 0, (at().today.replace(month=12, day=31), 300))
    assert (await here.of(other)).mine == 100 and await stage.available(other) == 0
    with pytest.raises(NotEnoughPoints) as no:
        await here.take_out(other, 101)
    assert (no.value.needed, no.value.available) == (101, 100)
    await here.take_out(head, 300)
    assert await stage.schedule(head) == [("2026-12-31", 300), ("-", 100)]
    assert (await here.of(head)).mine == 100
    with pytest.raises(NotEnoughPoints):
        await here.put(other, 1)


async def test_only_who_belongs_to_the_family_puts_in_spends_and_asks(stage: Stage) -> None:
    head, new, stranger = [await stage.member((900, "-")) for _ in range(3)]
    async with stage.engine.begin() as tx:
        rules = RULES.model_copy(update={"join_delay_days": 2})
        family = await family_of(tx, head.id, new.id, at=at(), rules=rules)
    here = Home(stage, family, [head, new])
    [box] = await stage.publish(BOX)
    await here.put(head, 900)
    await here.may_spend(new, None)
    for who, why in ((new, NotInFamilyYet), (stranger, NotInFamily)):
        with pytest.raises(why):
            await here.put(who, 1)
        with pytest.raises(why):
            await here.spend(who, box)
        async with stage.engine.begin() as tx:
            with pytest.raises(why):
                await pool_spending.ask(tx, RULES, who.id, box, 1, 500, at=at())
    assert (await here.spend(new, box, when=at(2))).available == 400


async def test_the_head_says_how_much_somebody_spends_in_a_month(stage: Stage) -> None:
    here = await home(stage, ((9000, "-"),), ())
    head, child = here.people
    [box, dear] = await stage.publish(BOX, DEAR)
    await here.put(head, 5000)
    with pytest.raises(AbovePoolLimit) as none:
        await here.spend(child, box)
    assert (none.value.needed, none.value.left, none.value.most) == (500, 0, 0)
    await here.may_spend(child, 1100)
    await here.spend(child, box)
    with pytest.raises(AbovePoolLimit) as no:
        await here.spend(child, dear)
    assert (no.value.needed, no.value.left, no.value.most) == (700, 600, 1100)
    second = await here.spend(child, box)
    assert (await here.lies(), second.available, await stage.available(child)) == (4000, 4000, 0)
    async with stage.engine.begin() as tx:
        await redemptions.undo(tx, child.id, second.redemption.id, grace_days=30, at=at(), actor="test")
        right = await pool_spending.right(tx, child.id, today=at().today)
        assert right is not None and (right.spent, right.left) == (500, 600)
        right = await pool_spending.right(tx, child.id, today=at(9).today)
        assert right is not None and (right.spent, right.left) == (0, 1100), "another month"
        right = await pool_spending.right(tx, head.id, today=at().today)
        assert right is not None and right.left is None
        with pytest.raises(NotFamilyHead):
            await pools.may_spend(tx, here.family.id, child.id, here.family.places[0].id, None)
    await here.may_spend(child, None)
    await here.spend(child, box, 9)
    with pytest.raises(PointsShort):
        await here.spend(head, box)
    assert await here.lies() == 0 and await stage.available(head) == 4000


async def test_above_the_limit_the_head_allows_one_redemption_once(stage: Stage) -> None:
    here = await home(stage, ((9000, "-"),), (), ())
    head, child, other = here.people
    [box, dear] = await stage.publish(BOX, DEAR)
    await here.put(head, 5000)
    async with stage.engine.begin() as tx:
        asked, whom = await pool_spending.ask(tx, RULES, child.id, dear, 1, 700, at=at())
        again, _ = await pool_spending.ask(tx, RULES, child.id, dear, 1, 700, at=at())
        assert (asked, whom) == (again, head.id)
        with pytest.raises(PoolRequestOpen):
            await pool_spending.ask(tx, RULES, child.id, box, 1, 500, at=at())
        assert await pool_spending.waiting(tx, here.family.id, at=at()) == [asked]
        with pytest.raises(NotFamilyHead):
            await pool_spending.answer(tx, RULES, child.id, asked.id, allow=True, at=at())
    with pytest.raises(AbovePoolLimit):
        await here.spend(child, dear)
    async with stage.engine.begin() as tx:
        await pool_spending.answer(tx, RULES, head.id, asked.id, allow=True, at=at())
        with pytest.raises(PoolRequestOver) as no:
            await pool_spending.answer(tx, RULES, head.id, asked.id, allow=False, at=at())
        assert no.value.state == "allowed"
    for who, what in ((child, box), (other, dear)):
        with pytest.raises(AbovePoolLimit):
            await here.spend(who, what)
    await here.spend(child, dear)
    with pytest.raises(AbovePoolLimit):
        await here.spend(child, dear)
    async with stage.engine.begin() as tx:
        assert (await pool_spending.one(tx, asked.id)).state == "used"
        assert await pool_spending.mine(tx, child.id, at=at()) is None


async def test_a_request_lapses_asked_or_allowed_and_with_its_place(stage: Stage) -> None:
    here = await home(stage, ((9000, "-"),), (), ())
    head, child, other = here.people
    [dear] = await stage.publish(DEAR)
    await here.put(head, 5000)
    async with stage.engine.begin() as tx:
        asked, _ = await pool_spending.ask(tx, RULES, child.id, dear, 1, 700, at=at())
        with pytest.raises(PoolRequestOver):
            await pool_spending.answer(tx, RULES, head.id, asked.id, allow=True, at=at(1))
        assert await pool_spending.waiting(tx, here.family.id, at=at(1)) == []
        second, _ = await pool_spending.ask(tx, RULES, child.id, dear, 1, 700, at=at(1))
        assert second.id != asked.id
        await pool_spending.answer(tx, RULES, head.id, second.id, allow=True, at=at(1))
        third, _ = await pool_spending.ask(tx, RULES, other.id, dear, 1, 700, at=at(1))
    with pytest.raises(AbovePoolLimit):
        await here.spend(child, dear, when=at(2))
    await here.leave(other)
    async with stage.engine.begin() as tx:
        assert {each.id for each in await pool_spending.lapse(tx, at=at(1), limit=10)} == {third.id}
        assert {each.id for each in await pool_spending.lapse(tx, at=at(2), limit=10)} == {second.id}
        assert await pool_spending.lapse(tx, at=at(9), limit=10) == []


async def test_everybody_who_leaves_takes_their_own_lots_and_no_more(stage: Stage) -> None:
    here = await home(stage, ((600, "2026-12-31"),), ((300, "2026-12-31"), (50, "-")), ((300, "2026-12-31"),))
    head, second, third = here.people
    [box] = await stage.publish(BOX)
    for who, points in ((head, 600), (second, 350), (third, 300)):
        await here.put(who, points)
    done = await here.spend(head, box)  # 250, 125, 125 of 600, 300, 300
    await here.leave(second)
    assert await stage.schedule(second) == [("2026-12-31", 175), ("-", 50)]
    async with stage.engine.begin() as tx:
        await redemptions.undo(tx, head.id, done.redemption.id, grace_days=30, at=at(), actor="test")
    assert await stage.schedule(second) == [("2026-12-31", 300), ("-", 50)], "what comes back is theirs, not the pool's"
    assert await here.lies() == 900
    async with stage.engine.begin() as tx:
        await leaving.dissolve(tx, RULES, here.family.id, head.id, at=at())
    assert [await stage.available(each) for each in here.people] == [600, 350, 300]
    with pytest.raises(NotInFamily):
        await here.put(head, 1)


async def test_what_comes_back_after_the_family_has_ended_goes_to_its_owners(stage: Stage) -> None:
    here = await home(stage, ((600, "-"),), ((400, "2026-11-30"),))
    head, other = here.people
    [box] = await stage.publish(BOX)
    await here.put(head, 600)
    await here.put(other, 400)
    done = await here.spend(head, box)
    async with stage.engine.begin() as tx:
        await leaving.dissolve(tx, RULES, here.family.id, head.id, at=at())
    assert [await stage.available(each) for each in here.people] == [500, 0]
    async with stage.engine.begin() as tx:
        [ended] = await lapse(tx, at=at(31), grace_days=30)
        assert ended.receipt is not None and ended.voucher.id == done.redemption.id
    assert await stage.schedule(head, at(31)) == [("-", 600)]
    assert await stage.schedule(other, at(31)) == [("2027-01-22", 400)], "a late return, with its owner"


async def test_what_is_held_for_cash_is_the_pools_until_it_is_paid_or_let_go(stage: Stage) -> None:
    here = await home(stage, ((300, "-"),), ((300, "-"),))
    head, other = here.people
    [paid] = await stage.publish(PAID)
    await here.put(head, 300)
    await here.put(other, 300)
    held = (await here.spend(head, paid)).redemption
    shown = await here.of(head)
    assert (shown.available, shown.held, held.state) == (200, 400, "held")
    await here.leave(other)
    assert await stage.available(other) == 100
    async with stage.engine.begin() as tx:
        await cash.let_go(tx, head.id, held.id, grace_days=30, at=at(), actor="test")
    assert (await here.lies(), await stage.available(other)) == (300, 300)
    assert (await here.of(head)).held == 0


async def test_a_paid_hold_spends_the_pool(stage: Stage) -> None:
    here = await home(stage, ((600, "-"),), ())
    head, _ = here.people
    [paid] = await stage.publish(PAID)
    await here.put(head, 600)
    held = await here.spend(head, paid)
    till = await stage.staff("fruit")
    async with stage.engine.begin() as tx:
        done = await cash.collect(tx, till, held.code, hand_over=False, undo_minutes=10, vault=stage.vault, at=at())
    assert (
        not isinstance(done, Refusal)
        and done.redemption.state == "issued"
        and done.redemption.payer == Owner("pool", here.family.id)
    )
    shown = await here.of(head)
    assert (shown.available, shown.held, await stage.available(head)) == (200, 0, 0)


async def test_leaving_while_another_spends_has_one_of_two_outcomes(stage: Stage) -> None:
    [box] = await stage.publish(BOX)
    seen = Counter[str]()
    for n in range(8):
        here = await home(stage, (), ((500, "-"),))
        head, other = here.people
        await here.put(other, 500)
        spends = asyncio.create_task(here.spend(head, box))
        await asyncio.sleep(0.002 * n)
        await here.leave(other)
        outcome = (await asyncio.gather(spends, return_exceptions=True))[0]
        spent = isinstance(outcome, Redeemed)
        assert spent or isinstance(outcome, PointsShort | NotEnoughPoints), outcome
        assert await stage.available(other) == (0 if spent else 500)
        seen["spent" if spent else "left"] += 1
    assert seen.total() == 8


async def test_two_taps_at_the_limit_spend_it_once_and_different_people_spend_side_by_side(stage: Stage) -> None:
    here = await home(stage, ((9000, "-"),), (), ())
    head, child, other = here.people
    [box] = await stage.publish(BOX)
    await here.put(head, 2000)
    await here.may_spend(child, 500)
    await here.may_spend(other, 500)
    taps = (here.spend(who, box) for who in (child, child, other, other, child))
    outcomes = await asyncio.gather(*taps, return_exceptions=True)
    assert Counter(type(each) for each in outcomes) == {Redeemed: 2, AbovePoolLimit: 3}
    assert await here.lies() == 1000


async def test_the_last_points_of_a_pool_go_to_one(stage: Stage) -> None:
    here = await home(stage, ((500, "-"),), (), ())
    [box] = await stage.publish(BOX)
    await here.put(here.people[0], 500)
    for each in here.people[1:]:
        await here.may_spend(each, None)
    outcomes = await asyncio.gather(*(here.spend(who, box) for who in here.people), return_exceptions=True)
    kinds = Counter("done" if isinstance(each, Redeemed) else "short" for each in outcomes)
    assert kinds == {"done": 1, "short": 2}
    assert all(isinstance(each, Redeemed | PointsShort | NotEnoughPoints) for each in outcomes)


async def test_two_answers_at_once_are_one(stage: Stage) -> None:
    here = await home(stage, ((9000, "-"),), ())
    head, child = here.people
    [dear] = await stage.publish(DEAR)
    async with stage.engine.begin() as tx:
        asked, _ = await pool_spending.ask(tx, RULES, child.id, dear, 1, 700, at=at())

    async def answers(allow: bool) -> str:
        async with stage.engine.begin() as tx:
            return (await pool_spending.answer(tx, RULES, head.id, asked.id, allow=allow, at=at())).state

    outcomes = await asyncio.gather(*map(answers, (True, False, True)), return_exceptions=True)
    assert Counter(isinstance(each, PoolRequestOver) for each in outcomes) == {True: 2, False: 1}


async def test_each_morning_a_share_or_everything_goes_in_and_each_day_once(stage: Stage) -> None:
    here = await home(stage, ((100, "-"),), ((1000, "-"),), ((700, "-"),))
    head, sharing, giving = here.people
    async with stage.engine.begin() as tx:
        await pools.contribute(tx, here.family.id, sharing.id, "share", 30, today=at().today)
        await pools.contribute(tx, here.family.id, giving.id, "everything", None, today=at().today)
        with pytest.raises(pools.PercentNotAllowed):
            await pools.contribute(tx, here.family.id, head.id, "share", 100, today=at().today)
        # Of today: 1,000 and what comes now are looked at tomorrow, 55 of them when their return window is over.
        await stage.give(tx, sharing, (33, "-"), (55, "pending 2026-11-25"))

    async def morning(days: int) -> dict[int, int]:
        async with stage.engine.begin() as tx:
            page = await pools.morning(tx, COMMON, after=0, limit=10, at=at(days))
            assert page.last
            return {each.member_id: each.points for each in page.given}

    assert await morning(0) == {}
    assert await morning(1) == {sharing.id: 309, giving.id: 700}
    assert await morning(1) == {}
    assert await morning(2) == {}
    async with stage.engine.begin() as tx:
        await post(tx, Release(key="night", owner=sharing.owner, currency=COMMON, at=at(3), actor="test"))
    assert await morning(3) == {}
    assert await morning(4) == {sharing.id: 16}
    async with stage.engine.begin() as tx:
        await pools.contribute(tx, here.family.id, sharing.id, "nothing", None, today=at(4).today)
        await pools.contribute(tx, here.family.id, giving.id, "nothing", None, today=at(4).today)
        await stage.give(tx, sharing, (100, "-"))
    assert await morning(5) == {}
    assert await here.lies(5) == 309 + 700 + 16


async def test_the_history_of_a_pool_is_whole_and_adds_up(stage: Stage) -> None:
    here = await home(stage, ((600, "2026-11-30"),), ((300, "-"),))
    head, other = here.people
    [box] = await stage.publish(BOX)
    await here.put(head, 600)
    await here.put(other, 300)
    await here.take_out(other, 100)
    done = await here.spend(head, box)
    async with stage.engine.begin() as tx:
        await redemptions.undo(tx, head.id, done.redemption.id, grace_days=30, at=at(), actor="test")
    await here.leave(other)
    async with stage.engine.begin() as tx:
        lines = await statements.history(tx, pools.owner(here.family.id), limit=50)
    assert [(line.kind, line.points, line.counter and line.counter.id) for line in reversed(lines)] == [
        ("transfer", 600, head.id),
        ("transfer", 300, other.id),
        ("transfer", -100, other.id),
        ("burn", -500, None),
        ("reinstate", 500, None),
        ("transfer", -200, other.id),
    ]
    assert lines[2].facts["by"] == head.id
    assert await here.lies() == sum(line.points for line in lines) == 600


async def test_a_pools_history_has_nothing_of_anybodys_wallet(stage: Stage) -> None:
    here = await home(stage, ((600, "-"),), ((300, "-"),))
    head, other = here.people
    [box] = await stage.publish(BOX)
    await stage.redeem(head, box)
    await here.put(other, 100)
    async with stage.engine.begin() as tx:
        lines = await statements.history(tx, pools.owner(here.family.id), limit=50)
    assert [(line.kind, line.points) for line in lines] == [("transfer", 100)]
