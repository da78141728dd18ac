"""Vouchers at the till: what to hand over, once, at the right shop, whatever two tills do at the same moment."""

from __future__ import annotations

import asyncio

from bot.double.double import Person
from ledger.points.audit import audit
from ledger.redeeming import codes, counter
from ledger.redeeming.codes import spaced
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers import shop as shelf
from tests.handlers.till_scene import Shop, open_shop, second_post


async def voucher(world: World, person: Person, what: str = "超市代金券", then: str = "¥20") -> str:
    """The code of a voucher that this person has just redeemed."""
    await shelf.gives(world, person, 5000)
    await person.says("/redeem")
    await person.taps(what)
    await world.settled()
    await person.taps(then, message=person.last)
    await world.settled()
    await person.taps("确认兑换")
    await person.sees("换好了")
    await world.settled()
    return shelf.code_on(person)


async def used(world: World) -> int:
    """How many vouchers have been used."""
    [row] = await world.sql("SELECT count(*) FROM redemption WHERE state = 'used'")
    return int(row[0])


async def verify(shop: Shop, code: str, who: Person | None = None) -> Person:
    """A till reads a code."""
    cashier = who or shop.cashier
    await cashier.says(f"/verify {spaced(code)}")
    await cashier.sees("券有效", fresh=True)
    return cashier


async def test_a_code_shows_what_to_hand_over_and_is_used_by_one_tap(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        code = await voucher(world, shop.customer)
        await shop.cashier.says("/verify")
        await shop.cashier.sees("把 14 位券码发给我")
        await shop.cashier.says(spaced(code).lower())
        shown = (await shop.cashier.sees("券有效 · 云山超市")).shown
        assert "超市代金券 ¥20" in shown
        assert "1,000 分" in shown
        assert await used(world) == 0
        await shop.cashier.taps("已交付")
        await shop.cashier.sees("验好了,会员已收到通知")
        await shop.customer.sees("券已用:超市代金券 ¥20")
        assert await used(world) == 1
        async with world.database.engine.connect() as tx:
            assert (await audit(tx)).violations == ()


async def test_five_taps_use_it_once_and_tell_the_member_once(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        cashier = await verify(shop, await voucher(world, shop.customer))
        message = cashier.last
        taps = [await cashier.taps("已交付", message=message) for _ in range(5)]
        await asyncio.gather(*(tap.answer() for tap in taps))
        await world.settled()
        assert "验好了" in cashier.last.shown
        assert sum("券已用" in m.shown for m in shop.customer.messages) == 1


async def test_of_two_tills_at_the_same_moment_one_takes_it_and_the_other_hears_who(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop, webhook=True, workers=2) as world:
        shop = await open_shop(world)
        code = await voucher(world, shop.customer)
        tills = [await verify(shop, code, who) for who in (shop.cashier, shop.colleague)]
        await asyncio.gather(*(till.taps("已交付") for till in tills))
        await world.settled()
        shown = [till.last.shown for till in tills]
        assert sorted("验好了" in text for text in shown) == [False, True]
        winner = 0 if "验好了" in shown[0] else 1
        assert "这张券已经用过了" in shown[1 - winner]
        assert ("3号台", "4号台")[winner] in shown[1 - winner]
        assert await used(world) == 1


async def test_codes_that_are_no_good_say_why_and_the_next_is_awaited(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        cashier, code = shop.cashier, await voucher(world, shop.customer)
        elsewhere = await voucher(world, shop.customer, "进口水果礼盒", "兑换")
        await cashier.says("/verify 12345")
        await cashier.sees("这个码不对", fresh=True)
        await cashier.says(code[:-1] + ("2" if code[-1] != "2" else "3"))
        await cashier.sees("这个码不对", fresh=True)
        await cashier.says(elsewhere)
        await cashier.sees("这不是本店的券", fresh=True)
        assert "鲜果時光" in cashier.last.shown
        await cashier.says(code)
        await cashier.taps("已交付")
        await cashier.sees("验好了", fresh=True)
        await cashier.says(f"/verify {code}")
        await cashier.sees("这张券已经用过了", fresh=True)
        assert await used(world) == 1


async def test_who_runs_the_shop_hears_once_when_a_till_has_tried_too_many_codes(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        for wrong in range(counter.WRONG_CODES_MOST + 2):
            await shop.cashier.says(f"/verify {codes.mint(bytes([wrong]) * 16)}")
            await shop.cashier.sees("没有这张券" if wrong < counter.WRONG_CODES_MOST else "错的码太多", fresh=True)
        told = await shop.manager.sees("报错了 5 个券码", fresh=True)
        assert "这个收银台先停 15 分钟" in told.shown and told.labels == ["店员", "主菜单"]
        await world.settled()
        assert sum("报错了 5 个券码" in message.shown for message in shop.manager.messages) == 1


async def test_a_code_scanned_with_the_phones_camera_opens_the_till(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        code = await voucher(world, shop.customer)
        await shop.cashier.opens(f"https://t.me/jifen_demo_bot?start=v_{code}")
        await shop.cashier.sees("券有效")
        await shop.customer.opens(f"https://t.me/jifen_demo_bot?start=v_{code}")
        await shop.customer.sees("店员扫了才有用")


async def test_a_restart_between_reading_and_using_changes_nothing(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        cashier = await verify(shop, await voucher(world, shop.customer))
        await world.kill()
        await world.start()
        await cashier.taps("已交付")
        await cashier.sees("验好了")
        assert await used(world) == 1


async def test_a_voucher_taken_back_meanwhile_is_not_handed_over(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        cashier = await verify(shop, await voucher(world, shop.customer))
        await shop.customer.taps("撤回")
        await world.settled()
        await shop.customer.taps("确认撤回")
        await world.settled()
        await cashier.taps("已交付")
        await cashier.sees("这张券已经撤回了", fresh=True)
        assert await used(world) == 0


async def test_whoever_works_at_two_shops_chooses_and_the_code_is_kept(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        await second_post(world, shop.cashier, "fruit", "柜台")
        code = await voucher(world, shop.customer)
        await shop.cashier.says(f"/verify {code}")
        await shop.cashier.sees("这次是哪一家")
        await shop.cashier.taps("云山超市")
        await shop.cashier.sees("券有效 · 云山超市")


async def test_in_english(database: Database) -> None:
    async with bot_running(database, setup=shelf.shop) as world:
        shop = await open_shop(world)
        code = await voucher(world, shop.customer)
        till = await world.member("Ann", "en")
        await second_post(world, till, "market", "Till 9")
        await till.says(f"/verify {code}")
        shown = (await till.sees("Valid voucher · Yunshan Market")).shown
        assert "Supermarket voucher ¥20" in shown
        await till.taps("Handed over")
        await till.sees("Done; the member has been told")
