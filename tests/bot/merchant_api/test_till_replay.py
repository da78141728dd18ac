"""A retailer's past, sent through `/v1` as a till system would: the same ledger as the import of its file, to the point.

The slice that the project keeps is replayed by default; JIFEN_TILL names a whole export.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import text

from ledger.earning import rulebook
from ledger.earning.rules.documents import Base
from ledger.members.reference import reference
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant, Never, Terms
from tests import turns
from tests.bot.merchant_api.scene import EVERYTHING, Scene, shop
from tests.conftest import Database
from tests.recount import points_by_customer

TILL = Path(os.environ.get("JIFEN_TILL") or Path(__file__).parents[2] / "data" / "till_export_slice.csv")
BATCH = 200

Line = dict[str, str]


def invoices(path: Path) -> Iterator[tuple[str, str, str, list[Line]]]:
    """Number, time, customer and usable lines of each document that can be sent, in order of first appearance."""
    documents: dict[str, list[Line]] = defaultdict(list)
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="", encoding="utf-8-sig") as file:
        for line in csv.DictReader(file):
            documents[line["Invoice"]].append(line)
    for number, lines in documents.items():
        back = number.startswith("C")
        usable = [x for x in lines if x["Customer ID"] and Decimal(x["Price"]) > 0 and (int(x["Quantity"]) < 0) == back]
        if usable and not number.startswith("A"):
            customer = usable[0]["Customer ID"]
            yield number, lines[0]["InvoiceDate"], customer, [x for x in usable if x["Customer ID"] == customer]


class Replay:
    """Sends documents in order; purchases wait for a batch to fill, or for a refund of one of their customers."""

    def __init__(self, scene: Scene, key: str, references: dict[str, str]) -> None:
        self._scene, self._key, self._references = scene, key, references
        self._waiting: list[dict[str, Any]] = []
        self._customers: set[str] = set()

    async def run(self, path: Path) -> None:
        """Send everything."""
        for number, time, customer, lines in invoices(path):
            at = time.replace(" ", "T") + "+00:00"
            if number.startswith("C"):
                await self._refund(number, at, customer, lines)
            else:
                self._waiting.append(self._purchase(number, at, customer, lines))
                self._customers.add(customer)
                if len(self._waiting) == BATCH:
                    await self._flush()
        await self._flush()

    def _purchase(self, number: str, at: str, customer: str, lines: list[Line]) -> dict[str, Any]:
        sent = []
        exact = paid = 0
        for line in lines:
            exact += int(Decimal(line["Price"]) * int(line["Quantity"]) * 10_000)
            amount = exact // 100 - paid  # a price of three decimals: what the lines come to is rounded down once
            paid += amount
            sent.append({"amount_minor": amount, "pieces": int(line["Quantity"]), "item": line["StockCode"]})
        member = {"reference": self._references[customer]}
        return {"document": number, "member": member, "occurred_at": at, "lines": sent}

    async def _flush(self) -> None:
        if not self._waiting:
            return
        said = await self._scene.ask("POST", "/v1/purchases:batch", {"purchases": self._waiting}, key=self._key)
        assert said.status == 200, said.text
        assert said.json["refused"] == 0, [row for row in said.json["rows"] if row.get("problem")][:3]
        self._waiting, self._customers = [], set()

    async def _refund(self, number: str, at: str, customer: str, lines: list[Line]) -> None:
        if customer in self._customers:
            await self._flush()
        items = [{"item": line["StockCode"], "pieces": -int(line["Quantity"])} for line in lines]
        body = {"kind": "without_reference", "document": number, "occurred_at": at, "items": items}
        body["member"] = {"reference": self._references[customer]}
        said = await self._scene.ask("POST", "/v1/refunds", body, key=self._key)
        assert said.status in (200, 201), said.text


async def gift_shop(scene: Scene, customers: list[str]) -> tuple[Merchant, dict[str, str]]:
    """The retailer on the import's terms, one account for each of its customers; their references."""
    async with scene.database.engine.begin() as tx:
        terms = Terms(currency=turns.COMMON, life=Never(), return_days=0)
        facts = {"code": "gifts", "name_zh": "礼品店", "name_en": "Gift Shop", "category": "gifts"}
        gifts = await merchants.create(tx, terms=terms, money="GBP", **facts)
        base = {"code": "gifts-base", "merchant_id": gifts.id, "rule": Base(rate=Decimal(1))}
        await rulebook.publish(tx, **base, valid_from=turns.TODAY.replace(year=2000), made_by="test", at=turns.NOW)
        add = text("INSERT INTO member (status) VALUES ('unclaimed') RETURNING id")
        ids = {customer: int(await tx.scalar(add) or 0) for customer in customers}
    return gifts, {customer: reference(scene.vault, gifts.id, id_) for customer, id_ in ids.items()}


async def test_a_whole_till_replayed_over_http_gives_what_the_file_gives(database: Database) -> None:
    async with shop(database) as scene:
        expected = points_by_customer(TILL)
        customers = sorted({customer for _, _, customer, _ in invoices(TILL)} | set(expected))
        gifts, references = await gift_shop(scene, customers)
        _, key = await scene.new_key(*EVERYTHING, "history", merchant=gifts, per_minute=1_000_000)
        for _ in range(2):  # the second time changes nothing
            await Replay(scene, key, references).run(TILL)
            found = await scene.sql(
                "SELECT owner_id, sum(balance)::bigint AS points FROM account WHERE owner_kind = 'member'"
                " AND purpose IN ('available', 'deficit') GROUP BY 1"
            )
            held = {row.owner_id: row.points for row in found}
            ids = {row.id: row.n for row in await scene.sql(
                "SELECT id, row_number() OVER (ORDER BY id) AS n FROM member WHERE status = 'unclaimed'"
            )}  # fmt: skip
            mine = {customers[n - 1]: held.get(id_, 0) for id_, n in ids.items()}
            assert {c: p for c, p in mine.items() if p or c in expected} == expected
            assert await scene.holds()
