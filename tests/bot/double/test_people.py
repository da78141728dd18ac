"""What a test does as a person: saying, pressing, seeing, leaving; and what it reads when it fails."""

from __future__ import annotations

import asyncio

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
)
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, filters

from bot.double.double import Double
from bot.double.people import Person

from .conftest import client, png


def keys(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=label)] for label in labels])


async def test_a_stock_application_holds_a_conversation(double: Double) -> None:
    """The library's own Application, polling, with a screen that is edited in place."""

    async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text(f"积分 1,180 {context.args}", reply_markup=keys("兑换", "明细"))

    async def tapped(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        query = update.callback_query
        assert query is not None
        await query.answer("好的")
        await query.edit_message_text(f"你按了 {query.data}", reply_markup=keys("返回"))

    async def other(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text("没有听懂")

    application = Application.builder().bot(client(double)).build()
    application.add_handler(CommandHandler("start", start))
    application.add_handler(CallbackQueryHandler(tapped))
    application.add_handler(MessageHandler(filters.TEXT, other))
    person = double.person("小明")
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling(timeout=5)
        await person.opens(f"https://t.me/{double.username}?start=r_abc")
        await person.sees("积分 1,180 ['r_abc']")
        tap = await person.taps("兑换")
        assert (await tap.answer())["text"] == "好的"
        await person.sees("你按了 兑换", fresh=True)
        await person.says("什么?")
        await person.sees("没有听懂")
        # The button is in an older, edited message; the newest has none.
        await person.taps("返回")
        await person.sees("你按了 返回")
        await double.settled()
        assert person.screen is not None
        assert (person.screen.edited, person.last.text) == (2, "没有听懂")
        await application.updater.stop()
        await application.stop()


async def test_failures_show_the_chat(double: Double, bot: Bot, person: Person) -> None:
    await bot.send_message(person.id, "第一行\n第二行", reply_markup=keys("兑换"))
    with pytest.raises(AssertionError) as failure:
        await person.sees("别的", timeout=0.05)
    shown = str(failure.value)
    for part in ("小明 does not see '别的'", "小明: /start", "第一行", "[兑换]"):
        assert part in shown
    with pytest.raises(AssertionError, match="finds no button '确认'"):
        await person.taps("确认", timeout=0.05)
    with pytest.raises(AssertionError, match="sees '第二行'"):
        await person.does_not_see("第二行", 0.05)
    await person.does_not_see("第三行", 0.05)
    tap = await person.taps("兑换")
    with pytest.raises(AssertionError, match="was not answered within"):
        await tap.answer(timeout=0.05)
    with pytest.raises(AssertionError, match="has not written to"):
        _ = double.person("新人").last


async def test_fresh_means_after_the_last_action(bot: Bot, person: Person) -> None:
    await bot.send_message(person.id, "余额 5")
    await person.sees("余额", fresh=True)
    await person.says("again")
    await person.sees("余额")
    with pytest.raises(AssertionError):
        await person.sees("余额", timeout=0.05, fresh=True)


async def test_sees_waits_for_what_is_still_coming(bot: Bot, person: Person) -> None:
    async def later() -> None:
        await asyncio.sleep(0.1)
        await bot.send_photo(person.id, png(9, 9), caption="会员码")

    sending = asyncio.create_task(later())
    message = await person.sees("会员码")
    assert message.photo == png(9, 9)
    await sending


@pytest.mark.parametrize(
    "link",
    [
        "https://t.me/other_bot?start=a",
        "https://x.y/?start=a",
        "https://t.me/{me}?start=" + "a" * 65,
        "https://t.me/{me}?start=a=b",
    ],
)
async def test_links_telegram_would_not_open_fail(double: Double, person: Person, link: str) -> None:
    with pytest.raises(AssertionError):
        await person.opens(link.format(me=double.username))


async def test_a_press_of_a_link_is_not_told_to_the_bot(bot: Bot, person: Person) -> None:
    markup = InlineKeyboardMarkup([[InlineKeyboardButton("看", url="https://x.y/")]])
    await bot.send_message(person.id, "x", reply_markup=markup)
    with pytest.raises(AssertionError, match="is not told of presses of '看'"):
        await person.taps("看")


async def test_keys_of_a_reply_keyboard_send_their_text_or_a_contact(double: Double, bot: Bot, person: Person) -> None:
    rows = [[KeyboardButton("我的积分"), KeyboardButton("发手机号", request_contact=True)]]
    await bot.send_message(person.id, "x", reply_markup=ReplyKeyboardMarkup(rows))
    await person.types_key("积分")
    await person.types_key("手机号")
    text, contact = await bot.get_updates()
    assert text.message is not None and contact.message is not None
    assert text.message.text == "我的积分"
    assert contact.message.contact is not None
    assert contact.message.contact.user_id == person.id
    await bot.send_message(person.id, "y", reply_markup=ReplyKeyboardRemove())
    with pytest.raises(AssertionError, match="has no key"):
        await person.types_key("积分")


async def test_blocking_is_told_and_lifted_by_start(double: Double, bot: Bot, person: Person) -> None:
    person.block()
    with pytest.raises(AssertionError, match="blocked the bot"):
        await person.says("hello")
    await person.says("/start")
    kicked, member, message = await bot.get_updates()
    assert kicked.my_chat_member is not None and member.my_chat_member is not None
    assert kicked.my_chat_member.new_chat_member.status == "kicked"
    assert member.my_chat_member.new_chat_member.status == "member"
    assert message.message is not None


async def test_a_deleted_chat_is_empty_for_the_person_only(bot: Bot, person: Person) -> None:
    sent = await bot.send_message(person.id, "old")
    person.deletes_chat()
    assert person.messages == []
    assert await sent.edit_text("the bot may still edit")
    await bot.send_message(person.id, "new")
    assert [message.text for message in person.messages] == ["new"]


async def test_pictures_files_and_edits_reach_the_bot(bot: Bot, person: Person) -> None:
    await person.sends_photo(png(30, 20), "小票 #1")
    await person.sends_document(b"a,b", "till.csv", "text/csv")
    await person.says("50")
    await person.edits(person.messages[-1], "500")
    photo, document, said, edited = await bot.get_updates()
    assert photo.message is not None and document.message is not None and edited.edited_message is not None
    assert (photo.message.photo[0].width, photo.message.caption) == (30, "小票 #1")
    assert document.message.document is not None
    file = await document.message.document.get_file()
    assert await file.download_as_bytearray() == b"a,b"
    assert (said.message and said.message.text, edited.edited_message.text) == ("50", "500")


async def test_pictures_sent_together_are_updates_of_one_album(bot: Bot, person: Person) -> None:
    await person.sends_album(png(30, 20), png(31, 20), caption="小票")
    await person.sends_album(png(32, 20), png(33, 20))
    found = [update.message for update in await bot.get_updates()]
    albums = [message.media_group_id for message in found if message is not None]
    assert albums[0] == albums[1] and albums[2] == albums[3] and len({*albums} - {None}) == 2
    assert [message.caption for message in found if message is not None] == ["小票", None, None, None]


async def test_groups_hide_from_the_bot_what_is_not_meant_for_it(double: Double, bot: Bot, person: Person) -> None:
    owner = double.person("店主")
    group = double.group("门店", person, admins=(owner,))
    asked = await bot.send_message(group.id, "?")
    assert await group.hears(person, "chatter") is None
    assert await group.hears(person, "/day") is not None
    assert await group.hears(person, "yes", reply_to=group.messages[0]) is not None
    assert await group.hears(person, f"hi @{double.username}") is not None
    assert asked.chat.type == "group"
    assert (await bot.get_chat_member(group.id, owner.id)).status == "administrator"
    assert (await bot.get_chat_member(group.id, person.id)).status == "member"
    assert (await bot.get_chat_member(group.id, double.world.bot["id"])).status == "member"
    assert (await bot.get_chat_member(group.id, double.person("外人").id)).status == "left"


async def test_listeners_hear_everything_in_order(double: Double, bot: Bot, person: Person) -> None:
    heard: list[str] = []

    async def listen() -> None:
        async for event in double.events():
            heard.append(event["kind"])

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    await bot.send_message(person.id, "x", reply_markup=keys("b"))
    tap = await person.taps("b")
    await bot.answer_callback_query(tap.id)
    await bot.edit_message_text("y", person.id, person.last.id)
    await bot.delete_message(person.id, person.last.id)
    await bot.send_chat_action(person.id, "typing")
    await asyncio.sleep(0.05)
    listening.cancel()
    assert [kind for kind in heard if kind != "call"] == [
        "message",
        "pressed",
        "update",
        "callback_answered",
        "edited",
        "deleted",
        "action",
    ]
    assert heard.count("call") == 5
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert not double.world.feed.active, "whoever stops listening costs nothing more"
