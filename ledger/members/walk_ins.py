"""Customers without Telegram (C8): known at tills by the number of a paper card or by a mainland mobile number, until they claim.

Their account is an unclaimed member, opened at first use by the merchant that says they agreed to the terms. The number itself is
sealed and found by a keyed index; screens show the little of it that the person at the till can compare. Once claimed, the same
number leads to who claimed it.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import claim_codes, consent
from ledger.members.vault import Vault

Kind = Literal["card", "phone"]

CARD_DIGITS = 12
PHONE_DIGITS = 11
BATCH_MOST = 500
"""Cards of one batch: what a print shop takes at once, and a table that still travels through a chat."""


_GAPS = re.compile(r"[\s()./·_-]")
_WITHIN = re.compile(r"(?<!\d)(?:(?:00)?86)?1[3-9]\d{9}(?!\d)", re.ASCII)
_ABROAD = re.compile(r"\+\d{7,15}(?!\d)", re.ASCII)


class Handle(NamedTuple):
    """What a customer is known by: the digits of a card or of a phone."""

    kind: Kind
    digits: str

    @property
    def shown(self) -> str:
        """As much of it as a screen shows: «138****1234», «…0042»."""
        if self.kind == "phone":
            return f"{self.digits[:3]}****{self.digits[-4:]}"
        return f"…{self.digits[-4:]}"


@dataclass(frozen=True, slots=True)
class PaperCard:
    """A printed card: its number, and the code under the scratch field by which its owner claims it."""

    number: str
    code: str


class Batch(NamedTuple):
    """Cards printed together: how many, and how many of them are in use."""

    id: int
    made_at: dt.datetime
    cards: int
    used: int


@dataclass(eq=False)
class PaperCardUnknown(Refusal):
    """No card of this number was printed."""

    number: str


@dataclass(eq=False)
class BatchOutOfRange(Refusal):
    """A batch has 1 to `most` cards."""

    most: int


def sealed(vault: Vault, handle: Handle) -> str:
    """A handle as a conversation may keep it for some minutes."""
    key = vault.new_key()
    return ".".join(base64.b64encode(part).decode() for part in (key, vault.seal(key, handle._asdict())))


def unsealed(vault: Vault, kept: str) -> Handle:
    """What `sealed` made."""
    key, box = (base64.b64decode(part) for part in kept.split("."))
    return Handle(**vault.open(key, box))


# -- numbers


def read(said: str) -> Handle | None:
    """The card or phone in what was typed or scanned; None where it is neither, or a digit of a card is wrong."""
    digits = said.strip().rpartition("c_")[2]
    for gap in " -()":
        digits = digits.replace(gap, "")
    if not digits.removeprefix("+").isdecimal() or not digits.isascii():
        return None
    if (phone := _phone(digits)) is not None:
        return Handle("phone", phone)
    if digits[0] == "+" or len(digits) != CARD_DIGITS or _check(digits[:-1]) != digits[-1]:
        return None
    return Handle("card", digits)


def holds_phone(said: str) -> bool:
    """Whether a mobile number stands in it, of the mainland with or without other signs, or of abroad with its «+»."""
    bare = _GAPS.sub("", said)
    return any(_WITHIN.search(each) or _ABROAD.search(each) for each in (said, bare))


def _phone(digits: str) -> str | None:
    bare = digits.removeprefix("+")
    bare = bare[2:] if bare.startswith("86") and len(bare) == PHONE_DIGITS + 2 else bare
    mainland = len(bare) == PHONE_DIGITS and bare[0] == "1" and bare[1] in "3456789"
    return bare if mainland and (digits[0] != "+" or digits.startswith("+86")) else None


def card_number(serial: int) -> str:
    """The number of the so-manieth card: a 9, so that it is taken for no phone, and a check digit (Luhn)."""
    body = f"9{serial:010d}"
    return body + _check(body)


def _check(body: str) -> str:
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body))]
    return str(-sum(each // 10 + each % 10 for each in doubled) % 10)


# -- cards as they are printed

_PRINT = text(
    "INSERT INTO paper_card (serial, batch, merchant_id, made_by, made_at)"
    " SELECT nextval('paper_card_serial'), :batch, :merchant, :by, :now FROM generate_series(1, :count) RETURNING serial"
)
_INDEX = text(
    "UPDATE paper_card p SET claim_index = n.i FROM unnest(CAST(:serials AS bigint[]), CAST(:indexes AS bytea[])) AS n(s, i)"
    " WHERE p.serial = n.s"
)
_BATCHES = text(
    "SELECT p.batch, min(p.made_at), count(*), count(w.member_id) FROM paper_card p"
    " LEFT JOIN walk_in w ON w.card_serial = p.serial WHERE p.merchant_id = :merchant"
    " GROUP BY p.batch ORDER BY p.batch DESC LIMIT :limit"
)
_OF_BATCH = text("SELECT serial FROM paper_card WHERE merchant_id = :merchant AND batch = :batch ORDER BY serial")


async def print_cards(
    tx: AsyncConnection, vault: Vault, *, merchant_id: int, count: int, by: str, now: dt.datetime
) -> tuple[int, list[PaperCard]]:
    """New numbers for a merchant to print; the batch's id with them. `BatchOutOfRange`."""
    if not 1 <= count <= BATCH_MOST:
        raise BatchOutOfRange(BATCH_MOST)
    batch: int = (await tx.execute(text("SELECT nextval('paper_card_batch')"))).scalar_one()
    facts = {"batch": batch, "merchant": merchant_id, "by": by, "now": now, "count": count}
    serials = sorted(await tx.scalars(_PRINT, facts))
    cards = [_card(vault, serial) for serial in serials]
    indexes = [claim_codes.index(vault, card.code) for card in cards]
    await tx.execute(_INDEX, {"serials": serials, "indexes": indexes})
    return batch, cards


