"""Answers to what people asked: button presses, and words typed after the bot's name in any chat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.double import content, keyboards
from bot.double.errors import bad
from bot.double.methods.registry import method

if TYPE_CHECKING:
    from bot.double.requests import Call
    from bot.double.world import World

RESULTS_MAX = 50
RESULT_ID_BYTES_MAX = 64
START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@method("answerCallbackQuery")
async def answer_callback_query(world: World, call: Call) -> Any:
    """Stops the button's spinner, with an optional toast or alert."""
    text = call.get("text", "")
    if len(text) > 200:
        raise bad("MESSAGE_TOO_LONG")
    answer = {"text": text, "show_alert": call.get("show_alert", False), "url": call.get("url")}
    world.answer("callback", call["callback_query_id"], answer, world.limits.callback_answer_seconds)
    return True


@method("answerInlineQuery")
async def answer_inline_query(world: World, call: Call) -> Any:
    """Offers articles, and a button above them that leads into the private chat. Other kinds of results are not in the double."""
    results = call["results"]
    if len(results) > RESULTS_MAX:
        raise bad("RESULTS_TOO_MUCH")
    offered = [_article(world, each) for each in results]
    if len({each["id"] for each in offered}) < len(offered):
        raise bad("RESULT_ID_DUPLICATE")
    button = call.get("button")
    if button is not None and not (
        isinstance(button.get("text"), str)
        and button["text"]
        and START_PARAMETER.fullmatch(button.get("start_parameter", ""))
    ):
        raise bad("can't parse inline query results button")
    above = None if button is None else (button["text"], button["start_parameter"])
    within = world.limits.inline_update_seconds
    world.answer("inline", call["inline_query_id"], {"results": offered, "button": above}, within)
    return True


def _article(world: World, raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict) or raw.get("type") != "article":
        raise bad("can't parse inline query result: type of result is not supported here")
    id_, title, said = raw.get("id"), raw.get("title"), raw.get("input_message_content")
    if not isinstance(id_, str) or not 1 <= len(id_.encode()) <= RESULT_ID_BYTES_MAX:
        raise bad("RESULT_ID_INVALID")
    if not isinstance(title, str) or not title:
        raise bad("ARTICLE_TITLE_EMPTY")
    if not isinstance(said, dict) or not isinstance(said.get("message_text"), str):
        raise bad("MESSAGE_TEXT_EMPTY")
    body = content.text_body(world, {**said, "text": said["message_text"]})
    markup = keyboards.check_inline(raw.get("reply_markup"), strict=world.strict)
    if markup is not None:
        body["reply_markup"] = markup
    return {"id": id_, "title": title, "description": raw.get("description", ""), "body": body}
