"""Purchases from a file: booked by the same rules, caps and cover as any other, each document once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from ledger.earning import intake, purchases
from ledger.earning.intake import Intended
from ledger.earning.purchases import Purchase
from ledger.earning.rules.bill import Bill, Part
from ledger.errors import Refusal
from ledger.imports import customers
from ledger.imports.customers import Customer
from ledger.imports.lines import PurchaseLine
from ledger.imports.working import Happened, Working

CHANNEL = "file"


async def do(working: Working, bills: Sequence[Sequence[PurchaseLine]]) -> list[Happened]:
    """Book documents, each of one or more lines, for customers as `customers.find` knows them."""
    tx, merchant = working.tx, working.merchant
    found = await customers.find(working, (bill[0].customer for bill in bills))
    claimed = [bill[0].document for bill in bills if len(found[bill[0].customer].members) > 1]
    known = await purchases.find_many(tx, [(merchant.id, document) for document in claimed])
    intended = [
        _intended(working, bill, found[bill[0].customer], known.get((merchant.id, bill[0].document))) for bill in bills
    ]
    happened = []
    for outcome in await intake.book_many(tx, intended, at=working.at, zone=working.zone, vault=working.vault):
        if isinstance(outcome, Refusal):
            happened.append(Happened(outcome))
        else:
            how: Literal["already", "done"] = "already" if outcome.repeated else "done"
            happened.append(Happened(how, outcome.purchase.points, outcome.purchase.id))
    return happened


def _intended(working: Working, bill: Sequence[PurchaseLine], whose: Customer, booked: Purchase | None) -> Intended:
    first, merchant = bill[0], working.merchant
    # Booked for the account before its owner claimed it: it is the same purchase.
    before = booked is not None and booked.member_id in whose.members
    parts = tuple(Part(line.amount_minor, line.category, None, line.pieces, line.item) for line in bill)
    return Intended(
        merchant=merchant,
        document=first.document,
        member_id=booked.member_id if booked is not None and before else whose.holder,
        bill=Bill(parts, merchant.money),
        bought_on=first.occurred_at.astimezone(working.zone).date() + dt.timedelta(days=working.at.ahead_days),
        occurred_at=first.occurred_at,
        actor=working.file.actor,
        channel=CHANNEL,
    )