async def batches(tx: AsyncConnection, merchant_id: int, *, limit: int = 5) -> list[Batch]:
    """A merchant's batches, newest first."""
    return [Batch(*row) for row in await tx.execute(_BATCHES, {"merchant": merchant_id, "limit": limit})]


async def cards_of(tx: AsyncConnection, vault: Vault, *, merchant_id: int, batch: int) -> list[PaperCard]:
    """A batch's cards again; none for what is no batch of this merchant's."""
    return [_card(vault, serial) for serial in await tx.scalars(_OF_BATCH, {"merchant": merchant_id, "batch": batch})]


def _card(vault: Vault, serial: int) -> PaperCard:
    number = card_number(serial)
    return PaperCard(number, claim_codes.made(vault, f"card:{number}"))


# -- accounts

_FIND = text(
    "SELECT w.member_id, coalesce(s.holder_id, w.member_id) AS holder FROM walk_in w"
    " LEFT JOIN succession s ON s.member_id = w.member_id WHERE w.handle_index = :index"
)
_BY_INDEX = text("SELECT handle_index, member_id FROM walk_in WHERE handle_index = ANY (CAST(:indexes AS bytea[]))")
_PRINTED = text("SELECT serial, merchant_id, claim_index FROM paper_card WHERE serial = :serial FOR UPDATE")
_PRINTED_AS = text("SELECT serial, merchant_id, claim_index FROM paper_card WHERE claim_index = :index FOR UPDATE")
_ACCOUNT = text("INSERT INTO member (status) VALUES ('unclaimed') RETURNING id")
_OPEN = text(
    "INSERT INTO walk_in (member_id, merchant_id, kind, handle_index, key, box, card_serial, opened_by, opened_at)"
    " VALUES (:member, :merchant, :kind, :index, :key, :box, :serial, :by, :now)"
    " ON CONFLICT (handle_index) DO NOTHING RETURNING member_id"
)
_CLAIMABLE = text(
    "INSERT INTO external_account (merchant_id, external_id, member_id, claim_index)"
    " VALUES (:merchant, :external, :member, :claim_index)"
)
_OF = text("SELECT member_id, kind, key, box FROM walk_in WHERE member_id = ANY(CAST(:members AS bigint[]))")


async def find(tx: AsyncConnection, vault: Vault, handle: Handle) -> int | None:
    """Whose account this card or phone leads to: who claimed it, else the unclaimed account; None where there is none yet.

    Raises:
        PaperCardUnknown: no such card was printed.
    """
    row = (await tx.execute(_FIND, {"index": _index(vault, handle)})).first()
    if row is not None:
        return int(row.holder)
    if handle.kind == "card" and await _printed(tx, handle.digits) is None:
        raise PaperCardUnknown(handle.digits)
    return None


async def open_account(
    tx: AsyncConnection, vault: Vault, handle: Handle, *, merchant_id: int, terms: str, by: str, now: dt.datetime
) -> int:
    """The account of a card or phone, opened where there is none: `by` says that the customer agreed to `terms`, its version.

    Of two tills at once the second gets the first one's. `PaperCardUnknown`.
    """
    if (known := await find(tx, vault, handle)) is not None:
        return known
    printed = await _printed(tx, handle.digits) if handle.kind == "card" else None
    member_id = await _opened(tx, vault, handle, printed, merchant_id=merchant_id, by=by, now=now)
    if member_id is None:
        known = await find(tx, vault, handle)
        assert known is not None, "the conflicting account is committed"
        return known
    await consent.give(tx, member_id, consent.TERMS, terms, now=now)
    return member_id


