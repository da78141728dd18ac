"""A till without network: the list of vouchers that it may take meanwhile, and what was taken by it, used up afterwards.

The list holds no code. Of each voucher it has the last four letters, for eyes, and a check, for a till's program: the first
letters of a keyed digest of the code, too few to find the code by. Whoever has the list still meets twenty million codes that
would fit a line, and the counter's patience ends at five. All lists are under one key, those of several merchants that hand the
same over too: checks of one code under two keys would together leave a single code that fits both.

A voucher taken offline is the till's risk until it is brought: what was used at another till, taken back or ended meanwhile stays
as it is, and the report says so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members.vault import Vault
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.redeeming import announcing, bookings
from ledger.redeeming.offers import Names
from ledger.redeeming.vouchers import COLUMNS, HANDED_OVER, TABLES, Redemption, blind, of_row, unsealed

HOURS = 12
"""A list is good for so long."""
LISTED_MOST = 2_000
TAIL = 4
CHECK, KEY = 6, 32
"""Hexadecimal digits: of a check, 24 bits, and of a list's key."""

Why = Literal["used", "taken_back", "let_go", "lapsed", "held", "expired", "too_early", "too_late"]
"""Why what a till took is not honoured: what became of the voucher, or when the till says that it took it."""


class Line(NamedTuple):
    """A voucher on the list: the end of its code, its check, and the voucher."""

    tail: str
    check: str
    voucher: Redemption


@dataclass(frozen=True, slots=True)
class OfflineList:
    """What may be used at a merchant until `until`; `key` is what checks are made with. `left_out`: vouchers beyond the most."""

    key: str
    until: dt.datetime
    lines: tuple[Line, ...]
    left_out: int


@dataclass(eq=False)
class OfflineUnknown(Refusal):
    """No voucher has a code that ends so."""

    tail: str


@dataclass(eq=False)
class OfflineOfAnother(Refusal):
    """The voucher is good at other merchants: these."""

    tail: str
    merchants: tuple[Names, ...]


@dataclass(eq=False)
class OfflineLost(Refusal):
    """A till took it, and it is not honoured: nothing is settled for it. `at` is the time that tells why: when that came about, or
    until when it was good."""

    tail: str
    why: Why
    offer: Names
    points: int
    currency: Names
    common: bool
    at: dt.datetime | dt.date


@dataclass(frozen=True, slots=True)
class Taken:
    """A code that a till took offline, as `codes.read` reads it, and when."""

    code: str
    at: dt.datetime


