"""Birthdays in chat: a child told of and deleted by the head alone, greetings with points once a year, whenever they count."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from sqlalchemy import text

from jobs import birthdays as duty_of_birthdays
from ledger.points.audit import audit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import member_id, moment, shop
from tests.handlers.test_family import of_three
from tests.handlers.test_pool import runs

RULES = {"issuer": "market", "points": 100, "child_points": 50, "life_months": 3, "children_most": 2}


async def says_birthdays(world: World, **figures: object) -> None:
    """Birthdays bring something from now on."""
    said = json.dumps({**RULES, **figures})
    await world.sql(
        f"UPDATE programme SET document = jsonb_set(document, '{{birthdays}}', '{said}'), version = version + 1"
    )


def soon(world: World, days: int) -> dt.date:
    """A day so many days from now."""
    return moment(world).today + dt.timedelta(days=days)


async def passes(world: World, days: int) -> None:
    await world.clock.move(days)
    await runs(world, duty_of_birthdays.duty)


async def test_a_child_is_told_of_greeted_and_deleted(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_birthdays(world)
        head, hong, _ = await of_three(world)
        on = soon(world, 40)
        await head.says("/family")
        await head.taps("孩子", message=await head.sees("小明的家庭", fresh=True))
        await head.taps("添加", message=await head.sees("还没有。告诉我孩子的生日", fresh=True))
        await head.sees("孩子叫什么", fresh=True)
        await head.says("宝" * 21)
        await head.sees("名字 1 到 20 个字", fresh=True)
        await head.says("小宝")
        await head.taps(f"{on.month}月", message=await head.sees("哪个月生日", fresh=True))
        await head.taps(str(on.day), message=await head.sees("哪一天", fresh=True))
        shown = (await head.sees("记下了", fresh=True)).shown
        assert f"小宝 · {on.month}月{on.day}日" in shown
        async with world.database.engine.begin() as tx:
            stored = str((await tx.execute(text("SELECT c::text FROM child c"))).all())
        assert "小宝" not in stored and "小宝".encode().hex() not in stored
        await head.says("/settings")
        await head.taps("存了我的什么")
        assert "孩子:小宝" in (await head.sees("存了您的什么", fresh=True)).shown
        await passes(world, 40)
        told = await head.sees("孩子生日快乐!")
        assert told.shown == "孩子生日快乐!\n送您 50 分"
        heard = len(head.messages)
        await runs(world, duty_of_birthdays.duty)
        assert len(head.messages) == heard and not any("生日快乐" in m.shown for m in hong.messages)
        await head.says("/history")
        rows = [b.text for row in (await head.sees("明细", fresh=True)).buttons for b in row]
        assert any("+50 分 · 孩子的生日礼" in each for each in rows)
        await head.says("/family")
        await head.taps("孩子", message=await head.sees("小明的家庭", fresh=True))
        await head.taps("删除 小宝", message=await head.sees("小宝", fresh=True))
        await head.sees("删掉了", fresh=True)
        assert await world.sql("SELECT * FROM child") == []
        given = "SELECT * FROM consent WHERE purpose = 'children' AND withdrawn_at IS NULL"
        assert await world.sql(given) == []
        async with world.database.engine.begin() as tx:
            assert (await audit(tx)).holds


async def test_only_the_head_tells_of_children_and_of_so_many(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_birthdays(world)
        head, hong, _ = await of_three(world)
        await hong.says("/family")
        assert "孩子" not in [b.text for row in (await hong.sees("小明的家庭", fresh=True)).buttons for b in row]
        for n in range(2):
            await head.says("/family")
            await head.taps("孩子", message=await head.sees("小明的家庭", fresh=True))
            await head.taps("添加", message=await head.sees("只用来祝贺", fresh=True))
            await head.sees("孩子叫什么", fresh=True)
            await head.says(f"宝{n}")
            await head.taps("2月", message=await head.sees("哪个月生日", fresh=True))
            await head.taps("29", message=await head.sees("哪一天", fresh=True))
            await head.sees("记下了", fresh=True)
        assert "添加" not in [b.text for row in head.last.buttons for b in row]
        hers = await member_id(world, hong)
        assert await world.sql(f"SELECT * FROM child WHERE member_id = {hers}") == []


@pytest.mark.parametrize(("told", "greeted"), [(40, True), (10, False)])
async def test_a_member_is_greeted_from_the_year_on_in_which_it_counts(
    database: Database, told: int, greeted: bool
) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_birthdays(world)
        ming, anna = await world.member(), await world.member("Anna", "en")
        on = soon(world, told)
        for who in (ming, anna):
            facts = f"birth_month = {on.month}, birth_day = {on.day}, birth_told_on = '{moment(world).today}'"
            await world.sql(f"UPDATE member SET {facts} WHERE id = {await member_id(world, who)}")
        await passes(world, told)
        assert any("生日快乐" in m.shown for m in ming.messages) is greeted
        if greeted:
            assert (await ming.sees("生日快乐!")).shown == "生日快乐!\n送您 100 分"
            assert (await anna.sees("Happy birthday!")).shown == "Happy birthday!\n100 pts for you"


async def test_a_leap_day_is_kept_on_the_28th_and_nothing_without_cover_but_the_words(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_birthdays(world)
        ming = await world.member()
        await world.sql(
            "INSERT INTO cover (merchant_id, money, reserved_minor, outstanding_minor, counted_at)"
            " SELECT id, 'CNY', 0, 0, now() FROM merchant WHERE code = 'market'"
        )
        facts = "birth_month = 2, birth_day = 29, birth_told_on = '2020-01-01'"
        await world.sql(f"UPDATE member SET {facts} WHERE id = {await member_id(world, ming)}")
        until = dt.date(moment(world).today.year + 1, 2, 28)
        await passes(world, (until - moment(world).today).days)
        assert (await ming.sees("生日快乐!")).shown == "生日快乐!"


async def test_packs_for_children_told_anew_are_no_more_than_there_may_be_children(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await says_birthdays(world, children_most=1)
        head, *_ = await of_three(world)
        mine = await member_id(world, head)
        for days, on in ((40, soon(world, 40)), (1, soon(world, 41))):
            await world.sql("DELETE FROM child")
            await world.sql(
                "INSERT INTO child (member_id, box, birth_month, birth_day, told_on)"
                f" VALUES ({mine}, '\\x00', {on.month}, {on.day}, '2020-01-01')"
            )
            await passes(world, days)
        packs = await world.sql(
            f"SELECT points FROM entry WHERE owner_id = {mine} AND facts ->> 'what' = 'child_birthday'"
        )
        assert [row.points for row in packs] == [50]
