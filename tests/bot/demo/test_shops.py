"""The demo's shops: outlets with tills, certificates of which one ends soon, green letters, an application that waits."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text

from ledger.earning import green_rating
from ledger.merchants import certificates, directory, onboarding, outlets
from ledger.merchants import merchant as merchants
from ledger.programme import Programme
from tests.conftest import Database
from tests.turns import TODAY, vault


async def test_the_demos_shops_are_arranged_as_told(demo_database: Database) -> None:
    async with demo_database.engine.connect() as tx:
        market, tea, fruit = [await merchants.by_code(tx, code) for code in ("market", "tea", "fruit")]
        assert [len(each.tills) for each in await outlets.of(tx, market.id)] == [3, 1]
        in_hangzhou = await directory.find(tx, region="hz", category="grocery")
        assert [each.id for each in in_hangzhou] == [market.id], "by its outlet there"
        [soon] = await certificates.ending(tx, today=TODAY, after=0, limit=9)
        assert (soon.merchant_id, soon.valid_until) == (tea.id, TODAY + dt.timedelta(days=24))
        assert certificates.warning_due(soon, TODAY) == 30
        [waiting] = await onboarding.queue(tx)
        contact = (await onboarding.by_id(tx, waiting.id, vault=vault())).contact
        assert (waiting.name_zh, contact) == ("街角面包", "李师傅 13800000000")
        programme = Programme.model_validate(await tx.scalar(text("SELECT document FROM programme")))
        rated = await green_rating.ratings(tx, [fruit.id, tea.id, market.id], programme.green_scale)
        assert [rated[each.id].letter for each in (fruit, tea, market)] == ["B", "C", None]
