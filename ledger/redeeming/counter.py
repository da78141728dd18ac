"""Vouchers at the counter: what a code is good for, using it up exactly once, and patience with guessers.

What a code may meet comes back as a value, not raised: a wrong code must leave its trace in the same turn, and a raised refusal
would roll that back.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members.vault import Vault
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.redeeming import announcing, bookings, codes
from ledger.redeeming.offers import Names
from ledger.redeeming.redemptions import due
from ledger.redeeming.vouchers import COLUMNS, HANDED_OVER, TABLES, HoldOver, Redemption, blind, ended, of_row

WRONG_CODES_MOST = 5
"""So many unknown codes by one staff member within `GUESSING_MINUTES`, and the next code has to wait."""
GUESSING_MINUTES = 15


@dataclass(eq=False)
class CodeMistyped(Refusal):
    """No code reads like that: its length or its check character is wrong. Does not count as a guess."""


@dataclass(eq=False)
class CodeUnknown(Refusal):
    """The check character fits, but no voucher has this code. `tries_left` before a pause."""

    tries_left: int


@dataclass(eq=False)
class GuessingPaused(Refusal):
    """Too many unknown codes; the next one is looked at from `until` on."""

    until: dt.datetime
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class VoucherOfAnother(Refusal):
    """The voucher is good at other merchants: these."""

    merchants: tuple[Names, ...]


_BY_CODE = text(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.code_index = :code_index")
_WRONG = text(
    "SELECT at FROM code_attempt WHERE staff_id = :staff_id AND outcome = 'unknown' AND at > :since"
    " ORDER BY at DESC LIMIT :most"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('codes:' || :staff_id, 0))")
_TRIED = text("INSERT INTO code_attempt (staff_id, at, outcome) VALUES (:staff_id, :at, :outcome)")
_USE = text(
    f"UPDATE redemption SET state = 'used', used_at = :now, used_by = :staff_id, settles_on = :today, {HANDED_OVER}"
    " WHERE id = :id AND state = 'issued' AND valid_until >= :today"
)


async def verify(tx: AsyncConnection, staff: Staff, typed: str, *, vault: Vault, at: Moment) -> Redemption | Refusal:
    """What a code is good for at this staff member's counter; using it is `use`.

    Raises `NotAllowed` by role. Gives, in this order: `CodeMistyped`, `GuessingPaused`, `CodeUnknown`, `VoucherOfAnother`,
    `VoucherUsed`, `VoucherTakenBack`, `VoucherLetGo`, `HoldOver`, `VoucherExpired`, else the voucher: one that is `held` waits for
    its cash part, which `cash.collect` takes.
    """
    staff.demand("verify")
    code = codes.read(typed)
    if code is None:
        return CodeMistyped()
    wrong = await _wrong(tx, staff, at=at)
    if (paused := _paused(wrong)) is not None:
        return paused
    row = (await tx.execute(_BY_CODE, {"code_index": blind(vault, code)})).first()
    voucher = None if row is None else of_row(row)
    answer: Redemption | Refusal
    if voucher is None:
        # Who guesses with many requests at once is counted in a row: only wrong codes wait here.
        await tx.execute(_LOCK, {"staff_id": str(staff.id)})
        wrong = await _wrong(tx, staff, at=at)
        if (paused := _paused(wrong)) is not None:
            return paused
        answer = CodeUnknown(WRONG_CODES_MOST - 1 - len(wrong))
    elif not voucher.at(staff.merchant_id):
        answer = VoucherOfAnother(tuple(shop.name for shop in voucher.shops))
    else:
        answer = ended(voucher, at.today) or voucher
        if voucher.state == "held" and voucher.held_until is not None and not voucher.waits(at.programme_now):
            answer = HoldOver(voucher.id, voucher.offer.name, voucher.held_until)
    outcome = "found" if isinstance(answer, Redemption) else answer.code.removeprefix("code_")
    await tx.execute(_TRIED, {"staff_id": staff.id, "at": at.now, "outcome": outcome})
    return answer


async def _wrong(tx: AsyncConnection, staff: Staff, *, at: Moment, windows: int = 1) -> list[dt.datetime]:
    """When this staff member named unknown codes, newest first, in the last `windows` times `GUESSING_MINUTES`."""
    since = at.now - dt.timedelta(minutes=GUESSING_MINUTES * windows)
    asked = {"staff_id": staff.id, "since": since, "most": WRONG_CODES_MOST * windows}
    return list(await tx.scalars(_WRONG, asked))


def _paused(wrong: list[dt.datetime]) -> GuessingPaused | None:
    full = len(wrong) == WRONG_CODES_MOST
    return GuessingPaused(wrong[-1] + dt.timedelta(minutes=GUESSING_MINUTES)) if full else None


async def guesses_since(
    tx: AsyncConnection, staff: Staff, answer: Redemption | Refusal, *, at: Moment
) -> dt.datetime | None:
    """Where `answer` paused this staff member: since when they have been guessing. None: it did not, or they went on after a
    pause, which those who run the merchant were told of when it began."""
    if not isinstance(answer, CodeUnknown) or answer.tries_left:
        return None
    wrong = await _wrong(tx, staff, at=at, windows=2)
    return wrong[-1] if len(wrong) == WRONG_CODES_MOST else None


async def use(tx: AsyncConnection, staff: Staff, code: str, *, vault: Vault, at: Moment) -> Redemption | Refusal:
    """Use a voucher up, in one step: of any number of tills at the same moment exactly one gets the voucher back, the others
    the refusal that says when and where. Refusals as in `verify`, which is also what a wrong code counts against; `CashDue` where
    its cash part is not paid."""
    shown = await verify(tx, staff, code, vault=vault, at=at)
    if isinstance(shown, Refusal):
        return shown
    if (unpaid := due(shown)) is not None:
        return unpaid
    # The condition is what makes it once: a second till waits here for the first, and then finds no row that is still issued.
    values = {"id": shown.id, "staff_id": staff.id, "merchant": staff.merchant_id, "now": at.now, "today": at.today}
    done = await tx.execute(_USE, values)
    now = of_row((await tx.execute(_BY_CODE, {"code_index": blind(vault, codes.read(code) or "")})).one())
    if done.rowcount == 1:
        await bookings.end(tx, [now.id], "attended")
        await announce(tx, staff, now, at=at)
        return now
    over = ended(now, at.today)
    if over is None:
        raise Fault(f"redemption {now.id} could be used, and was not")
    return over


async def announce(tx: AsyncConnection, staff: Staff, used: Redemption, *, at: Moment) -> None:
    """Tell the merchant's own systems that a voucher was used."""
    await announcing.used(tx, used, now=at.now, till=staff.label)


