"""What becomes of a claim on redeemed goods: granted, exchanged, refused, granted by silence, decided by the operator.

Granting returns the points of the burn to their own lots (with grace where a lot has run out since), makes the cash part a task
(`cash_refunds`), and puts the goods back on the shelf or writes them off; the week of the use stands in clearing, and the return is
a line of its own week.

An exchange moves no points. The voucher that was used becomes `exchanged`, and another one of the same offer, version and price is
issued in its place, with the same burn behind it (`redemption.origin_id`): so at any time one of the two is alive, limits count one
piece, clearing counts the first use alone, and whatever is returned later is that burn.

Locks: the redemption, its claim → stock rows → accounts.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment, Receipt
from ledger.redeeming import cash_refunds, paying, return_claims, stock
from ledger.redeeming.offers import Limits, Names
from ledger.redeeming.redemptions import returning
from ledger.redeeming.return_claims import (
    ESCALATE_DAYS,
    Claim,
    ExchangeNotOffered,
    Goods,
    Refused,
    State,
    held,
    moved_on,
    refusals_of,
    settled,
    tidy,
)
from ledger.redeeming.vouchers import Redemption, blind
from ledger.redeeming.vouchers import one as voucher_one

SILENT = "job:returns"
"""The actor of what silence grants."""


@dataclass(eq=False)
class AnswerTooLate(Refusal):
    """The claim could be refused until `until`, which is past: silence has granted it (or does tonight)."""

    claim_id: int
    until: dt.date


@dataclass(eq=False)
class RefusalNotOffered(Refusal):
    """A claim for its reason can't be refused so."""

    claim_id: int
    refusal: Refused


@dataclass(eq=False)
class NoPieceLeft(Refusal):
    """There is no other piece to exchange it for; the points can go back."""

    claim_id: int
    offer: Names
    units: int


_RETURNED = text("UPDATE redemption SET state = 'returned', ended_at = :now WHERE id = :id")
_EXCHANGED = text("UPDATE redemption SET state = 'exchanged', ended_at = :now WHERE id = :id")
_SETTLE = text(
    "UPDATE return_claim SET state = :state, answered_at = coalesce(answered_at, :now), answered_by = coalesce(answered_by, :by),"
    " goods = :goods, entry_id = :entry, replacement_id = :replacement, decided_at = :decided_at, decided_by = :decided_by,"
    " decision_words = :words WHERE id = :id"
)
_REFUSE = text(
    "UPDATE return_claim SET state = 'refused', answered_at = :now, answered_by = :by, refusal = :refusal,"
    " refusal_words = :words, escalate_by = :escalate_by WHERE id = :id"
)
_UPHOLD = text(
    "UPDATE return_claim SET state = 'upheld', decided_at = :now, decided_by = :by, decision_words = :words WHERE id = :id"
)
_KEY = text("SELECT key FROM person WHERE member_id = :id")
# What is published meanwhile waits, as it does for whoever redeems.
_PUBLISHED = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('offer:' || CAST(:id AS text), 0))")
_STOCK = text("SELECT CAST(document -> 'limits' ->> 'stock' AS int) FROM offer WHERE id = :id")
_REPLACE = text(
    """
    INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, units, points, value_minor,
        code_index, code_box, state, entry_id, issued_at, issued_on, undo_until, valid_until, piece, cash_minor, hold_id,
        held_until, paid_at, origin_id, pool_id, paid_by)
    SELECT member_id, :nonce, offer_id, offer_version, merchant_id, currency_id, units, points, value_minor,
        :code_index, :code_box, 'issued', entry_id, :now, issued_on, :now, :valid_until, :piece, cash_minor, hold_id,
        held_until, paid_at, coalesce(origin_id, id), pool_id, paid_by
    FROM redemption WHERE id = :id RETURNING id
    """
)
# Redemptions are locked before their claims, here as everywhere.
_OVERDUE = text(
    "SELECT c.id FROM redemption r JOIN return_claim c ON c.redemption_id = r.id"
    " WHERE c.state = 'open' AND c.answer_by < :today ORDER BY c.answer_by, c.id LIMIT :limit FOR UPDATE OF r SKIP LOCKED"
)


