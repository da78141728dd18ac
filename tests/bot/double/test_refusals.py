"""What Telegram refuses, met through the library's Bot: one row per rule, with the class and words a bot gets to see.

The library capitalises the first letter of Telegram's words; the record of calls keeps them as sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from telegram import Bot, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup
from telegram.error import BadRequest, ChatMigrated, Forbidden

from bot.double.double import Double
from bot.double.messages import Message
from bot.double.people import Person

from .conftest import png

Attempt = Callable[[Bot, Person, Message], Awaitable[Any]]
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a"
    " current content and reply markup of the message"
)


def keys(data: str = "x") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("b", callback_data=data)]])


TEXTS: list[tuple[str, Attempt, str]] = [
    ("empty text", lambda b, p, m: b.send_message(p.id, ""), "message text is empty"),
    ("blank text", lambda b, p, m: b.send_message(p.id, " \n "), "text must be non-empty"),
    ("4097 characters", lambda b, p, m: b.send_message(p.id, "余" * 4097), "message is too long"),
    ("32 kB raw", lambda b, p, m: b.send_message(p.id, "<b></b>" * 5000, "HTML"), "text is too long"),
    ("nothing but tags", lambda b, p, m: b.send_message(p.id, "<b></b>", "HTML"), "text must be non-empty"),
    ("unknown mode", lambda b, p, m: b.send_message(p.id, "x", "BBCode"), "unsupported parse_mode"),
    (
        "line break tag",
        lambda b, p, m: b.send_message(p.id, "a<br>b", "HTML"),
        'can\'t parse entities: Unsupported start tag "br" at byte offset 1',
    ),
    ("65 bytes of data", lambda b, p, m: b.send_message(p.id, "x", reply_markup=keys("é" * 33)), "BUTTON_DATA_INVALID"),
    (
        "reply to nothing",
        lambda b, p, m: b.send_message(p.id, "x", reply_to_message_id=999),
        "message to be replied not found",
    ),
    ("unknown chat", lambda b, p, m: b.send_message(999, "x"), "chat not found"),
    ("unknown name", lambda b, p, m: b.send_message("@nobody_here", "x"), "chat not found"),
]

EDITS: list[tuple[str, Attempt, str]] = [
    ("same text", lambda b, p, m: b.edit_message_text("余额", p.id, m.id), NOT_MODIFIED.removeprefix("Bad Request: ")),
    (
        "same keyboard",
        lambda b, p, m: b.edit_message_reply_markup(p.id, m.id),
        NOT_MODIFIED.removeprefix("Bad Request: "),
    ),
    ("missing message", lambda b, p, m: b.edit_message_text("y", p.id, 999), "message to edit not found"),
    ("another's message", lambda b, p, m: b.edit_message_text("y", p.id, p.messages[0].id), "message can't be edited"),
    (
        "no caption there",
        lambda b, p, m: b.edit_message_caption(p.id, m.id, caption="y"),
        "there is no caption in the message to edit",
    ),
    ("inline message", lambda b, p, m: b.edit_message_text("y", inline_message_id="a"), "MESSAGE_ID_INVALID"),
    (
        "reply keyboard in an edit",
        lambda b, p, m: b.edit_message_text("y", p.id, m.id, reply_markup=ReplyKeyboardMarkup([["k"]])),  # type: ignore[arg-type]
        "inline keyboard expected",
    ),
    ("delete nothing", lambda b, p, m: b.delete_message(p.id, 999), "message to delete not found"),
    (
        "delete 101",
        lambda b, p, m: b.delete_messages(p.id, list(range(1, 102))),
        "too many message identifiers specified",
    ),
    ("delete none", lambda b, p, m: b.delete_messages(p.id, []), "message identifiers are not specified"),
]

OTHERS: list[tuple[str, Attempt, str]] = [
    (
        "unknown query",
        lambda b, p, m: b.answer_callback_query("5"),
        "query is too old and response timeout expired or query ID is invalid",
    ),
    ("long toast", lambda b, p, m: b.answer_callback_query("5", text="x" * 201), "MESSAGE_TOO_LONG"),
    ("no such action", lambda b, p, m: b.send_chat_action(p.id, "dancing"), "wrong parameter action in request"),
    ("not a picture", lambda b, p, m: b.send_photo(p.id, b"GIF89a..."), "IMAGE_PROCESS_FAILED"),
    ("empty file", lambda b, p, m: b.send_document(p.id, b""), "file must be non-empty"),
    ("wide picture", lambda b, p, m: b.send_photo(p.id, png(2100, 100)), "PHOTO_INVALID_DIMENSIONS"),
    ("large picture", lambda b, p, m: b.send_photo(p.id, png(9000, 1100)), "PHOTO_INVALID_DIMENSIONS"),
    ("long caption", lambda b, p, m: b.send_photo(p.id, png(9, 9), caption="余" * 1025), "message caption is too long"),
    (
        "unknown file",
        lambda b, p, m: b.send_photo(p.id, "AgAC"),
        "wrong remote file identifier specified: Wrong string length",
    ),
    ("file from afar", lambda b, p, m: b.send_photo(p.id, "https://x.y/z.png"), "failed to get HTTP URL content"),
    ("unknown download", lambda b, p, m: b.get_file("AgAC"), "wrong file_id or the file is temporarily unavailable"),
    ("unknown member", lambda b, p, m: b.get_chat_member(p.id, 12345), "PARTICIPANT_ID_INVALID"),
    ("command in capitals", lambda b, p, m: b.set_my_commands([("Help", "x")]), "BOT_COMMAND_INVALID"),
    ("long command", lambda b, p, m: b.set_my_commands([("a" * 33, "x")]), "command length must not exceed 32"),
    ("no description", lambda b, p, m: b.set_my_commands([("a", " ")]), "command description must be non-empty"),
    (
        "long description",
        lambda b, p, m: b.set_my_commands([("a", "x" * 257)]),
        "command description length must not exceed 256",
    ),
    ("101 commands", lambda b, p, m: b.set_my_commands([(f"a{n}", "x") for n in range(101)]), "BOT_COMMANDS_TOO_MUCH"),
    (
        "language",
        lambda b, p, m: b.set_my_commands([("a", "x")], language_code="chinese"),
        "invalid language code specified",
    ),
    ("long name", lambda b, p, m: b.set_my_name("x" * 65), "bot name is too long"),
    (
        "http webhook",
        lambda b, p, m: b.set_webhook("http://x.y/"),
        "bad webhook: An HTTPS URL must be provided for webhook",
    ),
    (
        "odd port",
        lambda b, p, m: b.set_webhook("https://x.y:8080/"),
        "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
    ),
    (
        "odd secret",
        lambda b, p, m: b.set_webhook("https://x.y/", secret_token="a b"),
        "secret token contains unallowed characters",
    ),
]


ROWS = TEXTS + EDITS + OTHERS


@pytest.mark.parametrize(("attempt", "says"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
async def test_bad_requests(double: Double, bot: Bot, person: Person, attempt: Attempt, says: str) -> None:
    await bot.send_message(person.id, "余额")
    before = person.transcript()
    with pytest.raises(BadRequest):
        await attempt(bot, person, person.last)
    assert (double.calls[-1].status, double.calls[-1].result) == (400, f"Bad Request: {says}")
    assert person.transcript() == before, "a refused call changes nothing"


LIMITS_THAT_FIT: list[tuple[str, Attempt]] = [
    ("4096 characters within tags", lambda b, p, m: b.send_message(p.id, "<b>" + "余" * 4096 + "</b>", "HTML")),
    ("1024 characters of caption", lambda b, p, m: b.send_photo(p.id, png(9, 9), caption="余" * 1024)),
    ("64 bytes of data", lambda b, p, m: b.send_message(p.id, "x", reply_markup=keys("é" * 32))),
    ("a ratio of 20", lambda b, p, m: b.send_photo(p.id, png(2000, 100))),
    ("sides of 10000 together", lambda b, p, m: b.send_photo(p.id, png(9000, 1000))),
    ("100 commands", lambda b, p, m: b.set_my_commands([(f"a{n}", "x" * 256) for n in range(100)])),
]


@pytest.mark.parametrize("attempt", [row[1] for row in LIMITS_THAT_FIT], ids=[row[0] for row in LIMITS_THAT_FIT])
async def test_what_just_fits_is_taken(bot: Bot, person: Person, attempt: Attempt) -> None:
    await bot.send_message(person.id, "余额")
    assert await attempt(bot, person, person.last)


async def test_a_message_that_brought_a_reply_keyboard_cannot_be_edited(bot: Bot, person: Person) -> None:
    for markup in (ReplyKeyboardMarkup([["k"]]), ForceReply()):
        sent = await bot.send_message(person.id, "x", reply_markup=markup)
        with pytest.raises(BadRequest, match="Message can't be edited"):
            await sent.edit_text("y")


async def test_a_picture_has_a_caption_and_no_text_to_edit(bot: Bot, person: Person) -> None:
    sent = await bot.send_photo(person.id, png(9, 9), caption="a")
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await sent.edit_text("y")
    edited = await sent.edit_caption("b")
    assert not isinstance(edited, bool)
    assert edited.caption == "b"


async def test_messages_older_than_two_days_stay(double: Double, bot: Bot, person: Person) -> None:
    sent = await bot.send_message(person.id, "x")
    double.clock.advance(172_801)
    with pytest.raises(BadRequest, match="Message can't be deleted"):
        await sent.delete()


async def test_whoever_blocked_or_left_or_never_started_is_not_reached(
    double: Double, bot: Bot, person: Person
) -> None:
    stranger = double.person("陌生人")
    gone = double.person("旧人")
    gone.deletes_account()
    person.block()
    for someone, words in (
        (stranger, "bot can't initiate conversation with a user"),
        (gone, "user is deactivated"),
        (person, "bot was blocked by the user"),
    ):
        for attempt in (bot.send_message(someone.id, "x"), bot.send_chat_action(someone.id, "typing")):
            with pytest.raises(Forbidden, match=words):
                await attempt
        assert double.calls[-1].status == 403
    await person.says("/start again")
    assert await bot.send_message(person.id, "welcome back")


async def test_a_group_that_grew_names_its_new_id(double: Double, bot: Bot, person: Person) -> None:
    group = double.group("门店", person)
    old = group.id
    new = group.grows(person)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(old, "x")
    assert moved.value.new_chat_id == new == group.id
    assert (await bot.send_message(new, "x")).chat.type == "supergroup"


async def test_a_bot_thrown_out_of_a_group_is_told_so(double: Double, bot: Bot, person: Person) -> None:
    group = double.group("门店", person)
    group.removes_bot(person)
    with pytest.raises(Forbidden, match="bot was kicked from the group chat"):
        await bot.send_message(group.id, "x")
    assert double.updates[-1].kind == "my_chat_member"


async def test_queries_can_be_answered_once_and_in_time(double: Double, bot: Bot, person: Person) -> None:
    await bot.send_message(person.id, "x", reply_markup=keys())
    tap = await person.taps("b")
    await bot.answer_callback_query(tap.id, "好", show_alert=True)
    assert await tap.answer() == {"text": "好", "show_alert": True, "url": None}
    late = await person.taps("b")
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(tap.id)
    double.clock.advance(31)
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(late.id)
    assert late.answered is None
