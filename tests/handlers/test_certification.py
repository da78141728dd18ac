"""The operator's desk for certificates and standing: entering, a second person confirming, suspending; and the owner's papers."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.double.people import Person
from tests import turns
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import moment
from tests.handlers.test_apply import enter
from tests.handlers.till_scene import Shop, make_operator, open_shop


async def two_persons(tx: AsyncConnection) -> None:
    """The coalition, whose certificates a second operator confirms."""
    from sqlalchemy import text

    await turns.coalition(tx)
    strict = turns.PROGRAMME.model_copy(update={"certificates_need_two": True})
    query = text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))")
    await tx.execute(query, {"document": strict.model_dump_json()})


async def at_desk(world: World, shop: Shop, *roles: str) -> Person:
    """An operator before the market's certificates."""
    operator = await world.member("运营")
    await make_operator(world, operator, *(roles or ("admin",)))
    await open_certificates(operator)
    return operator


async def open_certificates(operator: Person, merchant: str = "云山超市") -> None:
    await operator.says("/operator")
    await operator.taps("商户")
    await operator.taps(merchant)
    await operator.sees("代码", fresh=True)
    await operator.taps("证书与状态")
    await operator.sees(merchant, fresh=True)


async def status(world: World) -> tuple[str, str | None]:
    [row] = await world.sql("SELECT status, suspended_for FROM merchant WHERE code = 'market'")
    return row.status, row.suspended_for


