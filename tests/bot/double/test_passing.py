"""Inline mode as Telegram takes and refuses it: what is offered, the button above it, and what was picked sent on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultPhoto,
    InlineQueryResultsButton,
    InputTextMessageContent,
)
from telegram.error import BadRequest

from bot.double.double import Double
from bot.double.people import Person

JOIN = InlineKeyboardMarkup([[InlineKeyboardButton("Join", url="https://t.me/jifen_bot?start=i_1")]])


def article(id_: str = "1", title: str = "Invite", text: str = "<b>Come</b> along", **more: Any) -> Any:
    said = InputTextMessageContent(text, parse_mode="HTML")
    return InlineQueryResultArticle(id_, title, said, reply_markup=JOIN, description="with a link", **more)


async def answers(bot: Bot, *results: Any, **how: Any) -> str:
    """The next thing that is typed after the bot's name, answered; its id."""
    offset = 0
    while True:
        for update in await bot.get_updates(offset=offset, timeout=1, allowed_updates=["inline_query", "message"]):
            offset = update.update_id + 1
            if update.inline_query is not None:
                await bot.answer_inline_query(update.inline_query.id, results, **how)
                await bot.get_updates(offset=offset)
                return update.inline_query.id


async def test_it_says_that_it_has_inline_mode(double: Double, bot: Bot) -> None:
    assert (await bot.get_me()).supports_inline_queries
    double.world.inline_mode = False
    assert not (await bot.get_me()).supports_inline_queries
    with pytest.raises(AssertionError, match="no inline mode"):
        await double.person("Ming").types_inline()


async def test_what_is_offered_is_picked_and_sent_as_ones_own(double: Double, bot: Bot, person: Person) -> None:
    friend = double.person("Hong")
    group = double.group("Tea", person, friend)
    answering = asyncio.create_task(
        answers(bot, article(), button=InlineQueryResultsButton("More", start_parameter="x"))
    )
    offered = await person.types_inline("come", "group")
    await answering
    [choice] = offered.choices
    assert (choice.title, choice.description, choice.text) == ("Invite", "with a link", "Come along")
    assert choice.buttons[0][0].url == "https://t.me/jifen_bot?start=i_1" and offered.button == ("More", "x")
    message = group.receives(person, choice)
    assert message.wire["via_bot"]["id"] == double.world.bot["id"] and message.wire["from"]["id"] == person.id
    assert message.wire["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    [update] = await bot.get_updates(offset=-1)
    assert update.message is not None and update.message.via_bot is not None


@pytest.mark.parametrize(
    ("results", "how", "said"),
    [
        ([article("1"), article("1")], {}, "RESULT_ID_DUPLICATE"),
        ([article("x" * 65)], {}, "RESULT_ID_INVALID"),
        ([article(title="")], {}, "ARTICLE_TITLE_EMPTY"),
        ([article(text="")], {}, "message text is empty"),
        ([article(text="<b>open")], {}, "can't parse entities"),
        ([article(str(n)) for n in range(51)], {"next_offset": ""}, "RESULTS_TOO_MUCH"),
        ([article()], {"button": InlineQueryResultsButton("More", start_parameter="no blank")}, "results button"),
        ([InlineQueryResultPhoto("1", "https://x.test/a.jpg", "https://x.test/b.jpg")], {}, "not supported here"),
    ],
)
async def test_what_it_refuses(bot: Bot, person: Person, results: list[Any], how: dict[str, Any], said: str) -> None:
    typing = asyncio.create_task(person.types_inline())
    with pytest.raises(BadRequest, match=rf"(?i){said}"):
        await answers(bot, *results, **how)
    typing.cancel()


async def test_a_question_is_answered_once(bot: Bot, person: Person) -> None:
    typing = asyncio.create_task(person.types_inline())
    id_ = await answers(bot, article())
    assert len((await typing).choices) == 1
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_inline_query(id_, [article()])
