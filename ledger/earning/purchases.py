"""Purchases: booked once per merchant's document, refunded by the rule that paid.

The document number is the business key: however often a purchase is delivered, by whatever request, it earns once. A refund
takes back what the purchase, recomputed on what remains of it under its own rule version, no longer earns.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook
from ledger.earning.rules import Bill, Decision, Part, evaluate
from ledger.errors import Fault, Refusal
from ledger.merchants.merchant import Merchant, available_on, expires_on
from ledger.points.commands import Accrue, ClawBack, KeyReused, Moment, Receipt, member
from ledger.points.engine import post


@dataclass(eq=False)
class AmountMustBePositive(Refusal):
    """A purchase or refund is of something."""

    amount_minor: int


@dataclass(eq=False)
class DocumentTaken(Refusal):
    """The merchant has booked this document for other facts: another member, amount or part paid with points."""

    document: str


@dataclass(eq=False)
class NoSuchPurchase(Refusal):
    """The merchant has no purchase of this number."""

    document: str


@dataclass(eq=False)
class MoreThanPurchase(Refusal):
    """More is to be refunded than the purchase has left."""

    document: str
    asked_minor: int
    left_minor: int
    money: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """A booked purchase. `amount_minor` is what was paid with money; `refunded_minor` of it went back."""

    id: int
    merchant_id: int
    document: str
    member_id: int
    amount_minor: int
    money: str
    refunded_minor: int
    points: int
    entry_id: int
    rule_versions: tuple[str, ...]
    bill: Bill
    staff_id: int | None
    occurred_at: dt.datetime
    bought_on: dt.date
    taken_back_at: dt.datetime | None

    @property
    def left_minor(self) -> int:
        """What of it has not been refunded."""
        return self.amount_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class Booked:
    """A purchase and the receipt of what it earned; `repeated`: it had been booked before, and nothing was done now."""

    purchase: Purchase
    receipt: Receipt | None
    repeated: bool


@dataclass(frozen=True, slots=True)
class Refunded:
    """What a refund did: money, points clawed back, and their receipt (None where nothing had been earned on it)."""

    purchase: Purchase
    amount_minor: int
    points: int
    receipt: Receipt | None
    repeated: bool


COLUMNS = """
    id, merchant_id, document, member_id, amount_minor, money, refunded_minor, points, entry_id, rule_versions, bill, staff_id,
    occurred_at, bought_on, taken_back_at
