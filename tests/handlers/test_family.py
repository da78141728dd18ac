"""A family in chat: founded, joined by a one-time link, left, handed over, dissolved; and what a household may have together."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import replace

import pytest

from bot.double.double import Person
from ledger.redeeming.offers import Limits, PerUnit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import gives, member_id, offer, shelve, shop

RICE = offer(
    "rice",
    "家庭装大米",
    "Family rice",
    "market",
    PerUnit(points=100, value_minor=800),
    limits=Limits(household_month=1),
)


async def says_rules(world: World, **figures: int) -> None:
    """The programme's figures for families, from now on."""
    said = ", ".join(f"'{name}', {figure}" for name, figure in figures.items())
    await world.sql(
        f"UPDATE programme SET document = jsonb_set(document, '{{families}}', jsonb_build_object({said})), version = version + 1"
    )


async def founds(head: Person) -> None:
    await head.says("/family")
    await head.sees("您现在不在家庭里", fresh=True)
    await head.taps("建一个家庭")
    shown = (await head.sees("建一个家庭?", fresh=True)).shown
    assert "全家一起算" in shown and "看不到您的积分和消费" in shown and "离开后" in shown
    await head.taps("建立")
    await head.sees("家庭建好了,您是家长", fresh=True)


async def invites(head: Person, told: str = "请您加入家庭") -> str:
    """A link that the head makes, as the message to be passed on has it."""
    await head.says("/family")
    await head.taps("邀请家人" if told.endswith("家庭") else "Invite", message=await head.sees("6", fresh=True))
    message = await head.sees(told, fresh=True)
    assert message.photo is not None and not message.buttons, "it is forwarded as it is"
    found = re.search(r"https://t\.me/\S+", message.shown)
    assert found is not None and len(found[0].partition("start=")[2]) <= 64
    return found[0]


async def joins(who: Person, link: str) -> None:
    await who.opens(link)
    await who.sees("请您加入家庭", fresh=True)
    await who.taps("加入")
    await who.sees("您加入了家庭", fresh=True)


async def of_three(world: World) -> tuple[Person, Person, Person]:
    """小明 heads a family with 小红 and 小刚, who belong to it."""
    await says_rules(world, join_delay_days=0)
    head, hong, gang = [await world.member(name) for name in ("小明", "小红", "小刚")]
    await founds(head)
    for who in (hong, gang):
        await joins(who, await invites(head))
        await head.sees(f"{who.name} 加入了您的家庭")
    return head, hong, gang


async def places(world: World) -> list[tuple[int, str]]:
    rows = await world.sql("SELECT family_id, coalesce(how, 'in') FROM family_place ORDER BY id")
    return [(row[0], row[1]) for row in rows]


