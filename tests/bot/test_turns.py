"""The turn, end to end: the real Application against the Bot API double, on features made for the purpose.

`points` is a table that stands in for a ledger: every effect leaves a row, so that «exactly once» can be counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import text

from bot.double.faults import Fault
from chat.feature import Feature
from chat.refusals import Worded, worded
from chat.screen import QR, Photo, Screen, screen
from chat.turn import Turn
from chat.words import t
from ledger.errors import Refusal
from tests.conftest import Database
from tests.driver import bot_running, programme_only

feature = Feature("try")


@dataclass(eq=False)
class TooMany(Refusal):
    """More than ten."""

    asked: int


@worded(TooMany)
def _(no: TooMany) -> Worded:
    return Worded(t("最多 10 个,您要 {asked} 个", asked=no.asked))


async def note(turn: Turn, what: str) -> None:
    await turn.tx.execute(
        text("INSERT INTO effect (chat_id, what, key) VALUES (:chat, :what, :key)"),
        {"chat": turn.chat_id, "what": what, "key": turn.key},
    )


@feature.command("start", audience="anyone")
async def start(turn: Turn, words: str) -> Screen:
    return screen([t("欢迎")], [[feature.button(t("加一"), "add", turn.nonce())]])


@feature.command("add", audience="anyone")
async def add(turn: Turn, words: str) -> Screen:
    await note(turn, words)
    return screen([t("记下 {words}", words=words)])


@feature.tap("add", audience="anyone")
async def add_by_tap(turn: Turn, nonce: str) -> Screen:
    await turn.tx.execute(
        text("INSERT INTO effect (chat_id, what, key) VALUES (:chat, :what, :what) ON CONFLICT (key) DO NOTHING"),
        {"chat": turn.chat_id, "what": nonce},
    )
    return screen([t("加好了")])


@feature.command("ask", audience="anyone")
async def ask(turn: Turn, words: str) -> Screen:
    turn.goto(feature.at("amount"), item=words)
    return screen([t("要几个 {item}", item=words)])


@feature.step("amount")
async def amount(turn: Turn, said: str) -> Screen:
    await note(turn, f"{turn.dialogue.data['item']}:{said}")
    if int(said) > 10:
        raise TooMany(int(said))
    item = turn.dialogue.data["item"]
    turn.finish()
    return screen([t("要了 {said} 个 {item}", said=said, item=item)])


@feature.command("look", audience="member", reads_only=True)
async def look(turn: Turn, words: str) -> Screen:
    found = await turn.tx.scalar(text("SELECT count(*) FROM effect"))
    return screen([t("共 {n}", n=found)])


@feature.command("write", audience="member", reads_only=True)
async def write(turn: Turn, words: str) -> Screen:
    await note(turn, "written by a reader")
    return screen([t("写了")])


@feature.command("boom", audience="anyone")
async def boom(turn: Turn, words: str) -> Screen:
    await note(turn, "boom")
    raise RuntimeError("a bug")


@feature.command("qr", audience="anyone")
async def qr(turn: Turn, words: str) -> Screen:
    return screen(
        [t("券码 {words}", words=words)], [[feature.button(t("收起"), "plain")]], picture=QR(words), protect=True
    )


@feature.command("photo", audience="anyone")
async def photo(turn: Turn, words: str) -> Screen:
    return screen([t("照片 {words}", words=words)], [[feature.button(t("收起"), "plain")]], picture=Photo(words))


@feature.tap("plain", audience="anyone")
async def plain(turn: Turn) -> Screen:
    return screen([t("收起了")])


@feature.command("staff", audience="staff")
async def staff_only(turn: Turn, words: str) -> Screen:
    return screen([t("收银台")])


async def effects(tx) -> None:  # type: ignore[no-untyped-def]
    await programme_only(tx)
    await tx.execute(
        text("CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, chat_id bigint, what text, key text UNIQUE)")
    )


async def test_a_command_is_answered_and_its_effect_is_there_once(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = world.person("小明")
        await ming.says("/add 苹果")
        await ming.sees("记下 苹果")
        await world.settled()
        assert [tuple(row) for row in await world.sql("SELECT what FROM effect")] == [("苹果",)]


@pytest.mark.parametrize("webhook", [False, True])
async def test_an_update_delivered_again_changes_and_says_nothing(database: Database, webhook: bool) -> None:
    async with bot_running(database, features=[feature], setup=effects, webhook=webhook) as world:
        ming = world.person("小明")
        update = await ming.says("/add 苹果")
        await ming.sees("记下 苹果")
        await world.settled()
        await world.double.redeliver(update)
        await ming.says("/add 梨")
        await ming.sees("记下 梨")
        await world.settled()
        assert [row.what for row in await world.sql("SELECT what FROM effect ORDER BY id")] == ["苹果", "梨"]
        assert sum("苹果" in message.text for message in ming.messages if message.from_bot) == 1


async def test_a_conversation_survives_a_restart_and_a_kill(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = world.person("小明")
        await ming.says("/ask 苹果")
        await ming.sees("要几个 苹果")
        await world.restart()
        await ming.says("3")
        await ming.sees("要了 3 个 苹果")
        await ming.says("/ask 梨")
        await ming.sees("要几个 梨")
        await world.kill()
        await world.start()
        await ming.says("4")
        await ming.sees("要了 4 个 梨")


async def test_a_refusal_takes_its_writes_back_and_shows_its_words_and_the_conversation_goes_on(
    database: Database,
) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = world.person("小明")
        await ming.says("/ask 苹果")
        await ming.sees("要几个 苹果")
        await ming.says("50")
        await ming.sees("最多 10 个,您要 50 个")
        assert await world.sql("SELECT * FROM effect") == []
        await ming.says("5")
        await ming.sees("要了 5 个 苹果")
        assert [row.what for row in await world.sql("SELECT what FROM effect")] == ["苹果:5"]


async def test_a_poisonous_update_is_set_aside_within_seconds_and_the_queue_moves_on(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = world.person("小明")
        await ming.says("/boom")
        await ming.says("/add 梨")
        said = await ming.sees("记下 梨")
        letters = await world.sql("SELECT code, tries, chat_id, error, payload FROM dead_letter")
        assert [(row.tries, row.chat_id) for row in letters] == [(3, ming.id)]
        assert "a bug" in letters[0].error
        apology = [message.text for message in ming.messages if letters[0].code in message.text]
        assert len(apology) == 1 and apology[0].startswith("没办成,您的积分没有变动。")
        assert said.id > 0
        assert [row.what for row in await world.sql("SELECT what FROM effect")] == ["梨"]


async def test_two_taps_on_one_button_have_one_effect_and_both_are_answered(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects, webhook=True, workers=2) as world:
        ming = world.person("小明")
        await ming.says("/start")
        message = await ming.sees("欢迎")
        first = await ming.taps("加一", message=message)
        second = await ming.taps("加一", message=message)
        await first.answer()
        await second.answer()
        await ming.sees("加好了")
        await world.settled()
        assert len(await world.sql("SELECT * FROM effect")) == 1


async def test_a_tap_that_leads_nowhere_is_answered_with_the_entrance(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = world.person("小明")
        await ming.says("/start")
        message = await ming.sees("欢迎")
        message.button("加一").raw["callback_data"] = "gone:show"
        tap = await ming.taps("加一")
        assert "过期" in (await tap.answer())["text"]


async def test_what_only_reads_needs_no_key_and_cannot_write(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = await world.member("小明")
        await ming.says("/look")
        await ming.sees("共 0")
        assert await world.sql("SELECT * FROM turn_key") == []
        await ming.says("/write")
        await ming.sees("没办成")
        assert await world.sql("SELECT * FROM effect") == []


async def test_a_qr_follows_its_words_into_the_same_message_and_words_can_follow_a_picture(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = world.person("小明")
        await ming.says("/qr K7Q2M9")
        await ming.sees("券码 K7Q2M9")
        await world.settled()
        (shown,) = [message for message in ming.messages if message.from_bot]
        assert shown.photo is not None and "K7Q2M9" in shown.caption
        await ming.taps("收起")
        await ming.sees("收起了")
        await world.settled()
        (left,) = [message for message in ming.messages if message.from_bot]
        assert left.photo is None and left.text == "收起了"


async def test_a_photo_is_uploaded_once_and_then_named(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = world.person("小明")
        for _ in range(2):
            await ming.says("/photo box")
            await ming.sees("照片 box", fresh=True)
        await world.settled()
        sent = [call.params["photo"] for call in world.double.calls if call.method == "sendPhoto"]
        assert len(sent) == 2
        assert sent[0] != sent[1] and "bytes" not in str(sent[1])


async def test_unknown_text_and_commands_of_others_are_answered_kindly(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = await world.member("小明")
        await ming.says("今天天气不错")
        await ming.sees("没看懂")
        await ming.says("/staff")
        await ming.sees("商户员工")
        stranger = world.person("路人", "en")
        await stranger.says("/look")
        await stranger.sees("欢迎")


async def test_a_lost_reply_is_said_again_and_a_flood_is_waited_out(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = world.person("小明")
        world.double.faults.on("sendMessage", Fault.flood(1))
        await ming.says("/add 苹果")
        await ming.sees("记下 苹果")
        world.double.faults.on("sendMessage", Fault.status(500))
        await ming.says("/add 梨")
        await ming.sees("记下 梨")
        world.double.faults.on("sendMessage", Fault.reset())
        await ming.says("/add 桃")
        await ming.sees("记下 桃")
        await world.settled()
        assert len(await world.sql("SELECT * FROM effect")) == 3


async def test_who_blocks_the_bot_is_marked_and_unmarked(database: Database) -> None:
    async with bot_running(database, features=[feature], setup=effects) as world:
        ming = await world.member("小明")
        ming.block()
        await world.settled()
        assert (await world.sql("SELECT unreachable_since IS NOT NULL FROM member"))[0][0]
        ming.unblock()
        await world.settled()
        assert not (await world.sql("SELECT unreachable_since IS NOT NULL FROM member"))[0][0]
