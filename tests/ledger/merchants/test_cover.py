"""Cover: what it admits and refuses, what slices hold and give back, what the operator books, who is told."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from ledger.merchants import cover, guarantee
from ledger.merchants.cover import Asked, CoverExhausted, Slices
from ledger.points.commands import Burn, member
from ledger.points.engine import post
from tests.conftest import Database
from tests.ledger.merchants.tills import Till, open_market


@pytest.fixture
async def till(database: Database) -> Till:
    """A coalition whose market can be covered."""
    return await open_market(database)


async def test_who_has_no_cover_issues_without_a_limit(till: Till) -> None:
    slices = Slices(till.engine, "a")
    assert await till.sells(10_000_000) and await till.sells(10_000_000, slices)
    async with till.engine.connect() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM cover_slice")) == 0


@pytest.mark.parametrize("sliced", [False, True])
async def test_a_purchase_is_covered_whole_or_not_at_all_and_to_the_last_fen(till: Till, sliced: bool) -> None:
    slices = Slices(till.engine, "a") if sliced else None
    await till.pays(1000)
    assert await till.sells(499, slices)
    assert not await till.sells(2, slices)
    assert await till.sells(1, slices)
    assert not await till.sells(1, slices)
    assert await till.outstanding() == 1000


async def test_a_batch_is_covered_in_its_order_and_a_smaller_one_still_fits(till: Till) -> None:
    await till.limits(100)
    asked = [Asked(till.market.id, 30), Asked(till.rail.id, 10**9), Asked(till.market.id, 30), Asked(till.market.id, 0),
             Asked(till.market.id, 20)]  # fmt: skip
    async with till.engine.begin() as tx:
        taken = await cover.admit(tx, asked, None, till.at)
    assert taken.covered == (True, True, False, True, True)
    assert (await till.cover()).reserved_minor == 100


async def test_the_refusal_names_the_merchant_and_may_pass_later(till: Till) -> None:
    await till.limits(0)
    async with till.engine.begin() as tx:
        with pytest.raises(CoverExhausted) as no:
            await cover.demand(tx, till.market, 1, None, till.at)
    named = {"merchant_id": till.market.id, "name_zh": "云山超市", "name_en": "Yunshan Market"}
    assert no.value.facts == named | {"kept": False}
    assert no.value.may_succeed_later


async def test_purchases_against_a_slice_touch_no_shared_row(till: Till) -> None:
    slices = Slices(till.engine, "a")
    await till.pays(1_000_000)
    assert await till.sells(10, slices)
    before = await row_version(till)
    for _ in range(20):
        assert await till.sells(10, slices)
    assert await row_version(till) == before
    # Not even a locked row is waited for.
    async with till.engine.begin() as tx:
        await tx.execute(text("SELECT * FROM cover FOR UPDATE"))
        assert await asyncio.wait_for(till.sells(10, slices), 2)


async def row_version(till: Till) -> tuple[object, ...]:
    async with till.engine.connect() as tx:
        row = (
            await tx.execute(text("SELECT c.xmin::text, c.xmax::text, s.xmin::text FROM cover c, cover_slice s"))
        ).one()
    return tuple(row)


async def test_a_slice_shrinks_with_what_is_free_until_the_row_itself_is_asked(till: Till) -> None:
    slices = Slices(till.engine, "a")
    await till.pays(4_000)
    sizes = []
    while await till.sells(50, slices):  # ¥1 each
        async with till.engine.connect() as tx:
            sizes = list(await tx.scalars(text("SELECT granted_minor FROM cover_slice ORDER BY id")))
    assert await till.outstanding() == 4_000
    assert sizes[0] == 500 and sizes == sorted(sizes, reverse=True) and min(sizes) >= 100


async def test_what_was_rolled_back_is_not_lost_said_or_unsaid(till: Till) -> None:
    slices = Slices(till.engine, "a")
    await till.pays(10_000)
    for says in (True, False):
        async with till.engine.connect() as tx:
            taken = await cover.demand(tx, till.market, 100, slices, till.at)
            await till.accrue(tx, 100)
            await tx.rollback()
            if says:
                left = [slice_.left for slice_ in slices._held.values()]
                taken.undo()
                assert [slice_.left for slice_ in slices._held.values()] == [left[0] + 200]
    async with till.engine.connect() as tx:
        await cover.demand(tx, till.market, 100, None, till.at)
        await tx.rollback()
    till.passes(guarantee.SLICE_SECONDS + guarantee.LAPSE_SECONDS)
    assert (await till.counted()).free_minor == 10_000
    assert await till.sells(5_000, slices)


async def test_an_orderly_end_returns_what_is_left_at_once_and_a_death_after_a_while(till: Till) -> None:
    await till.pays(80_000)
    orderly, dead = Slices(till.engine, "orderly"), Slices(till.engine, "dead")
    assert await till.sells(10, orderly) and await till.sells(10, dead)
    taken = (await till.cover()).reserved_minor
    await orderly.give_up(till.at)
    held = (await till.cover()).reserved_minor
    assert held < taken
    till.passes(guarantee.SLICE_SECONDS + guarantee.LAPSE_SECONDS - 1)
    assert (await till.counted()).reserved_minor > 40
    till.passes(1)
    found = await till.counted()
    assert (found.reserved_minor, found.outstanding_minor) == (40, 40)
    assert dead.take(Asked(till.market.id, 1), till.at) is None, "who wakes up later finds its slice over"


async def test_what_burns_gives_headroom_back_at_the_next_count(till: Till) -> None:
    await till.pays(200)
    assert await till.sells(100) and not await till.sells(1)
    async with till.engine.begin() as tx:
        await post(
            tx,
            Burn(
                key="burn", owner=member(1), currency=1, at=till.at, actor="test", merchant_id=till.rail.id, points=40
            ),
        )
    assert not await till.sells(1)
    assert (await till.counted()).free_minor == 80
    assert await till.sells(40) and not await till.sells(1)


async def test_the_programmes_issue_price_is_what_points_cost(till: Till) -> None:
    async with till.engine.begin() as tx:
        await tx.execute(text("UPDATE programme SET document = document || '{\"issue_price_bp\": 15000}'"))
    await till.pays(300)
    assert not await till.sells(101) and await till.sells(100)
    assert (await till.counted()).outstanding_minor == 300


async def test_payments_and_limits_are_booked_once_and_kept(till: Till) -> None:
    await till.pays(5_000, "银行回单 1")
    with pytest.raises(guarantee.ReferenceTaken):
        await till.pays(5_000, "银行回单 1")
    await till.limits(2_000)
    assert await till.sells(1_000)
    with pytest.raises(guarantee.CoverStillNeeded) as no:
        await till.pays(-5_001)
    assert (no.value.asked_minor, no.value.most_minor) == (5_001, 5_000)
    assert (await till.pays(-5_000, "银行回单 2")).whole_minor == 2_000
    for minor, refusal in ((0, guarantee.AmountInvalid), (1, guarantee.ReferenceNeeded)):
        with pytest.raises(refusal):
            async with till.engine.begin() as tx:
                await guarantee.pay(tx, till.market.id, minor, " ", actor="operator:1", at=till.at)
    async with till.engine.connect() as tx:
        kept = await guarantee.entries(tx, till.market.id)
    assert [(one.kind, one.amount_minor, one.reference) for one in kept] == [
        ("paid_out", -5_000, "银行回单 2"),
        ("limit", 2_000, None),
        ("paid_in", 5_000, "银行回单 1"),
    ]


async def test_a_new_cover_counts_what_is_out_already(till: Till) -> None:
    assert await till.sells(1_000)
    found = await till.limits(500)
    assert (found.outstanding_minor, found.free_minor) == (2_000, 0)
    assert not await till.sells(1)


async def test_nearing_the_end_is_told_once_a_level(till: Till) -> None:
    await till.pays(1_000)

    async def told() -> list[int]:
        await till.counted()
        async with till.engine.begin() as tx:
            return [level for _, level in await guarantee.crossings(tx, 80)]

    assert await till.sells(399) and await told() == []
    assert await till.sells(1) and await told() == [1] and await told() == []
    assert await till.sells(100) and await told() == [2] and await told() == []
    await till.pays(9_000)
    assert await told() == []
    assert await till.sells(3_500) and await told() == [1]