async def test_a_suspension_stops_issuing_and_nothing_else_and_is_lifted_by_the_operator(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        operator = await at_desk(world, shop)
        await operator.taps("暂停发分")
        await operator.sees("把原因发给我", fresh=True)
        await operator.says("有会员投诉,核实中")
        await operator.sees("由运营暂停", fresh=True)
        told = await shop.owner.sees("暂停发积分")
        assert "原因:有会员投诉,核实中" in told.shown
        await shop.cashier.says(f"/award {await shop.card()}")
        await shop.cashier.sees("收了多少钱", fresh=True)
        await shop.cashier.says("100")
        await shop.cashier.sees("现在不能发积分", fresh=True)
        await shop.customer.says("/shops")
        await shop.customer.taps("云山超市")
        await shop.customer.sees("现在不发新积分", fresh=True)
        await operator.taps("恢复发分")
        await operator.sees("恢复好了", fresh=True)
        await shop.owner.sees("恢复发积分")
        assert await status(world) == ("certified", None)
        await shop.owner.says("/merchant")
        await shop.owner.taps("操作记录")
        shown = (await shop.owner.sees("暂停发分:有会员投诉,核实中 · 运营", fresh=True)).shown
        assert "恢复了发分 · 运营" in shown


async def test_a_date_nobody_can_read_and_one_that_is_over_are_asked_again(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        operator = await at_desk(world, shop)
        await enter(operator, "信用证书", "C-1", until="明年")
        await operator.sees("这个日期我没看懂", fresh=True)
        await operator.says("2020-01-01")
        await operator.sees("这份信用证书已经到期", fresh=True)
        await operator.says("2099年6月30日")
        shown = (await operator.sees("信用证书已录入", fresh=True)).shown
        assert "信用证书 · 有效至 2099年6月30日" in shown and "C-1 · 市信用协会" in shown


async def test_where_two_persons_are_wanted_the_second_confirms(database: Database) -> None:
    async with bot_running(database, setup=two_persons) as world:
        shop = await open_shop(world)
        first = await at_desk(world, shop)
        second = await world.member("运营二")
        await make_operator(world, second, "admin")
        await enter(first, "信用证书", "C-1")
        await first.sees("等另一位运营人员确认", fresh=True)
        await first.taps("确认信用证书 C-1")
        await first.sees("要由另一位来确认", fresh=True)
        assert "C-1 · 市信用协会" in (await second.sees("云山超市的信用证书等确认")).shown
        await second.taps("去处理")
        await second.taps("确认信用证书 C-1")
        await second.sees("信用证书已确认", fresh=True)
        assert not any("确认" in label for label in second.last.labels)


async def test_support_enters_and_only_an_admin_decides(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        support = await at_desk(world, shop, "support")
        assert "录入证书" in support.last.labels and "暂停发分" not in support.last.labels
        await enter(support, "备案", "F-1")
        await support.sees("备案已录入", fresh=True)
        await open_certificates(support)
        support_message = support.last
        await world.sql("UPDATE operator SET role = 'auditor'")
        await support.taps("录入证书", message=support_message)
        await support.sees("您的角色办不了这件事", fresh=True)


async def test_the_owner_sees_when_papers_end_and_sends_new_ones(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        operator = await at_desk(world, shop)
        soon = (world.now() + dt.timedelta(days=20)).date()
        await enter(operator, "信用证书", "C-1", until=soon.isoformat())
        await operator.sees("信用证书已录入", fresh=True)
        await shop.manager.says("/merchant")
        await shop.manager.sees("云山超市 · 正常")
        assert "证书与文件" not in shop.manager.last.labels
        await shop.owner.says("/merchant")
        await shop.owner.taps("证书与文件")
        shown = (await shop.owner.sees("证书与文件", fresh=True)).shown
        assert "天)" in shown and "没有文件" in shown
        await shop.owner.taps("提交文件")
        await shop.owner.taps("信用证书")
        await shop.owner.sees("拍张照", fresh=True)
        await shop.owner.says("在路上")
        await shop.owner.sees("拍张照", fresh=True)
        await shop.owner.sends_document(b"%PDF-1.7 renewed", "renewed.pdf", "application/pdf", caption="续期")
        await shop.owner.sees("运营人员会核对", fresh=True)
        await operator.sees("云山超市 提交了文件:信用证书")
        await operator.taps("看文件")
        await operator.taps("信用证书")
        paper = await operator.sees("续期", fresh=True)
        assert paper.document == b"%PDF-1.7 renewed"
        await shop.owner.taps("信用证书 · ")
        mine = await shop.owner.sees("续期", fresh=True)
        assert mine.document == b"%PDF-1.7 renewed"


async def test_a_closed_merchant_stays_closed(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        operator = await at_desk(world, shop)
        await operator.taps("关闭商户")
        await operator.sees("关闭后不能再打开", fresh=True)
        await operator.says("商户要求退出")
        await operator.sees("已退出", fresh=True)
        assert {"录入证书", "暂停发分", "恢复发分", "关闭商户"} & set(operator.last.labels) == set()
        await shop.owner.sees("云山超市 已退出联盟")
        await shop.customer.says("/shops")
        await shop.customer.sees("商户", fresh=True)
        assert not any("云山超市" in label for label in shop.customer.last.labels)


async def test_the_desk_and_the_owner_speak_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        operator = await world.member("Op", "en")
        await make_operator(world, operator, "admin")
        await operator.says("/operator")
        await operator.taps("Merchants")
        await operator.taps("Yunshan Market")
        await operator.taps("Certificates")
        await operator.sees("No certificates entered", fresh=True)
        await operator.taps("Enter a certificate")
        await operator.taps("Credit certificate")
        await operator.sees("What is its number", fresh=True)
        await operator.says("C-1")
        await operator.sees("Who issued it", fresh=True)
        await operator.says("Credit Bureau")
        await operator.sees("Good until which day", fresh=True)
        await operator.says("soon")
        await operator.sees("can’t read that date", fresh=True)
        await operator.says("2099-06-30")
        shown = (await operator.sees("Entered: Credit certificate", fresh=True)).shown
        assert "Credit certificate · until 30 Jun 2099" in shown
        await operator.taps("Suspend issuing")
        await operator.sees("Send me the reason", fresh=True)
        await operator.says("a complaint is being looked into")
        await operator.sees("Done; the owners are told why", fresh=True)
        told = await shop.owner.sees("Yunshan Market may not issue points for now")
        assert "Members’ points stay good." in told.shown
        await shop.owner.taps("My business")
        await shop.owner.taps("Log")
        await shop.owner.sees("Issuing suspended: a complaint is being looked into · Operator", fresh=True)


async def test_past_its_last_day_the_till_stops_before_any_duty_has_run(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await world.sql(
            "INSERT INTO certificate (merchant_id, kind, number, issuer, valid_until, entered_by, entered_at, confirmed_by,"
            " confirmed_at) SELECT id, 'credit', 'C-1', '市信用协会', CAST(:today AS date), 'operator:1', now(), 'operator:1',"
            " now() FROM merchant WHERE code = 'market'",
            today=moment(world).today,
        )
        await shop.give(shop.cashier, "100")
        await world.clock.move(1)
        await shop.cashier.says(f"/award {await shop.card('next')}")
        await shop.cashier.sees("收了多少钱", fresh=True)
        await shop.cashier.says("100")
        await shop.cashier.sees("云山超市现在不能发积分", fresh=True)
        assert "「暂停」" in shop.cashier.last.shown
        await shop.owner.says("/merchant")
        await shop.owner.sees("云山超市 · 暂停", fresh=True)
        assert await status(world) == ("certified", None)
