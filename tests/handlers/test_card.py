"""The member card: shown at once, renewed by itself while it is open and then on tap, its picture a link that opens the till.

Time stands still for renewals until `world.renewals_due()`, which lets it pass and says how many there were.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re

from bot.double.faults import Fault
from bot.double.messages import Message
from bot.double.people import Person
from bot.pictures import qr_png
from bot.worker import Worker
from handlers.card import RENEWALS
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.at import bot_then
from tests.handlers.till_scene import open_shop

CODE = re.compile(r"\d{4} \d{4}")


def code_of(page: Message) -> str:
    found = CODE.search(page.shown)
    assert found is not None
    return found[0].replace(" ", "")


async def test_the_card_shows_a_code_and_a_picture_of_it(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/card")
        page = await ming.sees("会员码")
        assert "30 秒内有效,只能用一次" in page.shown
        assert await world.sql("SELECT code, used_at FROM card_code") == [(code_of(page), None)]
        page = await ming.sees("会员码")
        assert page.photo is not None


async def test_a_tap_gives_another_code_in_the_same_message(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/start")
        await ming.taps("会员码")
        first = code_of(await ming.sees("会员码", fresh=True))
        await world.settled()
        await ming.taps("换一个码")
        await world.settled()
        page = await ming.sees("会员码")
        assert code_of(page) != first
        codes = await world.sql("SELECT code FROM card_code ORDER BY expires_at")
        assert {row[0] for row in codes} == {first, code_of(page)}


async def test_the_card_in_english(database: Database) -> None:
    async with bot_then(database) as world:
        tom = await world.member("Tom", language="en")
        await tom.says("/card")
        page = await tom.sees("My card")
        assert "Good for 30 seconds and one use." in page.shown


async def test_the_code_leads_back_to_the_main_screen(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        await ming.says("/card")
        await ming.sees("会员码")
        await ming.taps("主菜单")
        page = await ming.sees("可用 0 分", fresh=True)
        assert page.photo is None


async def opened(world: World, name: str = "小明") -> tuple[Person, Message]:
    """Somebody with their card open."""
    person = await world.member(name)
    await person.says("/card")
    await person.sees("会员码")
    await world.settled()
    return person, await person.sees("会员码")


async def cards(world: World) -> int:
    """How many codes were given out."""
    return int((await world.sql("SELECT count(*) FROM card_code"))[0][0])


async def test_an_open_card_renews_itself_a_few_times_and_then_waits_for_a_tap(database: Database) -> None:
    async with bot_then(database) as world:
        ming, page = await opened(world)
        seen = [code_of(page)]
        for _ in range(RENEWALS):
            assert "到时会自动换新" in page.shown
            assert await world.renewals_due() == 1
            page = await ming.sees("会员码")
            seen.append(code_of(page))
            assert page.photo == qr_png(f"https://t.me/jifen_demo_bot?start=c_{seen[-1]}")
        assert len(set(seen)) == RENEWALS + 1
        assert "过期后点「换一个码」" in page.shown
        assert await world.renewals_due() == 0
        assert len([each for each in ming.messages if each.from_bot]) == 1

        await ming.taps("换一个码")
        await world.settled()
        seen.append(code_of(await ming.sees("到时会自动换新")))
        assert await world.renewals_due() == 1
        seen.append(code_of(await ming.sees("到时会自动换新")))
        assert len(set(seen)) == RENEWALS + 3


async def test_the_card_says_in_english_that_it_renews_itself(database: Database) -> None:
    async with bot_then(database) as world:
        tom = await world.member("Tom", language="en")
        await tom.says("/card")
        await tom.sees("The next code comes by itself.")
        for _ in range(RENEWALS):
            await world.settled()
            assert await world.renewals_due() == 1
        await tom.sees("After that, tap “New code”.")


async def test_at_the_till_the_old_code_ends_in_its_time_and_the_new_one_works(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.customer.says("/card")
        old = code_of(await shop.customer.sees("会员码"))
        await world.settled()
        assert await world.renewals_due() == 1
        new = code_of(await shop.customer.sees("会员码"))
        world.wall_offset += dt.timedelta(seconds=10)
        await shop.cashier.says(f"/award {old}")
        await shop.cashier.sees("这个会员码过期了", fresh=True)
        await shop.cashier.says(f"/award {new}")
        await shop.cashier.sees("收了多少钱", fresh=True)


async def test_whoever_leaves_the_card_by_a_tap_is_not_brought_back(database: Database) -> None:
    async with bot_then(database) as world:
        ming, _ = await opened(world)
        await ming.taps("主菜单")
        await ming.sees("可用 0 分", fresh=True)
        await world.settled()
        calls = len(world.double.calls)
        assert await world.renewals_due() == 1
        assert "会员码 " not in ming.last.shown and await cards(world) == 1
        assert [call.method for call in list(world.double.calls)[calls:] if call.method != "getUpdates"] == []


async def test_whoever_leaves_the_card_by_a_command_or_words_finds_it_as_it_was(database: Database) -> None:
    async with bot_then(database) as world:
        for name, said in (("小明", "/start"), ("小红", "/history"), ("小刚", "你好")):
            person, page = await opened(world, name)
            before = page.shown
            await person.says(said)
            await person.sees("", fresh=True)
            await world.settled()
            assert await world.renewals_due() == 1
            assert page.shown == before


async def test_a_second_card_renews_and_the_first_stays_as_it_was(database: Database) -> None:
    async with bot_then(database) as world:
        ming, first = await opened(world)
        before = first.shown
        await ming.says("/card")
        await ming.sees("会员码", fresh=True)
        await world.settled()
        second = code_of(ming.last)
        assert len(world.worker.renewals._timers) == 1
        await world.renewals_due()
        assert first.shown == before and code_of(ming.last) != second
        assert await cards(world) == 3


async def test_a_tap_that_another_worker_handled_leaves_the_card_too(database: Database) -> None:
    async with bot_running(database, by_hand=True) as world:
        first, second = world.worker, await world.another()
        ming = await world.member("小明")
        await world.feed(first, await ming.says("/card"))
        await ming.sees("会员码")
        await world.settled()
        assert _timers(first, second) == (1, 0)
        await ming.taps("主菜单")
        await world.feed(second, world.double.updates[-1].id)
        await ming.sees("可用 0 分", fresh=True)
        await world.settled()
        assert await world.renewals_due() == 1
        assert "会员码 " not in ming.last.shown and await cards(world) == 1


async def test_a_card_that_another_worker_renewed_on_tap_is_renewed_by_that_one(database: Database) -> None:
    async with bot_running(database, by_hand=True) as world:
        first, second = world.worker, await world.another()
        ming = await world.member("小明")
        await world.feed(first, await ming.says("/card"))
        await ming.sees("会员码")
        await world.settled()
        await ming.taps("换一个码")
        await world.feed(second, world.double.updates[-1].id)
        await world.settled()
        assert _timers(first, second) == (1, 1)
        assert await world.renewals_due() == 2
        assert await cards(world) == 3
        assert _timers(first, second) == (0, 1)


async def test_after_a_restart_or_a_kill_the_card_renews_on_tap(database: Database) -> None:
    async with bot_then(database) as world:
        ming, page = await opened(world)
        for end in (world.restart, world.kill):
            before = code_of(page)
            await end()
            if not world.workers:
                await world.start()
            assert await world.renewals_due() == 0
            assert code_of(page) == before
            await ming.taps("换一个码")
            await world.settled()
            assert code_of(page) != before
        assert await world.renewals_due() == 1


async def test_a_renewal_committed_before_a_kill_is_said_by_the_next_process_which_goes_on(database: Database) -> None:
    async with bot_then(database) as world:
        _, page = await opened(world)
        before = code_of(page)
        world.double.faults.on("editMessageMedia", Fault.status(500), times=20)
        passing = asyncio.create_task(world.renewals_due())
        while await cards(world) < 2:
            await asyncio.sleep(0.01)
        await world.kill()
        assert code_of(page) == before
        world.double.faults.clear()
        await world.start()
        assert await passing == 1
        assert code_of(page) != before
        assert _timers(world.worker) == (1,)


async def test_who_has_blocked_the_bot_is_left_alone(database: Database) -> None:
    async with bot_then(database) as world:
        ming, _ = await opened(world)
        ming.block()
        await world.settled()
        calls = len(world.double.calls)
        assert await world.renewals_due() == 1
        assert await world.renewals_due() == 0
        assert [call.method for call in list(world.double.calls)[calls:] if call.method != "getUpdates"] == []
        assert await cards(world) == 1


async def test_a_block_that_the_bot_has_not_heard_of_ends_it_at_the_first_refusal(database: Database) -> None:
    async with bot_running(database, by_hand=True) as world:
        ming = await world.member("小明")
        await world.feed(world.worker, await ming.says("/card"))
        await ming.sees("会员码")
        await world.settled()
        ming.block()
        calls = len(world.double.calls)
        assert await world.renewals_due() == 1
        assert await world.renewals_due() == 0
        assert [call.status for call in list(world.double.calls)[calls:]] == [403]


async def test_a_card_that_was_deleted_does_not_come_back(database: Database) -> None:
    async with bot_then(database) as world:
        ming, page = await opened(world)
        del ming.chat.messages[page.id]
        assert await world.renewals_due() == 1
        assert await world.renewals_due() == 0
        assert [each for each in ming.messages if each.from_bot] == []


async def test_a_renewal_whose_answer_is_lost_is_said_again_and_goes_on(database: Database) -> None:
    async with bot_then(database) as world:
        ming, page = await opened(world)
        world.double.faults.on("editMessageMedia", Fault.drop_reply(), times=1)
        assert await world.renewals_due() == 1
        assert await world.renewals_due() == 1
        assert await cards(world) == 3 and code_of(ming.last) == code_of(page)


async def test_where_the_picture_is_not_taken_the_code_is_said_in_words(database: Database) -> None:
    async with bot_then(database) as world:
        ming = await world.member("小明")
        world.double.faults.on("sendPhoto", Fault.status(400), times=1)
        await ming.says("/card")
        page = await ming.sees("会员码")
        assert page.photo is None and code_of(page)
        await ming.taps("换一个码")
        assert (await ming.sees("会员码", fresh=True)).photo is not None


def _timers(*workers: Worker) -> tuple[int, ...]:
    return tuple(len(worker.renewals._timers) for worker in workers)
