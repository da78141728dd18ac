"""A till export, told purchase by purchase as the merchant API hears it, comes to the same points as its import."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from decimal import Decimal
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import intake, refunds
from ledger.earning.intake import Intended
from ledger.earning.purchases import Booked
from ledger.earning.returns import Returned
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import Base
from ledger.earning.rules.version import RuleVersion
from ledger.earning.till_book import earning
from ledger.earning.till_import import Document, Matcher, Row, documents, survey
from ledger.merchants.mapping import Mapping
from ledger.merchants.merchant import Never, Terms
from ledger.points.audit import audit
from tests.conftest import Database
from tests.ledger.earning.shop import ZONE, Shop, moment, open_shop
from tests.recount import points_by_customer

SLICE = Path(__file__).parents[2] / "data" / "till_export_slice.csv"
RULE = RuleVersion("shop", 1, Base(rate=Decimal(1)), dt.date(1970, 1, 1))


def rows() -> list[Row]:
    """The export's lines."""
    with SLICE.open(newline="", encoding="utf-8") as file:
        places = Mapping().places(next(reader := csv.reader(file)))
        return [Row(n, *(line[p] for p in (places[0], *places[1:]))) for n, line in enumerate(reader, 1)]


def parts(lines: list[Row]) -> tuple[Part, ...]:
    """Lines in whole pence that add up to the exact total, rounded down once."""
    found, total, told = [], Decimal(0), 0
    for row in lines:
        pieces = int(row.quantity)
        total += pieces * Decimal(row.price)
        minor = int(total * 100) - told
        told += minor
        found.append(Part(minor, pieces=pieces, item=row.item))
    return tuple(found)


async def tell(
    tx: AsyncConnection, shop: Shop, told: list[tuple[Document, list[Row]]], members: dict[str, int]
) -> None:
    """Purchases in batches, each refund after what came before it."""
    at, read = moment(), Mapping().instant
    waiting: list[Intended] = []

    async def book() -> None:
        done = await intake.book_many(tx, waiting, at=at, zone=ZONE)
        assert all(isinstance(one, Booked) for one in done)
        waiting.clear()

    for document, lines in told:
        occurred_at = read(document.rows[0].time)
        if not document.number.startswith("C"):
            one = Intended(
                merchant=shop.merchant, document=document.number, member_id=members[lines[0].customer],
                bill=Bill(parts(lines), "GBP"), bought_on=occurred_at.date(), occurred_at=occurred_at, actor="api",
            )  # fmt: skip
            waiting.append(one)
            if len(waiting) == 100:
                await book()
            continue
        await book()
        by_customer: dict[str, list[Returned]] = {}
        for row in lines:
            by_customer.setdefault(row.customer, []).append(Returned(row.item, -int(row.quantity)))
        for customer, items in by_customer.items():
            await refunds.refund_items(
                tx, shop.merchant, member_id=members[customer], items=items, document=document.number,
                occurred_at=occurred_at, at=at, actor="api",
            )  # fmt: skip
    await book()


async def test_an_export_told_purchase_by_purchase_comes_to_the_same_points(database: Database) -> None:
    lines = rows()
    found = survey(lines, refund_prefix="C")
    matcher = Matcher(
        found, refund_prefix="C", adjustment_prefix="A", earns=earning([RULE], money="GBP", zone="Europe/London"),
        instant=Mapping().instant,
    )  # fmt: skip
    told = []
    for document in documents(lines, found):
        _, outcomes = matcher.take(document)
        usable = {"earned"} if not document.number.startswith("C") else {"refunded", "refunded_in_part", "not_matched"}
        kept = [row for row, result in zip(document.rows, outcomes, strict=True) if result.outcome in usable]
        if kept:
            told.append((document, kept))
    customers = sorted({row.customer for _, kept in told for row in kept})
    async with database.engine.begin() as tx:
        shop = await open_shop(tx, terms=Terms(return_days=0, life=Never()))
        ids = await tx.scalars(
            text("INSERT INTO member (status) SELECT 'unclaimed' FROM generate_series(1, :n) RETURNING id"),
            {"n": len(customers)},
        )
        members = dict(zip(customers, sorted(ids), strict=True))
        await tx.execute(text("UPDATE accrual_rule SET valid_from = '2000-01-01'"))
        await tell(tx, shop, told, members)
        balances = await tx.execute(
            text("SELECT owner_id, sum(balance)::bigint FROM account WHERE owner_kind = 'member' GROUP BY owner_id")
        )
        held = {who: points for who, points in balances}
        checked = await audit(tx)
    expected = Counter(points_by_customer(SLICE))
    assert {customer: held.get(who, 0) for customer, who in members.items()} == {c: expected[c] for c in customers}
    assert sum(expected.values()) == sum(held.values()) > 0
    assert checked.violations == ()