async def grant(
    tx: AsyncConnection, staff: Staff, claim_id: int, *, goods: Goods, grace_days: int, at: Moment
) -> tuple[Claim, Receipt]:
    """The merchant takes the goods back: the points return. `NotAllowed` → `NoSuchClaim` → `ClaimMovedOn`."""
    staff.demand("answer_returns")
    voucher, mine = await held(tx, claim_id, merchant_id=staff.merchant_id)
    if mine.state != "open":
        raise moved_on(mine, "merchant")
    return await _give_back(tx, mine, voucher, "granted", goods, grace_days=grace_days, at=at, by=staff.actor)


async def exchange(
    tx: AsyncConnection, staff: Staff, claim_id: int, *, goods: Goods, code: str, vault: Vault, at: Moment
) -> tuple[Claim, Redemption]:
    """The merchant exchanges the goods: a voucher for another piece of the same, with `code` (from `codes.mint`) as its code.

    Raises:
        NotAllowed → NoSuchClaim → ClaimMovedOn → ExchangeNotOffered → NoPieceLeft.
    """
    staff.demand("answer_returns")
    voucher, mine = await held(tx, claim_id, merchant_id=staff.merchant_id)
    if mine.state != "open":
        raise moved_on(mine, "merchant")
    returns, key = voucher.offer.takes_back, await tx.scalar(_KEY, {"id": voucher.member_id})
    if returns is None or not returns.exchange or key is None:
        raise ExchangeNotOffered(voucher.id)
    # Another piece is taken before this one is back on the shelf: nobody gets the same one again.
    await tx.execute(_PUBLISHED, {"id": str(voucher.offer_id)})
    limits = Limits(stock=await tx.scalar(_STOCK, {"id": voucher.offer_id}))
    short, piece = await stock.take(tx, voucher.offer_id, limits, voucher.units, today=at.today)
    if short is not None:
        raise NoPieceLeft(claim_id, voucher.offer.name, voucher.units)
    if goods == "back":
        await stock.give_back(tx, [(voucher.offer_id, stock.WHOLE, voucher.units)])
    values = {"id": voucher.id, "nonce": f"exchange:{claim_id}", "now": at.now, "piece": piece}
    values |= {"code_index": blind(vault, code), "code_box": vault.seal(key, {"code": code})}
    made = await tx.scalar(_REPLACE, {**values, "valid_until": voucher.offer.valid_until(at.today)})
    await tx.execute(_EXCHANGED, {"id": voucher.id, "now": at.now})
    await _settle(tx, mine, "exchanged", goods, at=at, by=staff.actor, replacement=made)
    done = await settled(tx, claim_id, voucher, at=at)
    return done, await voucher_one(tx, voucher.member_id, made or 0)


async def refuse(
    tx: AsyncConnection, staff: Staff, claim_id: int, refusal: Refused, words: str, *, at: Moment
) -> Claim:
    """The merchant refuses, for a reason of the list and in words that the member reads; in time.

    `NotAllowed` → `NoSuchClaim` → `ClaimMovedOn` → `AnswerTooLate` → `RefusalNotOffered` → `ReturnWordsTooLong`.
    """
    staff.demand("answer_returns")
    _, mine = await held(tx, claim_id, merchant_id=staff.merchant_id)
    if mine.state != "open":
        raise moved_on(mine, "merchant")
    if at.today > mine.answer_by:
        raise AnswerTooLate(claim_id, mine.answer_by)
    if refusal not in refusals_of(mine.reason):
        raise RefusalNotOffered(claim_id, refusal)
    facts = {"id": claim_id, "now": at.now, "by": staff.actor, "refusal": refusal, "words": tidy(words)}
    await tx.execute(_REFUSE, {**facts, "escalate_by": at.today + dt.timedelta(days=ESCALATE_DAYS)})
    return await return_claims.one(tx, claim_id)


