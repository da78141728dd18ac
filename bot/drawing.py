"""From a `Screen` to what the Bot API takes, in the reader's language. Pure: no network, no database.

The result is plain JSON, so that it can wait in the outbox and be sent by whoever comes next:

    text      Telegram HTML; absent when only a tap is answered
    keyboard  rows of inline buttons as the Bot API has them
    invoice   {"title", "description", "payload", "minor", "money"}: a bill in place of the text, which is said where
              it can't be sent
    picture   {"qr": data} or {"photo": asset}
    file      {"photo": id} or {"document": id}, both of Telegram, or {"name", "base64"}
    keys      instead of a keyboard, at the typing field: {"share": label, "back": label}, or "away"
    protect   the message can't be forwarded
    inline    what somebody typed after the bot's name in a chat of theirs, to be answered: alone, with `choices`, each {"id",
              "title", "about", "text", "keyboard"}, or `instead`, words that lead here where there are none
    checkout  the question before a payment to be answered: alone, with `error` where the answer is no
    query     the tap to be answered, `alert` with it as a notice over the chat
    edit      the tapped message to be replaced: {"id", "picture": it shows one, "protected": it is protected,
              "only": where it is gone, nothing is said}
    renew     what replaces the message later: {"data": a tap's callback data, "at": ISO instant, "language"}
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chat.screen import QR, AskContact, Button, File, Given, Invoice, Screen
from chat.words import Speaker
from ledger.errors import Fault

TEXT_MAX = 4096
CAPTION_MAX = 1024
ALERT_MAX = 200
BUTTONS_MAX = 100
ROOM = {2: 18, 3: 11, 4: 8}
"""Columns of a label that a phone of 390 points shows whole, by how many buttons share the row."""
ROOM_LEAST = 6
INSTEAD_MAX = 60
INVOICE_TITLE_MAX = 32
INVOICE_DESCRIPTION_MAX = 255

Drawn = dict[str, Any]

_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Tapped:
    """The tap that is being answered: the query's id and the message whose button it was (0: too old to edit).

    Without a query nobody tapped: the message renews itself, and nobody misses it where it is gone.
    """

    query: str | None
    message_id: int
    picture: bool = False
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Checkout:
    """The question before a payment that is being answered: its id."""

    query: str


@dataclass(frozen=True, slots=True)
class Inline:
    """What was typed after the bot's name and is being answered: its id."""

    query: str


Asked = Tapped | Checkout | Inline
"""What is being answered where it is no message."""


def draw(screens: Sequence[Screen], speaker: Speaker, tapped: Asked | None = None) -> list[Drawn]:
    """The messages of a turn, in order. The first answers the tap, where there is one; a tap is always answered. So is the question
    before a payment: a screen is why not.

    Raises:
        Fault: a text, an alert or a keyboard is larger than Telegram takes.
    """
    if isinstance(tapped, Checkout):
        return [{"checkout": tapped.query, **({"error": _plain(screens[0], speaker)} if screens else {})}]
    if isinstance(tapped, Inline):
        return [_offered(tapped.query, screens, speaker)]
    drawn = [_draw(screen, speaker) for screen in screens]
    if tapped is not None:
        if not drawn:
            drawn.append({})
        first = drawn[0]
        if tapped.query is not None:
            first["query"] = tapped.query
        if (
            "text" in first
            and tapped.message_id
            and not screens[0].fresh
            and not {"file", "keys", "invoice"} & first.keys()
        ):
            first["edit"] = {"id": tapped.message_id, "picture": tapped.picture, "protected": tapped.protected}
            if tapped.query is None:
                first["edit"]["only"] = True
    # An alert is a notice on a tap; where there was none (or it is not the first screen) nobody could show it.
    return [each for i, each in enumerate(drawn) if "text" in each or (i == 0 and tapped is not None)]


def _offered(query: str, screens: Sequence[Screen], speaker: Speaker) -> Drawn:
    choices = []
    for number, each in enumerate(screens):
        if each.choice is not None:
            facts = {"title": speaker.plain(each.choice.title), "about": speaker.plain(each.choice.about)}
            choices.append({"id": str(number), **facts, **_draw(each, speaker)})
    if choices or not screens:
        return {"inline": query, "choices": choices}
    return {"inline": query, "choices": [], "instead": _cut(_plain(screens[0], speaker), INSTEAD_MAX)}


