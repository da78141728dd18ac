"""Refunds: a purchase, recomputed on what remains of it under the rule version that paid, gives back what it no longer earns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook
from ledger.earning.purchases import COLUMNS, AmountMustBePositive, DocumentTaken, NoSuchPurchase, Purchase, from_row
from ledger.earning.rules import Bill, Part, evaluate
from ledger.errors import Refusal
from ledger.merchants.merchant import Merchant
from ledger.points.commands import ClawBack, Moment, Receipt, member
from ledger.points.engine import post


@dataclass(eq=False)
class MoreThanPurchase(Refusal):
    """More is to be refunded than the purchase has left."""

    document: str
    asked_minor: int
    left_minor: int
    money: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """What a refund did: money, points clawed back, and their receipt (None where nothing had been earned on it)."""

    purchase: Purchase
    amount_minor: int
    points: int
    receipt: Receipt | None
    repeated: bool


_LOCK = text(f"SELECT {COLUMNS} FROM purchase WHERE id = :id FOR UPDATE")
_REFUND = text(
    """
    INSERT INTO refund (merchant_id, document, purchase_id, amount_minor, points, entry_id, staff_id, reason, occurred_at)
    VALUES (:merchant_id, :document, :purchase_id, :amount_minor, :points, :entry_id, :staff_id, :reason, :occurred_at)
    """
)
_REFUNDS = text("SELECT document, amount_minor, points, entry_id FROM refund WHERE purchase_id = :id")
_COUNT = text(
    "UPDATE purchase SET refunded_minor = refunded_minor + :amount_minor,"
    " taken_back_at = coalesce(taken_back_at, CAST(:taken_back_at AS timestamptz))"
    f" WHERE id = :id RETURNING {COLUMNS}"
)


async def refund(
    tx: AsyncConnection,
    merchant: Merchant,
    *,
    purchase_id: int,
    document: str,
    amount_minor: int,
    occurred_at: dt.datetime,
    at: Moment,
    actor: str,
    staff_id: int | None = None,
    reason: str | None = None,
    take_back: bool = False,
) -> Refunded:
    """Take back what the purchase no longer earns once `amount_minor` of it is refunded.

    The second delivery of a refund document gets what the first did. What has been spent becomes a deficit towards this
    issuer. `take_back` marks the whole purchase as an award that should not have been.

    Raises:
        NoSuchPurchase → DocumentTaken → AmountMustBePositive → MoreThanPurchase, then the engine's.
    """
    row = (await tx.execute(_LOCK, {"id": purchase_id})).first()
    if row is None or row.merchant_id != merchant.id:
        raise NoSuchPurchase(str(purchase_id))
    purchase = from_row(row)
    earlier = (await tx.execute(_REFUNDS, {"id": purchase_id})).all()
    for was in earlier:
        if was.document == document:
            if was.amount_minor != amount_minor:
                raise DocumentTaken(document)
            return Refunded(purchase, was.amount_minor, was.points, None, True)
    if amount_minor <= 0:
        raise AmountMustBePositive(amount_minor)
    if amount_minor > purchase.left_minor:
        raise MoreThanPurchase(purchase.document, amount_minor, purchase.left_minor, purchase.money)
    rules = await rulebook.named(tx, merchant.id, purchase.rule_versions)
    keeps = evaluate(_remaining(purchase, amount_minor), rules, purchase.bought_on)
    owed = purchase.points - sum(was.points for was in earlier)
    points = max(0, owed - keeps.points)
    receipt = None
    if points:
        receipt = await post(
            tx,
            ClawBack(
                key=f"refund:{merchant.id}:{document}:{purchase.document}",
                owner=member(purchase.member_id),
                currency=merchant.terms.currency,
                at=at,
                actor=actor,
                occurred_at=occurred_at,
                merchant_id=merchant.id,
                issuer_id=merchant.id,
                entry_id=purchase.entry_id,
                points=points,
                reason=reason,
                facts=refund_facts(document, purchase.document, amount_minor, purchase.money, take_back=take_back),
                trace=refund_trace(points, keeps.points),
            ),
        )
    await tx.execute(
        _REFUND,
        {
            "merchant_id": merchant.id,
            "document": document,
            "purchase_id": purchase_id,
            "amount_minor": amount_minor,
            "points": points,
            "entry_id": receipt.entry_id if receipt else None,
            "staff_id": staff_id,
            "reason": reason,
            "occurred_at": occurred_at,
        },
    )
    counted = {"id": purchase_id, "amount_minor": amount_minor, "taken_back_at": at.now if take_back else None}
    after = (await tx.execute(_COUNT, counted)).one()
    return Refunded(from_row(after), amount_minor, points, receipt, False)


def refund_facts(document: str, of: str, amount_minor: int, money: str, *, take_back: bool) -> dict[str, Any]:
    """What the entry of a refund says of it."""
    what = "take_back" if take_back else "refund"
    return {"what": what, "document": document, "of": of, "amount_minor": amount_minor, "money": money}


def refund_trace(points: int, keeps: int) -> list[dict[str, Any]]:
    """The arithmetic of a refund: what its purchase had earned so far, what the rest of it still earns."""
    return [{"what": "refund", "earned": points + keeps, "keeps": keeps, "points": points}]


def _remaining(purchase: Purchase, amount_minor: int) -> Bill:
    """The bill of what remains after this refund, smaller in every category alike: a refund names no lines here."""
    left, whole = purchase.left_minor - amount_minor, purchase.amount_minor
    bill = purchase.bill
    if whole == 0 or left == whole:
        return bill
    parts = _shrunk([part.amount_minor for part in bill.parts], left, whole)
    otherwise = bill.paid_otherwise_minor * left // whole
    return Bill(
        tuple(Part(amount, part.category) for amount, part in zip(parts, bill.parts, strict=True)),
        bill.money,
        otherwise,
    )


def _shrunk(amounts: Sequence[int], left: int, whole: int) -> list[int]:
    """Each amount × left ÷ whole, rounded so that their sum is rounded down once: largest remainder, ties to the first."""
    floors = [amount * left // whole for amount in amounts]
    missing = sum(amounts) * left // whole - sum(floors)
    order = sorted(range(len(amounts)), key=lambda i: (-(amounts[i] * left % whole), i))
    for i in order[:missing]:
        floors[i] += 1
    return floors
