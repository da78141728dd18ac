"""How updates arrive: the webhook's door, and the one poller that confirms only what was committed."""

from __future__ import annotations

import asyncio
import io
import json

from aiohttp import ClientSession
from sqlalchemy import text

from bot.webhook import PATH, SECRET_HEADER
from chat.feature import Feature
from chat.screen import Screen, screen
from chat.turn import Turn
from chat.words import t
from tests.bot.test_turns import effects
from tests.bot.test_turns import feature as tried
from tests.conftest import Database
from tests.driver import SECRET, World, bot_running, coalition

slow = Feature("slow")
gate = asyncio.Event()


@slow.command("wait", audience="anyone")
async def wait(turn: Turn, words: str) -> Screen:
    await gate.wait()
    await turn.tx.execute(
        text("INSERT INTO effect (chat_id, what, key) VALUES (:chat, 'waited', :key)"),
        {"chat": turn.chat_id, "key": turn.key},
    )
    return screen([t("等到了")])


async def post(world: World, body: bytes, secret: str = SECRET) -> tuple[int, str | None]:
    """Knock at the first worker's own door."""
    address = world._balancer._servers[world.worker][1]
    async with (
        ClientSession() as session,
        session.post(
            address, data=io.BytesIO(body), headers={SECRET_HEADER: secret, "Content-Type": "application/json"}
        ) as answer,
    ):
        return answer.status, answer.headers.get("Retry-After")


def message(update_id: int, words: str) -> bytes:
    person = {"id": 77, "first_name": "A"}
    body = {
        "message_id": 1,
        "date": 1790000000,
        "text": words,
        "entities": [{"type": "bot_command", "offset": 0, "length": 4}],
        "chat": {**person, "type": "private"},
        "from": {**person, "is_bot": False},
    }
    return json.dumps({"update_id": update_id, "message": body}).encode()


async def test_the_webhook_answers_200_only_for_what_is_committed(database: Database) -> None:
    async with bot_running(database, features=[tried], setup=effects, webhook=True) as world:
        assert PATH.startswith("/")
        assert await post(world, message(1, "/add x"), secret="guessed") == (403, None)
        assert await post(world, message(1, "/add x"), secret="") == (403, None)
        assert (await post(world, b"not json"))[0] == 400
        assert (await post(world, b'{"no": "update"}'))[0] == 400
        assert (await post(world, b" " * 2_000_000))[0] == 413
        assert await world.sql("SELECT * FROM turn_key") == []
        assert (await post(world, b'{"update_id": 9, "message": {"of": "tomorrow"}}'))[0] == 200
        assert [row.payload["update_id"] for row in await world.sql("SELECT payload FROM dead_letter")] == [9]
        assert (await post(world, message(1, "/add x")))[0] == 200
        assert len(await world.sql("SELECT * FROM effect")) == 1
        assert (await post(world, message(1, "/add x")))[0] == 200
        assert len(await world.sql("SELECT * FROM effect")) == 1
        world.worker.webhook.stopping = True
        assert await post(world, message(2, "/add y")) == (503, "1")
        world.worker.webhook.stopping = False


async def test_nothing_is_lost_while_the_database_has_no_programme(database: Database) -> None:
    async def empty(tx) -> None:  # type: ignore[no-untyped-def]
        await effects(tx)
        await tx.execute(text("DELETE FROM programme"))

    async with bot_running(database, features=[tried], setup=empty, webhook=True) as world:
        assert await post(world, message(1, "/add x")) == (503, "1")
        assert await world.sql("SELECT * FROM turn_key") == []
        assert await world.sql("SELECT * FROM failure") == []


async def test_a_slow_turn_holds_up_its_own_chat_only_and_is_not_confirmed(database: Database) -> None:
    gate.clear()
    async with bot_running(database, features=[tried, slow], setup=effects) as world:
        ming, hong = world.person("小明"), world.person("小红")
        slow_one = await ming.says("/wait")
        await ming.says("/add 后来")
        await hong.says("/add 一")
        await hong.sees("记下 一")
        await hong.says("/add 二")
        await hong.sees("记下 二")
        await asyncio.sleep(1.2)
        assert slow_one in world.double.world.updates.pending
        assert await world.sql("SELECT * FROM effect WHERE chat_id = :chat", chat=ming.id) == []
        await world.kill()
        gate.set()
        await world.start()
        await ming.sees("记下 后来")
        await world.settled()
        done = await world.sql("SELECT chat_id, what FROM effect ORDER BY id")
        assert [row.what for row in done if row.chat_id == ming.id] == ["waited", "后来"]
        assert [row.what for row in done if row.chat_id == hong.id] == ["一", "二"]


async def test_one_worker_polls_and_another_takes_over(database: Database) -> None:
    async with bot_running(database, features=[tried], setup=effects, workers=2) as world:
        ming = world.person("小明")
        await ming.says("/add 一")
        await ming.sees("记下 一")
        polling = [worker for worker in world.workers if worker.poller.receiving]
        assert len(polling) == 1
        await world.kill(polling[0])
        await ming.says("/add 二")
        await ming.sees("记下 二")
        assert world.worker.poller.receiving
        await world.settled()
        assert [row.what for row in await world.sql("SELECT what FROM effect ORDER BY id")] == ["一", "二"]


