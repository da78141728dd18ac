"""`jifen export declined`: what an auditor reads of purchases that earned nothing because cover was used up."""

from __future__ import annotations

import csv
from pathlib import Path

from ledger.earning import declined, making_up
from ledger.merchants import guarantee
from tests.bot.test_till_import import jifen
from tests.conftest import Database
from tests.ledger.earning.purchasing import book, bought
from tests.ledger.earning.shop import VAULT, ZONE, moment, open_shop


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