async def open_brought(
    tx: AsyncConnection, vault: Vault, handle: Handle, *, merchant_id: int, by: str, now: dt.datetime
) -> int | None:
    """The account of a phone or a printed card that a merchant's file names, opened where there is none; None for a card that was
    not printed. Like other customers of a file its owner has agreed to nothing yet: they do when they claim it."""
    if (known := await account_of(tx, vault, handle)) is not None:
        return known
    printed = await _printed(tx, handle.digits) if handle.kind == "card" else None
    if handle.kind == "card" and printed is None:
        return None
    made = await _opened(tx, vault, handle, printed, merchant_id=merchant_id, by=by, now=now)
    found = made or await account_of(tx, vault, handle)
    assert found is not None, "the conflicting account is committed"
    return found


async def open_printed(tx: AsyncConnection, vault: Vault, claim_index: bytes, *, by: str, now: dt.datetime) -> bool:
    """Give a card that nobody has used yet an account, so that it can be claimed; whether there is such a card."""
    printed = (await tx.execute(_PRINTED_AS, {"index": claim_index})).first()
    if printed is None:
        return False
    handle = Handle("card", card_number(printed.serial))
    return await _opened(tx, vault, handle, printed, merchant_id=printed.merchant_id, by=by, now=now) is not None


async def account_of(tx: AsyncConnection, vault: Vault, handle: Handle) -> int | None:
    """The account that was opened for a card or phone, whoever has claimed it since."""
    row = (await tx.execute(_FIND, {"index": _index(vault, handle)})).first()
    return None if row is None else int(row.member_id)


async def of_cards(tx: AsyncConnection, vault: Vault, numbers: Iterable[str]) -> dict[str, int]:
    """The accounts of paper cards by number, whoever has claimed them since; what is no card that was used is left out."""
    handles = [handle for number in numbers if (handle := read(number)) is not None and handle.kind == "card"]
    indexes = {_index(vault, handle): handle.digits for handle in handles}
    found = await tx.execute(_BY_INDEX, {"indexes": list(indexes)})
    return {indexes[bytes(row.handle_index)]: int(row.member_id) for row in found}


async def of(tx: AsyncConnection, vault: Vault, member_ids: Iterable[int]) -> dict[int, Handle]:
    """By what each of these accounts is known; those that are no such accounts are left out."""
    rows = await tx.execute(_OF, {"members": list(member_ids)})
    return {row.member_id: _handle(vault, row) for row in rows}


async def _printed(tx: AsyncConnection, number: str) -> Row[tuple[int, int, bytes]] | None:
    return (await tx.execute(_PRINTED, {"serial": int(number[1:-1]) if number[0] == "9" else 0})).first()


async def _opened(
    tx: AsyncConnection,
    vault: Vault,
    handle: Handle,
    printed: Row[tuple[int, int, bytes]] | None,
    *,
    merchant_id: int,
    by: str,
    now: dt.datetime,
) -> int | None:
    """A fresh unclaimed account; None where another transaction has opened it meanwhile."""
    member_id: int = (await tx.execute(_ACCOUNT)).scalar_one()
    key = vault.new_key()
    facts = {
        "member": member_id,
        "merchant": printed.merchant_id if printed else merchant_id,
        "kind": handle.kind,
        "index": _index(vault, handle),
        "key": key,
        "box": vault.seal(key, {"digits": handle.digits}),
        "serial": printed.serial if printed else None,
        "by": by,
        "now": now,
    }
    if await tx.scalar(_OPEN, facts) is None:
        await tx.execute(text("DELETE FROM member WHERE id = :member"), {"member": member_id})
        return None
    external = f"card-{handle.digits}" if printed else f"phone-{member_id}"
    claim_index = printed.claim_index if printed else None
    await tx.execute(_CLAIMABLE, {**facts, "external": external, "claim_index": claim_index})
    return member_id


def _index(vault: Vault, handle: Handle) -> bytes:
    return vault.blind("walk-in", f"{handle.kind}:{handle.digits}")


def _handle(vault: Vault, row: Row[tuple[int, Kind, bytes, bytes]]) -> Handle:
    return Handle(row.kind, vault.open(row.key, row.box)["digits"])
