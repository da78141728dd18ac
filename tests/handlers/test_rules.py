"""Rules in chat: an owner tries and proposes one, an operator decides, a member earns by it and reads why."""

from __future__ import annotations

import asyncio
import dataclasses

from bot.double.people import Person
from bot.double.taps import Tap
from ledger.earning import rulebook
from ledger.earning.rules.version import RuleVersion
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.till_scene import Shop, make_operator, open_shop


async def a_past(world: World) -> None:
    """The shop's awards were made over the ten days before today."""
    await world.sql(
        "UPDATE purchase SET bought_on = bought_on - (1 + id % 10)::int,"
        " occurred_at = occurred_at - interval '1 day' * (1 + id % 10),"
        " facts = facts || jsonb_build_object('bought_at', to_char((facts->>'bought_at')::timestamp"
        " - interval '1 day' * (1 + id % 10), 'YYYY-MM-DD\"T\"HH24:MI:SS'))"
    )


def forges(who: Person, data: str) -> Tap:
    """They press a button that nobody drew for them."""
    button = who.last.buttons[0][0]
    return who.presses(who.last, dataclasses.replace(button, data=data))


async def rules_of(shop: Shop, who: Person) -> None:
    """They look at the shop's rules."""
    await who.says("/merchant")
    await who.sees("云山超市", fresh=True)
    await who.taps("积分规则")
    await who.sees("积分规则 · 云山超市")


async def double_proposed(shop: Shop) -> None:
    """The owner has proposed twice the points from tomorrow, a week long."""
    await rules_of(shop, shop.owner)
    await shop.owner.taps("多倍积分")
    await shop.owner.taps("2 倍")
    await shop.owner.taps("明天起 7 天")
    await shop.owner.sees("双倍积分:2 倍(明天")
    await shop.owner.taps("提交")
    await shop.owner.sees("已提交,批准后会告诉您")


async def in_force(world: World) -> list[RuleVersion]:
    """The market's rules, today or to come."""
    async with world.database.engine.connect() as tx:
        return [v for v in await rulebook.all_of(tx, 1) if v.code != "market-base"]


