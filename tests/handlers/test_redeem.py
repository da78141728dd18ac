"""Redeeming as people do it: what the confirm screen promises is what happens, once, whatever is tapped, changed or restarted."""

from __future__ import annotations

import asyncio

import pytest

from bot.double.double import Person
from handlers import redeem
from ledger.redeeming.offers import Limits, PerUnit
from ledger.redeeming.publish import set_active
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import BOX, VOUCHER, code_on, day, gives, moment, shelve, shop, spent


async def at_confirm(world: World, *lots: tuple[int, int], language: str = "zh-hans") -> Person:
    """A member with lots of (points, days), on the confirm screen of the fruit box."""
    person = await world.member(language=language)
    for points, days in lots:
        await gives(world, person, points, days=days)
    await person.says("/redeem")
    await person.taps("进口水果礼盒" if language != "en" else "Imported fruit box")
    await world.settled()
    await person.taps("兑换" if language != "en" else "Redeem", message=person.last)
    await world.settled()
    return person


async def test_the_confirm_screen_says_what_goes_what_stays_and_what_if(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (320, 8), (860, 40))
        assert ming.last.shown == "\n".join(
            [
                "进口水果礼盒 · 鲜果時光",
                "500 分,值 ¥25",
                "",
                f"将用掉:320 分({day(world, 8)}到期)+ 180 分({day(world, 40)}到期)",
                "兑换后剩 680 分",
                "凭码 30 天内到店领取;10 分钟内可以撤回;过期未用,积分退回",
            ]
        )
        assert ming.last.labels == ["确认兑换", "返回"]


async def test_the_confirm_screen_in_english(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (320, 8), (860, 40), language="en")
        assert ming.last.shown == "\n".join(
            [
                "Imported fruit box · Fresh Fruit Time",
                "500 pts, worth ¥25",
                "",
                f"Will be spent: 320 pts (end {day(world, 8, 'en')}) + 180 pts (end {day(world, 40, 'en')})",
                "680 pts left after this",
                "Collect with the code within 30 days; can be taken back for 10 minutes; points return if unused",
            ]
        )


async def test_many_lots_are_summed_up(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, *((60, days) for days in range(10, 100, 10)))
        dates = [f"60 分({day(world, days)}到期)" for days in (10, 20, 30)]
        assert f"将用掉:{dates[0]}+ {dates[1]}+ {dates[2]}+ 更晚到期的 320 分" in ming.last.shown


async def test_the_code_comes_with_its_picture_and_cannot_be_forwarded(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (1180, 40))
        await ming.taps("确认兑换")
        shown = (await ming.sees("换好了")).shown
        assert "用掉 500 分,还剩 680 分" in shown and f"有效至 {day(world, 30)}" in shown and "前可以撤回" in shown
        await world.settled()
        assert ming.last.photo is not None and ming.last.wire.get("has_protected_content")
        assert len(code_on(ming)) == 14 and "撤回" in ming.last.labels
        assert [e for e in ming.last.entities if e["type"] == "code"]


async def test_five_taps_on_confirm_are_one_redemption_with_one_code(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (5000, 40))
        screen, button = ming.last, ming.last.buttons[0][0]
        codes = set()
        for _ in range(5):
            ming.presses(screen, button)
        await world.settled()
        for message in ming.messages:
            if "换好了" in message.shown:
                codes.add(next(line for line in message.shown.split("\n") if line.count("-") == 2))
        assert len(codes) == 1 and await spent(world) == (1, 500)


async def test_the_second_tap_after_a_restart_shows_what_the_first_did(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (1180, 40))
        screen, button = ming.last, ming.last.buttons[0][0]
        ming.presses(screen, button)
        await ming.sees("换好了")
        code = code_on(ming)
        await world.settled()
        await world.restart()
        ming.presses(screen, button)
        await ming.sees("已经换好了")
        assert code_on(ming) == code and await spent(world) == (1, 500)


async def test_a_killed_worker_loses_and_doubles_nothing(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (1180, 40))
        ming.presses(ming.last, ming.last.buttons[0][0])
        await asyncio.sleep(0.02)
        await world.kill()
        await world.start()
        await ming.sees("换好了")
        assert await spent(world) == (1, 500)


@pytest.mark.parametrize("change", ["price", "words"])
async def test_a_changed_price_or_document_is_shown_again_and_not_charged(database: Database, change: str) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (1180, 40))
        new = (
            {"price": PerUnit(points=600, value_minor=2500, most_units=3)}
            if change == "price"
            else {"validity_days": 7}
        )
        await shelve(world, BOX.model_copy(update=new))
        await ming.taps("确认兑换")
        shown = (await ming.sees("价格或内容刚刚变了,还没有扣分。")).shown
        assert ("600 分,值 ¥25" if change == "price" else "凭码 7 天内到店领取") in shown
        assert await spent(world) == (0, 0)
        await ming.taps("确认兑换", message=ming.last)
        await ming.sees("换好了")
        assert await spent(world) == (1, 600 if change == "price" else 500)


async def test_a_button_made_up_or_another_members_charges_nobody(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (1180, 40))
        hong = await world.member("小红")
        await gives(world, hong, 1180)
        await hong.says("/redeem")
        await world.settled()
        button = ming.last.buttons[0][0]
        hong.presses(hong.last, button)
        await hong.sees("价格或内容刚刚变了")
        assert await spent(world) == (0, 0)


async def test_points_gone_meanwhile_are_refused_with_figures_and_a_way_on(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (600, 40))
        first, button = ming.last, ming.last.buttons[0][0]
        await ming.taps("返回")
        await world.settled()
        await ming.taps("兑换", message=ming.last)
        await world.settled()
        await ming.taps("确认兑换")
        await ming.sees("换好了")
        ming.presses(first, button)
        shown = (await ming.sees("还差 400 分")).shown
        assert "这要 500 分,您可用 100 分。" in shown and "100 分能换什么" in ming.last.labels
        assert await spent(world) == (1, 500)


