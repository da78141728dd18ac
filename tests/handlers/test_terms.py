"""A merchant's terms in chat: the operator changes one, what is bought from then on follows it, the owner hears."""

from __future__ import annotations

from bot.double.people import Person
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.till_scene import Shop, make_operator, open_shop


async def desk_of(world: World, shop: Shop, role: str = "admin", language: str = "zh-hans") -> Person:
    """An operator before the supermarket's terms."""
    operator = await world.member("林运营", language)
    await make_operator(world, operator, role)
    await operator.says("/operator")
    await operator.sees("运营台" if language != "en" else "Operator's desk", fresh=True)
    await opens(operator, "operator:merchant:1")
    return operator


async def test_a_return_window_counts_for_what_is_bought_from_now_on(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.give(shop.cashier, "100")
        await shop.customer.sees("+100 分 · 云山超市")
        operator = await desk_of(world, shop)
        await operator.sees("退货期 7 天,过后生效", fresh=True)
        await operator.taps("条款")
        await operator.sees("收银员不办退款", fresh=True)
        await operator.taps("退货期")
        await operator.sees("发 0 到 365", fresh=True)
        for nonsense in ("一周", "366", "-1", "7.5"):
            await operator.says(nonsense)
            await operator.sees("没看懂", fresh=True)
        await operator.says("0")
        await operator.sees("改好了", fresh=True)
        assert "得分马上可用" in operator.last.shown
        told = (await shop.owner.sees("云山超市的条款改了:退货期")).shown
        assert "得分马上可用" in told and "已经得的分照原来的" in told
        await shop.give(shop.cashier, "30")
        receipt = (await shop.customer.sees("+30 分 · 云山超市")).shown
        assert "起可用" not in receipt and "可用 30 分" in receipt, "the 100 wait for their own window"
        await opens(shop.owner, "merchant:log:1")
        await shop.owner.sees("改了条款:退货期 · 运营", fresh=True)


async def test_a_cashier_refunds_as_far_as_the_operator_lets_them(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.give(shop.cashier, "30")
        await shop.cashier.says("/counter")
        await shop.cashier.sees("收银台", fresh=True)
        assert "退款" not in shop.cashier.last.labels
        operator = await desk_of(world, shop)
        await operator.taps("条款")
        await operator.taps("收银员退款")
        await operator.says("20")
        await operator.sees("收银员一笔最多退 ¥20", fresh=True)
        await shop.cashier.says("/counter")
        await shop.cashier.taps("退款")
        await shop.cashier.taps("¥30")
        await shop.cashier.taps("全退")
        await shop.cashier.sees("最多退 ¥20,连这次一共 ¥30", fresh=True)


async def test_points_live_as_long_as_the_terms_say_when_they_are_earned(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        operator = await desk_of(world, shop)
        await operator.taps("条款")
        await operator.taps("积分有效期")
        await operator.says("0")
        await operator.sees("不过期", fresh=True)
        await operator.taps("退货期")
        await operator.says("0")
        await operator.sees("得分马上可用", fresh=True)
        await shop.give(shop.cashier, "30")
        assert "不过期" in (await shop.customer.sees("+30 分 · 云山超市")).shown


async def test_a_payment_instrument_gives_for_spending_alone_from_the_tap_on(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        operator = await desk_of(world, shop)
        await operator.taps("条款")
        await operator.taps("作为支付渠道")
        await operator.sees("支付渠道:只按消费给分", fresh=True)
        assert "不作支付渠道" in operator.last.labels
        await shop.owner.sees("云山超市的条款改了:是不是支付渠道")
        await opens(shop.owner, "run_activities:new:1:survey")
        await shop.owner.sees("没有消费,不能发积分", fresh=True)
        await shop.give(shop.cashier, "30")
        await shop.customer.sees("+30 分 · 云山超市")


async def test_whoever_funds_the_welcome_points_is_no_payment_instrument(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await world.sql("UPDATE merchant SET terms = terms || '{\"funds_welcome\": true}' WHERE code = 'market'")
        operator = await desk_of(world, shop)
        await operator.taps("条款")
        await operator.taps("作为支付渠道")
        await operator.sees("先换一家出欢迎积分", fresh=True)
        await operator.taps("返回")
        await operator.sees("云山超市", fresh=True)
        assert not (
            await world.sql("SELECT terms ? 'instrument' AND (terms->>'instrument')::bool AS on FROM merchant")
        )[0].on


async def test_only_an_administrator_changes_terms_and_a_repeat_changes_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        support = await desk_of(world, shop, "support", "en")
        await support.taps("Terms")
        await support.sees("Takes coalition points", fresh=True)
        assert support.last.labels == ["Back", "Operator's desk"]
        await opens(support, "terms:switch:1:accepts_common:0")
        await support.sees("It takes the role Administrator", fresh=True)
        await shop.owner.says("/start")
        await world.settled()
        await opens(shop.owner, "terms:switch:1:accepts_common:0")
        await shop.owner.sees("for the programme's operators", fresh=True)
        admin = await desk_of(world, shop, "admin", "en")
        await admin.taps("Terms")
        for _ in range(2):
            await opens(admin, "terms:switch:1:accepts_common:0")
            await admin.sees("Own points only", fresh=True)
        await world.settled()
        assert await world.sql("SELECT count(*)::int FROM merchant_log WHERE what = 'terms_changed'") == [(1,)]
        assert sum("have changed" in each.shown for each in shop.owner.messages) == 1
