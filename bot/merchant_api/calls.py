"""What there is to ask, as data, and a request at work in its transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.merchant_api import problems
from chat.turn import Tell
from chat.words import Speaker
from ledger.errors import Refusal
from ledger.members import reference, succession
from ledger.members.vault import Vault
from ledger.merchants.api_keys import ApiKey, Scope
from ledger.merchants.merchant import Merchant
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment, Receipt


@dataclass(slots=True)
class Call:
    """A request that was admitted: whose key, which merchant, when, and what its path names.

    `receipts` are what members are to be told of, `tells` what else they are told. `names` is set to a member's id by whoever
    puts their name into the answer: erasing the member then erases the answer.
    """

    tx: AsyncConnection
    key: ApiKey
    merchant: Merchant
    at: Moment
    zone: dt.tzinfo
    vault: Vault
    speaker: Speaker
    path: Mapping[str, str] = field(default_factory=dict)
    names: int | None = None
    receipts: list[Receipt] = field(default_factory=list)
    tells: list[Tell] = field(default_factory=list)
    body: bytes = b""
    """A file, where the operation takes one."""
    refill: Callable[[AsyncConnection], Awaitable[None]] | None = None
    """Empties a sandbox and fills it anew; None: this is no sandbox."""

    @property
    def staff(self) -> Staff:
        """The key as somebody at the counter: numbers below zero are keys."""
        return Staff(-self.key.id, self.merchant.id, 0, "cashier", self.key.label, self.key.made_at)

    def member(self, said: str) -> int:
        """The member that a reference names. `Problem` 404."""
        return member_of(self.vault, self.merchant.id, said)

    async def holder(self, said: str) -> int:
        """Who has now the account of the member that a reference names. `Problem` 404."""
        return await succession.holder(self.tx, self.member(said))

    def reference(self, member_id: int) -> str:
        """How this merchant names a member."""
        return reference.reference(self.vault, self.merchant.id, member_id)


@dataclass(frozen=True, slots=True)
class Download:
    """A file, with what it is."""

    name: str
    content: bytes
    media: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that leaves something behind: what was written stays, unlike with a refusal that is raised."""

    refusal: Refusal


Run = Callable[[Any, Any], Awaitable[BaseModel | Refused | Download]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One path and method.

    Args:
        summary: a sentence for the description, in English.
        scope: what a key must be allowed; None: it is about the sandbox itself, and any test key may ask; or see `applies`.
        asks: the model of the body, or of the query where the method is GET; None: there is neither.
        answers: the model of the answer; None: it is a file, of one of `media`.
        kind: read (no transaction), write (under an Idempotency-Key), note (writes down that it was asked, without a key).
        refuses: problem statuses of its own, besides those that any operation may answer.
        applies: asked by nobody's key: «new» to apply as a merchant, «own» with the token of an application.
        bytes_most: of the body.
        run: None for what is combined with others (`purchases`).
        takes: the body is a file of one of these media types, and `asks` is the query; empty: the body is JSON.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    summary: str
    scope: Scope | None
    answers: type[BaseModel] | None
    asks: type[BaseModel] | None = None
    kind: Literal["read", "write", "note"] = "read"
    status: int = 200
    refuses: tuple[int, ...] = ()
    bytes_most: int = 262_144
    run: Run | None = None
    media: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    applies: Literal["", "new", "own"] = ""


def member_of(vault: Vault, merchant_id: int, said: str) -> int:
    """The member that a reference names at a merchant. `Problem` 404."""
    found = reference.member_of(vault, merchant_id, said)
    if found is None:
        raise problems.no_such_member()
    return found
