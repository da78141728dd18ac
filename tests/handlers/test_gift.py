"""Giving points in chat: to family by picking, to a friend by a link that works once; accepted, declined, lapsed; caps."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import text

from bot.double.double import Person
from jobs import gifts as duty_of_gifts
from ledger.points.audit import audit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import gives, member_id, shop
from tests.handlers.test_family import of_three
from tests.handlers.test_pool import runs

RULES = {"points_least": 10, "give_day": 1000, "give_year": 1500, "take_day": 800, "take_year": 1500, "account_days": 0}


async def says_gifts(world: World, **figures: object) -> None:
    """Members may give each other points from now on."""
    said = json.dumps({**RULES, **figures})
    await world.sql(
        f"UPDATE programme SET document = jsonb_set(document, '{{gifts}}', '{said}'), version = version + 1"
    )


async def asks(giver: Person, whom: str, points: int, note: str | None = None) -> None:
    """To the confirm screen."""
    await giver.says("/gift")
    await giver.taps(whom, message=await giver.sees("送给谁?", fresh=True))
    await giver.sees("多少?", fresh=True)
    await giver.says(str(points))
    await giver.sees("附一句话?", fresh=True)
    if note:
        await giver.says(note)
    else:
        await giver.taps("不写")
    await giver.sees("收下有效", fresh=True)


async def link_of(giver: Person, points: int, note: str | None = None) -> str:
    await asks(giver, "发链接给朋友", points, note)
    await giver.taps("确认送出")
    message = await giver.sees("点开收下", fresh=True)
    found = re.search(r"https://t\.me/\S+", message.shown)
    assert message.photo is not None and not message.buttons
    assert found is not None and len(found[0].partition("start=")[2]) <= 64
    return found[0]


async def has(who: Person, points: int) -> None:
    await who.says("/start")
    await who.sees(f"可用 {points:,} 分", fresh=True)


async def proven(world: World) -> None:
    async with world.database.engine.begin() as tx:
        found = await audit(tx)
    assert found.holds, found.violations


async def test_to_family_offered_accepted_and_told(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_gifts(world)
        head, hong, _ = await of_three(world)
        await gives(world, head, 700)
        await head.says("/gift")
        page = await head.sees("今天还能送 1,000 分(一天最多 1,000 分,一年 1,500 分)", fresh=True)
        assert [b.text for row in page.buttons for b in row][:3] == ["小红", "小刚", "发链接给朋友"]
        await asks(head, "小红", 500, "生日快乐")
        confirm = head.last
        assert "送 小红 500 分?\n「生日快乐」" in confirm.shown
        button = next(b for row in confirm.buttons for b in row if b.text == "确认送出")
        for _ in range(2):
            head.presses(confirm, button)
        await world.settled()
        told = await hong.sees("小明 送您 500 分")
        assert "「生日快乐」" in told.shown and "到期" in told.shown
        await head.says("/start")
        assert "预留中 500" in (await head.sees("可用 200 分", fresh=True)).shown
        yes = told.buttons[0][0]
        hong.presses(told, yes)
        await hong.sees("收下了 500 分", fresh=True)
        await head.sees("小红 收下了您送的 500 分")
        await has(hong, 500)
        await hong.says("/history")
        rows = [b.text for row in (await hong.sees("明细", fresh=True)).buttons for b in row]
        assert any("+500 分 · 收到的礼物" in each for each in rows)
        hong.presses(told, yes)
        await hong.sees("这份礼物已经收下了", fresh=True)
        assert len(await world.sql("SELECT * FROM gift")) == 1
        await proven(world)


@pytest.mark.parametrize("how", ["declined", "withdrawn", "lapsed"])
async def test_what_is_not_accepted_returns_whole(database: Database, how: str) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_gifts(world)
        head, hong, _ = await of_three(world)
        await gives(world, head, 700, days=40)
        await asks(head, "小红", 500)
        await head.taps("确认送出")
        told = await hong.sees("小明 送您 500 分")
        yes = told.buttons[0][0]
        if how == "declined":
            await hong.taps("不收", message=told)
            await hong.sees("没有收,已经退回给对方", fresh=True)
            await head.sees("小红 没有收,500 分 退回给您了")
        elif how == "withdrawn":
            await head.says("/gift")
            await head.taps("等对方收的(1)", message=await head.sees("送给谁?", fresh=True))
            await head.taps("收回 500 分", message=await head.sees("500 分 · 小红", fresh=True))
            await head.sees("没有等着的礼物", fresh=True)
            await hong.sees("小明 收回了送您的礼物")
        else:
            await world.clock.move(3)
            await hong.taps("收下", message=told)
            await hong.sees("这份礼物过时了,已退回", fresh=True)
            await runs(world, duty_of_gifts.duty)
            await runs(world, duty_of_gifts.duty)
            await head.sees("没人收下,500 分 退回给您了")
        if how != "lapsed":
            hong.presses(told, yes)
            await hong.sees({"declined": "已经退回了", "withdrawn": "对方收回了"}[how], fresh=True)
        await has(head, 700)
        assert [row.n for row in await world.sql("SELECT count(*) AS n FROM lot")] == [1], "the very same lot"
        await proven(world)


async def test_a_link_is_the_first_ones_also_through_joining(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_gifts(world)
        ming, tom, hong = await world.member(), await world.member("Tom", "en"), world.person("小红")
        await gives(world, ming, 700)
        link = await link_of(ming, 300, "请你喝茶")
        await ming.opens(link)
        await ming.sees("这是您自己送出的礼物", fresh=True)
        await hong.opens(link)
        await hong.taps("同意并加入", message=await hong.sees("条款要点", fresh=True))
        page = await hong.sees("欢迎您", fresh=True)
        onward = next(b for row in page.buttons for b in row if b.text == "继续刚才的")
        assert onward.url == link
        await hong.opens(link)
        shown = await hong.sees("小明 送您 300 分", fresh=True)
        await tom.opens(link)
        await tom.sees("gives you 300 pts", fresh=True)
        await hong.taps("收下", message=shown)
        await hong.sees("收下了 300 分", fresh=True)
        await tom.taps("Accept")
        await tom.sees("This gift has been accepted", fresh=True)
        await tom.opens(link[:-1] + ("A" if link[-1] != "A" else "B"))
        await tom.sees("There is no such gift", fresh=True)
        await proven(world)


async def test_outside_the_family_only_what_its_issuer_lets_go(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_gifts(world)
        head, hong, _ = await of_three(world)
        await gives(world, head, 700)
        await world.sql("UPDATE lot SET transferable = false")
        await asks(head, "发链接给朋友", 300)
        await head.taps("确认送出")
        await head.sees("能送给外人的只有 0 分", fresh=True)
        await asks(head, "小红", 300)
        await head.taps("确认送出")
        await hong.taps("收下", message=await hong.sees("小明 送您 300 分"))
        await has(hong, 300)
        await proven(world)


async def test_caps_ages_and_sizes_are_the_programmes(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, _ = await of_three(world)
        await head.says("/gift")
        await head.sees("现在不能送积分", fresh=True)
        await says_gifts(world, account_days=30)
        await gives(world, head, 5000)
        await head.says("/gift")
        await head.sees("起您就能送积分", fresh=True)
        await says_gifts(world)
        for points, why in ((9, "最少送 10 分"), (1001, "还能送 1,000 分")):
            await asks(head, "小红", points)
            await head.taps("确认送出")
            await head.sees(why, fresh=True)
        await asks(head, "小红", 900)
        await head.taps("确认送出")
        told = await hong.sees("小明 送您 900 分")
        await hong.taps("收下", message=told)
        shown = (await hong.sees("您还能收 800 分", fresh=True)).shown
        assert "明天再收也行" in shown
        await asks(head, "小刚", 200)
        await head.taps("确认送出")
        await head.sees("还能送 100 分", fresh=True)
        await world.clock.move(1)
        await asks(head, "小刚", 700)
        await head.taps("确认送出")
        assert "一年最多送 1,500 分" in (await head.sees("还能送 600 分", fresh=True)).shown
        await says_gifts(world, outside=False)
        await head.says("/gift")
        assert "发链接给朋友" not in [b.text for row in (await head.sees("送给谁?", fresh=True)).buttons for b in row]


async def test_a_gift_is_never_open_longer_than_its_points_live(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_gifts(world)
        head, hong, _ = await of_three(world)
        await gives(world, head, 500, days=1)
        await asks(head, "小红", 500)
        await head.taps("确认送出")
        told = await hong.sees("小明 送您 500 分")
        await world.clock.move(2)
        await hong.taps("收下", message=told)
        await hong.sees("这份礼物过时了", fresh=True)
        [row] = await world.sql("SELECT ends_at AT TIME ZONE 'Asia/Shanghai' AS ends FROM gift")
        assert (row.ends.hour, row.ends.minute) == (0, 0)


async def test_accepted_as_it_lapses_has_one_outcome(database: Database) -> None:
    async with bot_running(database, setup=shop, workers=2) as world:
        await says_gifts(world)
        head, hong, _ = await of_three(world)
        await gives(world, head, 700)
        for points in (100, 150, 200):
            await asks(head, "小红", points)
            await head.taps("确认送出")
            told = await hong.sees(f"小明 送您 {points} 分")
            yes, no = told.buttons[0]
            page = await head.sees("等对方收下", fresh=True)
            await head.taps("等对方收的", message=page)
            back = await head.sees(f"{points} 分 · 小红", fresh=True)
            for act in (
                lambda: hong.presses(told, yes),  # noqa: B023
                lambda: head.presses(back, back.buttons[0][0]),  # noqa: B023
                lambda: hong.presses(told, no),  # noqa: B023
            ):
                act()
            await world.settled()
        states = [row.state for row in await world.sql("SELECT state FROM gift")]
        assert "offered" not in states and len(states) == 3
        taken = sum(row.points for row in await world.sql("SELECT points FROM gift WHERE state = 'accepted'"))
        await has(head, 700 - taken)
        await proven(world)


async def test_the_note_is_sealed_and_the_long_one_refused(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_gifts(world)
        head, *_ = await of_three(world)
        await gives(world, head, 700)
        await head.says("/gift")
        await head.taps("小红", message=await head.sees("送给谁?", fresh=True))
        await head.taps("100 分", message=await head.sees("送 小红 多少?", fresh=True))
        await head.sees("附一句话?", fresh=True)
        await head.says("长" * 104)
        await head.sees("长了 4 个字", fresh=True)
        await head.says("悄悄话 <b>")
        await head.taps("确认送出", message=await head.sees("「悄悄话 <b>」", fresh=True))
        await world.settled()
        async with world.database.engine.begin() as tx:
            stored = str((await tx.execute(text("SELECT g::text FROM gift g"))).all())
        assert "悄悄话" not in stored and "悄悄话".encode().hex() not in stored


async def test_in_english(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_gifts(world)
        anna, tom = await world.member("Anna", "en"), await world.member("Tom", "en")
        await gives(world, anna, 700)
        await anna.says("/gift")
        await anna.taps("A link for a friend", message=await anna.sees("To whom?", fresh=True))
        await anna.taps("200 pts", message=await anna.sees("How many for your friend?", fresh=True))
        await anna.sees("A word to go with it?", fresh=True)
        await anna.says("For tea")
        await anna.taps("Give", message=await anna.sees("Give a friend 200 pts?", fresh=True))
        message = await anna.sees("open to accept", fresh=True)
        found = re.search(r"https://t\.me/\S+", message.shown)
        assert found is not None
        await tom.opens(found[0])
        assert "“For tea”" in (await tom.sees("Anna gives you 200 pts", fresh=True)).shown
        await tom.taps("Decline")
        await anna.sees("Tom declined: 200 pts are back with you")
        assert await member_id(world, tom)
