"""Keyboards under messages: what a button must have, may not have, and how many there may be.

Counts come from the published limits; where Telegram silently takes the first of two actions or drops a button, strict mode
refuses, because the bot did not mean it.
"""

from __future__ import annotations

from typing import Any

from bot.double import links
from bot.double.errors import ApiError, bad

BUTTONS_MAX = 100
ROW_MAX = 8
DATA_BYTES_MAX = 64
COPY_TEXT_MAX = 256
PLACEHOLDER_MAX = 64
STYLES = frozenset({"", "default", "primary", "danger", "success"})
# In the order in which Telegram looks for them; the first one there counts.
ACTIONS = (
    "url",
    "callback_data",
    "callback_game",
    "pay",
    "switch_inline_query",
    "switch_inline_query_chosen_chat",
    "switch_inline_query_current_chat",
    "login_url",
    "web_app",
    "copy_text",
)
LOOKS = ("text", "icon_custom_emoji_id", "style")
REQUESTS = {
    "request_contact": "phone number can be requested in private chats only",
    "request_location": "location can be requested in private chats only",
    "request_poll": "poll can be requested in private chats only",
    "web_app": "Web App buttons can be used in private chats only",
    "request_users": "users can be requested in private chats only",
    "request_chat": "chats can be requested in private chats only",
}
SHORT = "can't parse inline keyboard button: "


def check(markup: dict[str, Any] | None, *, strict: bool) -> dict[str, Any] | None:
    """Any reply markup, in normal form; None when it holds nothing.

    Raises:
        ApiError 400: the first thing wrong with it.
    """
    if not markup:
        return None
    if markup.get("keyboard"):
        return _reply_keyboard(markup)
    if markup.get("inline_keyboard"):
        return _inline_keyboard(markup["inline_keyboard"], strict)
    if markup.get("remove_keyboard"):
        return {"remove_keyboard": True}
    if markup.get("force_reply"):
        _placeholder(markup)
        return markup
    return None


def check_inline(markup: dict[str, Any] | None, *, strict: bool) -> dict[str, Any] | None:
    """The markup of an edit, where only inline keyboards are possible.

    Raises:
        ApiError 400: `inline keyboard expected`, or what is wrong with a button.
    """
    checked = check(markup, strict=strict)
    if checked is not None and "inline_keyboard" not in checked:
        raise bad("inline keyboard expected")
    return checked


def check_for_chat(markup: dict[str, Any] | None, *, private: bool, invoice: bool = False) -> None:
    """Refuses what this chat or message may not carry.

    Raises:
        ApiError 400: Web Apps and requests outside private chats, a pay button elsewhere than first in an invoice, or an invoice
            whose first button is another.
    """
    if markup is None:
        return
    rows = markup.get("inline_keyboard")
    if rows is None:
        if not private:
            for button in (button for row in markup.get("keyboard", ()) for button in row):
                for name, words in REQUESTS.items():
                    if button.get(name):
                        raise bad(words)
        return
    if invoice and rows and "pay" not in rows[0][0]:
        raise bad("BUTTON_POS_INVALID")
    for row_number, row in enumerate(rows):
        for number, button in enumerate(row):
            if "web_app" in button and not private:
                raise bad("BUTTON_TYPE_INVALID")
            if "pay" in button:
                if not invoice:
                    raise bad("BUTTON_TYPE_INVALID")
                if row_number or number:
                    raise bad("BUTTON_POS_INVALID")


def _rows(rows: Any, field: str) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad(f'field "{field}" must be an Array of Arrays')
    full = [row for row in rows if row]
    if sum(map(len, full)) > BUTTONS_MAX:
        raise bad("reply markup is too long")
    return full


def _inline_keyboard(rows: Any, strict: bool) -> dict[str, Any] | None:
    full = _rows(rows, "inline_keyboard")
    if strict and any(len(row) > ROW_MAX for row in full):
        raise bad("reply markup is too long")
    checked = [[_inline_button(button, strict) for button in row] for row in full]
    return {"inline_keyboard": checked} if checked else None


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise bad(f'{SHORT}Field "{name}" must be of type String')
    return value


def _inline_button(button: Any, strict: bool) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise bad(f"{SHORT}InlineKeyboardButton must be an Object")
    if "text" not in button:
        raise bad(f'{SHORT}Can\'t find field "text"')
    text = _text(button["text"], "text")
    if button.get("style", "") not in STYLES:
        raise bad(f"{SHORT}invalid button style specified")
    # An empty address or datum is no action at all.
    actions = [name for name in ACTIONS if name in button and not (name in ACTIONS[:2] and button[name] == "")]
    if not actions:
        raise bad(f"{SHORT}Text buttons are unallowed in the inline keyboard")
    if strict:
        unknown = [name for name in button if name not in ACTIONS and name not in LOOKS]
        if len(actions) > 1 or unknown:
            raise bad(f"{SHORT}more than one action or unknown fields: {', '.join(actions + unknown)}")
    if not text:
        raise bad("inline keyboard button text must be non-empty")
    action = actions[0]
    checked = {name: button[name] for name in LOOKS if button.get(name)}
    checked[action] = _action(action, button[action])
    return checked


def _action(name: str, value: Any) -> Any:
    if name == "callback_data":
        if len(_text(value, name).encode("utf-8", "surrogatepass")) > DATA_BYTES_MAX:
            raise bad("BUTTON_DATA_INVALID")
        return value
    if name == "url":
        url = _text(value, name)
        return url if links.user_of(url) is not None else _link(url, "URL", https_only=False)
    if name in {"switch_inline_query", "switch_inline_query_current_chat"}:
        return _text(value, name)
    if name == "pay":
        return True
    if not isinstance(value, dict):
        raise bad(f'{SHORT}Field "{name}" must be of type Object')
    if name == "web_app":
        return {"url": _link(_text(value.get("url"), "url"), "Web App URL", https_only=True)}
    if name == "login_url":
        return {**value, "url": _link(_text(value.get("url"), "url"), "login URL", https_only=True)}
    if name == "copy_text" and not 1 <= len(_text(value.get("text"), "text")) <= COPY_TEXT_MAX:
        raise bad("BUTTON_COPY_TEXT_INVALID")
    return value


def _link(url: str, what: str, *, https_only: bool) -> str:
    try:
        return links.check(url, https_only=https_only)
    except links.BadLink as problem:
        raise _bad_link(what, url, problem) from None


def _bad_link(what: str, url: str, problem: Exception) -> ApiError:
    return bad(f"inline keyboard button {what} '{url}' is invalid: {problem}")


def _placeholder(markup: dict[str, Any]) -> None:
    placeholder = markup.get("input_field_placeholder")
    if placeholder is not None and not 1 <= len(placeholder) <= PLACEHOLDER_MAX:
        raise bad("input field placeholder must be 1-64 characters long")


def _reply_keyboard(markup: dict[str, Any]) -> dict[str, Any] | None:
    rows = []
    for row in _rows(markup["keyboard"], "keyboard"):
        rows.append([{"text": button} if isinstance(button, str) else button for button in row])
        for button in rows[-1]:
            if not isinstance(button, dict):
                raise bad("can't parse keyboard button: KeyboardButton must be a String or an Object")
            if not isinstance(button.get("text"), str):
                raise bad("can't parse keyboard button: Can't find field \"text\"")
            if not button["text"]:
                raise bad("keyboard button text must be non-empty")
            if button.get("style", "") not in STYLES:
                raise bad("can't parse keyboard button: invalid button style specified")
    _placeholder(markup)
    return {**markup, "keyboard": rows} if rows else None