@pytest.mark.parametrize(
    ("limits", "said", "why"),
    [
        ({"stock": 1}, "已经换完了", "份数都换出去了;没有扣您的分。"),
        ({"day": 1}, "今天的名额换完了", "每天 1 份,明天零点再放。您明天可以换。"),
    ],
)
async def test_somebody_else_was_faster(database: Database, limits: dict[str, int], said: str, why: str) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, BOX.model_copy(update={"limits": Limits(**limits)}))
        ming, hong = await at_confirm(world, (1180, 40)), await at_confirm(world, (1180, 40))
        await hong.taps("确认兑换")
        await hong.sees("换好了")
        await ming.taps("确认兑换")
        assert why in (await ming.sees(said)).shown
        assert await spent(world) == (1, 500)
        # One taken back is free for the other.
        await world.settled()
        await hong.taps("撤回", message=hong.last)
        await hong.taps("确认撤回")
        await hong.sees("已原样退回")
        await ming.taps("返回")
        await world.settled()
        await ming.taps("兑换", message=ming.last)
        await ming.taps("确认兑换")
        await ming.sees("换好了")


async def test_ones_own_limit_says_when_it_opens_again(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        await shelve(world, BOX.model_copy(update={"limits": Limits(member_day=1)}))
        ming = await at_confirm(world, (1180, 40), language="en")
        screen, button = ming.last, ming.last.buttons[0][0]
        ming.presses(screen, button)
        await ming.sees("Done")
        await ming.says("/redeem fruit")
        await ming.taps("you have had yours, again tomorrow")
        shown = (await ming.sees("You have had all of yours")).shown
        assert "1 a day each; you have had 1 today. Open to you again from tomorrow." in shown


async def test_a_paused_offer_says_so_at_the_last_tap(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await at_confirm(world, (1180, 40))
        [box] = await shelve(world, BOX)
        async with world.database.engine.begin() as tx:
            await set_active(tx, box, False)
        await ming.taps("确认兑换")
        await ming.sees("这项兑换暂停了")
        assert await spent(world) == (0, 0)


async def test_a_variable_voucher_by_its_buttons(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await gives(world, ming, 1210)
        await ming.says("/redeem")
        await ming.taps("超市代金券")
        assert "您可用 1,210 分,最多换 ¥24" in (await ming.sees("¥20–¥200,每 ¥1 要 50 分")).shown
        await ming.taps("¥24 · 1,200 分")
        assert "1,200 分" in (await ming.sees("超市代金券 ¥24 · 云山超市")).shown
        await ming.taps("确认兑换")
        await ming.sees("换好了")
        assert await spent(world) == (1, 1200)


async def test_a_variable_voucher_by_typing_with_what_cannot_be_read_asked_again(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member(language="en")
        await gives(world, ming, 9000)
        await ming.says("/redeem")
        await ming.taps("Supermarket voucher")
        await ming.taps("Other values")
        await ming.sees("From ¥20 in steps of ¥4; you have 9,000 pts, so up to ¥180.")
        for said, answer in (
            ("a lot", "I could not read that number."),
            ("21", "There is no such value"),
            ("¥500", "There is no such value"),
        ):
            await ming.says(said)
            await ming.sees(answer)
        await world.restart()
        await ming.says("¥ 44.00")
        assert "2,200 pts" in (await ming.sees("Supermarket voucher ¥44 · Yunshan Market")).shown
        await ming.taps("Redeem now")
        await ming.sees("Done")
        assert await spent(world) == (1, 2200)


async def test_a_typed_amount_beyond_the_points_says_what_is_lacking(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await gives(world, ming, 1500)
        [voucher] = await shelve(world, VOUCHER)
        await ming.says("/redeem")
        await ming.taps("超市代金券")
        await world.settled()
        await ming.taps("¥28", message=ming.last)
        await ming.taps("返回", message=(await ming.sees("将用掉")))
        await ming.sees("最多换 ¥28")
        assert moment(world).today and voucher


async def test_several_pieces_are_one_code(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await gives(world, ming, 1180)
        await ming.says("/redeem")
        await ming.taps("进口水果礼盒")
        await ming.taps("要几份")
        assert "最多 2 份" in (await ming.sees("要几份?")).shown
        await ming.says("3")
        assert "这要 1,500 分,您可用 1,180 分。" in (await ming.sees("还差 320 分")).shown
        await ming.taps("返回")
        await ming.taps("要几份")
        await ming.taps("2 份 · 1,000 分")
        await ming.taps("确认兑换", message=(await ming.sees("进口水果礼盒 ×2")))
        await ming.sees("用掉 1,000 分,还剩 180 分")


async def test_a_merchants_own_points_buy_its_own_offer(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member()
        await gives(world, ming, 1500, merchant="rail", days=None)
        await ming.says("/redeem")
        await ming.taps("短途车票 · 1,000 铁路积分")
        await world.settled()
        await ming.taps("兑换", message=ming.last)
        shown = (await ming.sees("将用掉:1,000 铁路积分(不过期)")).shown
        assert "兑换后剩 500 铁路积分" in shown and "过期未用,积分不退" in shown
        await ming.taps("确认兑换")
        await ming.sees("用掉 1,000 铁路积分,还剩 500 铁路积分")


def test_the_confirm_button_fits_into_callback_data_with_the_largest_figures() -> None:
    longest = redeem.feature.data("do", 9_999_999, 99_999_999, 99_999, 999_999_999, "n" * 8, "s" * 10)
    assert len(longest) <= 64
