"""Opening and closing a turn: one round trip each, in SQL functions that the schema carries (`chat/sql`)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.addressees import messages_of
from bot.clock import Clock
from bot.drawing import Drawn
from bot.failures import NoProgramme
from bot.outbox import LEASE_SECONDS, UPLOAD_LEASE_SECONDS, Outbox, Row
from bot.reply import without_answer
from bot.request import compact
from chat.turn import Dialogue, Turn
from ledger.members.member import Acting, Member
from ledger.members.vault import Vault
from ledger.points.reading import fetch, run
from ledger.programme import Programme

_OPEN = "SELECT * FROM turn_open($1, $2, $3, $4, $5)"
_LOOK = "SELECT * FROM turn_look($1, $2, $3)"
_CLOSE = "SELECT * FROM turn_close($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who speaks to us and where, as Telegram says."""

    chat_id: int
    telegram_id: int
    name: str
    language_code: str | None

    def says_otherwise(self, heard: str | None) -> bool:
        """Whether their Telegram names another language than it did before."""
        return self.language_code is not None and language_of(self.language_code) != heard


@dataclass(frozen=True, slots=True)
class Opened:
    """A turn ready to run, and what only the edge needs of what was read with it.

    `began` is the dialogue as it was; `heard` what Telegram said of the member's language before.
    """

    turn: Turn
    began: tuple[str, str]
    unreachable: bool
    backlog: bool
    heard: str | None


class Written(NamedTuple):
    """A row of the outbox that `turn_close` made."""

    chat_id: int
    id: int
    key: str | None
    leased: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """What a close wrote: rows for this process to send, and lanes whose backlog goes first."""

    rows: list[Row]
    behind: set[tuple[int, str]]
    mine: list[int]

    def hand_over(self, outbox: Outbox) -> None:
        """After the commit: say what was written."""
        if self.rows:
            outbox.send_soon([replace(row, drawn=without_answer(row.drawn)) for row in self.rows], self.mine)
        for chat_id, policy in self.behind:
            outbox.hurry(chat_id, policy)


def lane_number(kind: str, number: int) -> int:
    """The advisory lock of one thing: a 64-bit hash of `kind:id`."""
    return int.from_bytes(hashlib.blake2b(f"{kind}:{number}".encode(), digest_size=8).digest(), "big", signed=True)


def language_of(hint: str | None) -> str:
    """What to speak with somebody who has not chosen: Chinese to Chinese clients and to those that don't say."""
    return "zh" if hint is None or hint.lower().startswith("zh") else "en"


class Opener:
    """Makes turns. Keeps the programme's document by version, so that it travels only when it has changed."""

    def __init__(
        self,
        vault: Vault,
        clock: Clock,
        bot_username: Callable[[], str],
        *,
        inline: Callable[[], bool] = lambda: False,
        invoices: bool = False,
    ) -> None:
        self._inline = inline
        self._invoices = invoices
        self._vault = vault
        self._clock = clock
        self._bot_username = bot_username
        self._programme: Programme | None = None
        self._version: int | None = None

    async def open(self, tx: AsyncConnection, key: str, caller: Caller) -> Opened | None:
        """Lock the chat, claim the key, read what the turn needs. None: the key was used before.

        Raises:
            NoProgramme: there is nothing to be a member of.
        """
        lane = lane_number("chat", caller.chat_id)
        who = self._vault.blind("telegram", caller.telegram_id)
        [found] = await run(tx, _OPEN, lane, key, caller.chat_id, who, self._version)
        return self._opened(found, key, caller, tx)

    async def look(self, connection: AsyncConnection, key: str, caller: Caller) -> Opened:
        """The same without lock and key, for a turn that only reads.

        Raises:
            NoProgramme: there is nothing to be a member of.
        """
        who = self._vault.blind("telegram", caller.telegram_id)
        (found,) = await fetch(connection, _LOOK, caller.chat_id, who, self._version)
        opened = self._opened(found, key, caller, connection)
        assert opened is not None
        return opened

    def _opened(self, row: Any, key: str, caller: Caller, tx: AsyncConnection) -> Opened | None:
        (
            seen, state, said, member_id, status, language, region, joined_on, unreachable, heard,
            staff_at, staff_role, operator_role, company_id, company_name, company_role,
            version, document, ahead_days, backlog,
        ) = row  # fmt: skip
        if seen:
            return None
        if document is not None:
            self._programme, self._version = Programme.model_validate_json(document), version
        if self._programme is None or version is None:
            raise NoProgramme("nothing set up: run `jifen demo`, or load a programme")
        member = None
        if member_id is not None:
            staff = tuple(zip(staff_at or (), staff_role or (), strict=True))
            operator = frozenset(operator_role or ())
            acts_for = Acting(company_id, company_name, company_role) if company_id is not None else None
            member = Member(member_id, status, language, region, joined_on, staff, operator, acts_for)
        now = self._clock.now()
        turn = Turn(
            tx=tx,
            key=key,
            now=now,
            today=self._clock.today(ahead_days, now),
            zone=self._clock.zone,
            chat_id=caller.chat_id,
            telegram_id=caller.telegram_id,
            name=caller.name,
            language=language or language_of(caller.language_code),
            vault=self._vault,
            nonce=_nonce,
            bot_username=self._bot_username(),
            programme=self._programme,
            ahead_days=ahead_days or 0,
            member=member,
            dialogue=Dialogue(state, json.loads(said)) if state is not None else Dialogue(),
            invoices=self._invoices,
            inline=self._inline(),
        )
        return Opened(turn, standing(turn), bool(unreachable), backlog, heard)