"""
_BY_DOCUMENT = text(f"SELECT {COLUMNS} FROM purchase WHERE merchant_id = :merchant_id AND document = :document")
_BY_ID = text(f"SELECT {COLUMNS} FROM purchase WHERE id = :id")
_LOCK = text(f"SELECT {COLUMNS} FROM purchase WHERE id = :id FOR UPDATE")
_BOOK = text(
    f"""
    INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, rule_versions, bill,
                          staff_id, occurred_at, bought_on)
    VALUES (:merchant_id, :document, :member_id, :amount_minor, :money, :points, :entry_id, CAST(:versions AS jsonb),
            CAST(:bill AS jsonb), :staff_id, :occurred_at, :bought_on)
    ON CONFLICT (merchant_id, document) DO NOTHING
    RETURNING {COLUMNS}
    """
)
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


def bill_document(bill: Bill) -> dict[str, Any]:
    """A bill as the purchase stores it."""
    return {
        "parts": [[part.amount_minor, part.category] for part in bill.parts],
        "paid_otherwise_minor": bill.paid_otherwise_minor,
    }


def from_row(row: Row[Any]) -> Purchase:
    """A purchase of a row with `COLUMNS`."""
    fields = dict(row._mapping)
    stored = fields["bill"]
    parts = tuple(Part(amount, category) for amount, category in stored["parts"])
    fields["bill"] = Bill(parts, row.money, stored["paid_otherwise_minor"])
    fields["rule_versions"] = tuple(row.rule_versions)
    return Purchase(**fields)


async def find(tx: AsyncConnection, merchant_id: int, document: str) -> Purchase | None:
    """The purchase that this merchant booked under this number."""
    row = (await tx.execute(_BY_DOCUMENT, {"merchant_id": merchant_id, "document": document})).first()
    return None if row is None else from_row(row)


async def by_id(tx: AsyncConnection, purchase_id: int) -> Purchase:
    """One purchase, or `NoSuchPurchase`."""
    row = (await tx.execute(_BY_ID, {"id": purchase_id})).first()
    if row is None:
        raise NoSuchPurchase(str(purchase_id))
    return from_row(row)


async def quote(tx: AsyncConnection, merchant: Merchant, bill: Bill, day: dt.date) -> Decision:
    """What this bill would earn on `day`: shown before it is confirmed, by the evaluation that then pays."""
    merchant.must_issue()
    return evaluate(bill, await rulebook.in_force(tx, merchant.id, day), day)


async def book(
    tx: AsyncConnection,
    merchant: Merchant,
    *,
    document: str,
    member_id: int,
    bill: Bill,
    bought_on: dt.date,
    occurred_at: dt.datetime,
    at: Moment,
    actor: str,
    staff_id: int | None = None,
) -> Booked:
    """Book a purchase and give what it earns, pending through the merchant's return window.

    The second delivery of a document gets what the first did. A purchase that earns nothing leaves a zero-point entry that
    says why.

    Raises:
        MerchantMayNotIssue → AmountMustBePositive → DocumentTaken (same document, other facts), then the engine's.
    """
    if (known := await find(tx, merchant.id, document)) is not None:
        return _again(known, member_id, bill)
    if bill.gross_minor <= 0:
        raise AmountMustBePositive(bill.gross_minor)
    decision = await quote(tx, merchant, bill, bought_on)
    command = accrual(
        merchant,
        document=document,
        member_id=member_id,
        bill=bill,
        decision=decision,
        bought_on=bought_on,
        occurred_at=occurred_at,
        at=at,
        actor=actor,
    )
    try:
        receipt = await post(tx, command)
    except KeyReused:
        # Booked between our look and the engine's lock. Its row is committed with its entry, so it can be read now.
        known = await find(tx, merchant.id, document)
        if known is None:
            raise DocumentTaken(document) from None
        return _again(known, member_id, bill)
    facts = {
        "merchant_id": merchant.id,
        "document": document,
        "member_id": member_id,
        "amount_minor": net_minor(bill),
        "money": bill.money,
        "points": decision.points,
        "entry_id": receipt.entry_id,
        "versions": json.dumps(decision.versions),
        "bill": json.dumps(bill_document(bill), ensure_ascii=False),
        "staff_id": staff_id,
        "occurred_at": occurred_at,
        "bought_on": bought_on,
    }
    row = (await tx.execute(_BOOK, facts)).first()
    if row is None:
        known = await find(tx, merchant.id, document)
        if known is None:
            raise Fault(f"purchase {document} of merchant {merchant.id} neither written nor found")
        return _again(known, member_id, bill)
    return Booked(from_row(row), receipt, receipt.repeated)


def _again(known: Purchase, member_id: int, bill: Bill) -> Booked:
    if known.member_id != member_id or known.bill != bill:
        raise DocumentTaken(known.document)
    return Booked(known, None, True)


def net_minor(bill: Bill) -> int:
    """What was paid with money."""
    return max(0, bill.gross_minor - bill.paid_otherwise_minor)


def accrual(
    merchant: Merchant,
    *,
    document: str,
    member_id: int,
    bill: Bill,
    decision: Decision,
    bought_on: dt.date,
    occurred_at: dt.datetime,
    at: Moment,
    actor: str,
) -> Accrue:
    """The one command by which a purchase earns, whether it comes from a till, the API or an import."""
    from_day = available_on(merchant.terms, bought_on)
    return Accrue(
        key=f"purchase:{merchant.id}:{document}",
        owner=member(member_id),
        currency=merchant.terms.currency,
        at=at,
        actor=actor,
        occurred_at=occurred_at,
        merchant_id=merchant.id,
        issuer_id=merchant.id,
        points=decision.points,
        available_on=from_day,
        expires_on=expires_on(merchant.terms, from_day),
        rule=decision.versions[0] if decision.versions else None,
        transferable=merchant.terms.transferable,
        reason=decision.because,
        facts={"what": "purchase", "document": document, "amount_minor": net_minor(bill), "money": bill.money},
        trace=decision.trace,
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
