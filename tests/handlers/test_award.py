"""At the till: a card, an amount, what it gives, one tap; whatever is mistyped, tapped twice, restarted or raced."""

from __future__ import annotations

import asyncio
import datetime as dt

from sqlalchemy import text

from chat.till import CARD_MINUTES
from ledger.earning import rulebook
from ledger.earning.rules.documents import RULE
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Terms
from ledger.points.audit import audit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.till_scene import Shop, open_shop, second_post


async def awards(world: World) -> list[tuple[int, int]]:
    """(amount, points) of what was booked."""
    return [tuple(row) for row in await world.sql("SELECT amount_minor, points FROM purchase ORDER BY id")]


async def at_confirm(shop: Shop, amount: str = "300") -> None:
    """The cashier has scanned the card and typed an amount."""
    await shop.cashier.says(f"/award {await shop.card()}")
    await shop.cashier.sees("收了多少钱", fresh=True)
    await shop.cashier.says(amount)
    await shop.cashier.sees("→", fresh=True)


async def test_an_award_shows_what_it_gives_then_gives_it_and_both_hear(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, rate="2")
        cashier, customer = shop.cashier, shop.customer
        await cashier.says("/award")
        await cashier.sees("把 8 位数字发给我")
        code = await shop.card()
        await cashier.says(f"{code[:4]} {code[4:]}")
        await cashier.sees("会员 小明")
        await cashier.says("¥300")
        shown = (await cashier.sees("收 ¥300 → 会员 小明 得 600 分")).shown
        assert "退货期过后生效" in shown
        assert cashier.last.labels == ["确认", "改金额", "取消"]
        assert await awards(world) == []
        await cashier.taps("确认")
        shown = (await cashier.sees("已记:会员 小明 得 600 分")).shown
        assert "收 ¥300 · 编号 " in shown
        entry = shown.split("编号 ")[1].split()[0]
        assert (await customer.sees("+600 分 · 云山超市")).shown.count("可用") >= 1
        await customer.taps("怎么算的")
        why = (await customer.sees(f"编号 {entry}", fresh=True)).shown
        assert "小票" not in why and "消费 ¥300" in why
        assert await awards(world) == [(30000, 600)]


async def test_the_same_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        cashier = shop.cashier
        await cashier.says(f"/award {await shop.card()}")
        await cashier.sees("How much was paid?")
        await cashier.says("300.5")
        shown = (await cashier.sees("Paid ¥300.50 → 小明 gets 300 pts")).shown
        assert "Total 300.5, rounded down to 300 pts" in shown
        assert "return period is over" in shown
        assert cashier.last.labels == ["Confirm", "Change", "Cancel"]
        await cashier.taps("Confirm")
        await cashier.sees("Done: 小明 gets 300 pts")
        await shop.customer.sees("+300 pts · Yunshan Market")