async def test_a_double_is_tried_on_the_past_month_proposed_approved_and_paid(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        operator = await world.member("运营小李")
        await make_operator(world, operator, "finance")
        await shop.book("3号台", 100, 200, 320)
        await a_past(world)
        await rules_of(shop, shop.owner)
        assert "购物积分:每元 1 分" in shop.owner.last.shown
        await shop.owner.taps("多倍积分")
        await shop.owner.taps("2 倍")
        await shop.owner.sees("哪几天?")
        await shop.owner.taps("明天起 7 天")
        await shop.owner.sees("双倍积分:2 倍(明天")
        assert "的 3 笔消费试算" in shop.owner.last.shown
        assert "这 7 天约多付" in shop.owner.last.shown and "约 ¥" in shop.owner.last.shown
        await shop.owner.taps("起个名字")
        await shop.owner.says("冬至双倍")
        await shop.owner.sees("冬至双倍:2 倍")
        message = shop.owner.last
        taps = [await shop.owner.taps("提交", message=message) for _ in range(2)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await world.settled()
        assert "已提交,批准后会告诉您" in shop.owner.last.shown
        assert await world.sql(
            "SELECT state, made_by LIKE 'member:%' FROM accrual_rule WHERE code <> 'market-base'"
        ) == [("proposed", True)]
        assert await in_force(world) == []

        await operator.says("/operator")
        await operator.sees("运营台", fresh=True)
        await operator.taps("规则审批(1)")
        await operator.sees("1 条在等")
        await operator.taps("冬至双倍")
        await operator.sees("这 7 天约多付")
        await operator.taps("批准")
        await operator.sees("云山超市 · 已批准")
        await shop.owner.sees("规则「冬至双倍」批准了", fresh=True)
        assert [v.rule.name_zh for v in await in_force(world)] == ["冬至双倍"]

        await world.clock.move(1)
        await shop.give(shop.cashier, "300")
        await shop.customer.sees("600", fresh=True)
        await shop.customer.taps("怎么算的")
        await shop.customer.sees("冬至双倍(到")
        assert "¥300 × 1 分/元  = 300 分" in shop.customer.last.shown
        assert "×2  +300 分" in shop.customer.last.shown
        log = await world.sql("SELECT what, who LIKE 'operator:%' FROM merchant_log ORDER BY id")
        assert log == [("rule_proposed", False), ("rule_approved", True)]


async def test_a_rejection_reaches_the_owner_with_its_reason(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        operator = await world.member("运营小李")
        await make_operator(world, operator, "admin")
        await double_proposed(shop)
        await operator.says("/operator")
        await operator.taps("规则审批(1)")
        await operator.taps("双倍积分")
        await operator.sees("最近没有消费,没法试算")
        await operator.taps("不批准")
        await operator.sees("为什么不批准")
        await operator.says("保证金不够,先补上")
        await operator.sees("云山超市 · 没有批准", fresh=True)
        await shop.owner.sees("规则「双倍积分」没有批准", fresh=True)
        assert "原因:保证金不够,先补上" in shop.owner.last.shown
        await operator.taps("规则审批")
        await operator.sees("没有在等的")
        assert await in_force(world) == []


async def test_a_proposal_is_told_once_to_whoever_may_decide_it(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        admin, finance, support = (
            await world.member("运营小李"),
            await world.member("Fin", "en"),
            await world.member("客服"),
        )
        await make_operator(world, admin, "admin", "finance")
        await make_operator(world, finance, "finance")
        await make_operator(world, support, "support")
        await double_proposed(shop)
        await admin.sees("云山超市提了一条规则,等批准")
        assert "双倍积分:2 倍(明天" in admin.last.shown
        await finance.sees("Yunshan Market proposed a rule; it waits for approval")
        assert "Double points: ×2 (" in finance.last.shown
        await world.settled()
        assert [len(who.messages) for who in (admin, finance, support)] == [1, 1, 0]
        await finance.taps("Decide")
        await finance.sees("Yunshan Market · awaiting approval", fresh=True)
        await finance.taps("Approve")
        await shop.owner.sees("规则「双倍积分」批准了", fresh=True)
        await admin.taps("去处理")
        await admin.sees("云山超市 · 已批准", fresh=True)
        assert "不批准" not in admin.last.labels


async def test_who_proposes_never_approves_even_as_an_operator(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await make_operator(world, shop.owner, "admin")
        await double_proposed(shop)
        await world.settled()
        assert not any("等批准" in message.shown for message in shop.owner.messages), "who proposed it is not told"
        ((name,),) = await world.sql("SELECT code || '@' || version FROM accrual_rule WHERE state = 'proposed'")
        await shop.owner.says("/operator")
        await shop.owner.sees("运营台", fresh=True)
        await shop.owner.taps("规则审批(1)")
        await shop.owner.taps("双倍积分")
        await shop.owner.sees("这是您自己提的,要别人来批")
        assert "批准" not in shop.owner.last.labels
        forges(shop.owner, f"rule_approvals:approve:{name}")
        await shop.owner.sees("自己提的规则要别人批")
        assert await in_force(world) == []


async def test_only_some_operators_decide_and_nobody_else_sees_the_desk(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        auditor = await world.member("审计小王")
        await make_operator(world, auditor, "auditor")
        await double_proposed(shop)
        await auditor.says("/operator")
        await auditor.taps("规则审批(1)")
        await auditor.taps("双倍积分")
        await auditor.sees("等批准")
        assert "批准" not in auditor.last.labels
        ((name,),) = await world.sql("SELECT code || '@' || version FROM accrual_rule WHERE state = 'proposed'")
        forges(auditor, f"rule_approvals:approve:{name}")
        await auditor.sees("您的角色办不了这件事")
        await shop.cashier.says("/help")
        await shop.cashier.sees("", fresh=True)
        forges(shop.cashier, f"rule_approvals:approve:{name}")
        await world.settled()
        assert await in_force(world) == []


async def test_a_bonus_above_a_spend_on_days_that_are_typed(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await rules_of(shop, shop.owner)
        await shop.owner.taps("满额送分")
        await shop.owner.says("多送点")
        await shop.owner.sees("没看懂。送的分是 1 到 100,000")
        await shop.owner.says("200 50")
        await shop.owner.sees("哪几天?", fresh=True)
        await shop.owner.says("过年")
        await shop.owner.sees("这个日期我没看懂", fresh=True)
        await shop.owner.says("2020-01-01")
        await shop.owner.sees("最早从今天起", fresh=True)
        await shop.owner.says("12-24 12-26")
        await shop.owner.sees("满200送50:每笔加 50 分", fresh=True)
        assert "满 ¥200" in shop.owner.last.shown
        await shop.owner.says("好")
        await shop.owner.sees("提交后由运营批准", fresh=True)
        await shop.owner.taps("提交")
        await shop.owner.sees("已提交")
        await shop.owner.taps("积分规则")
        await shop.owner.sees("等运营批准")
        await shop.owner.taps("撤回")
        await world.settled()
        await shop.owner.sees("购物积分:每元 1 分")
        assert "等运营批准" not in shop.owner.last.shown
        assert await world.sql("SELECT state FROM accrual_rule WHERE code <> 'market-base'") == [("withdrawn",)]


async def test_a_rule_may_be_limited_in_all_and_per_person(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.book("3号台", 100, 200)
        await a_past(world)
        await rules_of(shop, shop.owner)
        await shop.owner.taps("多倍积分")
        await shop.owner.taps("3 倍")
        await shop.owner.taps("起一直")
        await shop.owner.sees("会多付 600 分,约 ¥12")
        await shop.owner.taps("设每人每月上限")
        await shop.owner.says("没有")
        await shop.owner.sees("请发 1 到 1,000,000,000 之间的整数", fresh=True)
        await shop.owner.says("500")
        await shop.owner.sees("三倍积分:3 倍(明天起;每人每月最多 500 分)", fresh=True)
        assert "会多付 500 分" in shop.owner.last.shown
        await shop.owner.taps("设总量")
        await shop.owner.says("120 分")
        await shop.owner.sees("总共 120 分", fresh=True)
        assert "会多付 120 分,约 ¥2.40" in shop.owner.last.shown
        await shop.owner.taps("提交")
        await shop.owner.sees("已提交")
        assert await world.sql(
            "SELECT document->'budget'->>'points', document->'caps'->0->>'points' FROM accrual_rule WHERE state = 'proposed'"
        ) == [("120", "500")]


async def test_a_new_rate_begins_tomorrow_and_what_was_paid_stays(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await world.sql(
            "UPDATE programme SET document = document || '{\"rules_need_approval\": false}', version = version + 1"
        )
        await shop.book("3号台", 100)
        await a_past(world)
        await rules_of(shop, shop.owner)
        await shop.owner.taps("改每元得分")
        await shop.owner.sees("改成每元多少分")
        await shop.owner.says("很多")
        await shop.owner.sees("请发 0 到 1000 之间的数字", fresh=True)
        await shop.owner.says("1.5")
        await shop.owner.sees("购物积分:每元 1.5 分(明天起)", fresh=True)
        assert "会多付 50 分,约 ¥1" in shop.owner.last.shown
        await shop.owner.taps("确认")
        await shop.owner.sees("好了,按日期生效")
        await rules_of(shop, shop.owner)
        assert "以后生效" in shop.owner.last.shown
        await world.clock.move(1)
        await shop.give(shop.cashier, "100")
        await shop.customer.sees("150", fresh=True)
        assert await world.sql("SELECT points::int FROM purchase ORDER BY id") == [(100,), (150,)]


async def test_a_rule_is_stopped_with_the_day(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await world.sql(
            "UPDATE programme SET document = document || '{\"rules_need_approval\": false}', version = version + 1"
        )
        await rules_of(shop, shop.owner)
        await shop.owner.taps("多倍积分")
        await shop.owner.taps("3 倍")
        await shop.owner.taps("起一直")
        await shop.owner.taps("确认")
        await shop.owner.sees("好了,按日期生效")
        assert "三倍积分:3 倍(明天起)" in shop.owner.last.shown
        await world.clock.move(2)
        await rules_of(shop, shop.owner)
        await shop.owner.taps("停:三倍积分")
        await shop.owner.sees("停了以后不能恢复")
        await shop.owner.taps("今天结束后停")
        await world.settled()
        await shop.owner.sees("三倍积分:3 倍(")
        await world.clock.move(1)
        await rules_of(shop, shop.owner)
        assert "三倍积分" not in shop.owner.last.shown


async def test_a_manager_reads_the_rules_and_a_cashier_does_not(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await rules_of(shop, shop.manager)
        assert "多倍积分" not in shop.manager.last.labels
        forges(shop.manager, "rule_draft:times:1")
        await shop.manager.sees("您不能改积分规则")
        await shop.cashier.says("/help")
        await shop.cashier.sees("", fresh=True)
        forges(shop.cashier, "rules:list:1")
        await shop.cashier.sees("您不能看积分规则")


async def test_buttons_of_long_ago_and_of_strangers_change_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.owner.says("/merchant")
        await shop.owner.sees("云山超市", fresh=True)
        for data in ("rule_draft:send:abcdefgh", "rule_draft:days:2026-12-24", "rule_draft:name:abcdefgh"):
            answer = await forges(shop.owner, data).answer()
            assert "已经办过,或者取消了" in answer["text"]
        for data in ("rules:withdraw:nothing@1", "rules:stop:nothing", "rule_approvals:open:nothing@1"):
            forges(shop.owner, data)
            await world.settled()
        assert await in_force(world) == []


async def test_the_whole_way_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        operator = await world.member("Li", "en")
        await make_operator(world, operator, "admin")
        await world.sql("UPDATE member SET language = 'en'")
        await shop.owner.says("/merchant")
        await shop.owner.taps("Points rules")
        await shop.owner.sees("Purchase points: 1 per yuan")
        await shop.owner.taps("Multiplier")
        await shop.owner.taps("×2")
        await shop.owner.taps("7 days from tomorrow")
        await shop.owner.sees("Double points: ×2 (tomorrow")
        await shop.owner.taps("Send")
        await shop.owner.sees("You will hear once it is decided")
        await operator.says("/operator")
        await operator.taps("Rule approvals (1)")
        await operator.taps("Double points")
        await operator.sees("awaiting approval")
        await operator.taps("Approve")
        await operator.sees("approved")
        await shop.owner.sees("The rule “Double points” is approved", fresh=True)