def _draw(screen: Screen, speaker: Speaker) -> Drawn:
    drawn: Drawn = {}
    if screen.alert is not None:
        drawn["alert"] = _within(speaker.plain(screen.alert), ALERT_MAX, "alert")
    if not screen.lines:
        return drawn
    text = "\n".join(speaker.line(line) if line else "" for line in screen.lines)
    _within(html.unescape(_TAG.sub("", text)), CAPTION_MAX if screen.picture or screen.file else TEXT_MAX, "text")
    drawn["text"] = text
    if screen.rows:
        if sum(map(len, screen.rows)) > BUTTONS_MAX:
            raise Fault(f"a keyboard has more than {BUTTONS_MAX} buttons")
        rows = ([_button(button, speaker) for button in row] for row in screen.rows)
        drawn["keyboard"] = [part for row in rows for part in _fitting(row)]
    if screen.picture is not None:
        picture = screen.picture
        drawn["picture"] = {"qr": picture.data} if isinstance(picture, QR) else {"photo": picture.asset}
    if screen.file is not None:
        drawn["file"] = _file(screen.file)
    if screen.invoice is not None:
        drawn["invoice"] = _invoice(screen.invoice, speaker)
    if screen.keys is not None:
        asked = screen.keys
        drawn["keys"] = asked if asked == "away" else _keys(asked, speaker)
    if screen.protect:
        drawn["protect"] = True
    if screen.renew is not None:
        drawn["renew"] = {
            "data": screen.renew.data,
            "at": screen.renew.at.isoformat(),
            "language": speaker.language,
        }
    return drawn


def _plain(screen: Screen, speaker: Speaker) -> str:
    """A screen's words on one line."""
    return _cut(" ".join(speaker.plain(line) for line in screen.lines if line), ALERT_MAX)


def _invoice(invoice: Invoice, speaker: Speaker) -> dict[str, Any]:
    return {
        "title": _cut(speaker.plain(invoice.title), INVOICE_TITLE_MAX),
        "description": _cut(speaker.plain(invoice.description), INVOICE_DESCRIPTION_MAX),
        "payload": invoice.payload,
        "minor": invoice.minor,
        "money": invoice.money,
    }


def _cut(text: str, characters_max: int) -> str:
    return text if len(text) <= characters_max else text[: characters_max - 1].rstrip() + "…"


def _button(button: Button, speaker: Speaker) -> dict[str, Any]:
    drawn: dict[str, Any] = {"text": speaker.plain(button.label)}
    if button.data is not None:
        drawn["callback_data"] = button.data
    elif button.url is not None:
        drawn["url"] = button.url
    elif button.copy is not None:
        drawn["copy_text"] = {"text": button.copy}
    else:
        where = {"allow_user_chats": True, "allow_group_chats": True}
        drawn["switch_inline_query_chosen_chat"] = {"query": button.passes, **where}
    if button.style is not None:
        drawn["style"] = button.style
    return drawn


def _fitting(row: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """A row whose labels a phone would cut short, as several with more room."""
    if len(row) == 1 or all(_columns(each["text"]) <= ROOM.get(len(row), ROOM_LEAST) for each in row):
        return [row]
    half = (len(row) + 1) // 2
    return [*_fitting(row[:half]), *_fitting(row[half:])]


def _columns(text: str) -> int:
    """How wide a label is: Chinese signs count two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _keys(asked: AskContact, speaker: Speaker) -> dict[str, str]:
    return {"share": speaker.plain(asked.share), "back": speaker.plain(asked.back)}


def _file(file: File | Given) -> dict[str, str]:
    if isinstance(file, Given):
        return {file.kind: file.file_id}
    return {"name": file.name, "base64": base64.b64encode(file.content).decode()}


def _within(text: str, characters_max: int, what: str) -> str:
    if len(text) > characters_max:
        raise Fault(f"the {what} has {len(text)} characters, Telegram takes {characters_max}: {text[:60]!r}…")
    return text
