"""What the API books is told to the member at once, and once (M13)."""

from __future__ import annotations

import asyncio

from tests.bot.merchant_api.scene import Scene, fresh, served, shop
from tests.conftest import Database


async def told(scene: Scene, number: int) -> list[str]:
    """What the outbox holds for members, once there are so many messages."""
    for _ in range(200):
        rows = await scene.sql("SELECT params->>'text' AS said FROM outbox ORDER BY id")
        if len(rows) >= number and not await scene.sql("SELECT 1 FROM receipt_due"):
            return [row.said for row in rows]
        await asyncio.sleep(0.02)
    raise AssertionError(f"{rows!r} are not {number}")


async def test_a_purchase_its_refund_and_a_batch_are_told_each_once(database: Database) -> None:
    async with shop(database) as scene:
        body = scene.purchase(10_000)
        for _ in range(2):  # two keys, one document
            assert (await scene.buy(body)).status in (200, 201)
        (said,) = await told(scene, 1)
        assert "<b>+100 分</b> · 云山超市" in said
        back = {"kind": "all", "document": fresh("back"), "of": body["document"], "occurred_at": body["occurred_at"]}
        name = fresh()
        for _ in range(2):
            assert (await scene.ask("POST", "/v1/refunds", back, idem=name)).status in (200, 201)
        assert "-100 分" in (await told(scene, 2))[1]
        rows = {"purchases": [scene.purchase(1_000), scene.purchase(2_000)]}
        assert (await scene.ask("POST", "/v1/purchases:batch", rows)).json["booked"] == 2
        assert ["+10 分" in (await told(scene, 4))[2], "+20 分" in (await told(scene, 4))[3]] == [True, True]


async def test_a_purchase_that_earns_nothing_is_told_with_its_reason(database: Database) -> None:
    async with shop(database) as scene:
        assert (await scene.buy(scene.purchase(99))).json["points"] == 0
        assert "这次没有得分" in (await told(scene, 1))[0]


async def test_what_a_crash_left_untold_is_told_by_the_next_process_and_what_cannot_be_worded_holds_up_nobody(
    database: Database,
) -> None:
    async with shop(database) as scene:
        assert (await scene.buy()).status == 201
        assert len(await told(scene, 1)) == 1
        await scene.sql("INSERT INTO receipt_due SELECT member_id, entry_id FROM purchase")
        await scene.sql("INSERT INTO receipt_due SELECT member_id, entry_id - 1000000 FROM purchase")
        await scene.sql("DELETE FROM outbox")
        async with served(scene):
            assert len(await told(scene, 1)) == 1


async def test_accounts_that_nobody_has_joined_are_not_noted(database: Database) -> None:
    async with shop(database) as scene:
        await scene.sql("DELETE FROM person")
        assert (await scene.buy()).status == 201
        assert await scene.sql("SELECT 1 FROM receipt_due") == await scene.sql("SELECT 1 FROM outbox") == []


async def test_a_refund_that_takes_no_points_is_told_and_its_repeat_is_not(database: Database) -> None:
    async with shop(database) as scene:
        body = scene.purchase(399)
        assert (await scene.buy(body)).status == 201
        await told(scene, 1)
        back = {"document": fresh("back"), "of": body["document"], "occurred_at": body["occurred_at"]}
        for _ in range(2):
            said = await scene.ask("POST", "/v1/refunds", {"kind": "amount", "amount_minor": 99, **back})
            assert (said.status, said.json["points"]) in [(201, 0), (200, 0)]
        assert (await told(scene, 2))[1:] == ["退款 ¥0.99 · 云山超市\n您的积分没有变。"]
