"""Redeeming together in chat: begun by one, joined by the other through a link; one code or two; every order of their taps."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest

from bot.double.double import Person
from jobs import expire_vouchers
from jobs import together as duty_of_together
from ledger.points.audit import audit
from ledger.redeeming.offers import Limits, PerUnit, Together
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers import kills
from tests.handlers.kills import Deed, handing_over, notices
from tests.handlers.shop import code_on, gives, member_id, offer, shelve, shop, till, uses
from tests.handlers.test_pool import runs

RINGS = offer("rings", "情侣对戒", "Pair of rings", "fruit", PerUnit(points=600, value_minor=3000), together=Together())
CUPS = offer(
    "cups",
    "对杯",
    "Two cups",
    "fruit",
    PerUnit(points=300, value_minor=1500),
    together=Together(codes="two", percent=40),
)


async def begins(who: Person, name: str) -> str:
    """Gives their share; the link."""
    await who.says(name)
    await who.taps(name, message=await who.sees(f"「{name}」", fresh=True))
    await who.taps("找人一起换", message=await who.sees("规则", fresh=True))
    await who.taps("先出我这份", message=await who.sees("您出", fresh=True))
    message = await who.sees("请您一起换", fresh=True)
    found = re.search(r"https://t\.me/\S+", message.shown)
    assert message.photo is not None and found is not None and len(found[0].partition("start=")[2]) <= 64
    return found[0]


async def own(world: World, who: Person) -> int:
    """What somebody has available."""
    rows = await world.sql(
        "SELECT balance FROM account WHERE owner_kind = 'member' AND owner_id = :member AND purpose = 'available'",
        member=await member_id(world, who),
    )
    return sum(row.balance for row in rows)


async def proven(world: World) -> None:
    async with world.database.engine.begin() as tx:
        found = await audit(tx)
    assert found.holds, found.violations
    [left] = await world.sql(
        "SELECT coalesce(sum(a.balance), 0) AS points FROM account a JOIN together t ON a.owner_id = -t.id"
        " WHERE a.owner_kind = 'pool' AND t.state <> 'open'"
    )
    assert left.points == 0, "what is over holds nothing"


async def two(world: World, points: int = 1000) -> tuple[Person, Person]:
    ming, hong = await world.member(), await world.member("小红")
    for who in (ming, hong):
        await gives(world, who, points)
    return ming, hong


async def test_each_gives_their_half_and_one_has_the_code(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, RINGS)
        ming, hong = await two(world, 300)
        await ming.says("情侣对戒")
        await ming.taps("情侣对戒", message=await ming.sees("「情侣对戒」", fresh=True))
        await ming.taps("找人一起换", message=await ming.sees("还差 300 分", fresh=True))
        shown = (await ming.sees("您出 300 分,朋友出 300 分", fresh=True)).shown
        assert "一份,一个码,在您这里" in shown and "24 小时内" in shown
        link = await begins(ming, "情侣对戒")
        assert await own(world, ming) == 0
        await ming.opens(link)
        await ming.sees("这是您自己发起的", fresh=True)
        await hong.opens(link)
        shown = (await hong.sees("小明 请您一起换 情侣对戒", fresh=True)).shown
        assert "对方出了 300 分,您出 300 分" in shown and "在 小明 那里" in shown
        await hong.taps("一起换")
        assert "码在 小明 那里" in (await hong.sees("换好了:情侣对戒", fresh=True)).shown
        told = await ming.sees("小红 答应了,换好了")
        await ming.taps("看这张券", message=told)
        await ming.sees("情侣对戒", fresh=True)
        used = await uses(world, await till(world, "fruit"), code_on(ming))
        assert (used.points, used.member_id) == (600, await member_id(world, ming))
        assert (await own(world, ming), await own(world, hong)) == (0, 0)
        await hong.opens(link)
        await hong.sees("您已经答应过了", fresh=True)
        await hong.says("/history")
        rows = [b.text for row in (await hong.sees("明细", fresh=True)).buttons for b in row]
        assert any("-300 分 · 一起换 · 情侣对戒" in each for each in rows)
        await proven(world)


async def test_two_codes_are_one_each(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, CUPS)
        ming, hong = await two(world)
        link = await begins(ming, "对杯")
        assert await own(world, ming) == 760
        await hong.opens(link)
        await hong.sees("对方出了 240 分,您出 360 分", fresh=True)
        await hong.taps("一起换")
        await hong.taps("看这张券", message=await hong.sees("您的码在您的券里", fresh=True))
        await hong.sees("对杯", fresh=True)
        await ming.taps("看这张券", message=await ming.sees("小红 答应了"))
        await ming.sees("对杯", fresh=True)
        assert code_on(ming) != code_on(hong)
        cashier = await till(world, "fruit")
        for who in (ming, hong):
            assert (await uses(world, cashier, code_on(who))).member_id == await member_id(world, who)
        assert (await own(world, ming), await own(world, hong)) == (760, 640)
        await proven(world)


async def test_an_unused_voucher_returns_both_shares(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, RINGS)
        ming, hong = await two(world)
        link = await begins(ming, "情侣对戒")
        await hong.opens(link)
        await hong.taps("一起换", message=await hong.sees("请您一起换", fresh=True))
        await ming.sees("小红 答应了")
        await world.clock.move(31)
        await runs(world, expire_vouchers.duty)
        await ming.sees("600 分已退回,各人回各人的。")
        assert "您出的 300 分已退回" in (await hong.sees("和朋友一起换的没用上,到期了:情侣对戒")).shown
        assert (await own(world, ming), await own(world, hong)) == (1000, 1000)
        await proven(world)


async def test_two_unused_vouchers_of_the_same_two_return_in_one_night(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, RINGS, CUPS)
        ming, hong = await two(world)
        for name in ("情侣对戒", "对杯"):
            await hong.opens(await begins(ming, name))
            await hong.taps("一起换", message=await hong.sees("请您一起换", fresh=True))
            await hong.sees("换好了" if name == "情侣对戒" else "您的码在您的券里", fresh=True)
        await world.clock.move(31)
        await runs(world, expire_vouchers.duty)
        assert (await own(world, ming), await own(world, hong)) == (1000, 1000)
        await proven(world)


@pytest.mark.parametrize("how", ["stopped", "declined", "lapsed"])
async def test_what_came_to_nothing_leaves_everybody_what_they_had(database: Database, how: str) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, RINGS)
        ming, hong = await two(world)
        link = await begins(ming, "情侣对戒")
        await hong.opens(link)
        page = await hong.sees("请您一起换", fresh=True)
        yes, no = page.buttons[0]
        if how == "stopped":
            await ming.says("情侣对戒")
            await ming.taps("情侣对戒", message=await ming.sees("「情侣对戒」", fresh=True))
            await ming.taps("找人一起换", message=await ming.sees("规则", fresh=True))
            await ming.taps("不等了", message=await ming.sees("等朋友答应", fresh=True))
            await ming.sees("不等了,您的 300 分 已退回", fresh=True)
        elif how == "declined":
            hong.presses(page, no)
            await hong.sees("好的,告诉对方了", fresh=True)
            await ming.sees("小红 这次不换 情侣对戒。")
        else:
            await world.clock.move(1)
            await runs(world, duty_of_together.duty)
            await runs(world, duty_of_together.duty)
            await ming.sees("没等到朋友,这次没换成")
        hong.presses(page, yes)
        await hong.sees({"stopped": "对方不等了", "declined": "这次没有换成", "lapsed": "过时了"}[how], fresh=True)
        assert (await own(world, ming), await own(world, hong)) == (1000, 1000)
        assert await world.sql("SELECT * FROM redemption") == []
        await proven(world)


async def test_who_is_short_or_late_is_told_and_nothing_is_half_done(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, RINGS.model_copy(update={"limits": Limits(stock=1)}))
        ming, hong = await two(world)
        poor, third = await world.member("穷人"), await world.member("小刚")
        await gives(world, third, 1000)
        link = await begins(ming, "情侣对戒")
        await poor.opens(link)
        await poor.taps("一起换", message=await poor.sees("请您一起换", fresh=True))
        await poor.sees("您可用 0 分", fresh=True)
        await third.says("情侣对戒")
        await third.taps("情侣对戒", message=await third.sees("「情侣对戒」", fresh=True))
        await third.taps("兑换", message=await third.sees("规则", fresh=True))
        await third.taps("确认兑换", message=await third.sees("将用掉", fresh=True))
        await third.sees("换好了", fresh=True)
        await hong.opens(link)
        await hong.taps("一起换", message=await hong.sees("请您一起换", fresh=True))
        await hong.sees("换完了", fresh=True)
        assert (await own(world, ming), await own(world, hong)) == (700, 1000), "it waits still, until it lapses"
        await proven(world)


async def test_only_what_says_so_is_had_together(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, _ = await two(world)
        await ming.says("进口水果礼盒")
        await ming.taps("进口水果礼盒", message=await ming.sees("「进口水果礼盒」", fresh=True))
        page = await ming.sees("规则", fresh=True)
        assert "找人一起换" not in [b.text for row in page.buttons for b in row]


ACTS = ("join", "join again", "stop", "decline")


@pytest.mark.parametrize("order", list(itertools.permutations(ACTS, 3)), ids=" ".join)
async def test_any_order_of_taps_has_one_outcome(database: Database, order: tuple[str, ...]) -> None:
    """All at once through two workers, in this order of arrival."""
    async with bot_running(database, setup=shop, workers=2) as world:
        await shelve(world, RINGS)
        ming, hong = await two(world)
        gang = await world.member("小刚")
        await gives(world, gang, 1000)
        link = await begins(ming, "情侣对戒")
        waits = next(m for m in reversed(ming.messages) if "等朋友答应" in m.shown)
        stop = next(b for row in waits.buttons for b in row if b.text == "不等了")
        pages = {}
        for who in (hong, gang):
            await who.opens(link)
            pages[who.id] = await who.sees("请您一起换", fresh=True)
        acts: dict[str, Callable[[], object]] = {
            "join": lambda: hong.presses(pages[hong.id], pages[hong.id].buttons[0][0]),
            "join again": lambda: gang.presses(pages[gang.id], pages[gang.id].buttons[0][0]),
            "stop": lambda: ming.presses(waits, stop),
            "decline": lambda: hong.presses(pages[hong.id], pages[hong.id].buttons[0][1]),
        }
        for each in order:
            acts[each]()
        await world.settled()
        [row] = await world.sql("SELECT state, friend_id FROM together")
        redeemed = await world.sql("SELECT points FROM redemption")
        have = [await own(world, who) for who in (ming, hong, gang)]
        if row.state == "done":
            assert [each.points for each in redeemed] == [600]
            assert have[0] == 700 and sorted(have[1:]) == [700, 1000]
        else:
            assert row.state in ("withdrawn", "declined") and redeemed == [] and have == [1000, 1000, 1000]
        await proven(world)


async def test_in_english(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, CUPS)
        anna, tom = await world.member("Anna", "en"), await world.member("Tom", "en")
        for who in (anna, tom):
            await gives(world, who, 1000)
        await anna.says("Two cups")
        await anna.taps("Two cups", message=await anna.sees("Two cups", fresh=True))
        await anna.taps("Redeem with a friend", message=await anna.sees("Rules", fresh=True))
        await anna.taps("Give my share", message=await anna.sees("You give 240 pts, your friend 360 pts", fresh=True))
        message = await anna.sees("Anna asks you to redeem Two cups together", fresh=True)
        found = re.search(r"https://t\.me/\S+", message.shown)
        assert found is not None
        await tom.opens(found[0])
        await tom.taps("Join", message=await tom.sees("They gave 240 pts, you give 360 pts", fresh=True))
        await tom.sees("Your code is among your vouchers", fresh=True)
        await anna.sees("Tom joined; redeemed: Two cups")


async def test_beginning_and_joining_stopped_at_any_await_happen_once(database: Database) -> None:
    names = itertools.count(1)
    async with bot_running(database, setup=shop, by_hand=True, workers=2) as world, handing_over(world) as hands:
        await shelve(world, RINGS, CUPS)

        async def pair() -> tuple[Person, Person]:
            n = next(names)
            one, other = await world.member(f"甲{n}"), await world.member(f"乙{n}")
            for who in (one, other):
                await gives(world, who, 1000)
            return one, other

        async def beginning() -> Deed:
            one, _ = await pair()
            await one.says("情侣对戒")
            await one.taps("情侣对戒", message=await one.sees("「情侣对戒」", fresh=True))
            await one.taps("找人一起换", message=await one.sees("规则", fresh=True))
            await one.sees("您出", fresh=True)

            async def holds() -> None:
                assert await own(world, one) == 700
                started = await world.sql(
                    "SELECT state FROM together WHERE starter_id = :id", id=await member_id(world, one)
                )
                assert [row.state for row in started] == ["open"]
                await proven(world)

            return kills.update(world, await kills.tap(hands, one, "先出我这份"), [one], holds)

        await kills.stopped_everywhere(world, beginning)

        async def joining() -> Deed:
            one, other = await pair()
            await other.opens(await begins(one, "对杯"))
            await other.sees("对方出了 240 分,您出 360 分", fresh=True)

            async def holds() -> None:
                assert (await own(world, one), await own(world, other)) == (760, 640)
                for who in (one, other):
                    made = await world.sql(
                        "SELECT id FROM redemption WHERE member_id = :id", id=await member_id(world, who)
                    )
                    assert len(made) == 1
                assert await notices(world, one, "together:%") == 1
                await proven(world)

            return kills.update(world, await kills.tap(hands, other, "一起换"), [one, other], holds)

        await kills.stopped_everywhere(world, joining)
