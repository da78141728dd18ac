"""What is told to others: by policy, in order, within the limits, and what each refusal of Telegram's leads to."""

from __future__ import annotations

import asyncio
import datetime as dt
import time

import pytest
from sqlalchemy import text

from bot.double.faults import Fault
from chat.feature import Feature
from chat.screen import File, Screen, screen
from chat.turn import Turn
from chat.words import t
from tests.conftest import Database
from tests.driver import World, bot_running, programme_only

feature = Feature("tell")


async def everyone(turn: Turn) -> list[int]:
    found = await turn.tx.scalars(text("SELECT id FROM member WHERE id <> :me ORDER BY id"), {"me": turn.me.id})
    return list(found)


@feature.command("tell")
async def tell(turn: Turn, words: str) -> Screen:
    for member in await everyone(turn):
        turn.tell(member, screen([t("{words}", words=words)]), key=f"tell:{words}:{member}")
    return screen([t("说了")])


@feature.command("promote")
async def promote(turn: Turn, words: str) -> Screen:
    for member in await everyone(turn):
        turn.tell(member, screen([t("促销 {words}", words=words)]), policy="promotional")
    return screen([t("发了")])


@feature.command("late")
async def late(turn: Turn, words: str) -> Screen:
    for member in await everyone(turn):
        turn.tell(member, screen([t("过时")]), not_after=turn.now - dt.timedelta(seconds=1))
    return screen([t("晚了")])


@feature.command("soon")
async def soon(turn: Turn, words: str) -> Screen:
    for member in await everyone(turn):
        turn.tell(member, screen([t("还不晚")]), not_after=turn.now + dt.timedelta(minutes=5))
    return screen([t("不晚")])


@feature.command("say")
async def say(turn: Turn, words: str) -> Screen:
    return screen([t("{words}", words=words)], [[feature.button(t("改"), "edit")]])


@feature.tap("edit")
async def edit(turn: Turn) -> Screen:
    return screen([t("改过了")], [[feature.button(t("改"), "edit")]])


@feature.command("hand")
async def hand(turn: Turn, words: str) -> Screen:
    file = File("codes.csv", b"a secret code")
    for member in await everyone(turn):
        turn.tell(member, screen([t("通知里的文件")], file=file), key=f"hand:{words}:{member}")
    return screen([t("给您的文件")], file=file)


async def states(world: World) -> list[tuple[str, str]]:
    return [(row.policy, row.state) for row in await world.sql("SELECT policy, state FROM outbox ORDER BY id")]


def said_to(person, words: str) -> int:  # type: ignore[no-untyped-def]
    return sum(words in message.text for message in person.messages if message.from_bot)


