"""`jifen export`: what an auditor reads of purchases that cover did not reach for, and of points that ran out."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

from ledger.earning import declined, making_up
from ledger.merchants import guarantee
from ledger.points import expiry
from ledger.points.engine import apply
from tests.bot.test_till_import import jifen
from tests.conftest import Database
from tests.ledger.earning.purchasing import book, bought
from tests.ledger.earning.shop import VAULT, ZONE, moment, open_shop
from tests.ledger.points import builders
from tests.ledger.points.builders import DAY, accrue


async def test_every_declined_purchase_is_listed_with_what_became_of_it(database: Database, tmp_path: Path) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await guarantee.set_limit(tx, shop.merchant.id, 0, actor="test", at=moment())
        await book(tx, *(bought(shop, document) for document in ("=1+1", "b", "c")))
        [_, dropped, _] = await declined.page(tx, shop.merchant.id, limit=3)
        await making_up.drop(tx, shop.manager, dropped.id, at=moment())
        await guarantee.set_limit(tx, shop.merchant.id, 200, actor="test", at=moment())
        done = await making_up.book_open(tx, shop.merchant, shop.manager, at=moment(), zone=ZONE, vault=VAULT)
        entry = done.booked[0].purchase.entry_id
    target = tmp_path / "declined.csv"
    code, said = await jifen(database, tmp_path, "export", "declined", "--csv", target, "--merchant", "yunshan")
    assert code == 0, said
    with target.open(newline="", encoding="utf-8") as file:
        lines = [(row["document"], row["state"], row["entry_id"], row["points"]) for row in csv.DictReader(file)]
    assert lines == [("'=1+1", "booked", str(entry), "100"), ("b", "dropped", "", ""), ("c", "open", "", "")]
    code, said = await jifen(database, tmp_path, "export", "declined", "--csv", "-", "--merchant", "nobody")
    assert code == 1 and "there is no merchant nobody" in said


async def test_breakage_is_listed_by_month_and_issuer(database: Database, tmp_path: Path) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await apply(
            tx,
            [
                accrue(30, issuer_id=shop.merchant.id, expires_on=DAY),
                accrue(12, expires_on=None, issuer_id=shop.merchant.id),
            ],
        )
        await expiry.page(tx, key="night", actor="job:expire", at=builders.moment(DAY + dt.timedelta(days=31)))
    target = tmp_path / "breakage.csv"
    code, said = await jifen(database, tmp_path, "export", "breakage", "--csv", target, "--merchant", "yunshan")
    assert code == 0, said
    with target.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["month"] == "2026-02-01" and row["merchant"] == "yunshan"
    assert (row["expired"], row["restored"], row["clawed_back"], row["breakage"]) == ("30", "0", "0", "30")