async def silence(
    tx: AsyncConnection, *, at: Moment, grace_days: int, limit: int = 50
) -> tuple[list[tuple[Claim, Receipt]], bool]:
    """Grant at most `limit` claims whose merchant has not answered in time; and whether more may be left.

    What is in somebody's hands this moment is left for the next call. Nobody has seen the goods, so they are written off.
    """
    ids = list(await tx.scalars(_OVERDUE, {"today": at.today, "limit": limit}))
    done = []
    for each in ids:
        voucher, mine = await held(tx, each)
        if mine.state == "open":
            granted = await _give_back(
                tx, mine, voucher, "silent", "written_off", grace_days=grace_days, at=at, by=SILENT
            )
            done.append(granted)
    return done, len(ids) == limit


async def uphold(tx: AsyncConnection, claim_id: int, words: str, *, by: str, at: Moment) -> Claim:
    """The operator finds the refusal right, and says why. `NoSuchClaim` → `ClaimMovedOn` → `ReturnWordsTooLong`."""
    voucher, mine = await held(tx, claim_id)
    if mine.state != "escalated":
        raise moved_on(mine, "operator")
    await tx.execute(_UPHOLD, {"id": claim_id, "now": at.now, "by": by, "words": tidy(words)})
    return await settled(tx, claim_id, voucher, at=at)


async def overturn(
    tx: AsyncConnection, claim_id: int, words: str, *, grace_days: int, by: str, at: Moment
) -> tuple[Claim, Receipt]:
    """The operator finds the member right, and says why: the points return. Refusals as of `uphold`."""
    voucher, mine = await held(tx, claim_id)
    if mine.state != "escalated":
        raise moved_on(mine, "operator")
    said = tidy(words)
    return await _give_back(
        tx, mine, voucher, "overturned", "written_off", grace_days=grace_days, at=at, by=by, words=said
    )


async def _give_back(
    tx: AsyncConnection,
    mine: Claim,
    voucher: Redemption,
    state: State,
    goods: Goods,
    *,
    grace_days: int,
    at: Moment,
    by: str,
    words: str | None = None,
) -> tuple[Claim, Receipt]:
    """Points to their own lots, cash a task, goods on the shelf or not."""
    if goods == "back":
        days = (stock.WHOLE,) if voucher.origin_id else (stock.WHOLE, voucher.issued_on)
        await stock.give_back(tx, [(voucher.offer_id, day, voucher.units) for day in days])
    key, why = f"redemption:{voucher.id}:return", {"what": "return", "claim_id": mine.id, "reason": mine.reason}
    back = returning(voucher, key, grace_days=grace_days, at=at, actor=by, **why)
    [receipt] = await paying.give_back(tx, [voucher], [back])
    await tx.execute(_RETURNED, {"id": voucher.id, "now": at.now})
    if voucher.cash_minor:
        await cash_refunds.owe(tx, [voucher.paid_as], "returned", now=at.now)
    await _settle(tx, mine, state, goods, at=at, by=by, entry=receipt.entry_id, words=words)
    return await settled(tx, mine.id, voucher, at=at), receipt


async def _settle(
    tx: AsyncConnection,
    mine: Claim,
    state: State,
    goods: Goods,
    *,
    at: Moment,
    by: str,
    entry: int | None = None,
    replacement: int | None = None,
    words: str | None = None,
) -> None:
    decided = state == "overturned"
    facts = {"id": mine.id, "state": state, "now": at.now, "by": by, "goods": goods, "entry": entry, "words": words}
    facts |= {"replacement": replacement, "decided_at": at.now if decided else None}
    await tx.execute(_SETTLE, {**facts, "decided_by": by if decided else None})
