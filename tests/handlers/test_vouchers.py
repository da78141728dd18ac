"""My vouchers: the code again while it is good, what became of the others, and taking one back."""

from __future__ import annotations

import datetime as dt

from bot.double.double import Person
from ledger.redeeming.offers import PerUnit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import BOX, code_on, day, gives, member_id, shelve, shop, spent, till, uses


async def with_a_voucher(world: World, *, language: str = "zh-hans") -> tuple[Person, str]:
    """A member who has just redeemed a fruit box, and its code."""
    zh = language != "en"
    person = await world.member(language=language)
    await gives(world, person, 1180)
    await person.says("/redeem")
    await person.taps("进口水果礼盒" if zh else "Imported fruit box")
    await world.settled()
    await person.taps("兑换" if zh else "Redeem", message=person.last)
    await person.taps("确认兑换" if zh else "Redeem now")
    await person.sees("换好了" if zh else "Done")
    await world.settled()
    return person, code_on(person)


async def test_no_vouchers_yet(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, hong = await world.member(), await world.member("Hong", "en")
        await ming.says("/vouchers")
        await ming.sees("还没有券。换到的券会在这里,要用时给店员看码。")
        await hong.says("/vouchers")
        await hong.sees("No vouchers yet.")


async def test_a_code_is_shown_again_the_same(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, code = await with_a_voucher(world)
        await ming.says("/vouchers")
        await ming.taps(f"进口水果礼盒 · 有效至 {day(world, 30)}")
        await ming.sees("给店员看码")
        await world.settled()
        assert code_on(ming) == code and ming.last.wire.get("has_protected_content")


async def test_taking_back_asks_first_and_returns_everything(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, _ = await with_a_voucher(world)
        await ming.taps("撤回")
        await ming.sees("500 分会原样退回,到期日不变;券码作废。")
        await ming.taps("留着")
        await ming.sees("给店员看码")
        await world.settled()
        await ming.taps("撤回", message=ming.last)
        tap = await ming.taps("确认撤回")
        await ming.sees("500 分已原样退回")
        await tap.answer()
        await ming.says("/balance")
        await ming.sees("1,180")


async def test_taking_back_twice_returns_once(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, _ = await with_a_voucher(world)
        await ming.taps("撤回")
        screen = await ming.sees("券码作废")
        button = screen.buttons[0][0]
        for _ in range(4):
            ming.presses(screen, button)
        await world.settled()
        rows = await world.sql("SELECT count(*) FROM entry WHERE kind = 'reinstate'")
        assert rows[0][0] == 1
        await ming.says("/balance")
        await ming.sees("1,180")


async def test_the_undo_window_closes(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, _ = await with_a_voucher(world)
        undo = ming.last
        world.wall_offset += dt.timedelta(minutes=11)
        await ming.taps("撤回", message=undo)
        assert "券还在,照样能用。" in (await ming.sees("撤回的时间过了")).shown
        await ming.taps("看这张券")
        await ming.sees("给店员看码")
        assert "撤回" not in ming.last.labels and await spent(world) == (1, 500)


async def test_the_counter_was_faster_than_taking_back(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, code = await with_a_voucher(world)
        await ming.taps("撤回")
        screen = await ming.sees("券码作废")
        await uses(world, await till(world, "fruit"), code)
        ming.presses(screen, screen.buttons[0][0])
        assert "鲜果時光 3号台" in (await ming.sees("这张券已经用过了")).shown
        await ming.says("/vouchers")
        await ming.taps("进口水果礼盒 · 今天")
        assert "经手:3号台" in (await ming.sees("用过了")).shown


async def test_the_confirm_button_of_a_voucher_that_ended_says_what_became_of_it(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming = await world.member(language="en")
        await gives(world, ming, 1180)
        await ming.says("/redeem")
        await ming.taps("Imported fruit box")
        await world.settled()
        await ming.taps("Redeem", message=ming.last)
        screen = await ming.sees("Will be spent")
        button = screen.buttons[0][0]
        ming.presses(screen, button)
        await ming.sees("Done")
        await world.settled()
        await uses(world, await till(world, "fruit"), code_on(ming))
        ming.presses(screen, button)
        assert "Used today" in (await ming.sees("This had been redeemed before")).shown
        assert await spent(world) == (1, 500)


async def test_nobody_opens_anothers_voucher(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, _ = await with_a_voucher(world)
        await ming.says("/vouchers")
        mine = await ming.sees("我的券")
        hong = await world.member("小红")
        await hong.says("/vouchers")
        await hong.sees("还没有券")
        hong.presses(hong.last, mine.buttons[0][0])
        await hong.sees("没有这张券")


async def test_a_long_list_is_paged_with_the_usable_ones_first(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, code = await with_a_voucher(world)
        await uses(world, await till(world, "fruit"), code)
        who = await member_id(world, ming)
        await world.sql(
            "INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, points, value_minor,"
            " code_index, code_box, state, entry_id, issued_at, issued_on, undo_until, valid_until)"
            " SELECT member_id, 'n' || n, offer_id, 1, merchant_id, currency_id, points, value_minor,"
            " decode(lpad(to_hex(n), 8, '0'), 'hex'), code_box, 'issued', entry_id, issued_at, issued_on, undo_until,"
            " valid_until - n FROM redemption, generate_series(1, 10) n WHERE member_id = :who",
            who=who,
        )
        await ming.says("/vouchers")
        first = await ming.sees("我的券")
        assert first.labels[0] == f"进口水果礼盒 · 有效至 {day(world, 20)}" and len(first.labels) == 8 + 3
        await ming.taps("下一页")
        await ming.sees("我的券")
        await world.settled()
        assert "已用" in ming.last.labels[2] and "下一页" not in ming.last.labels
        await ming.taps("上一页")
        await world.settled()
        assert "下一页" in ming.last.labels


async def test_a_new_version_does_not_change_a_voucher_that_is_out(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        ming, _ = await with_a_voucher(world)
        await shelve(
            world,
            BOX.model_copy(update={"name": BOX.name.model_copy(update={"zh": "小礼盒"}), "price": PerUnit(points=9)}),
        )
        await ming.says("/vouchers")
        await ming.taps("进口水果礼盒")
        await ming.sees("用掉了 500 分")