async def test_a_link_survives_joining_the_programme_and_says_what_the_family_means(database: Database) -> None:
    async with bot_running(database) as world:
        head, newcomer, late = await world.member("小明"), world.person("小新"), await world.member("小迟")
        await founds(head)
        link = await invites(head)
        await newcomer.opens(link)
        await newcomer.sees("加入后保存什么")
        await newcomer.taps("同意并加入")
        await newcomer.sees("欢迎您,小新", fresh=True)
        onward = next(b.url for row in newcomer.last.buttons for b in row if b.url)
        assert onward == link
        await newcomer.opens(onward)
        shown = (await newcomer.sees("小明 请您加入家庭", fresh=True)).shown
        for line in (
            "家里现在 1 人,最多 6 人",
            "明天起算家里人",
            "全家一起算",
            "只看到您的名字",
            "只能在一个家庭",
            "随时可以离开",
        ):
            assert line in shown
        assert await places(world) == [(1, "in")]
        message = newcomer.last
        taps = [await newcomer.taps("加入", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await newcomer.sees("小新 · 明天起算")
        assert await places(world) == [(1, "in"), (1, "in")]
        told = await head.sees("小新 加入了您的家庭", fresh=True)
        assert "明天起算家里人" in told.shown
        await late.opens(link)
        await late.sees("这个邀请链接用过了", fresh=True)
        await newcomer.opens(link)
        await newcomer.sees("小明的家庭", fresh=True)
        await newcomer.says("/settings")
        await newcomer.taps("存了我的什么", message=await newcomer.sees("设置", fresh=True))
        await newcomer.sees("您的家庭里有谁,加入和离开的时间", fresh=True)


async def test_the_last_place_of_two_who_tap_at_once_is_ones(database: Database) -> None:
    async with bot_running(database, workers=2) as world:
        await says_rules(world, people_most=2)
        head, one, two = [await world.member(name) for name in ("小明", "小一", "小二")]
        await head.says("/family")
        await head.taps("建一个家庭", message=await head.sees("最多 2 人", fresh=True))
        await head.taps("建立", message=await head.sees("连您最多 2 人", fresh=True))
        await head.sees("1 人,最多 2 人", fresh=True)
        links = []
        for _ in range(2):
            await head.says("/family")
            await head.taps("邀请家人", message=await head.sees("1 人,最多 2 人", fresh=True))
            found = re.search(r"https://t\.me/\S+", (await head.sees("请您加入家庭", fresh=True)).shown)
            assert found is not None
            links.append(found[0])
        for who, link in zip((one, two), links, strict=True):
            await who.opens(link)
            await who.sees("请您加入家庭", fresh=True)
        await asyncio.gather(*(who.taps("加入") for who in (one, two)))
        await world.settled()
        seen = Counter("您加入了家庭" in who.last.shown for who in (one, two))
        assert seen == {True: 1, False: 1}
        other = next(who for who in (one, two) if "您加入了家庭" not in who.last.shown)
        assert "这个家庭满了\n最多 2 人" in other.last.shown
        await head.says("/family")
        shown = await head.sees("2 人,最多 2 人", fresh=True)
        assert "邀请家人" not in [b.text for row in shown.buttons for b in row]
        await head.taps("撤回邀请")
        await head.sees("撤回了 1 个邀请", fresh=True)


async def test_leaving_removing_and_dissolving_are_shown_before_and_told_to_whom_they_concern(
    database: Database,
) -> None:
    async with bot_running(database) as world:
        head, hong, gang = await of_three(world)
        await hong.says("/family")
        await hong.taps("离开", message=await hong.sees("3 人", fresh=True))
        shown = (await hong.sees("离开小明的家庭?", fresh=True)).shown
        assert "您的积分都是您的" in shown and "起可以再加入或新建家庭" in shown
        message = hong.last
        taps = [await hong.taps("确认离开", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await head.sees("小红 离开了您的家庭", fresh=True)
        await world.settled()
        assert sum("小红 离开了" in each.shown for each in head.messages) == 1
        link = await invites(head)
        await hong.opens(link)
        await hong.sees("现在还不能加入家庭", fresh=True)
        await head.says("/family")
        await head.taps("小刚", message=await head.sees("2 人", fresh=True))
        await head.taps("移出家庭", message=await head.sees("今天加入", fresh=True))
        await head.sees("对方的积分都是对方的", fresh=True)
        await head.taps("确认移出")
        await head.sees("小刚 移出了", fresh=True)
        assert "起可以再加入或新建家庭" in (await gang.sees("您不在小明的家庭里了", fresh=True)).shown
        await head.taps("家庭记录")
        shown = (await head.sees("家庭记录", fresh=True)).shown
        assert [line.partition(" ")[2] for line in shown.splitlines()[1:]] == [
            "小刚 · 被移出", "小红 · 离开了", "小刚 · 加入了", "小红 · 加入了", "小明 · 建了家庭",
        ]  # fmt: skip
        await head.taps("返回")
        await head.taps("解散", message=await head.sees("1 人", fresh=True))
        await head.taps("确认解散", message=await head.sees("解散家庭?", fresh=True))
        await head.sees("家庭解散了", fresh=True)
        assert await places(world) == [(1, "dissolved"), (1, "left"), (1, "removed")]


async def test_headship_is_handed_over_and_the_old_heads_buttons_do_nothing_any_more(database: Database) -> None:
    async with bot_running(database) as world:
        head, hong, gang = await of_three(world)
        old_link = await invites(head)
        await head.says("/family")
        stale = await head.sees("1 个邀请还没人用", fresh=True)
        dissolve = next(b for row in stale.buttons for b in row if b.text == "解散")
        await head.taps("小红", message=stale)
        await head.taps("交给对方当家长", message=await head.sees("今天加入", fresh=True))
        await head.sees("您发的、还没人用的邀请作废", fresh=True)
        message = head.last
        taps = [await head.taps("确认交给对方", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await hong.sees("小明 请您当家长了", fresh=True)
        await gang.sees("小明 把家长交给了 小红", fresh=True)
        await world.settled()
        assert "小红的家庭" in head.last.shown and len(await world.sql("SELECT 1 FROM family_head")) == 1
        head.presses(stale, dissolve)
        await head.sees("这要家长来办", fresh=True)
        late = await world.member("小迟")
        await late.opens(old_link)
        await late.sees("这个邀请作废了", fresh=True)
        await hong.says("/family")
        await hong.taps("解散", message=await hong.sees("小红 · 家长", fresh=True))
        await hong.sees("另外 2 人也不在家庭里了", fresh=True)
        await hong.taps("确认解散")
        for who in (head, gang):
            await who.sees("小红 解散了家庭", fresh=True)
        assert {how for _, how in await places(world)} == {"dissolved"}


async def test_a_household_has_its_share_once_and_hears_when_there_is_more(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, _ = await of_three(world)
        [rice] = await shelve(world, RICE)
        for who in (head, hong):
            await gives(world, who, 500)
            await who.says("/redeem 家庭装")
            await who.taps("家庭装大米", message=await who.sees("家庭装大米", fresh=True))
            assert "每户每月 1 份" in (await who.sees("您可用 500 分", fresh=True)).shown
            await who.taps("兑换")
            await who.sees("兑换后剩 400 分", fresh=True)
        await asyncio.gather(*(who.taps("确认兑换") for who in (head, hong)))
        await world.settled()
        rows = await world.sql("SELECT member_id FROM redemption WHERE offer_id = :id", id=rice)
        assert len(rows) == 1
        other = hong if rows[0][0] == await member_id(world, head) else head
        shown = other.last.shown
        assert "您家的份数已经换满" in shown and "每户每月 1 份,您家这个月换了 1 份" in shown and "起又可以换" in shown
        await other.says("/redeem 家庭装")
        assert "您家已换满" in (await other.sees("家庭装大米", fresh=True)).shown


async def test_the_same_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        head, hong = await world.member("Ming", "en"), await world.member("Hong", "en")
        await head.says("family")
        await head.taps("Start a family", message=await head.sees("You are in no family", fresh=True))
        await head.taps("Start it", message=await head.sees("90 days until the next", fresh=True))
        await head.sees("1 person, 6 at most", fresh=True)
        await hong.opens(await invites(head, "Ming asks you to join the family"))
        shown = (await hong.sees("Part of the family from tomorrow", fresh=True)).shown
        assert "They see your name, never your points or purchases." in shown
        await hong.taps("Join")
        await hong.sees("Hong · from tomorrow", fresh=True)
        await head.sees("Hong has joined your family", fresh=True)


@pytest.mark.parametrize(
    "tap", ["accept:nonsense", "person:99", "remove:x", "hand:0", "removed:99", "left:99", "dissolved:"]
)
async def test_buttons_that_lead_nowhere_answer_kindly(database: Database, tap: str) -> None:
    async with bot_running(database) as world:
        head = await world.member("小明")
        await founds(head)
        message = head.last
        head.presses(message, replace(message.buttons[0][0], data=f"family:{tap}"))
        await world.settled()
        assert head.last.buttons and "编号" not in head.last.shown
