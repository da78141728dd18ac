"""What the page may do as a person, over HTTP."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.pictures import qr_png
from bot.playground import actions
from bot.playground.views import message_view
from tests.bot.playground.demo import Demo
from tests.bot.playground.events import events_of

MING, HONG = 1001, 1002


async def post(client: aiohttp.ClientSession, running: Demo, path: str, body: Any = None) -> tuple[int, Any]:
    async with client.post(f"{running.url}api/{path}", json=body if body is not None else {}) as response:
        return response.status, await response.json()


async def test_saying_reaches_the_bot_and_its_answer_the_person(running: Demo, client: aiohttp.ClientSession) -> None:
    status, answer = await post(client, running, f"people/{MING}/say", {"text": " /start "})
    assert status == 200
    assert answer["update_id"] == running.double.updates[-1].id
    await running.double.people[MING].sees("1,180")


@pytest.mark.parametrize(
    ("text", "status", "error"), [("   ", 400, "empty"), ("x" * 4097, 413, "too_large"), (7, 400, "malformed")]
)
async def test_a_text_telegram_would_not_send_is_refused(
    quiet: Demo, client: aiohttp.ClientSession, text: Any, status: int, error: str
) -> None:
    assert await post(client, quiet, f"people/{MING}/say", {"text": text}) == (status, {"error": error})
    assert not quiet.double.updates


async def test_nobody_speaks_as_an_unknown_person(quiet: Demo, client: aiohttp.ClientSession) -> None:
    assert await post(client, quiet, "people/999/say", {"text": "hi"}) == (404, {"error": "unknown_person"})


async def test_a_press_waits_for_the_bots_answer(running: Demo, client: aiohttp.ClientSession) -> None:
    person = running.double.people[MING]
    await person.says("8KQ4-M2VX")
    message = await person.sees("有效")
    data = message.buttons[0][0].data
    press = {"message": message.id, "data": data}
    status, answer = await post(client, running, f"people/{MING}/tap", press)
    assert status == 200
    assert answer == {"answer": {"text": "已核销,请把礼盒交给小明", "alert": False, "url": ""}}


async def test_a_press_no_bot_answers_ends_without_one(
    quiet: Demo, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "SPIN_SECONDS", 0.05)
    await quiet.double.people[MING].says("hello")
    keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    sent = await quiet.api.call("sendMessage", chat_id=MING, text="x", reply_markup=keyboard)
    press = {"message": sent["message_id"], "data": "b"}
    assert await post(client, quiet, f"people/{MING}/tap", press) == (200, {"answer": None})


async def test_a_press_is_of_the_button_that_the_person_saw(
    quiet: Demo, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "SPIN_SECONDS", 0.05)
    await quiet.double.people[MING].says("hello")
    before, after = ({"inline_keyboard": [[{"text": data, "callback_data": data}]]} for data in ("before", "after"))
    sent = await quiet.api.call("sendMessage", chat_id=MING, text="x", reply_markup=before)
    where = {"chat_id": MING, "message_id": sent["message_id"]}
    await quiet.api.call("editMessageText", **where, text="y", reply_markup=after)
    press = {"message": sent["message_id"], "data": "before"}
    assert await post(client, quiet, f"people/{MING}/tap", press) == (200, {"answer": None})
    heard = quiet.double.updates[-1].wire["callback_query"]
    assert (heard["data"], heard["message"]["text"]) == ("before", "y")


@pytest.mark.parametrize("data", ["", "x" * 65, 7])
async def test_a_press_without_a_buttons_data_is_refused(quiet: Demo, client: aiohttp.ClientSession, data: Any) -> None:
    await quiet.double.people[MING].says("hello")
    keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    sent = await quiet.api.call("sendMessage", chat_id=MING, text="x", reply_markup=keyboard)
    press = {"message": sent["message_id"], "data": data}
    assert await post(client, quiet, f"people/{MING}/tap", press) == (400, {"error": "malformed"})


async def test_a_button_of_a_message_that_is_gone_is_stale(quiet: Demo, client: aiohttp.ClientSession) -> None:
    await quiet.double.people[MING].says("hello")
    sent = await quiet.api.call("sendMessage", chat_id=MING, text="x")
    await quiet.api.call("deleteMessage", chat_id=MING, message_id=sent["message_id"])
    press = {"message": sent["message_id"], "data": "b"}
    assert await post(client, quiet, f"people/{MING}/tap", press) == (409, {"error": "stale"})


async def test_one_persons_message_cannot_be_pressed_by_another(quiet: Demo, client: aiohttp.ClientSession) -> None:
    await quiet.double.people[MING].says("hello")
    keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}
    sent = await quiet.api.call("sendMessage", chat_id=MING, text="x", reply_markup=keyboard)
    press = {"message": sent["message_id"], "data": "b"}
    assert await post(client, quiet, f"people/{HONG}/tap", press) == (409, {"error": "stale"})


async def test_who_blocked_the_bot_cannot_write_until_start_lifts_it(
    quiet: Demo, client: aiohttp.ClientSession
) -> None:
    await post(client, quiet, f"people/{MING}/say", {"text": "/start"})
    assert (await post(client, quiet, f"people/{MING}/block", {"blocked": True}))[0] == 200
    assert await quiet.api.call("sendMessage", chat_id=MING, text="are you there") is None
    assert await post(client, quiet, f"people/{MING}/say", {"text": "hi"}) == (409, {"error": "blocked"})
    assert (await post(client, quiet, f"people/{MING}/say", {"text": "/start"}))[0] == 200
    assert await quiet.api.call("sendMessage", chat_id=MING, text="welcome back") is not None
    kinds = [update.kind for update in quiet.double.updates]
    assert kinds == ["message", "my_chat_member", "my_chat_member", "message"]


async def test_a_new_person_appears_and_has_a_chat_of_their_own(running: Demo, client: aiohttp.ClientSession) -> None:
    async with events_of(client, running.url) as events:
        await events.next()
        status, answer = await post(client, running, "people", {"name": " Ann ", "language": "en"})
        told = await events.until(lambda change: change["type"] == "person" and change["person"]["name"] == "Ann")
    person = answer["person"]
    assert status == 200
    assert told["person"] == person
    assert (person["name"], person["language"], person["bot_name"]) == ("Ann", "en", "Jifen")
    await post(client, running, f"people/{person['id']}/say", {"text": "/start"})
    await running.double.people[person["id"]].sees("1,180 pts")


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "x" * 65}, {"name": "x", "language": "<b>"}, {}])
async def test_a_person_without_a_proper_name_or_language_is_refused(
    quiet: Demo, client: aiohttp.ClientSession, body: Any
) -> None:
    assert await post(client, quiet, "people", body) == (400, {"error": "malformed"})


async def test_another_client_language_brings_its_command_menu(running: Demo, client: aiohttp.ClientSession) -> None:
    async with events_of(client, running.url) as events:
        before = next(person for person in (await events.next())["people"] if person["id"] == MING)
        await post(client, running, f"people/{MING}/language", {"language": "en"})
        after = (await events.until(lambda change: change["type"] == "person"))["person"]
    assert before["commands"][0] == {"command": "start", "description": "主菜单"}
    assert after["commands"][0] == {"command": "start", "description": "Main menu"}
    await post(client, running, f"people/{MING}/say", {"text": "/start"})
    await running.double.people[MING].sees("1,180 pts")


async def test_deleting_the_chat_empties_it_for_the_person(running: Demo, client: aiohttp.ClientSession) -> None:
    async with events_of(client, running.url) as events:
        await events.next()
        await post(client, running, f"people/{MING}/say", {"text": "/start"})
        await events.text(MING, "1,180")
        await post(client, running, f"people/{MING}/delete-chat")
        gone = await events.until(lambda change: change["type"] == "messages")
    assert len(gone["gone"]) == 2
    assert running.double.people[MING].messages == []


async def test_the_last_update_of_this_person_is_delivered_again(running: Demo, client: aiohttp.ClientSession) -> None:
    assert await post(client, running, f"people/{MING}/redeliver") == (200, {"redelivered": False})
    await post(client, running, f"people/{MING}/say", {"text": "/start"})
    await post(client, running, f"people/{HONG}/say", {"text": "/start"})
    await running.double.settled()
    answers_before = len(running.double.people[MING].messages)
    assert await post(client, running, f"people/{MING}/redeliver") == (200, {"redelivered": True})
    await running.double.settled()
    assert len(running.double.people[MING].messages) == answers_before + 1, "the scripted bot answers twice"


async def test_a_photo_goes_to_the_bot_and_comes_back_as_a_picture(
    running: Demo, client: aiohttp.ClientSession
) -> None:
    picture = qr_png("hello")
    url = f"{running.url}api/people/{MING}/photo"
    async with events_of(client, running.url) as events:
        await events.next()
        async with client.post(
            url, params={"caption": "坏了"}, data=picture, headers={"Content-Type": "image/png"}
        ) as sent:
            assert sent.status == 200
        message = await events.text(MING, "坏了")
        await events.text(MING, "收到")
    async with client.get(running.url + message["photo"]["src"]) as response:
        assert response.content_type == "image/png"
        assert await response.read() == picture
    assert message["photo"]["width"] == message["photo"]["height"] > 100


async def test_bytes_that_are_no_picture_are_refused(quiet: Demo, client: aiohttp.ClientSession) -> None:
    async with client.post(f"{quiet.url}api/people/{MING}/photo", data=b"<svg/>") as response:
        assert (response.status, await response.json()) == (400, {"error": "not_a_picture"})


async def test_a_file_of_theirs_reaches_the_bot_under_its_name(quiet: Demo, client: aiohttp.ClientSession) -> None:
    url = f"{quiet.url}api/people/{MING}/document"
    content = "券码,用券时间\n".encode()
    async with client.post(url, params={"name": "断网.csv", "caption": "今天"}, data=content) as sent:
        assert sent.status == 200
    document = quiet.double.updates[-1].wire["message"]["document"]
    assert (document["file_name"], document["mime_type"], document["file_size"]) == (
        "断网.csv",
        "text/csv",
        len(content),
    )
    for params, body, no in (
        ({}, b"x", (400, "empty")),
        ({"name": "x" * 256}, b"x", (413, "too_large")),
        ({"name": "x.csv"}, b"x" * 20_000_001, (413, "too_large")),
    ):
        async with client.post(url, params=params, data=io.BytesIO(body)) as refused:
            assert (refused.status, (await refused.json())["error"]) == no


async def test_a_file_is_offered_for_download_and_never_run(running: Demo, client: aiohttp.ClientSession) -> None:
    async with events_of(client, running.url) as events:
        await events.next()
        await post(client, running, f"people/{MING}/say", {"text": "/file"})
        message = await events.text(MING, "对账单")
    async with client.get(running.url + message["document"]["src"]) as response:
        assert response.headers["Content-Disposition"] == "attachment"
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Security-Policy"] == "sandbox"
        assert (await response.text()).startswith("日期")


async def test_a_contact_request_is_answered_with_the_persons_own_number(
    running: Demo, client: aiohttp.ClientSession
) -> None:
    async with events_of(client, running.url) as events:
        await events.next()
        await post(client, running, f"people/{MING}/say", {"text": "/phone"})
        told = await events.until(lambda change: change["type"] == "person" and change["person"]["keyboard"])
        assert told["person"]["keyboard"]["rows"][0][0] == {"text": "给手机号", "request_contact": True}
        await post(client, running, f"people/{MING}/contact")
        await events.text(MING, "收到")
        snapshot_person = running.double.people[MING]
    assert snapshot_person.chat.reply_keyboard is None
    contacts = [message.wire["contact"] for message in snapshot_person.messages if "contact" in message.wire]
    assert contacts == [{"phone_number": "+8613800001001", "first_name": "小明", "user_id": MING}]


async def test_an_invoice_is_paid_where_the_bot_lets_it_be(
    quiet: Demo, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    await quiet.double.people[MING].says("hello")
    world = quiet.double.world
    monkeypatch.setattr(world, "limits", replace(world.limits, pre_checkout_answer_seconds=0.05))
    prices = [{"label": "x", "amount": 1000}]
    said = {"title": "x", "description": "y", "payload": "p", "currency": "CNY", "provider_token": "1:TEST:x"}
    sent = await quiet.api.call("sendInvoice", chat_id=MING, prices=prices, **said)
    bill = {"message": sent["message_id"]}
    [[key]] = message_view(quiet.double.people[MING].last, quiet.double.people[MING])["keyboard"]
    assert key["kind"] == "pay"
    status, answer = await post(client, quiet, f"people/{MING}/pay", bill)
    assert (status, answer) == (200, {"error": "the bot did not answer in time"})
    monkeypatch.setattr(world, "limits", replace(world.limits, pre_checkout_answer_seconds=20.0))
    paying = asyncio.create_task(post(client, quiet, f"people/{MING}/pay", bill))
    while world.updates.history[max(world.updates.history)].kind != "pre_checkout_query" or len(world.queries) < 2:
        await asyncio.sleep(0.01)
    await quiet.api.call("answerPreCheckoutQuery", pre_checkout_query_id=list(world.queries)[-1], ok=True)
    assert await paying == (200, {"error": ""})
    assert message_view(quiet.double.people[MING].messages[-1], quiet.double.people[MING])["text"] == "✓ CNY 10.00"
    assert await post(client, quiet, f"people/{MING}/pay", bill) == (409, {"error": "stale"})


async def test_what_a_bot_offers_for_another_chat_is_listed_with_its_links(
    quiet: Demo, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    await quiet.double.people[MING].says("hello")
    row = [{"text": "邀请", "switch_inline_query_chosen_chat": {"query": "来吧", "allow_user_chats": True}}]
    await quiet.api.call("sendMessage", chat_id=MING, text="x", reply_markup={"inline_keyboard": [row]})
    [[key]] = message_view(quiet.double.people[MING].last, quiet.double.people[MING])["keyboard"]
    assert (key["kind"], key["value"]) == ("inline", "来吧")
    world = quiet.double.world
    asking = asyncio.create_task(post(client, quiet, f"people/{MING}/inline", {"said": "来吧"}))
    while not world.queries:
        await asyncio.sleep(0.01)
    join = {"inline_keyboard": [[{"text": "加入", "url": "https://t.me/jifen_bot?start=i_1"}]]}
    said = {"type": "article", "id": "1", "title": "邀请", "input_message_content": {"message_text": "来吧"}}
    await quiet.api.call(
        "answerInlineQuery", inline_query_id=list(world.queries)[-1], results=[{**said, "reply_markup": join}]
    )
    choice = {"title": "邀请", "text": "来吧", "links": ["https://t.me/jifen_bot?start=i_1"]}
    assert await asking == (200, {"choices": [choice], "instead": ""})
    monkeypatch.setattr(world, "limits", replace(world.limits, inline_update_seconds=0.05))
    assert await post(client, quiet, f"people/{MING}/inline", {"said": "x"}) == (409, {"error": "stale"})
    assert (await post(client, quiet, f"people/{MING}/inline", {"said": "x" * 257}))[0] == 400