_HERE = "(r.merchant_id = :merchant OR r.fulfillers @> ARRAY[CAST(:merchant AS bigint)])"
_OPEN = f"{_HERE} AND r.used_at IS NULL AND r.state = 'issued' AND r.valid_until >= :today"
_UNSEEN = "v.document ->> 'pool' IS NULL"
_LIST = text(
    f"SELECT {COLUMNS}, p.key AS person_key, count(*) OVER () AS whole FROM {TABLES} JOIN person p ON p.member_id = r.member_id"
    f" WHERE {_OPEN} AND {_UNSEEN} ORDER BY r.valid_until, r.id LIMIT :most"
)
_BY_CODES = text(f"SELECT {COLUMNS}, r.code_index FROM {TABLES} WHERE r.code_index = ANY(CAST(:indexes AS bytea[]))")
_USE = text(
    f"UPDATE redemption SET state = 'used', used_at = :used_at, used_by = :by, settles_on = :today, {HANDED_OVER}"
    " WHERE id = :id AND state = 'issued' AND valid_until >= :used_on RETURNING id"
)
_THESE = text(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.id = ANY(CAST(:ids AS bigint[])) ORDER BY r.id")


def check(key: str, code: str) -> str:
    """A code's check under a list's key: a till computes the same of what it was shown."""
    return hmac.new(bytes.fromhex(key), code.encode(), hashlib.sha256).hexdigest()[:CHECK]


async def listed(tx: AsyncConnection, vault: Vault, staff: Staff, *, at: Moment) -> OfflineList:
    """What may be used at this staff member's merchant, what ends first before the rest. Raises `NotAllowed` by role."""
    staff.demand("verify")
    key = vault.blind("offline", 0).hex()[:KEY]
    asked = {"merchant": staff.merchant_id, "today": at.today, "most": LISTED_MOST}
    rows = (await tx.execute(_LIST, asked)).all()
    lines = []
    for row in rows:
        voucher = of_row(row)
        code = unsealed(voucher, vault, bytes(row.person_key))
        lines.append(Line(code[-TAIL:], check(key, code), voucher))
    whole = rows[0].whole if rows else 0
    return OfflineList(key, at.now + dt.timedelta(hours=HOURS), tuple(lines), whole - len(lines))


async def bring(
    tx: AsyncConnection,
    merchant_id: int,
    taken: Sequence[Taken],
    *,
    by: int,
    vault: Vault,
    at: Moment,
    zone: dt.tzinfo,
) -> list[tuple[Redemption, bool] | Refusal]:
    """Use up what a till took offline, each once, at the time it says; clearing counts it today. In the order given, the voucher
    and whether it is used now: False where the very same was brought before.

    Args:
        by: whose work it is: a staff id, or an API key's below zero.
    """
    indexes = [blind(vault, each.code) for each in taken]
    found = {bytes(row.code_index): of_row(row) for row in await tx.execute(_BY_CODES, {"indexes": indexes})}
    answers: list[tuple[Redemption, bool] | Refusal] = []
    for each, index in zip(taken, indexes, strict=True):
        voucher, tail = found.get(index), each.code[-TAIL:]
        if voucher is None:
            answers.append(OfflineUnknown(tail))
        elif not voucher.at(merchant_id):
            answers.append(OfflineOfAnother(tail, tuple(shop.name for shop in voucher.shops)))
        else:
            answers.append(await _use(tx, voucher, each, merchant_id, by=by, at=at, zone=zone))
    return answers


async def _use(
    tx: AsyncConnection, voucher: Redemption, taken: Taken, here: int, *, by: int, at: Moment, zone: dt.tzinfo
) -> tuple[Redemption, bool] | Refusal:
    used_on = taken.at.astimezone(zone).date()
    used_at = max(taken.at, voucher.issued_at)  # a till's clock may be behind
    if voucher.used_at == used_at:  # brought before, whatever became of the goods since
        return voucher, False
    if voucher.state == "issued" and used_on < voucher.issued_on:
        return _lost(voucher, taken, "too_early", voucher.issued_at)
    if voucher.state == "issued" and used_on > voucher.valid_until:
        return _lost(voucher, taken, "too_late", voucher.valid_until)
    values = {"id": voucher.id, "merchant": here, "used_at": used_at, "used_on": used_on, "by": by, "today": at.today}
    done = await tx.scalar(_USE, values)
    [now] = await these(tx, [voucher.id])
    if done is not None:
        await bookings.end(tx, [now.id], "attended")
        await announcing.used(tx, now, now=used_at, till=now.used_label)
        return now, True
    match now.state:
        case "used" | "returned" | "exchanged":
            return _lost(now, taken, "used", now.used_at or now.issued_at)
        case "issued":
            raise Fault(f"redemption {now.id} could be used, and was not")
        case "held":
            return _lost(now, taken, "held", now.held_until or now.issued_at)
        case "expired":
            return _lost(now, taken, "expired", now.valid_until)
        case state:
            return _lost(now, taken, state, now.ended_at or now.issued_at)


def _lost(voucher: Redemption, taken: Taken, why: Why, at: dt.datetime | dt.date) -> OfflineLost:
    named = voucher.offer.name
    return OfflineLost(taken.code[-TAIL:], why, named, voucher.points, voucher.currency, voucher.common, at)


async def these(tx: AsyncConnection, ids: Sequence[int]) -> list[Redemption]:
    """Vouchers by their numbers."""
    return [of_row(row) for row in await tx.execute(_THESE, {"ids": list(ids)})]
