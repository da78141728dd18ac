"""A company in chat: set up, colleagues by link, acting for it at the till and in the catalog, its statement."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from dataclasses import replace

from bot.double.double import Person
from ledger.merchants import merchant as merchants
from ledger.points.audit import audit
from ledger.points.commands import Accrue, member
from ledger.points.engine import post
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import moment
from tests.handlers.shop import shop as shelf
from tests.handlers.till_scene import Shop, open_shop


async def founded(head: Person, name: str = "云帆科技") -> None:
    """The head has set the company up."""
    await head.says("/business")
    await head.taps("建一个企业账户")
    await head.says(name)
    await head.sees(f"{name} · 负责人", fresh=True)


async def invited(head: Person, role: str) -> str:
    """A link that the head makes."""
    await head.says("/business")
    await head.taps("云帆科技")
    await head.taps("同事")
    await head.taps(role)
    found = re.search(r"https://t\.me/\S+", (await head.sees("邀请链接", fresh=True)).shown)
    assert found is not None
    return found[0]


async def joins(shop: Shop, who: Person, head: Person, role: str) -> None:
    link = await invited(head, role)
    await who.opens(link)
    await who.sees("请您一起用企业账户")
    await who.taps("接受")
    await who.sees("云帆科技", fresh=True)


async def card_of(who: Person) -> str:
    """The code on this person's card."""
    await who.says("/card")
    found = re.search(r"(\d{4}) (\d{4})", (await who.sees("会员码", fresh=True)).shown)
    assert found is not None
    return found[1] + found[2]


async def holdings(world: World) -> dict[str, int]:
    """What companies and people hold: pending and available."""
    rows = await world.sql(
        "SELECT m.kind, sum(a.balance)::int FROM account a JOIN member m ON m.id = a.owner_id"
        " WHERE a.owner_kind = 'member' AND a.purpose IN ('available', 'pending') GROUP BY 1"
    )
    return {kind: total for kind, total in rows if total}


