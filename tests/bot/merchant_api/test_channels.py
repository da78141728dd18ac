"""A bank that reports card spending, and a till that lost its network: neither an opened card nor a second delivery earns."""

from __future__ import annotations

import datetime as dt

from tests import turns
from tests.bot.merchant_api.scene import shop
from tests.conftest import Database


async def test_a_bank_reports_spending_and_gets_nothing_for_a_card_that_was_opened(database: Database) -> None:
    async with shop(database) as scene:
        await scene.sql("UPDATE merchant SET terms = terms || '{\"instrument\": true}' WHERE code = 'market'")
        spent = await scene.buy(scene.purchase(12_345))
        assert (spent.status, spent.json["points"]) == (201, 123)
        assert await scene.sql("SELECT channel FROM purchase") == [("card",)]
        opened = await scene.buy(scene.purchase(0, document="card-opened"))
        assert (opened.status, opened.code) == (422, "amount_must_be_positive")
        await scene.sql(
            "INSERT INTO activity (merchant_id, kind, title, points, people_max, starts_at, ends_at, made_by, made_at)"
            " VALUES (:here, 'check_in', '开卡礼', 500, 100, :since, :until, 'test', :since)",
            here=scene.market.id,
            since=scene.now() - dt.timedelta(hours=1),
            until=scene.now() + dt.timedelta(hours=1),
        )
        [activity] = await scene.sql("SELECT id FROM activity")
        grant = {"member": {"reference": scene.reference}, "activity": activity.id}
        given = await scene.ask("POST", "/v1/activity-grants", grant)
        assert given.code == "spending_needed", given.text
        assert (await scene.sql("SELECT sum(points)::int FROM entry WHERE kind = 'accrue'"))[0][0] == 123
        assert await scene.holds()


async def test_a_till_that_lost_its_network_delivers_its_queue_and_each_counts_once_on_its_day(
    database: Database,
) -> None:
    async with shop(database) as scene:
        then = scene.now() - dt.timedelta(days=2)
        queue = [
            scene.purchase(1_000 * number, occurred_at=(then + dt.timedelta(minutes=number)).isoformat())
            for number in (1, 2, 3)
        ]
        live = await scene.buy(queue[0])  # it had arrived, and only the answer was lost
        assert live.status == 201
        for body in ({"purchases": queue}, {"purchases": list(reversed(queue))}):  # sent again after the next outage
            said = await scene.ask("POST", "/v1/purchases:batch", body)
            assert (said.status, said.json["booked"], said.json["refused"]) == (200, 3, 0), said.text
        assert all(row["purchase"]["repeated"] for row in said.json["rows"])
        rows = await scene.sql("SELECT points, bought_on FROM purchase ORDER BY points")
        day = then.astimezone(turns.ZONE).date()
        assert rows == [(10, day), (20, day), (30, day)]
        assert await scene.holds()
