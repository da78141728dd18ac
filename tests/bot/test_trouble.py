"""Bad days: lost races, a database that goes away, the bot's own limit, groups, edits, and what is not for us."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import text
from telegram.error import RetryAfter

from bot.failures import NotNow, code_of, meaning
from bot.transport import Later, Transport
from chat.feature import Feature
from chat.screen import Screen, screen
from chat.turn import Turn
from chat.words import t
from tests.bot.test_turns import effects
from tests.bot.test_turns import feature as tried
from tests.conftest import Database
from tests.driver import bot_running

trouble = Feature("trouble")
tries: dict[str, int] = {}

RAISE = "DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{}'; END $$"


@trouble.command("fail", audience="anyone")
async def fail(turn: Turn, words: str) -> Screen:
    """`/fail <sqlstate> <times>`: leaves a row, then fails as the database would, so many times."""
    state, times = words.split()
    await turn.tx.execute(
        text("INSERT INTO effect (chat_id, what, key) VALUES (:chat, :what, :key)"),
        {"chat": turn.chat_id, "what": state, "key": turn.key},
    )
    tries[turn.key] = tries.get(turn.key, 0) + 1
    if tries[turn.key] <= int(times):
        await turn.tx.exec_driver_sql(RAISE.format(state))
    return screen([t("成了,第 {n} 次", n=tries[turn.key])])


@pytest.fixture(autouse=True)
def nothing_tried_yet() -> None:
    tries.clear()


@pytest.mark.parametrize("state", ["40001", "40P01", "23505"])
async def test_a_lost_race_is_run_again_and_leaves_one_effect(database: Database, state: str) -> None:
    async with bot_running(database, features=[trouble], setup=effects) as world:
        ming = world.person("小明")
        await ming.says(f"/fail {state} 3")
        await ming.sees("成了,第 4 次")
        await world.settled()
        assert len(await world.sql("SELECT * FROM effect")) == 1
        assert await world.sql("SELECT * FROM failure") == []


async def test_a_race_lost_for_ever_is_set_aside_like_any_failure(database: Database) -> None:
    async with bot_running(database, features=[trouble], setup=effects) as world:
        ming = world.person("小明")
        update = await ming.says("/fail 40001 999")
        await ming.sees(code_of(f"update:42:{update}"))
        assert await world.sql("SELECT * FROM effect") == []


async def test_a_lock_that_is_not_given_in_time_sends_the_update_back_untouched(database: Database) -> None:
    async with bot_running(database, features=[trouble], setup=effects, by_hand=True) as world:
        ming = world.person("小明")
        update = await ming.says("/fail 55P03 1")
        with pytest.raises(NotNow):
            await world.feed(world.worker, update)
        assert await world.sql("SELECT * FROM turn_key") == []
        assert await world.sql("SELECT * FROM failure") == []
        await world.feed(world.worker, update)
        await ming.sees("成了,第 2 次")


async def test_connections_cut_by_the_database_lose_nothing(database: Database) -> None:
    async with bot_running(database, features=[tried], setup=effects) as world:
        ming = world.person("小明")
        await ming.says("/add 一")
        await ming.sees("记下 一")
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'jifen'"
        )
        for number in range(5):
            await world.sql(cut)
            await ming.says(f"/add {number}")
        await ming.sees("记下 4")
        await world.settled()
        done = [row.what for row in await world.sql("SELECT what FROM effect ORDER BY id")]
        assert done == ["一", "0", "1", "2", "3", "4"]
        assert await world.sql("SELECT * FROM dead_letter") == []


def test_what_is_wrong_with_the_update_and_what_is_not() -> None:
    assert meaning(ValueError("a bug")) == "fails"
    assert meaning(ConnectionResetError()) == "not now"
    assert meaning(TimeoutError()) == "not now"
    assert len({code_of(f"update:1:{number}") for number in range(500)}) > 490
    assert code_of("update:1:1") == code_of("update:1:1")


async def test_when_several_chats_are_refused_at_once_everything_pauses(database: Database) -> None:
    transport = Transport(database.engine)

    async def flooded() -> None:
        raise RetryAfter(3)

    async def fine() -> str:
        return "ok"

    for chat in (1, 2):
        with pytest.raises(Later):
            await transport.message(chat, flooded, unsolicited=False)
    assert await transport.call(fine) == "ok"
    with pytest.raises(Later):
        await transport.message(3, flooded, unsolicited=False)
    with pytest.raises(Later) as wait:
        await transport.call(fine)
    assert 2 < wait.value.seconds <= 3


async def test_a_chat_gets_five_at_once_and_then_one_a_second(database: Database) -> None:
    transport = Transport(database.engine)

    async def fine() -> None: ...

    began = time.monotonic()
    for _ in range(6):
        await transport.message(1, fine, unsolicited=False)
    assert 0.8 < time.monotonic() - began < 1.8
    for _ in range(2):
        await transport.message(2, fine, unsolicited=False)
    assert time.monotonic() - began < 1.9


async def test_two_workers_share_one_unsolicited_budget(database: Database) -> None:
    workers = [Transport(database.engine, per_second=20) for _ in range(2)]

    async def fine() -> None: ...

    began = time.monotonic()
    await asyncio.gather(*(workers[number % 2].message(number, fine, unsolicited=True) for number in range(30)))
    assert 1.3 < time.monotonic() - began < 3.5


async def test_groups_are_pointed_to_the_private_chat(database: Database) -> None:
    async with bot_running(database, features=[tried], setup=effects) as world:
        ming = world.person("小明")
        neighbours = world.double.group("邻居", ming, privacy=False)
        await neighbours.hears(ming, "大家好")
        await neighbours.hears(ming, "/add@jifen_demo_bot x")
        await world.settled()
        (said,) = [message for message in neighbours.messages if message.from_bot]
        assert "私聊" in said.text and said.buttons[0][0].url == "https://t.me/jifen_demo_bot"
        assert await world.sql("SELECT * FROM effect") == []


async def test_edited_messages_and_channels_are_let_be(database: Database) -> None:
    async with bot_running(database, features=[tried], setup=effects, by_hand=True) as world:
        sender = {"id": 77, "is_bot": False, "first_name": "小明"}
        body = {"message_id": 9, "date": 1790000000, "from": sender, "text": "/add x"}
        body["entities"] = [{"type": "bot_command", "offset": 0, "length": 4}]
        edited = {**body, "chat": {"id": 77, "type": "private", "first_name": "小明"}, "edit_date": 1790000001}
        await world.feed_raw(world.worker, {"update_id": 3, "edited_message": edited})
        post = {**body, "chat": {"id": -500, "type": "channel", "title": "频道"}}
        await world.feed_raw(world.worker, {"update_id": 4, "channel_post": post})
        assert await world.sql("SELECT * FROM turn_key") == []
        assert await world.sql("SELECT * FROM outbox") == []
