"""Purchases: booked once per merchant's document.

The document number is the business key: however often a purchase is delivered, by whatever request, it earns once.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook
from ledger.earning.rules import Bill, Decision, Part, evaluate
from ledger.errors import Fault, Refusal
from ledger.merchants.merchant import Merchant, available_on, expires_on
from ledger.points.commands import Accrue, KeyReused, Moment, Receipt, member
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


COLUMNS = """
    id, merchant_id, document, member_id, amount_minor, money, refunded_minor, points, entry_id, rule_versions, bill, staff_id,
    occurred_at, bought_on, taken_back_at
"""
_BY_DOCUMENT = text(f"SELECT {COLUMNS} FROM purchase WHERE merchant_id = :merchant_id AND document = :document")
_BY_ID = text(f"SELECT {COLUMNS} FROM purchase WHERE id = :id")
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
