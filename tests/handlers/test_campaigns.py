"""Budgets of campaigns in chat: an owner opens one, a rule draws on it, the operator approves, and what is used is seen."""

from __future__ import annotations

from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.test_rules import rules_of
from tests.handlers.till_scene import Shop, make_operator, open_shop, printed


async def approval(world: World, needed: bool) -> None:
    document = "jsonb_set(document, '{rules_need_approval}', CAST(:needed AS jsonb))"
    await world.sql(f"UPDATE programme SET version = version + 1, document = {document}", needed=str(needed).lower())


async def at_budgets(shop: Shop) -> None:
    await rules_of(shop, shop.owner)
    await shop.owner.taps("活动预算")
    await shop.owner.sees("活动预算 · 云山超市", fresh=True)


async def opened(shop: Shop, name: str, budget: str) -> None:
    """The owner asks for a campaign."""
    await at_budgets(shop)
    await shop.owner.taps("新建活动")
    await shop.owner.sees("活动叫什么", fresh=True)
    await shop.owner.says(name)
    await shop.owner.sees("一共发多少", fresh=True)
    await shop.owner.says(budget)
    await shop.owner.sees("预算", fresh=True)


async def test_an_owner_opens_a_campaign_a_rule_draws_on_it_and_its_use_is_seen(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await approval(world, False)
        await opened(shop, "春节", "250 ¥2,000")
        assert "预算 250 分、¥2,000\n确认后马上生效。" in shop.owner.last.shown
        message = shop.owner.last
        for tap in [await shop.owner.taps("确认", message=message) for _ in range(3)]:
            await tap.answer()
        await world.settled()
        assert await world.sql("SELECT count(*) FROM campaign") == [(1,)]
        await rules_of(shop, shop.owner)
        await shop.owner.taps("多倍积分")
        await shop.owner.taps("2 倍")
        await shop.owner.taps("明天起 7 天")
        await shop.owner.taps("用活动预算")
        await shop.owner.sees("算在哪个活动的预算里", fresh=True)
        await shop.owner.taps("春节")
        await shop.owner.sees("算在活动「春节」的预算里", fresh=True)
        await shop.owner.taps("确认")
        await shop.owner.sees("好了,按日期生效", fresh=True)
        await world.clock.move(1)
        await shop.give(shop.cashier, "100")
        await at_budgets(shop)
        shown = shop.owner.last.shown
        assert "春节 · 开着\n预算 250 分、¥2,000\n已发 100 分\n合 ¥2\n还剩 150 分、¥1,998" in shown
        await shop.owner.taps("春节")
        await shop.owner.taps("停掉")
        await shop.owner.sees("春节 · 停了", fresh=True)
        await shop.cashier.says(f"/award {await shop.card('again')}")
        await shop.cashier.sees("收了多少钱", fresh=True)
        await shop.cashier.says("100")
        await shop.cashier.sees("得 100 分", fresh=True)
        await shop.owner.taps("重新开")
        await shop.owner.taps("加预算")
        await shop.owner.sees("再加多少", fresh=True)
        await shop.owner.says("五百")
        await shop.owner.sees("没看懂", fresh=True)
        await shop.owner.says("500")
        await shop.owner.sees("加 500 分", fresh=True)
        await shop.owner.taps("确认")
        await shop.owner.sees("预算 750 分、¥2,000", fresh=True)


async def test_where_approval_is_wanted_the_operator_decides_and_the_owner_hears(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await approval(world, True)
        operator = await world.member("运营小李")
        await make_operator(world, operator, "finance")
        await opened(shop, "中秋", "5000")
        await shop.owner.taps("提交")
        await shop.owner.sees("等批准:新活动「中秋」,预算 5,000 分", fresh=True)
        await operator.sees("云山超市的活动预算等批准")
        await operator.taps("去处理")
        await operator.sees("1 条在等", fresh=True)
        await operator.taps("云山超市 · 新活动")
        await operator.sees("等批准", fresh=True)
        await operator.taps("批准")
        await operator.sees("云山超市 · 已批准", fresh=True)
        await shop.owner.sees("云山超市 · 已批准\n新活动「中秋」,预算 5,000 分")
        await at_budgets(shop)
        await shop.owner.taps("中秋")
        await shop.owner.taps("加预算")
        await shop.owner.says("¥300")
        await shop.owner.sees("它没有限这一样,加不上", fresh=True)
        await shop.owner.says("300")
        await shop.owner.sees("加 300 分", fresh=True)
        await shop.owner.taps("提交")
        await shop.owner.sees("等批准:「中秋」加 300 分", fresh=True)
        await operator.says("/operator")
        await operator.taps("活动预算(1)")
        await operator.taps("云山超市 · 「中秋」")
        await operator.taps("不批准")
        await operator.says("先把手里的用完")
        await operator.sees("没有批准", fresh=True)
        await shop.owner.sees("原因:先把手里的用完")
        assert await world.sql("SELECT budget->>'points' FROM campaign") == [("5000",)]


async def test_the_programmes_campaigns_are_the_operators_and_two_of_them(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        await approval(world, True)
        one, other = await world.member("Ada", "en"), await world.member("Ben", "en")
        for who in (one, other):
            await make_operator(world, who, "admin")
        await one.says("/operator")
        await one.taps("Campaign budgets")
        await one.taps("The programme's campaigns")
        await one.sees("Campaign budgets · The whole programme", fresh=True)
        await one.taps("New campaign")
        await one.says("Spring")
        await one.says("100000 ¥500")
        await one.sees("Budget 100,000 pts, ¥500", fresh=True)
        await one.taps("Send")
        await one.sees("Waiting for approval: new campaign", fresh=True)
        await opens(one, "campaign_approvals:open:1")
        await one.sees("You proposed this one", fresh=True)
        await opens(one, "campaign_approvals:approve:1")
        await one.sees("What you proposed yourself needs somebody else", fresh=True)
        await other.sees("The whole programme: a campaign budget waits for approval")
        await other.taps("Decide")
        await other.taps("The whole programme · ")
        await other.taps("Approve")
        await other.sees("The whole programme · approved", fresh=True)
        assert await world.sql("SELECT merchant_id, name_zh FROM campaign") == [(None, "Spring")]
        await shop.manager.says("/merchant")
        await shop.manager.sees("Yunshan Market", fresh=True)
        await opens(shop.manager, "campaigns:list:1")
        await shop.manager.sees("None yet", fresh=True)
        assert "New campaign" not in printed(shop.manager)
        await opens(shop.manager, "campaigns:new:1")
        await shop.manager.sees("can't", fresh=True)
        await opens(shop.manager, "campaigns:list:0")
        await shop.manager.sees("for the programme's operators", fresh=True)