async def used_today(
    tx: AsyncConnection, merchant_id: int, *, since: dt.datetime, staff_id: int | None = None, limit: int = 50
) -> list[Redemption]:
    """Vouchers used at a merchant's counters since an instant, newest first; of one staff member where asked."""
    mine = "AND r.used_by = :staff_id" if staff_id is not None else ""
    query = text(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE r.merchant_id = :merchant_id AND r.used_at >= :since"
        f" AND r.used_by IS NOT NULL {mine}"
        " ORDER BY r.used_at DESC LIMIT :limit"
    )
    values = {"merchant_id": merchant_id, "since": since, "limit": limit}
    rows = await tx.execute(query, values if staff_id is None else {**values, "staff_id": staff_id})
    return [of_row(row) for row in rows]


async def used_count(
    tx: AsyncConnection,
    merchant_id: int,
    *,
    since: dt.datetime,
    until: dt.datetime | None = None,
    staff_id: int | None = None,
) -> int:
    """How many vouchers were used at a merchant's counters since an instant, before another; by one staff member where asked."""
    query = text(
        "SELECT count(*) FROM redemption WHERE merchant_id = :merchant_id AND used_at >= :since AND used_by IS NOT NULL"
        " AND (CAST(:until AS timestamptz) IS NULL OR used_at < :until)"
        " AND (CAST(:staff_id AS bigint) IS NULL OR used_by = :staff_id)"
    )
    values = {"merchant_id": merchant_id, "since": since, "until": until, "staff_id": staff_id}
    return int(await tx.scalar(query, values) or 0)
