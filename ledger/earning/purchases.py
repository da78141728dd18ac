"""Purchases as they were booked: once per merchant's document, with the facts by which they were decided.

The document number is the business key: however often a purchase is delivered, by whatever request, it earns once. Booking is
`intake`, giving back `refunds`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.decision import Decision
from ledger.earning.rules.facts import Facts
from ledger.errors import Refusal
from ledger.merchants.merchant import Merchant, available_on, expires_on
from ledger.points.commands import Accrue, Moment, Receipt, member
from ledger.values import value


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
    """The merchant has no purchase of this number; it may still be on its way."""

    document: str
    may_succeed_later: ClassVar[bool] = True


@value(frozen=True, slots=True)
class Purchase:
    """A booked purchase. `amount_minor` is what was paid with money; `refunded_minor` of it went back.

    `facts` are what it was decided by, `shares` its points by rule code.
    """

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
    channel: str
    outlet_id: int | None
    till: str | None
    facts: Facts
    shares: Mapping[str, int]

    @property
    def left_minor(self) -> int:
        """What of it has not been refunded."""
        return self.amount_minor - self.refunded_minor


@value(frozen=True, slots=True)
class Booked:
    """A purchase and the receipt of what it earned; `repeated`: it had been booked before, and nothing was done now."""

    purchase: Purchase
    receipt: Receipt | None
    repeated: bool


COLUMNS = """
    id, merchant_id, document, member_id, amount_minor, money, refunded_minor, points, entry_id, rule_versions, bill, staff_id,
    occurred_at, bought_on, taken_back_at, channel, outlet_id, till, facts, shares
"""
_BY_DOCUMENTS = text(
    # LIMIT keeps the planner from turning the join round: a plan made while the table was empty would read all of it.
    "SELECT p.* FROM unnest(CAST(:merchants AS bigint[]), CAST(:documents AS text[])) AS w(merchant_id, document)"
    f" CROSS JOIN LATERAL (SELECT {COLUMNS} FROM purchase WHERE merchant_id = w.merchant_id AND document = w.document LIMIT 1) p"
)
_BY_ENTRY = text(
    # No index leads from an entry to its purchase: a person's rare look reads the merchant's purchases since a day.
    f"SELECT {COLUMNS} FROM purchase WHERE merchant_id = :merchant_id AND occurred_at >= :since AND entry_id = :entry_id LIMIT 1"
)
_BY_ID = text(f"SELECT {COLUMNS} FROM purchase WHERE id = :id")

_PART_DEFAULTS = (None, None, 1, None)


def bill_document(bill: Bill) -> dict[str, Any]:
    """A bill as the purchase stores it: lines as [amount, category, green class, pieces, item], the usual left out at their end."""
    parts = []
    for part in bill.parts:
        said: list[Any] = [part.amount_minor, part.category, part.green_class, part.pieces, part.item]
        while len(said) > 1 and said[-1] == _PART_DEFAULTS[len(said) - 2]:
            said.pop()
        parts.append(said)
    return {"parts": parts, "paid_otherwise_minor": bill.paid_otherwise_minor}


def from_row(row: Row[Any]) -> Purchase:
    """A purchase of a row with `COLUMNS`."""
    fields = dict(row._mapping)
    stored = fields["bill"]
    fields["bill"] = Bill(tuple(Part(*part) for part in stored["parts"]), row.money, stored["paid_otherwise_minor"])
    fields["rule_versions"] = tuple(row.rule_versions)
    # A purchase from before facts were kept was decided by its day alone.
    fields["facts"] = (
        Facts.read(row.facts) if row.facts else Facts(bought_at=dt.datetime.combine(row.bought_on, dt.time()))
    )
    return Purchase(**fields)


async def find_many(tx: AsyncConnection, wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Purchase]:
    """The purchases of these (merchant, document), as far as they are booked."""
    asked: Sequence[tuple[int, str]] = list(wanted)
    if not asked:
        return {}
    columns = {"merchants": [merchant for merchant, _ in asked], "documents": [document for _, document in asked]}
    return {(row.merchant_id, row.document): from_row(row) for row in await tx.execute(_BY_DOCUMENTS, columns)}


async def find(tx: AsyncConnection, merchant_id: int, document: str) -> Purchase | None:
    """The purchase that this merchant booked under this number."""
    return (await find_many(tx, [(merchant_id, document)])).get((merchant_id, document))


async def by_entry(tx: AsyncConnection, merchant_id: int, entry_id: int, *, since: dt.datetime) -> Purchase | None:
    """The merchant's purchase that was booked as this entry, if it was made after `since`: for those without a receipt number."""
    row = (await tx.execute(_BY_ENTRY, {"merchant_id": merchant_id, "entry_id": entry_id, "since": since})).first()
    return None if row is None else from_row(row)


async def by_id(tx: AsyncConnection, purchase_id: int) -> Purchase:
    """One purchase, or `NoSuchPurchase`."""
    row = (await tx.execute(_BY_ID, {"id": purchase_id})).first()
    if row is None:
        raise NoSuchPurchase(str(purchase_id))
    return from_row(row)


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
        facts={"what": "purchase", "document": document, "amount_minor": bill.net_minor, "money": bill.money},
        trace=decision.trace,
    )
