"""Joining a counter by a one-time link, being removed, and who may do which."""

from __future__ import annotations

import asyncio
import datetime as dt
import re

from bot.double.double import Person
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.till_scene import make_operator, open_shop, printed, second_post


async def invitation(inviter: Person, role: str = "邀请收银员", label: str = "5号台") -> str:
    """The link that an inviter makes."""
    await inviter.says("/staff")
    await inviter.taps(role)
    await inviter.sees("小票上怎么称呼", fresh=True)
    await inviter.says(label)
    shown = (await inviter.sees("邀请链接", fresh=True)).shown
    found = re.search(r"https://t\.me/\S+", shown)
    assert found is not None
    return found[0]


async def team(world: World) -> list[tuple[str, str]]:
    """(label, role) of who works at the market now."""
    rows = await world.sql("SELECT label, role FROM staff WHERE removed_at IS NULL AND merchant_id = 1 ORDER BY id")
    return [tuple(row) for row in rows]


async def test_a_link_survives_joining_and_makes_a_cashier_once(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        link = await invitation(shop.manager)
        newcomer, late = world.person("小新"), await world.member("小迟")
        await newcomer.opens(link)
        await newcomer.sees("加入后保存什么")
        await newcomer.taps("同意并加入")
        await newcomer.sees("欢迎您,小新")
        onward = next(b.url for row in newcomer.last.buttons for b in row if b.url)
        assert onward == link
        await newcomer.opens(onward)
        shown = (await newcomer.sees("请您做收银员")).shown
        assert "5号台" in shown
        assert ("5号台", "cashier") not in await team(world)
        await newcomer.taps("接受")
        await newcomer.sees("您已在 云山超市 上岗")
        await shop.manager.sees("小新 已到云山超市上岗:5号台")
        assert ("5号台", "cashier") in await team(world)
        await late.opens(link)
        await late.sees("这个邀请链接用过了")
        await newcomer.opens(link)
        await newcomer.sees("您已经在这家店了")
        await newcomer.says(f"/award {await shop.card()}")
        await newcomer.sees("会员 小明")


async def test_of_two_who_open_one_link_and_of_five_taps_one_post_comes(database: Database) -> None:
    async with bot_running(database, webhook=True, workers=2) as world:
        shop = await open_shop(world)
        link = await invitation(shop.owner, "邀请店长", "夜班店长")
        people = [await world.member("甲"), await world.member("乙")]
        for who in people:
            await who.opens(link)
            await who.sees("请您做店长")
        taps = [await who.taps("接受", message=who.last) for who in people for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await world.settled()
        assert (await team(world)).count(("夜班店长", "manager")) == 1
        shown = sorted("上岗" in who.last.shown.splitlines()[0] or "在这家店" in who.last.shown for who in people)
        assert shown == [False, True]


async def test_a_restart_before_the_label_is_typed_loses_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.manager.says("/staff")
        await shop.manager.taps("邀请收银员")
        await shop.manager.sees("小票上怎么称呼")
        await world.kill()
        await world.start()
        await shop.manager.says("长" * 25)
        await shop.manager.sees("名称不合适")
        await shop.manager.says("6号台")
        await shop.manager.sees("6号台 · 收银员 的邀请链接")
        assert shop.manager.last.labels == ["复制链接", "发给对方", "店员", "收银台"]


async def test_the_list_shows_what_each_role_may_do(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.owner.says("/staff")
        await shop.owner.sees("4 人在岗")
        assert {"邀请收银员", "邀请店长"} <= set(shop.owner.last.labels)
        await shop.owner.says("/counter")
        assert (await shop.owner.sees("店主", fresh=True)).shown.count("店主") == 1, "label and role are the same word"
        await shop.manager.says("/staff")
        await shop.manager.sees("4 人在岗")
        assert "邀请店长" not in shop.manager.last.labels
        await shop.manager.taps("店主")
        await shop.manager.sees("会员 店主阿云")
        assert "移除" not in printed(shop.manager)
        await shop.cashier.says("/staff")
        await shop.cashier.sees("您不能看店员名单")
        await shop.cashier.says("/counter")
        await shop.cashier.sees("3号台 · 收银员")
        assert "店员" not in shop.cashier.last.labels
        await shop.customer.says("/staff")
        await shop.customer.sees("这是商户员工用的")


async def test_a_large_team_is_shown_page_by_page(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await world.sql(
            "INSERT INTO staff (merchant_id, member_id, role, label, added_by)"
            " SELECT 1, 1000 + n, 'cashier', n || '号台', 'test' FROM generate_series(10, 25) n"
        )
        await shop.manager.says("/staff")
        await shop.manager.sees("20 人在岗")
        seen: list[str] = []
        while True:
            seen += [label for label in shop.manager.last.labels if " · " in label or label in ("店主", "店长")]
            if "下一页" not in shop.manager.last.labels:
                break
            await shop.manager.taps("下一页")
            await world.settled()
        assert len(seen) == len(set(seen)) == 20
        assert "上一页" in shop.manager.last.labels


async def test_who_is_removed_is_told_and_can_do_nothing_more(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.manager.says("/staff")
        await shop.manager.taps("3号台")
        await shop.manager.sees("会员 收银小红", fresh=True)
        await shop.manager.taps("移除")
        await shop.manager.sees("马上就不能再记积分", fresh=True)
        message = shop.manager.last
        taps = [await shop.manager.taps("确认移除", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await world.settled()
        assert "3号台 已移除" in shop.manager.last.shown
        assert sum("已撤销" in m.shown for m in shop.cashier.messages) == 1
        await shop.cashier.says("/award")
        await shop.cashier.sees("这是商户员工用的")
        assert ("3号台", "cashier") not in await team(world)


async def test_one_may_leave_but_the_last_owner_stays(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.manager.says("/staff")
        await shop.manager.taps("店长")
        await shop.manager.taps("我要离开")
        await shop.manager.sees("离开 云山超市?", fresh=True)
        await shop.manager.taps("确认离开")
        await shop.manager.sees("您已离开 云山超市", fresh=True)
        await shop.owner.says("/staff")
        await shop.owner.taps("店主")
        await shop.owner.taps("我要离开")
        await shop.owner.taps("确认离开")
        await shop.owner.sees("店里要留一位店主", fresh=True)
        assert [role for _, role in await team(world)] == ["owner", "cashier", "cashier"]


async def test_the_operator_invites_an_owner(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await make_operator(world, shop.customer, "admin")
        await make_operator(world, shop.colleague, "support")
        await shop.customer.says("/operator")
        await shop.customer.sees("管理员")
        await shop.customer.taps("商户")
        await shop.customer.sees("共 2 家", fresh=True)
        await shop.customer.taps("江南铁路")
        shown = (await shop.customer.sees("代码 rail", fresh=True)).shown
        assert "发的积分:铁路积分" in shown
        assert "还没有店员" in shown
        await shop.customer.taps("邀请店主")
        link = re.search(r"https://t\.me/\S+", (await shop.customer.sees("邀请链接", fresh=True)).shown)
        assert link is not None
        await shop.cashier.opens(link[0])
        await shop.cashier.taps("接受")
        await shop.cashier.sees("您已在 江南铁路 上岗")
        await shop.cashier.says("/staff")
        await shop.cashier.sees("这次是哪一家")
        await shop.colleague.says("/operator")
        await shop.colleague.taps("商户")
        await shop.colleague.sees("共 2 家", fresh=True)
        await shop.colleague.taps("江南铁路")
        await shop.colleague.sees("代码 rail", fresh=True)
        assert "邀请店主" not in shop.colleague.last.labels


async def test_whoever_works_at_two_shops_is_asked_once_for_the_day(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await second_post(world, shop.owner, "rail", "售票窗")
        await shop.owner.says("/counter")
        await shop.owner.sees("这次是哪一家", fresh=True)
        await shop.owner.taps("云山超市")
        await shop.owner.sees("积分还没有记过", fresh=True)
        for command, then in (("/today", "今天还没有记过积分"), ("/staff", "在岗")):
            await shop.owner.says(command)
            await shop.owner.sees(then, fresh=True)
        world.wall_offset += dt.timedelta(days=1)
        await shop.owner.says("/counter")
        await shop.owner.sees("这次是哪一家", fresh=True)
