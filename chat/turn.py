"""A turn: one key, one database transaction, one outcome.

The edge opens it (locks, key, dialogue, who it is), a feature runs in it, the edge closes it (dialogue, outbox) and commits.
A feature reads and writes through `tx`, moves the dialogue, tells other people, and returns what this person sees. It never
awaits the network and never commits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from chat.screen import Screen
from chat.words import Speaker
from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.points.commands import Moment
from ledger.programme import Programme

Policy = Literal["reply", "operational", "promotional"]


@dataclass(frozen=True, slots=True)
class Tell:
    """A message to somebody else, or later: written to the outbox by this turn.

    `key` makes it once-only across turns; `not_after` drops it when too late.
    """

    member_id: int
    screen: Screen
    policy: Policy = "operational"
    key: str | None = None
    not_after: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A picture or document that this person just sent: Telegram's id of it, its size in bytes, what they wrote beside it.

    A picture has no name. The same content sent twice has the same `unique_id`. `album`: what several that were sent together have
    in common; each of them comes in an update of its own, in any order.
    """

    file_id: str
    unique_id: str
    kind: Literal["photo", "document"]
    name: str | None
    size: int
    caption: str
    album: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone number that was shared; `own`: Telegram says that it is the sender's."""

    phone: str
    own: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """An invoice that is about to be paid, or has been: then with the payment's numbers at Telegram and at the provider."""

    minor: int
    money: str
    telegram_charge: str = ""
    provider_charge: str = ""


@dataclass(slots=True)
class Dialogue:
    """Where this chat is in a conversation: state «feature.step» (empty: nowhere) and what was said so far (JSON)."""

    state: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Turn:
    """What a feature may touch.

    `now` is the wall's instant; `today` the programme's date, `ahead_days` ahead of the wall's. `member` is None until the person
    has joined. `language` is what to speak now (chosen, else Telegram's hint). `chat_id` and `telegram_id` are the person's; in
    groups they differ. `name` is what Telegram says they are called. `nonce()` gives a fresh unguessable text of 8 characters for
    buttons; `code()` random digits or letters are made from it. `sign(text)` is a keyed 8-character signature for links and
    buttons. `file` is what was sent, in a file step only; `contact` what was shared, in a contact step only; `payment` what is
    paid, where an invoice is. `invoices`: whether a payment provider is set up, so that invoices can be sent. `inline`: whether
    the bot may be named in other chats (Telegram's inline mode).
    """

    tx: AsyncConnection
    key: str
    now: dt.datetime
    today: dt.date
    zone: dt.tzinfo
    chat_id: int
    telegram_id: int
    name: str
    language: str
    vault: Vault
    nonce: Callable[[], str]
    bot_username: str
    programme: Programme
    ahead_days: int = 0
    member: Member | None = None
    dialogue: Dialogue = field(default_factory=Dialogue)
    tells: list[Tell] = field(default_factory=list)
    file: Received | None = None
    contact: Contact | None = None
    payment: Payment | None = None
    invoices: bool = False
    inline: bool = False

    @property
    def at(self) -> Moment:
        """The moment of this turn, as ledger commands take it."""
        return Moment(self.now, self.today, self.ahead_days)

    @property
    def me(self) -> Member:
        """The member whose turn it is; a feature that needs one is only reached by members."""
        if self.member is None:
            raise LookupError("this person has not joined")
        return self.member

    @property
    def actor(self) -> str:
        """Who acts, as entries record it."""
        return self.member.actor if self.member else f"guest:{self.chat_id}"

    @contextmanager
    def on_account(self) -> Iterator[None]:
        """Meanwhile, `me` is the account that this person uses: their own, or that of the company they act for."""
        person = self.member
        if person is None or person.account is person:
            yield
            return
        self.member = person.account
        try:
            yield
        finally:
            self.member = person

    @property
    def speaker(self) -> Speaker:
        """Renders words for this person, today."""
        return Speaker(self.language, self.today, self.zone)

    def goto(self, state: str, **data: Any) -> None:
        """Continue the conversation at `state` («feature.step») with `data` instead of what was said so far."""
        self.dialogue.state, self.dialogue.data = state, data

    def finish(self) -> None:
        """Leave the conversation."""
        self.goto("")

    def tell(
        self,
        member_id: int,
        screen: Screen,
        *,
        policy: Policy = "operational",
        key: str | None = None,
        not_after: dt.datetime | None = None,
    ) -> None:
        """Send somebody a message once this turn has committed."""
        self.tells.append(Tell(member_id, screen, policy, key, not_after))