async def test_a_colleague_buys_for_the_company_and_everybody_there_hears(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        head, buyer = await world.member("王总"), shop.customer
        await founded(head)
        await joins(shop, buyer, head, "邀请采购人")
        await head.sees("小明 加入了 云帆科技:采购人")
        await buyer.taps("换成这个账户")
        await buyer.sees("现在用的是 云帆科技 的账户")
        await shop.cashier.says(f"/award {await card_of(buyer)}")
        await shop.cashier.sees("会员 云帆科技")
        await shop.cashier.says("300")
        await shop.cashier.taps("确认")
        await shop.cashier.sees("会员 云帆科技 得 300 分", fresh=True)
        for who in (head, buyer):
            told = await who.sees("+300 分 · 云山超市")
            assert told.shown.startswith("云帆科技")
        assert await holdings(world) == {"company": 300}
        await head.taps("怎么算的")  # who uses an account of their own at the moment
        why = (await head.sees("¥300 × 1 分/元", fresh=True)).shown
        assert why.startswith("云帆科技 · 企业账户\n+300 分 · 云山超市")
        await buyer.says("/start")
        await buyer.sees("云帆科技 · 企业账户", fresh=True)
        assert "待生效 300" in buyer.last.shown
        await buyer.taps("换回自己的账户")
        await buyer.sees("换回您自己的账户了", fresh=True)
        stranger = await world.member("路人")
        await stranger.says("/history")
        message = await stranger.sees("明细", fresh=True)
        [entry] = await world.sql(
            "SELECT id FROM entry WHERE owner_kind = 'member' AND kind = 'accrue' ORDER BY id DESC LIMIT 1"
        )
        stranger.presses(message, replace(message.buttons[0][0], data=f"history:why:{entry.id}:all:0:0"))
        await stranger.sees("没有这笔记录", fresh=True)
        await shop.cashier.says(f"/award {await card_of(buyer)}")
        await shop.cashier.sees("会员 小明", fresh=True)


async def test_whoever_looks_at_the_main_screen_for_a_company_leaves_it_its_name(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        head, buyer = await world.member("王总"), shop.customer
        await founded(head)
        await joins(shop, buyer, head, "邀请采购人")
        await buyer.taps("换成这个账户")
        await buyer.sees("现在用的是 云帆科技 的账户")
        await buyer.says("/start")
        await buyer.sees("云帆科技 · 企业账户", fresh=True)
        await shop.cashier.says(f"/award {await card_of(buyer)}")
        await shop.cashier.sees("会员 云帆科技", fresh=True)


async def test_who_may_redeem_for_the_company_and_who_only_looks(database: Database) -> None:
    async with bot_running(database, setup=shelf) as world:
        head, viewer = await world.member("王总"), await world.member("小看")
        await founded(head)
        link = await invited(head, "邀请来看的人")
        await viewer.opens(link)
        await viewer.taps("接受")
        await viewer.sees("云帆科技 · 只看", fresh=True)
        [row] = await world.sql("SELECT member_id FROM company")
        await gives_company(world, row[0], 800)
        for who in (head, viewer):
            await who.says("/business")
            await who.taps("云帆科技")
            await who.taps("换成这个账户")
            await who.sees("现在用的是 云帆科技 的账户", fresh=True)
        await viewer.says("/card")
        await viewer.sees("您在这家企业办不了这件事")
        await viewer.says("/redeem 礼盒")
        await viewer.taps("进口水果礼盒")
        await viewer.sees("您在这家企业只能看", fresh=True)
        await head.says("/redeem 礼盒")
        await head.taps("进口水果礼盒")
        await head.taps("兑换", message=await head.sees("您可用 800 分", fresh=True))
        await head.taps("确认兑换")
        await world.settled()
        [done] = await world.sql("SELECT member_id, points FROM redemption")
        assert (done[0], done[1]) == (row[0], 500)
        assert (await world.sql("SELECT actor FROM entry WHERE kind = 'burn'"))[0][0].startswith(f"company:{row[0]}:")
        await viewer.says("/history")
        await viewer.sees("明细", fresh=True)
        await viewer.taps("进口水果礼盒")
        await viewer.sees("企业里的同事操作的", fresh=True)
        async with database.engine.connect() as tx:
            assert (await audit(tx)).holds


async def gives_company(world: World, company_id: int, points: int) -> None:
    """Points for a company, as if bought."""
    at = moment(world)
    async with world.database.engine.begin() as tx:
        market = await merchants.by_code(tx, "market")
        await post(
            tx,
            Accrue(
                key="test:company", owner=member(company_id), currency=1, at=at, actor="test", issuer_id=market.id,
                merchant_id=market.id, points=points, available_on=at.today, expires_on=None,
            ),
        )  # fmt: skip


async def test_a_frozen_company_is_nobodys_to_act_for(database: Database) -> None:
    async with bot_running(database) as world:
        head = await world.member("王总")
        await founded(head)
        await head.taps("换成这个账户")
        await head.sees("现在用的是 云帆科技 的账户", fresh=True)
        await world.sql("UPDATE member SET status = 'frozen' WHERE kind = 'company'")
        await head.says("/balance")
        await head.sees("可用 0 分", fresh=True)
        assert "企业账户" not in head.last.shown


async def test_the_statement_is_a_table_of_the_companys_lines(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        head = shop.customer
        await founded(head, "=云帆科技")
        await head.taps("换成这个账户")
        await head.sees("现在用的是", fresh=True)
        await shop.give(shop.cashier, "128.50", await card_of(head))
        await head.says("/business")
        await head.taps("=云帆科技")
        await head.taps("对账单")
        shown = await head.sees("对账单", fresh=True)
        assert shown.document is not None
        rows = list(csv.reader(io.StringIO(shown.document.decode("utf-8-sig"))))
        assert rows[0] == ["日期", "时间", "什么", "积分种类", "积分", "消费金额", "小票", "编号"]
        assert [rows[1][2], rows[1][4], rows[1][5]] == ["云山超市", "128", "128.50"]
        assert len(rows) == 2


async def test_a_link_works_once_in_english_too_and_leaving_ends_the_switch(database: Database) -> None:
    async with bot_running(database) as world:
        head, hong, late = await world.member("王总"), await world.member("Hong", "en"), await world.member("小迟")
        await founded(head)
        link = await invited(head, "邀请采购人")
        await hong.opens(link)
        await hong.sees("asks you to share its business account")
        await hong.taps("Accept")
        await hong.sees("云帆科技 · Buyer", fresh=True)
        await late.opens(link)
        await late.sees("这个邀请链接用过了")
        await hong.opens(link)
        await hong.sees("You belong to this company already", fresh=True)
        await hong.says("/business")
        await hong.taps("云帆科技")
        await hong.taps("Use this account")
        await hong.sees("You are using the account of 云帆科技", fresh=True)
        await head.says("/business")
        await head.taps("云帆科技")
        await head.taps("同事")
        await head.taps("Hong · 采购人")
        await head.taps("移除")
        message = await head.sees("马上就不能再用公司的账户", fresh=True)
        taps = [await head.taps("确认", message=message) for _ in range(3)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await head.sees("1 人")
        await hong.sees("You no longer use the account of 云帆科技")
        await hong.says("/start")
        await hong.sees("0 pts", fresh=True)
        assert "business account" not in hong.last.shown
        await head.taps("王总 · 负责人")
        await head.taps("退出这个账户")
        await head.taps("确认")
        await head.sees("企业要留一位负责人", fresh=True)
