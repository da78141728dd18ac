"""What a person sees, as data: tests read it, the edge draws it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from chat.words import Both, Text

BLANK: Literal[""] = ""
"""An empty line between two thoughts."""

Line = Text | Literal[""]


@dataclass(frozen=True, slots=True)
class Button:
    """One tap. Exactly one of `data` (≤ 64 bytes, made by `Feature.button`), `url`, `copy`, `passes` says what it does: `passes`
    lets the person choose a chat and offers there what features pass on, as if they had typed these words after the bot's name.

    `style` is «primary» for the main act of a screen, «danger» for what cannot be undone.
    """

    label: Text | Both
    data: str | None = None
    url: str | None = None
    copy: str | None = None
    passes: str | None = None
    style: Literal["primary", "danger"] | None = None

    def __post_init__(self) -> None:
        if sum(x is not None for x in (self.data, self.url, self.copy, self.passes)) != 1:
            raise ValueError("a button does exactly one thing")
        if self.data is not None and not 1 <= len(self.data.encode()) <= 64:
            raise ValueError(f"callback data is 1 to 64 bytes: {self.data!r}")


@dataclass(frozen=True, slots=True)
class QR:
    """A QR picture of `data`, drawn after the words have left and put into the same message."""

    data: str


@dataclass(frozen=True, slots=True)
class Photo:
    """A stored picture, by the name of its asset (demo and merchants' photos)."""

    asset: str


@dataclass(frozen=True, slots=True)
class File:
    """A file made for this message: a table, a statement. It waits in the outbox as it is, so it is small (some 100 kB)."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """A picture or document that somebody sent us, shown again by Telegram's own id of it."""

    file_id: str
    kind: Literal["photo", "document"]


@dataclass(frozen=True, slots=True)
class Invoice:
    """A bill that is paid in the chat, for goods and services alone. `payload` comes back with the payment: «purpose_token».

    `title` (cut to 32 characters) and `description` (255) are shown with the total and Telegram's own button.
    """

    title: Text
    description: Text
    payload: str
    minor: int
    money: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.payload.encode()) <= 128:
            raise ValueError(f"an invoice's payload is 1 to 128 bytes: {self.payload!r}")


@dataclass(frozen=True, slots=True)
class AskContact:
    """Keys beside the typing field in place of buttons: one shares the person's own phone number, the other goes back.

    What is shared comes to the feature's contact step; the other key's label comes as if typed.
    """

    share: Text
    back: Text


@dataclass(frozen=True, slots=True)
class Renew:
    """A tap that nobody makes: from `at` on, `data` (made by `Feature.data`) runs once and its screen replaces this message.

    It runs in a turn of its own, in the process that said the message, and not at all where that process has ended: whatever it
    keeps fresh must have a button too. By then the person may be elsewhere: the callback answers None unless the dialogue still
    stands where this screen left it.
    """

    data: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """How a message is called in the list of what somebody may send to one of their own chats, and a line about it."""

    title: Text
    about: Text


@dataclass(frozen=True, slots=True)
class Screen:
    """One message: lines of text, rows of buttons, perhaps a picture.

    Answering a tap, it replaces the tapped message; `fresh=True` sends a new one instead and leaves the old as it is.
    `alert` is shown as a notice over the chat: alone it has to be closed, beside the redrawn message it passes by itself (≤ 200
    characters when rendered).
    `protect` keeps a code from being forwarded. `renew` replaces the screen later. A screen without lines shows only its alert.
    `file` comes with the message, which is always a new one: what is handed over must not vanish with the next tap.
    `invoice` is a message of its own, without buttons; the lines are what is said where Telegram does not take it.
    `keys` replaces the buttons by keys at the typing field, or takes those «away»; such a message is a new one too.
    `choice` is of a message that is passed on to a chat of the person's own (`Feature.passes_on`); its buttons are links.
    """

    lines: tuple[Line, ...] = ()
    rows: tuple[tuple[Button, ...], ...] = ()
    picture: QR | Photo | None = None
    file: File | Given | None = None
    invoice: Invoice | None = None
    alert: Text | None = None
    fresh: bool = False
    protect: bool = False
    renew: Renew | None = None
    keys: AskContact | Literal["away"] | None = None
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class Onward:
    """Another feature's screen as the answer, as if its `door` (chat/doors.py) had been tapped; `alert` is said beside it."""

    door: Button
    alert: Text | None = None


def grid(buttons: Iterable[Button | None], width: int = 2) -> list[list[Button | None]]:
    """Buttons in rows of so many."""
    kept = list(buttons)
    return [kept[i : i + width] for i in range(0, len(kept), width)]


def screen(lines: Iterable[Line | None], rows: Iterable[Iterable[Button | None]] = (), **how: object) -> Screen:
    """A `Screen` from loose parts: lines and buttons that are None are left out, as are rows left empty."""
    kept = tuple(tuple(b for b in row if b is not None) for row in rows)
    return Screen(tuple(line for line in lines if line is not None), tuple(r for r in kept if r), **how)  # type: ignore[arg-type]
