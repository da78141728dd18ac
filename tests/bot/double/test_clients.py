"""Two independent clients understand everything the double says: python-telegram-bot and aiogram.

The first is driven method by method elsewhere too; here every kind of update and every result is also validated by
aiogram's models, which refuse what is missing or of a wrong type. It takes seconds to import, so only these tests do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import telegram

from bot.double.double import Double, Fault
from bot.double.people import Person

from .conftest import png

if TYPE_CHECKING:
    from aiogram import Bot as AiogramBot


def aiogram_bot(double: Double) -> AiogramBot:
    from aiogram import Bot as AiogramBot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    return AiogramBot("42:TEST", session=AiohttpSession(api=TelegramAPIServer.from_base(double.url)))


async def every_update(double: Double, person: Person) -> None:
    """Makes one update of each kind the double knows."""
    await person.says("/start r_abc https://x.y")
    await person.sends_photo(png(9, 9), "@name")
    await person.sends_document(b"x", "a.txt")
    await person.shares_contact()
    await person.edits(person.messages[-4], "changed")
    person.block()
    person.unblock()
    group = double.group("门店", person)
    await group.hears(person, "/day")
    group.grows(person)
    await group.hears(person, "/day")
    group.removes_bot(person)
    world = double.world
    keyboard = {"inline_keyboard": [[{"text": "b", "callback_data": "x"}]]}
    for body in ({"text": "x", "reply_markup": keyboard}, {"caption": "c", "reply_markup": keyboard, **photo(double)}):
        world.post(person.chat, world.bot, dict(body))
        await person.taps("b")


def photo(double: Double) -> dict[str, Any]:
    stored = double.world.files.put(png(9, 9), folder="photos", name="photo.jpg", mime="image/jpeg")
    size = {"file_id": stored.file_id, "file_unique_id": stored.unique_id, "width": 9, "height": 9}
    return {"photo": [size]}


async def test_both_clients_understand_every_update(double: Double, bot: telegram.Bot, person: Person) -> None:
    import aiogram.types

    await every_update(double, person)
    kinds = set()
    for update in double.updates:
        wire = json.loads(update.json)
        theirs = aiogram.types.Update.model_validate(wire)
        ours = telegram.Update.de_json(wire, bot)
        assert (theirs.update_id, theirs.event_type) == (ours.update_id, update.kind)
        assert getattr(ours, update.kind) is not None
        assert not ours.api_kwargs, "nothing the library does not know"
        kinds.add(update.kind)
    assert kinds == {"message", "edited_message", "callback_query", "my_chat_member"}


async def test_aiogram_can_do_what_a_bot_does(double: Double, person: Person) -> None:
    """aiogram parses each result into its return type and raises when it cannot."""
    from aiogram.types import BotCommand, BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto

    markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="b", callback_data="x", style="danger")]])
    async with aiogram_bot(double) as bot:
        assert (await bot.get_me()).username == double.username
        sent = await bot.send_message(person.id, "<b>余额</b> 1,180", parse_mode="HTML", reply_markup=markup)
        assert sent.entities is not None
        assert (sent.entities[0].type, sent.html_text) == ("bold", "<b>余额</b> 1,180")
        await person.says("好")
        updates = await bot.get_updates(timeout=1)
        assert updates[-1].message is not None
        assert updates[-1].message.text == "好"
        edited = await bot.edit_message_text("新", chat_id=person.id, message_id=sent.message_id, reply_markup=markup)
        assert not isinstance(edited, bool) and edited.edit_date
        tap = await person.taps("b")
        assert await bot.answer_callback_query(tap.id, "ok")
        picture = await bot.send_photo(person.id, BufferedInputFile(png(40, 30), "p.png"), caption="c")
        assert picture.photo is not None
        file = await bot.get_file(picture.photo[-1].file_id)
        assert file.file_path is not None
        downloaded = await bot.download_file(file.file_path)
        assert downloaded is not None and downloaded.read() == png(40, 30)
        media = InputMediaPhoto(media=BufferedInputFile(png(20, 30), "p.png"), caption="d")
        replaced = await bot.edit_message_media(media, chat_id=person.id, message_id=picture.message_id)
        assert not isinstance(replaced, bool) and replaced.photo is not None and replaced.photo[0].width == 20
        assert person.last.photo == png(20, 30)
        await bot.edit_message_caption(chat_id=person.id, message_id=picture.message_id, caption="e")
        document = await bot.send_document(person.id, BufferedInputFile(b"a,b", "till.csv"))
        assert document.document is not None and document.document.file_name == "till.csv"
        album = [InputMediaPhoto(media=BufferedInputFile(png(9, 9), "p.png")) for _ in range(2)]
        assert len(await bot.send_media_group(person.id, album)) == 2  # type: ignore[arg-type]
        assert (await bot.copy_message(person.id, person.id, sent.message_id)).message_id
        assert await bot.send_chat_action(person.id, "typing")
        assert await bot.set_my_commands([BotCommand(command="help", description="帮助")])
        assert (await bot.get_my_commands())[0].command == "help"
        assert (await bot.get_chat(person.id)).first_name == "小明"
        assert (await bot.get_chat_member(person.id, person.id)).status == "member"
        assert (await bot.get_chat_menu_button()).type == "commands"
        assert (await bot.get_webhook_info()).url == ""
        assert await bot.delete_message(person.id, sent.message_id)
        assert await bot.delete_webhook()


async def test_aiogram_tells_refusals_apart(double: Double, person: Person) -> None:
    from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter

    async with aiogram_bot(double) as bot:
        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await bot.send_message(999, "x")
        person.block()
        with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
            await bot.send_message(person.id, "x")
        person.unblock()
        double.faults.on("sendMessage", Fault.flood(9))
        with pytest.raises(TelegramRetryAfter) as wait:
            await bot.send_message(person.id, "x")
        assert wait.value.retry_after == 9


async def test_ptb_reads_back_what_it_sent(double: Double, bot: telegram.Bot, person: Person) -> None:
    sent = await bot.send_message(
        person.id,
        "<b>余</b><i>额</i>",
        "HTML",
        link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
        protect_content=True,
        reply_parameters=telegram.ReplyParameters(person.messages[0].id),
    )
    assert (sent.text_html, sent.has_protected_content) == ("<b>余</b><i>额</i>", True)
    assert sent.reply_to_message is not None and sent.reply_to_message.text == "/start"
    assert sent.link_preview_options is not None and sent.link_preview_options.is_disabled
    chat = await bot.get_chat(person.id)
    assert (chat.type, chat.first_name) == ("private", "小明")
    group = double.group("门店", person)
    assert (await bot.get_chat(group.id)).title == "门店"
    with pytest.raises(telegram.error.BadRequest, match="Message can't be copied"):
        await bot.copy_message(person.id, person.id, sent.message_id)
    plain = await bot.send_message(person.id, "y")
    again = await bot.send_message(person.id, f"[客](tg://user?id={person.id})", "MarkdownV2")
    assert again.entities[0].user is not None and again.entities[0].user.id == person.id
    assert await bot.delete_messages(person.id, [plain.message_id, again.message_id, 999])
    assert [message.text for message in person.messages] == ["/start", "余额"]


async def test_a_picture_sent_once_can_be_sent_again_by_its_id(bot: telegram.Bot, person: Person) -> None:
    first = await bot.send_photo(person.id, png(9, 9))
    second = await bot.send_photo(person.id, first.photo[-1].file_id, caption="again")
    assert person.last.photo == png(9, 9)
    assert second.photo[-1].file_unique_id == first.photo[-1].file_unique_id
    file = await bot.get_file(second.photo[-1].file_id)
    assert await file.download_as_bytearray() == png(9, 9)


async def test_large_files_go_up_and_only_20_megabytes_come_down(bot: telegram.Bot, person: Person) -> None:
    sent = await bot.send_document(person.id, b"x" * 3_000_000, filename="statement.csv", write_timeout=30)
    assert sent.document is not None
    file = await sent.document.get_file()
    assert len(await file.download_as_bytearray()) == 3_000_000
    large = await bot.send_document(person.id, b"x" * 20_000_001, write_timeout=30)
    assert large.document is not None
    with pytest.raises(telegram.error.BadRequest, match="File is too big"):
        await large.document.get_file()


async def test_a_photo_above_its_size_is_refused(bot: telegram.Bot, person: Person) -> None:
    with pytest.raises(telegram.error.BadRequest, match="Too big photo"):
        await bot.send_photo(person.id, png(9, 9) + b"x" * 10_000_000, write_timeout=30)
