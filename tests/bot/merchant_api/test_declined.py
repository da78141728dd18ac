"""Purchases over HTTP that cover does not reach for: refused alone, kept, told once, and booked when they come again."""

from __future__ import annotations

import asyncio
import datetime as dt

from ledger.earning import making_up
from ledger.merchants import guarantee
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from tests import turns
from tests.bot.merchant_api.scene import Scene, fresh, shop
from tests.conftest import Database


def moment(scene: Scene) -> Moment:
    return Moment(scene.now(), scene.now().astimezone(turns.ZONE).date())


async def limit(scene: Scene, minor: int) -> None:
    """So much stands behind the market's points; one costs 2."""
    async with scene.database.engine.begin() as tx:
        await guarantee.set_limit(tx, scene.market.id, minor, actor="operator:1", at=moment(scene))


async def test_only_the_uncovered_of_combined_requests_is_refused_and_its_member_told_once(database: Database) -> None:
    async with shop(database) as scene:
        await limit(scene, 450)
        bodies = [scene.purchase(10_000) for _ in range(4)]
        said = await asyncio.gather(*(scene.buy(body) for body in bodies))
        assert sorted(each.status for each in said) == [201, 201, 409, 409]
        full = next(each for each in said if each.status == 409)
        assert full.code == "cover_exhausted" and "已留底" in full.json["detail"]
        assert await scene.sql("SELECT count(*) FROM declined_purchase") == [(2,)]
        for body in bodies:  # again, each with a new key
            await scene.buy(body)
        told = await scene.sql("SELECT params->>'text' FROM outbox WHERE key LIKE 'declined:%'")
        assert len(told) == 2 and all("这笔已留底" in text and "0 分" in text for (text,) in told)
        assert await scene.sql("SELECT count(*) FROM purchase") == [(2,)]
        assert await scene.holds()


async def test_the_same_document_sent_later_is_booked_and_closes_the_record(database: Database) -> None:
    async with shop(database) as scene:
        await limit(scene, 0)
        body, name = scene.purchase(10_000), fresh()
        assert (await scene.buy(body, idem=name)).status == 409
        back = {"kind": "all", "document": fresh("back"), "of": body["document"], "occurred_at": body["occurred_at"]}
        refund = await scene.ask("POST", "/v1/refunds", back, language="en")
        assert (refund.status, refund.code) == (409, "purchase_declined")
        assert "book it first, then refund" in refund.json["detail"]
        await limit(scene, 1_000)
        booked = await scene.buy(body, idem=name)
        assert (booked.status, booked.json["points"], booked.json["repeated"]) == (201, 100, False)
        async with database.engine.begin() as tx:
            staff = Staff(1, scene.market.id, 1, "manager", "店长", scene.now())
            done = await making_up.book_open(
                tx, scene.market, staff, at=moment(scene), zone=turns.ZONE, vault=scene.vault
            )
        assert done == making_up.MadeUp((), 0, ()), "nothing is open any more"
        assert (await scene.buy(body)).json["repeated"] is True
        assert (await scene.ask("POST", "/v1/refunds", back)).status == 201


async def test_booked_by_the_manager_the_api_gives_what_was_booked(database: Database) -> None:
    async with shop(database) as scene:
        await limit(scene, 0)
        long_ago = (scene.now() - dt.timedelta(days=3)).isoformat()
        body = scene.purchase(10_000, occurred_at=long_ago)
        assert (await scene.buy(body)).status == 409
        await limit(scene, 1_000)
        async with database.engine.begin() as tx:
            staff = Staff(1, scene.market.id, 1, "manager", "店长", scene.now())
            [done] = (
                await making_up.book_open(tx, scene.market, staff, at=moment(scene), zone=turns.ZONE, vault=scene.vault)
            ).booked
        said = await scene.buy(body)
        assert (said.status, said.json["repeated"], said.json["points"]) == (201, True, 100)
        assert dt.datetime.fromisoformat(said.json["occurred_at"]) == done.purchase.occurred_at
        assert done.purchase.channel == "api"


async def test_rows_of_a_batch_are_declined_each_for_itself(database: Database) -> None:
    async with shop(database) as scene:
        await limit(scene, 450)
        rows = {"purchases": [scene.purchase(10_000), scene.purchase(30_000), scene.purchase(10_000)]}
        said = (await scene.ask("POST", "/v1/purchases:batch", rows)).json
        assert (said["booked"], said["refused"]) == (2, 1)
        assert said["rows"][1]["problem"]["code"] == "cover_exhausted" and said["rows"][1]["retry"] is True
        kept = await scene.sql("SELECT document, amount_minor FROM declined_purchase")
        assert kept == [(rows["purchases"][1]["document"], 30_000)]
        told = await scene.sql("SELECT count(*) FROM outbox WHERE key LIKE 'declined:%'")
        assert told == [(1,)]


async def test_two_processes_given_one_declined_document_keep_one_record(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        await limit(scene, 0)
        body = scene.purchase(10_000)
        said = await asyncio.gather(*(scene.buy(body, server=number % 2) for number in range(8)))
        assert {each.status for each in said} <= {409, 429}
        assert await scene.sql("SELECT count(*) FROM declined_purchase") == [(1,)]
        assert await scene.sql("SELECT count(*) FROM outbox WHERE key LIKE 'declined:%'") == [(1,)]


async def test_accepted_purchases_take_no_statement_more_than_before(database: Database) -> None:
    """Nothing asks for what was declined while everything is covered."""
    async with shop(database) as scene:
        await limit(scene, 100_000)
        reads = "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'declined_purchase'"
        before = await scene.sql(reads)
        for _ in range(5):
            assert (await scene.buy()).status == 201
        assert (await scene.ask("POST", "/v1/purchases:batch", {"purchases": [scene.purchase()]})).status == 200
        await scene.sql("SELECT pg_stat_force_next_flush()")
        assert await scene.sql(reads) == before
