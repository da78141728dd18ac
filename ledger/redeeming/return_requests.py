"""Claims on redeemed goods from their member's side: who may open one and until when, opening, withdrawing, asking the operator."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members.vault import Vault
from ledger.points.commands import Moment
from ledger.redeeming import cash
from ledger.redeeming.offers import Names
from ledger.redeeming.return_claims import (
    PHOTOS_MOST,
    REASONS,
    Claim,
    ExchangeNotOffered,
    Reason,
    Shot,
    State,
    Wish,
    announce,
    held,
    latest,
    moved_on,
    one,
    settled,
    tidy,
)
from ledger.redeeming.vouchers import NoSuchRedemption, Redemption, ended


@dataclass(eq=False)
class NotReturnable(Refusal):
    """Only goods come back once they were handed over: not services that were had, nor vouchers that were used."""

    redemption_id: int
    offer: Names


@dataclass(eq=False)
class NotHandedOver(Refusal):
    """It has not been used yet: until then it can be taken back, or simply not be used."""

    redemption_id: int
    offer: Names


@dataclass(eq=False)
class ClaimTooLate(Refusal):
    """It could be claimed until `until`, which is past."""

    redemption_id: int
    offer: Names
    until: dt.date


@dataclass(eq=False)
class ClaimThere(Refusal):
    """There is a claim on it already."""

    claim_id: int
    redemption_id: int
    state: State


@dataclass(eq=False)
class ReasonNotOffered(Refusal):
    """This offer is not taken back for that reason alone."""

    redemption_id: int
    reason: Reason


@dataclass(eq=False)
class PhotosNeeded(Refusal):
    """A claim shows one to `most` photos; where nothing is wrong with the goods, it may show none."""

    most: int


@dataclass(eq=False)
class EscalationOver(Refusal):
    """The operator could be asked until `until`, which is past."""

    claim_id: int
    redemption_id: int
    until: dt.date


_OPEN = text(
    "INSERT INTO return_claim (redemption_id, member_id, merchant_id, reason, wants, box, opened_by, opened_at, answer_by)"
    " VALUES (:redemption_id, :member_id, :merchant_id, :reason, :wants, :box, :by, :now, :answer_by)"
    " ON CONFLICT (redemption_id) WHERE state <> 'withdrawn' DO NOTHING RETURNING id"
)
_KEY = text("SELECT key FROM person WHERE member_id = :id")
_WITHDRAW = text("UPDATE return_claim SET state = 'withdrawn' WHERE id = :id")
_ESCALATE = text("UPDATE return_claim SET state = 'escalated', escalated_at = :now WHERE id = :id")


def claim_until(voucher: Redemption) -> dt.date | None:
    """The last day on which a claim on it can be opened; None where there is none to come: not of goods, or not handed over."""
    returns = voucher.offer.takes_back
    if returns is None or voucher.used_on is None:
        return None
    return voucher.used_on + dt.timedelta(days=returns.days)


def may_claim(voucher: Redemption, *, today: dt.date) -> Refusal | None:
    """Why no claim on it can be opened on business date `today`, an earlier claim aside; None: it can.

    `NotReturnable` → `NotHandedOver` → what became of the voucher → `ClaimTooLate`.
    """
    if voucher.offer.takes_back is None:
        return NotReturnable(voucher.id, voucher.offer.name)
    if voucher.state != "used":
        return NotHandedOver(voucher.id, voucher.offer.name) if ended(voucher, today) is None else ended(voucher, today)
    until = claim_until(voucher)
    if until is None or today > until:
        return ClaimTooLate(voucher.id, voucher.offer.name, until or today)
    return None


async def claim(
    tx: AsyncConnection,
    member_id: int,
    redemption_id: int,
    *,
    reason: Reason,
    wants: Wish,
    words: str,
    photos: Sequence[Shot],
    vault: Vault,
    at: Moment,
    actor: str,
) -> Claim:
    """Open a claim on goods that were handed over.

    Raises:
        NoSuchRedemption → refusals of `may_claim` → ClaimThere → ReasonNotOffered → ExchangeNotOffered → PhotosNeeded →
        ReturnWordsTooLong.
    """
    voucher = await cash.locked(tx, redemption_id)
    if voucher.member_id != member_id:
        raise NoSuchRedemption(redemption_id)
    there = await latest(tx, redemption_id)
    if there is not None and there.state != "withdrawn":
        raise ClaimThere(there.id, redemption_id, there.state)
    no, returns = may_claim(voucher, today=at.today), voucher.offer.takes_back
    if no is not None or returns is None:
        raise no or NotReturnable(voucher.id, voucher.offer.name)
    if reason not in reasons_of(voucher):
        raise ReasonNotOffered(redemption_id, reason)
    if wants == "exchange" and not returns.exchange:
        raise ExchangeNotOffered(redemption_id)
    shown_ = list({shot.unique_id: shot for shot in photos}.values())
    if not photos_least(reason) <= len(shown_) <= PHOTOS_MOST:
        raise PhotosNeeded(PHOTOS_MOST)
    said = tidy(words, least=0)
    key = await tx.scalar(_KEY, {"id": member_id})
    if key is None:
        raise Fault(f"member {member_id} claims without a person behind it")
    box = vault.seal(key, {"words": said, "photos": [[s.file_id, s.unique_id, s.kind] for s in shown_]})
    facts: dict[str, Any] = {"redemption_id": redemption_id, "member_id": member_id}
    facts |= {
        "merchant_id": voucher.merchant_id,
        "reason": reason,
        "wants": wants,
        "box": box,
        "by": actor,
        "now": at.now,
    }
    made = await tx.scalar(_OPEN, {**facts, "answer_by": at.today + dt.timedelta(days=returns.answer_days)})
    if made is None:
        raise Fault(f"redemption {redemption_id} is locked, and yet somebody else claims it")
    opened = await one(tx, made)
    await announce(tx, "return.claimed", opened, voucher, at=at)
    return opened


def reasons_of(voucher: Redemption) -> tuple[Reason, ...]:
    """The reasons for which this voucher's goods are taken back."""
    returns = voucher.offer.takes_back
    if returns is None:
        return ()
    return REASONS if returns.changed_mind else tuple(each for each in REASONS if each != "changed_mind")


def photos_least(reason: Reason) -> int:
    """How many photos a claim for this reason shows at least: where goods are simply not wanted, there is nothing to see."""
    return 0 if reason == "changed_mind" else 1


async def withdraw(tx: AsyncConnection, member_id: int, claim_id: int, *, at: Moment) -> Claim:
    """Its member wants it no more; within its days it may be opened again. `NoSuchClaim` → `ClaimMovedOn`."""
    voucher, mine = await held(tx, claim_id, member_id=member_id)
    if mine.state != "open":
        raise moved_on(mine, "member")
    await tx.execute(_WITHDRAW, {"id": claim_id})
    return await settled(tx, claim_id, voucher, at=at)


async def escalate(tx: AsyncConnection, member_id: int, claim_id: int, *, at: Moment) -> Claim:
    """Its member asks the operator to look at a refusal. `NoSuchClaim` → `ClaimMovedOn` → `EscalationOver`."""
    _, mine = await held(tx, claim_id, member_id=member_id)
    if mine.state != "refused" or mine.escalate_by is None:
        raise moved_on(mine, "member")
    if not mine.escalatable(at.today):
        raise EscalationOver(mine.id, mine.redemption_id, mine.escalate_by)
    await tx.execute(_ESCALATE, {"id": claim_id, "now": at.now})
    return await one(tx, claim_id)
