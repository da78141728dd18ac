"""Everything at once: many sessions redeem, undo, use, lapse and republish the same few offers. Nobody deadlocks, nothing is
oversold, and afterwards stock, vouchers and points tell one story."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from sqlalchemy import text

from ledger.errors import Refusal
from ledger.points.audit import audit
from ledger.redeeming import counter, redemptions, stock
from ledger.redeeming.lapses import lapse
from ledger.redeeming.offers import Limits
from ledger.redeeming.redemptions import Redeemed
from ledger.redeeming.vouchers import Redemption
from tests.ledger.redeeming.stage import Stage, at, offer, per_unit

STOCK, DAY, EVER = 8, 12, 3


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_stock_vouchers_and_points_agree_after_a_storm(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)
    people = [await stage.member((900, "2026-11-22"), (1500, "-")) for _ in range(8)]
    tills = [await stage.staff("fruit", f"{n}号台") for n in range(3)]
    documents = [
        offer("scarce", "少", "Scarce", "fruit", per_unit(100, most=2), limits=Limits(stock=STOCK, day=DAY)),
        offer("once", "三次", "Thrice", "fruit", per_unit(50), limits=Limits(member_ever=EVER)),
    ]
    ids = await stage.publish(*documents)
    codes: list[tuple[int, int, str]] = []
    outcomes: Counter[str] = Counter()

    async def redeem() -> None:
        who = chance.choice(people)
        done: Redeemed = await stage.redeem(who, chance.choice(ids), 1)
        codes.append((who.id, done.redemption.id, done.code))

    async def undo() -> None:
        who, number, _ = chance.choice(codes)
        async with stage.engine.begin() as tx:
            await redemptions.undo(
                tx, who, number, grace_days=30, at=at(days=chance.choice((0, 1)), minutes=-1440), actor="t"
            )

    async def use() -> None:
        _, _, code = chance.choice(codes)
        async with stage.engine.begin() as tx:
            answer = await counter.use(tx, chance.choice(tills), code, vault=stage.vault, at=at())
        outcomes["used" if isinstance(answer, Redemption) else "not used"] += 1

    async def end() -> None:
        async with stage.engine.begin() as tx:
            await lapse(tx, at=at(days=chance.choice((0, 0, 31))), grace_days=30, limit=3)

    async def republish() -> None:
        await stage.publish(documents[0].model_copy(update={"validity_days": chance.randint(1, 60)}))

    async def tried(act: object) -> None:
        try:
            await act()  # type: ignore[operator]
        except Refusal as no:
            outcomes[no.code] += 1

    for _ in range(6):
        await redeem()
    acts = [redeem] * 60 + [undo] * 25 + [use] * 25 + [end] * 6 + [republish] * 6
    chance.shuffle(acts)
    for start in range(0, len(acts), 24):
        await asyncio.gather(*(tried(act) for act in acts[start : start + 24]))
    for who in people * 2:  # twice as many as there are pieces: what the storm gave back goes, and then it is sold out
        await tried(lambda who=who: stage.redeem(who, ids[0], 1))
    async with stage.engine.begin() as tx:
        assert (await audit(tx)).holds
        out = await tx.execute(
            text(
                "SELECT offer_id, coalesce(sum(units), 0) AS units FROM redemption WHERE state IN ('issued', 'used') GROUP BY 1"
            )
        )
        held = {row.offer_id: row.units for row in out}
        taken = await tx.scalar(text("SELECT taken FROM offer_stock WHERE day = :day"), {"day": stock.WHOLE})
        assert held[ids[0]] == taken <= STOCK
        most = await tx.scalar(
            text(
                "SELECT max(n) FROM (SELECT sum(units) AS n FROM redemption WHERE offer_id = :id AND state IN ('issued', 'used')"
                " GROUP BY member_id) each_member"
            ),
            {"id": ids[1]},
        )
        assert most <= EVER
        [row] = await tx.execute(
            text(
                "SELECT (SELECT sum(points) FROM redemption WHERE state IN ('issued', 'used')) AS kept,"
                " (SELECT sum(points) FROM entry WHERE kind = 'burn')"
                " - (SELECT coalesce(sum(points), 0) FROM entry WHERE kind = 'reinstate') AS burned"
            )
        )
        assert row.kept == row.burned
    assert outcomes["used"] and outcomes["not used"] and outcomes["sold_out"] + outcomes["day_quota_taken"], outcomes