async def test_a_card_scanned_with_the_phones_camera_opens_the_till(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.cashier.opens(f"https://t.me/jifen_demo_bot?start=c_{await shop.card()}")
        await shop.cashier.sees("会员 小明")
        await shop.customer.opens(f"https://t.me/jifen_demo_bot?start=c_{await shop.card()}")
        await shop.customer.sees("收银员扫了才有用")
        assert await awards(world) == []


async def test_a_card_that_is_no_good_is_said_and_the_next_one_awaited(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        cashier = shop.cashier
        await cashier.says("/award hello")
        await cashier.sees("这不是会员码")
        await cashier.says("00000000")
        await cashier.sees("查不到这个会员码")
        used, ended = await shop.card("used"), await shop.card("ended", seconds=0)
        await shop.give(cashier, "10", used)
        await cashier.says(f"/award {used}")
        await cashier.sees("这个会员码用过了")
        await cashier.says(ended)
        await cashier.sees("这个会员码过期了")
        await cashier.says(await shop.card("good"))
        await cashier.sees("会员 小明")


async def test_nonsense_for_an_amount_is_refused_with_words_and_asked_again(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        cashier = shop.cashier
        await cashier.says(f"/award {await shop.card()}")
        await cashier.sees("收了多少钱")
        for nonsense in ("三百", "0", "-5", "1.234", "12345678"):
            await cashier.says(nonsense)
            await cashier.sees("这个金额我没看懂", fresh=True)
        await cashier.says("¥1,280.00")
        await cashier.sees("得 1,280 分")
        assert await awards(world) == []


async def test_what_earns_nothing_says_why_before_and_after(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await at_confirm(shop, "0.5")
        await shop.cashier.sees("不得分")
        await shop.cashier.sees("金额不够得 1 分")
        await shop.cashier.taps("确认")
        await shop.cashier.sees("得 0 分")
        await shop.customer.sees("这次没有得分")
        assert await awards(world) == [(50, 0)]


async def test_five_taps_on_confirm_are_one_award_and_each_shows_it(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await at_confirm(shop)
        message = shop.cashier.last
        taps = [await shop.cashier.taps("确认", message=message) for _ in range(5)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await world.settled()
        assert await awards(world) == [(30000, 300)]
        assert "已记:会员 小明 得 300 分" in shop.cashier.last.shown
        assert sum("+300 分" in m.shown for m in shop.customer.messages) == 1


async def test_an_old_confirm_tapped_after_the_next_customer_shows_the_first_award(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await at_confirm(shop)
        first = shop.cashier.last
        button = next(b for row in first.buttons for b in row if "确认" in b.text)
        await shop.cashier.taps("确认")
        await shop.cashier.sees("已记", fresh=True)
        await at_confirm(shop, "50")
        shop.cashier.presses(first, button)
        await world.settled()
        assert "收 ¥300 · 编号" in first.shown
        assert await awards(world) == [(30000, 300)]
        await shop.cashier.taps("确认")  # the next customer is still waiting
        await shop.cashier.sees("收 ¥50 · 编号", fresh=True)
        assert await awards(world) == [(30000, 300), (5000, 50)]


async def test_a_changed_amount_leaves_the_old_confirm_without_effect(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await at_confirm(shop, "3000")
        old = shop.cashier.last
        button = next(b for row in old.buttons for b in row if "确认" in b.text)
        await shop.cashier.says("300")  # typed again, without «change»
        await shop.cashier.sees("收 ¥300 →", fresh=True)
        shop.cashier.presses(old, button)
        await shop.cashier.sees("这一笔已经不在了", fresh=True)
        assert await awards(world) == []


async def test_change_and_cancel(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await at_confirm(shop, "3000")
        await shop.cashier.taps("改金额")
        await shop.cashier.sees("收了多少钱", fresh=True)
        await shop.cashier.says("300")
        await shop.cashier.sees("收 ¥300 →", fresh=True)
        await shop.cashier.taps("取消")
        await shop.cashier.sees("这笔没有记", fresh=True)
        await shop.cashier.says("300")
        await shop.cashier.sees("没看懂", fresh=True)
        assert await awards(world) == []


async def test_a_restart_between_any_two_steps_changes_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        cashier = shop.cashier
        await cashier.says("/award")
        await cashier.sees("8 位数字")
        await world.restart()
        await cashier.says(await shop.card())
        await cashier.sees("收了多少钱")
        await world.kill()
        await world.start()
        await cashier.says("300")
        await cashier.sees("→")
        await world.restart()
        await cashier.taps("确认")
        await cashier.sees("已记")
        assert await awards(world) == [(30000, 300)]


async def test_a_card_scanned_long_ago_must_be_shown_again(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await at_confirm(shop)
        world.wall_offset += dt.timedelta(minutes=CARD_MINUTES, seconds=1)
        await shop.cashier.taps("确认")
        await shop.cashier.sees("会员码扫过太久了", fresh=True)
        assert await awards(world) == []
        await shop.cashier.says(await shop.card("again"))
        await shop.cashier.sees("收了多少钱", fresh=True)


async def test_two_tills_and_one_card_make_one_customer(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        code = await shop.card()
        await asyncio.gather(shop.cashier.says(f"/award {code}"), shop.colleague.says(f"/award {code}"))
        await world.settled()
        shown = sorted("会员 小明" in who.last.shown for who in (shop.cashier, shop.colleague))
        assert shown == [False, True]
        loser = shop.cashier if "用过了" in shop.cashier.last.shown else shop.colleague
        assert "这个会员码用过了" in loser.last.shown


async def test_whoever_works_at_two_shops_chooses_and_the_code_is_kept(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await second_post(world, shop.cashier, "rail", "售票窗")
        await shop.cashier.says(f"/award {await shop.card()}")
        await shop.cashier.sees("这次是哪一家")
        assert shop.cashier.last.labels == ["云山超市 · 3号台", "江南铁路 · 售票窗", "主菜单"]
        await shop.cashier.taps("云山超市")
        await shop.cashier.sees("会员 小明")
        await shop.cashier.says("20")
        await shop.cashier.taps("确认")
        await shop.cashier.sees("已记")
        assert await awards(world) == [(2000, 20)]


async def test_who_was_removed_meanwhile_cannot_finish(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await at_confirm(shop)
        await world.sql("UPDATE staff SET removed_at = now() WHERE label = '3号台'")
        await shop.cashier.taps("确认")
        await shop.cashier.sees("您不在这个收银台", fresh=True)
        await shop.cashier.says("/award")
        await shop.cashier.sees("这是商户员工用的")
        assert await awards(world) == []


async def test_a_suspended_merchant_gives_nothing_and_says_so(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await world.sql("UPDATE merchant SET status = 'suspended' WHERE code = 'market'")
        await shop.cashier.says(f"/award {await shop.card()}")
        await shop.cashier.sees("收了多少钱")
        await shop.cashier.says("300")
        await shop.cashier.sees("云山超市现在不能发积分")
        assert await awards(world) == []


async def test_a_members_name_is_data_whatever_it_looks_like(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        odd = await world.member("<b>老&板</b> {x}")
        await shop.cashier.says(f"/award {await shop.card(who=odd)}")
        assert "会员 <b>老&板</b> {x}" in (await shop.cashier.sees("收了多少钱")).shown


async def test_points_at_once_where_there_is_no_return_window_and_all_adds_up(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        document = Terms(return_days=0).model_dump_json()
        await world.sql("UPDATE merchant SET terms = CAST(:terms AS jsonb) WHERE code = 'market'", terms=document)
        await at_confirm(shop)
        assert "退货期" not in shop.cashier.last.shown
        await shop.cashier.taps("确认")
        await shop.customer.sees("可用 300 分")
        async with world.database.engine.connect() as tx:
            assert (await audit(tx)).violations == ()
            assert await tx.scalar(text("SELECT actor FROM entry WHERE kind = 'accrue'")) == "staff:3"


async def doubled(world: World, shop: Shop) -> None:
    """Double points, at most 150 of them a month."""
    now = world.now()
    rule = RULE.validate_python(
        {
            "kind": "multiplier",
            "name_zh": "双11双倍",
            "name_en": "Double Eleven",
            "factor": "2",
            "caps": [{"points": 150, "per": "month"}],
        }
    )
    async with world.database.engine.begin() as tx:
        market = await merchants.by_code(tx, "market")
        await rulebook.publish(
            tx, code="double", merchant_id=market.id, rule=rule, valid_from=dt.date(2020, 1, 1), made_by="test", at=now
        )


async def test_the_arithmetic_is_shown_before_it_is_confirmed_and_is_what_is_paid(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await doubled(world, shop)
        await at_confirm(shop, "100")
        first = shop.cashier.last.shown
        assert "得 200 分" in first and "双11双倍  ×2  +100 分" in first and "还可多得 50 分" in first
        await shop.cashier.taps("确认")
        await shop.cashier.sees("得 200 分", fresh=True)
        await at_confirm(shop, "100")
        second = shop.cashier.last.shown
        assert "得 150 分" in second and "到此为止,少得 50 分" in second
        await shop.cashier.taps("确认")
        await shop.cashier.sees("得 150 分", fresh=True)
        await at_confirm(shop, "100")
        third = shop.cashier.last.shown
        assert "得 100 分" in third and "已经得满" in third
        await shop.customer.says("/history")
        await shop.customer.taps("+150")
        why = (await shop.customer.sees("双11双倍", fresh=True)).shown
        assert "到此为止,少得 50 分" in why and "合计 150 分" in why
        assert await awards(world) == [(10000, 200), (10000, 150)]