async def test_updates_given_to_two_workers_at_once_and_twice_are_done_once_in_order(database: Database) -> None:
    async with bot_running(database, features=[tried], setup=effects, by_hand=True, workers=2) as world:
        ming = world.person("小明")
        ids = [await ming.says(f"/add {number}") for number in range(12)]
        for update in ids:
            await asyncio.gather(*(world.feed(worker, update) for worker in world.workers for _ in range(2)))
        for update in reversed(ids):
            await world.feed(world.workers[0], update)
        await world.settled()
        done = [row.what for row in await world.sql("SELECT what FROM effect ORDER BY id")]
        assert done == [str(number) for number in range(12)]
        said = [each.text for each in ming.messages if each.from_bot]
        assert said == [f"记下 {number}" for number in range(12)]


async def test_a_newcomers_link_waits_until_they_have_joined(database: Database) -> None:
    seen: list[str | None] = []
    greeting = Feature("greet")

    @greeting.command("start", audience="anyone")
    async def start(turn: Turn, words: str) -> Screen:
        seen.append(turn.dialogue.data.get("link"))
        turn.goto(greeting.at("name"))
        return screen([t("您好")])

    @greeting.step("name")
    async def name(turn: Turn, said: str) -> Screen:
        seen.append(turn.dialogue.data.get("link"))
        return screen([t("知道了")])

    @greeting.link("r")
    async def referred(turn: Turn, token: str) -> Screen:
        return screen([t("介绍人 {token}", token=token)])

    async with bot_running(database, features=[greeting], setup=coalition) as world:
        hong = world.person("小红")
        await hong.says("/start r_abc")
        await hong.sees("您好")
        await hong.says("小红")
        await hong.sees("知道了")
        await hong.says("/start")
        await world.settled()
        assert seen == ["r_abc", "r_abc", "r_abc"]
        ming = await world.member("小明")
        await ming.says("/start r_abc")
        await ming.sees("介绍人 abc")


async def test_a_poller_is_ready_before_anybody_writes(database: Database) -> None:
    """A quiet night must not look like a dead poller: `/readyz` follows the first answer, not the first update."""
    async with bot_running(database) as world:
        async with asyncio.timeout(5):
            while not world.worker.poller.receiving:
                await asyncio.sleep(0.05)


async def test_an_update_of_a_kind_nobody_can_read_holds_up_no_poll(database: Database) -> None:
    async with bot_running(database, features=[tried], setup=effects) as world:
        ming = world.person("小明")
        world.double.world.updates.push("message", {"of": "tomorrow"}, queue=0, seconds=60, chat=None)
        await ming.says("/add 一")
        await ming.sees("记下 一")
        await world.settled()
        assert not world.double.world.updates.pending
        letters = await world.sql("SELECT key, payload, error FROM dead_letter")
        assert [(each.payload["message"], each.error.split(":")[0]) for each in letters] == [
            ({"of": "tomorrow"}, "KeyError")
        ]


async def test_what_nobody_asked_for_is_said_in_the_language_their_telegram_speaks(database: Database) -> None:
    bell = Feature("bell")

    @bell.command("look", reads_only=True)
    async def look(turn: Turn, words: str) -> Screen:
        return screen([t("您好")])

    @bell.command("ring", audience="anyone")
    async def ring(turn: Turn, member_id: str) -> Screen:
        turn.tell(int(member_id), screen([t("设置")]))
        return screen([t("知道了")])

    async with bot_running(database, features=[bell], setup=coalition) as world:
        anna, ming = await world.member("Anna", "en"), await world.member("小明")
        ids = {
            person.id: row.id
            for person, row in zip((anna, ming), await world.sql("SELECT id FROM member"), strict=True)
        }

        async def rings_for(person: object) -> None:
            await ming.says(f"/ring {ids[person.id]}")  # type: ignore[attr-defined]

        await rings_for(anna)
        await anna.sees("Settings")
        await world.sql("UPDATE member SET telegram_language = NULL")  # nothing heard yet: the programme's language
        await rings_for(anna)
        await anna.sees("设置")
        await anna.says("/look")
        await world.settled()
        await rings_for(anna)
        await anna.sees("Settings")
        anna.user = {**anna.user, "language_code": "zh-hans"}
        await anna.says("/look")
        await world.settled()
        await rings_for(anna)
        await anna.sees("设置")
        await world.sql("UPDATE member SET language = 'en'")  # what somebody chose counts more than what is heard
        await rings_for(anna)
        await anna.sees("Settings")
        assert [
            row.telegram_language for row in await world.sql("SELECT telegram_language FROM member ORDER BY id")
        ] == [
            "zh",
            "zh",
        ]
