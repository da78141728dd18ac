"""Files both ways: what people send reaches the step that waits for it, and what the bot hands over stays."""

from __future__ import annotations

import pytest

from bot.dispatch import received
from bot.drawing import Tapped, draw
from chat.feature import Feature
from chat.screen import Button, File, Given, Screen, screen
from chat.turn import Turn
from chat.words import Speaker, t
from tests.conftest import Database
from tests.driver import bot_running
from tests.handlers.papers import picture
from tests.turns import TODAY

box = Feature("box")


@box.command("box", audience="member")
async def open_box(turn: Turn, words: str = "") -> Screen:
    """Waits for a file."""
    turn.goto(box.at("file"))
    return screen([t("发给我")], [[box.button(t("换"), "again")]])


@box.tap("again")
async def again(turn: Turn) -> Screen:
    """Takes the place of what was tapped."""
    return screen([t("换过了")])


@box.file_step("file")
async def took(turn: Turn) -> Screen:
    """Says what came, and shows it again."""
    assert turn.file is not None
    said = f"{turn.file.kind} {turn.file.name} {turn.file.size} «{turn.file.caption}»"
    buttons = [[box.button(t("换"), "again")]]
    return screen([t("{said}", said=said)], buttons, file=Given(turn.file.file_id, turn.file.kind))


@box.command("unknown", audience="member")
async def unknown(turn: Turn, words: str = "") -> Screen:
    """Shows what another bot was sent."""
    return screen([t("只有字")], file=Given("nobody-knows-this", "photo"))


@box.command("table", audience="member")
async def table(turn: Turn, words: str = "") -> list[Screen]:
    """Hands over a table."""
    return [
        screen([t("表")], file=File("天.csv", b"a,b\n")),
        screen([t("还有")], [[Button(t("换"), data="box:again")]]),
    ]


async def test_a_picture_and_a_document_reach_the_step_that_waits(database: Database) -> None:
    async with bot_running(database, features=[box]) as world:
        ming = await world.member()
        content = picture("x")
        await ming.says("/box")
        await ming.sees("发给我")
        await ming.sends_photo(content, caption="正面")
        shown = await ming.sees(f"photo None {len(content)} «正面»")
        assert shown.photo == content
        await ming.sends_document(b"%PDF", "执照.pdf", "application/pdf")
        shown = await ming.sees("document 执照.pdf 4 «»")
        assert shown.document == b"%PDF"
        await ming.taps("换", message=shown)
        await ming.sees("换过了", fresh=True)
        await world.settled()
        assert shown.deleted, "a file's message can't become words: another takes its place"


async def test_a_file_that_another_bot_was_sent_is_left_out_and_the_words_are_said(database: Database) -> None:
    async with bot_running(database, features=[box]) as world:
        ming = await world.member()
        await ming.says("/unknown")
        assert (await ming.sees("只有字")).photo is None
        await world.settled()
        assert await world.sql("SELECT state FROM outbox WHERE state <> 'sent'") == []


async def test_a_file_made_for_a_message_comes_with_its_name_and_type(database: Database) -> None:
    async with bot_running(database, features=[box]) as world:
        ming = await world.member()
        await ming.says("/table")
        await ming.sees("还有")
        [message] = [m for m in ming.messages if m.document]
        assert message.document == b"a,b\n"
        assert message.wire["document"]["file_name"] == "天.csv" and message.wire["document"]["mime_type"] == "text/csv"


@pytest.mark.parametrize(
    ("file", "drawn"),
    [
        (Given("id", "photo"), {"photo": "id"}),
        (Given("id", "document"), {"document": "id"}),
        (File("a.csv", b"hi"), {"name": "a.csv", "base64": "aGk="}),
    ],
)
def test_a_screen_with_a_file_is_a_message_of_its_own(file: File | Given, drawn: dict[str, str]) -> None:
    [message] = draw([screen([t("好")], file=file)], Speaker("zh", TODAY), Tapped("1", 5))
    assert message["file"] == drawn and message["query"] == "1" and "edit" not in message


def test_of_a_picture_the_largest_size_is_kept() -> None:
    from telegram import Message

    sizes = [
        {"file_id": i, "file_unique_id": "u" + i, "width": 1, "height": 1, "file_size": n}
        for i, n in (("s", 1), ("l", 9))
    ]
    wire = {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}, "photo": sizes, "caption": "c"}
    got = received(Message.de_json(wire, None))  # type: ignore[arg-type]
    assert (got.file_id, got.unique_id, got.kind, got.size, got.caption) == ("l", "ul", "photo", 9, "c")