def standing(turn: Turn) -> tuple[str, str]:
    """Where the dialogue is, as a value that later changes don't reach."""
    return turn.dialogue.state, compact(turn.dialogue.data) if turn.dialogue.data else "{}"


def _nonce() -> str:
    return secrets.token_urlsafe(6)


async def close(opened: Opened, drawn: Sequence[Drawn], outbox: Outbox, vault: Vault) -> Closed:
    """Write the dialogue (where it is no longer as it began) and everything to be said. One round trip, or none.

    Telling other members costs two more, to find them.
    """
    turn = opened.turn
    member_id = turn.member.id if turn.member else None
    messages: list[dict[str, Any]] = [
        {
            "chat_id": turn.chat_id,
            "member_id": member_id,
            "method": "say",
            "params": each,
            "policy": "reply",
            "lease": _lease(each),
        }
        for each in drawn
    ]
    told = await messages_of(turn.tx, vault, turn.tells, today=turn.today, zone=turn.zone)
    # A broadcast is never anybody's to send at once: it waits for its share of the budget.
    messages += [{**each, "lease": _lease(each["params"]) if each["policy"] == "operational" else 0} for each in told]
    state, said = standing(turn)
    moved = (state, said) != opened.began
    if not messages and not moved:
        return Closed([], set(), [])
    mine = outbox.mine({each["chat_id"] for each in messages})
    until = time.monotonic()
    found = await run(
        turn.tx, _CLOSE, turn.chat_id, state if moved else None, said if moved else None, compact(messages), mine
    )
    return _closed(messages, found, mine, until)


def _lease(drawn: Drawn) -> float:
    return UPLOAD_LEASE_SECONDS if "photo" in drawn.get("picture", {}) or "file" in drawn else LEASE_SECONDS


def _closed(messages: list[dict[str, Any]], found: Sequence[Any], mine: list[int], since: float) -> Closed:
    """Match what was written with what was asked: rows come back in order, those whose key was used don't come at all."""
    written = [Written(*row) for row in found]
    keyed = {row.key: row for row in written if row.key is not None}
    unkeyed = (row for row in written if row.key is None)
    rows, behind = [], set()
    for message in messages:
        key = message.get("key")
        row = next(unkeyed) if key is None else keyed.pop(key, None)
        if row is None:
            continue
        if not row.leased:
            if message["policy"] != "promotional":
                behind.add((row.chat_id, message["policy"]))
            continue
        rows.append(
            Row(
                chat_id=row.chat_id,
                id=row.id,
                policy=message["policy"],
                drawn=message["params"],
                mine_until=since + message["lease"],
                key=key,
                member_id=message["member_id"],
                not_after=dt.datetime.fromisoformat(until) if (until := message.get("not_after")) else None,
            )
        )
    return Closed(rows, behind, mine)
