"""Many after a few pieces at the same moment, through two workers: exactly so many, in the order of the lock, which is kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import text

from ledger.errors import Refusal
from ledger.points.audit import audit
from ledger.redeeming import redemptions, shelf, stock
from ledger.redeeming.may_redeem import No
from ledger.redeeming.offers import Limits
from ledger.redeeming.publish import publish, set_active
from ledger.redeeming.who import Who
from tests.conftest import Database
from tests.ledger.redeeming.rush import REDEEMED, press, rush
from tests.ledger.redeeming.stage import Stage, at, offer, per_unit

BOX = offer("box", "进口水果礼盒", "Imported fruit box", "fruit", per_unit(500, most=3), limits=Limits(stock=10))


async def pieces(stage: Stage, offer_id: int) -> list[tuple[int, int, int | None]]:
    """Redemptions as (member, units, piece), in the order of the pieces."""
    query = text("SELECT member_id, units, piece FROM redemption WHERE offer_id = :id ORDER BY piece, id")
    async with stage.engine.begin() as tx:
        return [(row.member_id, row.units, row.piece) for row in await tx.execute(query, {"id": offer_id})]


async def test_sixty_people_after_ten_pieces_through_two_workers(stage: Stage, database: Database) -> None:
    people = [await stage.member((500, "-")) for _ in range(60)]
    [box] = await stage.publish(BOX)
    told, _ = await asyncio.to_thread(rush, press, database.url, box, 500, [p.id for p in people], connections=12)
    assert Counter(one.outcome for one in told) == {REDEEMED: 10, "sold_out": 50}
    winners = {one.member_id for one in told if one.outcome == REDEEMED}
    order = await pieces(stage, box)
    assert {who for who, _, _ in order} == winners and [piece for _, _, piece in order] == list(range(1, 11))
    assert {p.id: await stage.available(p) for p in people} == {p.id: 0 if p.id in winners else 500 for p in people}
    assert await stage.taken(box) == {"0001-01-01": 10}
    async with stage.engine.begin() as tx:
        # A hot row is locked, changed and let go: whoever took the earlier piece posted the earlier entry too.
        entries = await tx.scalars(text("SELECT entry_id FROM redemption ORDER BY piece"))
        assert (found := list(entries)) == sorted(found)
        assert (await audit(tx)).holds


async def test_a_piece_that_came_back_goes_out_under_a_number_of_its_own(stage: Stage) -> None:
    people = [await stage.member((1500, "-")) for _ in range(6)]
    [box] = await stage.publish(BOX.model_copy(update={"limits": Limits(stock=6, day=6)}))
    first = await stage.redeem(people[0], box)
    await stage.redeem(people[1], box, 3)
    async with stage.engine.begin() as tx:
        await redemptions.undo(tx, people[0].id, first.redemption.id, grace_days=30, at=at(), actor="test")
    for who in people[2:5]:
        await stage.redeem(who, box)
    assert [(units, piece) for _, units, piece in await pieces(stage, box)] == [(1, 1), (3, 4), (1, 5), (1, 6), (1, 7)]
    assert await stage.taken(box) == {"0001-01-01": 6, "2026-11-22": 6}


async def test_what_is_rolled_back_leaves_no_gap_in_the_numbers(stage: Stage) -> None:
    people = [await stage.member((500, "-")) for _ in range(2)]
    [box] = await stage.publish(BOX)
    async with stage.engine.connect() as tx:
        await stage.redeem_in(tx, people[0], box)
        await tx.rollback()
    await stage.redeem(people[1], box)
    assert [piece for _, _, piece in await pieces(stage, box)] == [1]


async def test_pieces_of_an_unlimited_time_have_no_number_and_are_counted(stage: Stage) -> None:
    people = [await stage.member((500, "-")) for _ in range(4)]
    [box] = await stage.publish(BOX)
    await stage.redeem(people[0], box)
    for limits, who in ((Limits(), people[1]), (Limits(stock=9), people[2])):
        async with stage.engine.begin() as tx:
            await publish(tx, BOX.model_copy(update={"limits": limits}), now=at().now, today=at().today)
        await stage.redeem(who, box)
    assert [piece for _, _, piece in await pieces(stage, box)] == [1, 3, None]
    async with stage.engine.begin() as tx:
        assert (await stock.take(tx, box, Limits(stock=9), 7, today=at().today)).short == stock.WHOLE
        assert await stock.take(tx, box, Limits(stock=9), 6, today=at().today) == (None, 9)


@pytest.mark.parametrize(
    "why", ["sold_out", "member_may_not_spend", "offer_paused", "only_for_standing", "amount_not_offered"]
)
async def test_who_comes_too_late_is_told_what_the_shelf_says_first(stage: Stage, why: str) -> None:
    first, late = [await stage.member((500, "-")) for _ in range(2)]
    last = BOX.model_copy(update={"limits": Limits(stock=1, member_day=1)})
    [box] = await stage.publish(last)
    await stage.redeem(first, box)
    if why == "only_for_standing":
        await stage.publish(last.model_copy(update={"who": Who(standing=900)}))
    async with stage.engine.begin() as tx:
        await set_active(tx, box, why != "offer_paused")
        version = (await shelf.one(tx, box)).version
    late = replace(late, status="frozen" if why == "member_may_not_spend" else "active")
    amount = 4 if why == "amount_not_offered" else 1
    async with stage.engine.connect() as tx:
        verdict = (await shelf.judged(tx, late, box, today=at().today, amount=amount)).verdict
        with pytest.raises(Refusal) as told:
            await redemptions.redeem(
                tx, late, box, amount=amount, version=version, points=500, nonce="late", code="x", vault=stage.vault,
                undo_minutes=10, at=at(), actor="test",
            )  # fmt: skip
    assert isinstance(verdict, No) and told.value.code == verdict.reasons[0].code == why
    assert vars(told.value) == vars(verdict.reasons[0])


async def test_the_winner_of_the_last_piece_taps_again_and_sees_their_code(stage: Stage) -> None:
    who = await stage.member((500, "-"))
    [box] = await stage.publish(BOX.model_copy(update={"limits": Limits(stock=1)}))
    first, again = [await stage.redeem(who, box, nonce="same") for _ in range(2)]
    assert again.repeated and again.code == first.code and again.available == 0