async def test_others_are_told_in_their_language_once_per_key(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming, hong = await world.member("小明"), await world.member("小红")
        await ming.says("/tell 到货了")
        await hong.sees("到货了")
        await ming.says("/tell 到货了")
        await ming.says("/say 完")
        await ming.sees("完")
        await world.settled()
        assert said_to(hong, "到货了") == 1
        assert await states(world) == [("operational", "sent")]


async def test_a_lost_answer_repeats_a_notice_and_never_a_promotion(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming, hong = await world.member("小明"), await world.member("小红")
        world.double.faults.on("sendMessage", Fault.drop_reply(), chat=hong.id)
        await ming.says("/tell 到货了")
        await world.settled()
        assert said_to(hong, "到货了") == 2
        world.double.faults.on("sendMessage", Fault.drop_reply(), chat=hong.id)
        await ming.says("/promote 西瓜")
        await hong.sees("促销 西瓜")
        await world.settled()
        await asyncio.sleep(1.5)
        assert said_to(hong, "促销 西瓜") == 1
        assert await states(world) == [("operational", "sent"), ("promotional", "unknown")]


async def test_a_promotion_that_certainly_was_not_sent_is_sent_later(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming, hong = await world.member("小明"), await world.member("小红")
        world.double.faults.on("sendMessage", Fault.flood(1), chat=hong.id)
        await ming.says("/promote 西瓜")
        await hong.sees("促销 西瓜")
        await world.settled()
        assert await states(world) == []  # said, and without a key to keep it for


async def test_what_comes_too_late_is_dropped(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming, hong = await world.member("小明"), await world.member("小红")
        await ming.says("/late")
        await ming.sees("晚了")
        await world.settled()
        assert said_to(hong, "过时") == 0
        assert await states(world) == [("operational", "dropped")]


async def test_whether_it_is_too_late_is_asked_of_the_clock_that_turns_go_by(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        world.wall_offset = -dt.timedelta(days=2)
        ming, hong = await world.member("小明"), await world.member("小红")
        await ming.says("/soon")
        await hong.sees("还不晚")


async def test_who_blocked_the_bot_is_unreachable_until_they_write_again(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming, hong = await world.member("小明"), await world.member("小红")
        hong.chat.blocked = True  # without the bot being told
        await ming.says("/tell 一")
        await world.settled()
        gone = "SELECT count(*) FROM member WHERE unreachable_since IS NOT NULL"
        assert (await world.sql(gone))[0][0] == 1
        await ming.says("/tell 二")
        await ming.sees("说了", fresh=True)
        await world.settled()
        assert len(await states(world)) == 1  # nothing was even written for them
        hong.chat.blocked = False
        await hong.says("/say 我回来了")
        await hong.sees("我回来了")
        await world.settled()
        assert (await world.sql(gone))[0][0] == 0


async def test_who_never_wrote_to_this_bot_is_unreachable_and_no_trouble(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """As all members are for a bot that was given another token."""
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming, hong = await world.member("小明"), await world.member("小红")
        del world.double.world.chats[hong.id]
        await ming.says("/tell 一")
        await world.settled()
        assert [row.state for row in await world.sql("SELECT state FROM outbox")] == ["failed"]
        assert (await world.sql("SELECT count(*) FROM member WHERE unreachable_since IS NOT NULL"))[0][0] == 1
        assert "telegram_refused" not in caplog.text


async def test_what_a_file_said_is_not_kept_once_it_was_sent_or_given_up(database: Database) -> None:
    content = "SELECT params ->> 'text' AS said, state, params -> 'file' AS file FROM outbox ORDER BY id"
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming, hong = await world.member("小明"), await world.member("小红")
        world.double.faults.on("sendDocument", Fault.status(502), chat=hong.id)
        await ming.says("/hand 一")
        await ming.sees("给您的文件")
        await hong.sees("通知里的文件")
        assert hong.last.document == b"a secret code", "what waited for its second try still had it"
        await world.settled()
        assert await world.sql(content) == [("通知里的文件", "sent", None)]
        world.double.faults.on("sendDocument", Fault.status(400), times=2)
        await ming.says("/hand 二")
        await world.settled()
        gone = [("给您的文件", "failed", None), ("通知里的文件", "failed", None)]
        assert sorted((await world.sql(content))[1:]) == sorted(gone)


async def test_messages_of_one_chat_stay_in_order_when_the_first_has_to_wait(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only, webhook=True, workers=2) as world:
        ming = await world.member("小明")
        world.double.faults.on("sendMessage", Fault.status(502), chat=ming.id, times=2)
        for number in range(4):
            await ming.says(f"/say 第{number}")
        await ming.sees("第3")
        await world.settled()
        said = [message.text for message in ming.messages if message.from_bot]
        assert said == ["第0", "第1", "第2", "第3"]


async def test_a_reply_does_not_wait_behind_promotions(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming, hong = await world.member("小明"), await world.member("小红")
        await world.worker.transport.pause(4)
        await ming.says("/promote 西瓜")
        await ming.sees("发了")
        began = time.monotonic()
        await hong.says("/say 我的回复")
        await hong.sees("我的回复")
        assert time.monotonic() - began < 2
        assert said_to(hong, "促销") == 0
        await hong.sees("促销 西瓜")


@pytest.mark.parametrize("stands_still", [0.0, 1.6])
async def test_many_notices_keep_to_the_bots_rate(database: Database, stands_still: float) -> None:
    """A machine that stands still for a moment does not send what it held back all at once when it moves on."""
    async with bot_running(database, features=[feature], setup=programme_only, webhook=True, workers=2) as world:
        ming = await world.member("小明")
        others = [await world.member(f"会员{number}") for number in range(70)]
        began = time.monotonic()
        await ming.says("/tell 到货了")
        await ming.sees("说了")
        await asyncio.sleep(0.3)
        time.sleep(stands_still)  # everything stands still: that is the point
        await world.settled(timeout=30)
        took = time.monotonic() - began
        assert all(said_to(other, "到货了") == 1 for other in others)
        assert not [call for call in world.double.calls if call.status == 429]
        assert took > 70 / 25 - 1


async def test_a_message_that_is_gone_is_sent_anew_and_an_unchanged_one_is_fine(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming = await world.member("小明")
        await ming.says("/say 看")
        message = await ming.sees("看")
        await ming.taps("改", message=message)
        await ming.sees("改过了")
        tap = await ming.taps("改", message=message)
        await tap.answer()
        await world.settled()
        assert len(ming.messages) == 2
        shown = ming.last
        del ming.chat.messages[shown.id]
        await ming.taps("改", message=shown)
        await ming.sees("改过了", fresh=True)
        assert ming.last.id != shown.id
        await world.settled()
        assert await states(world) == []


async def test_what_telegram_refuses_is_kept_with_its_words(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=programme_only) as world:
        ming = await world.member("小明")
        world.double.faults.on("sendMessage", Fault.status(400), chat=ming.id)
        await ming.says("/say 看")
        await world.settled()
        failed = await world.sql("SELECT state, error FROM outbox")
        assert [row.state for row in failed] == ["failed"]
        await ming.says("/say 再看")
        await ming.sees("再看")
