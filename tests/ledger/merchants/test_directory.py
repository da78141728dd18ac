"""Finding merchants: by their own region, an outlet's, or none; by trade; without those that are not there yet or any more."""

from __future__ import annotations

from sqlalchemy import text

from ledger.merchants import directory, outlets, staff
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Terms
from tests.conftest import Database
from tests.turns import NOW


async def test_a_merchant_is_where_it_or_an_outlet_is_and_everywhere_without_a_region(database: Database) -> None:
    async with database.engine.begin() as tx:
        ids = {}
        for code, region in (("sh", "sh"), ("hz", "hz"), ("all", None), ("both", "sh")):
            made = await merchants.create(
                tx, code=code, name_zh=code, name_en=code, category="books", region=region, terms=Terms()
            )
            ids[code] = made.id
        owner = staff.Staff(1, ids["both"], 1, "owner", "店主", NOW)
        for name, region in (("一店", None), ("二店", "hz"), ("三店", "hz")):
            await outlets.open_outlet(tx, by=owner, name=name, region=region, now=NOW)
        in_hz = await directory.find(tx, region="hz", category=None)
        assert [(each.name_zh, each.outlets) for each in in_hz] == [("hz", 0), ("both", 2), ("all", 0)]
        assert [each.name_zh for each in await directory.find(tx, region="sh", category="books")] == [
            "sh",
            "both",
            "all",
        ]
        assert await directory.find(tx, region=None, category="fruit") == []
        everywhere = await directory.find(tx, region=None, category=None)
        assert [(each.name_zh, each.outlets) for each in everywhere][-2:] == [("both", 3), ("all", 0)]
        assert await directory.categories(tx, region="hz") == {"books": 3}
        for status, then in (("suspended", 3), ("applied", 2), ("closed", 2)):
            await tx.execute(text("UPDATE merchant SET status = :s WHERE code = 'hz'"), {"s": status})
            assert len(await directory.find(tx, region="hz", category=None)) == then
        [_, second, _] = await outlets.of(tx, ids["both"])
        await outlets.close_outlet(tx, second.id, by=owner, now=NOW)
        assert [each.outlets for each in await directory.find(tx, region="hz", category=None)] == [1, 0]
