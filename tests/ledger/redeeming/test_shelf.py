"""Listing and redeeming ask the same predicate: whatever a member is shown as theirs to have, they get at the price shown."""

from __future__ import annotations

import asyncio
import random

import pytest
from sqlalchemy import event

from ledger.errors import Refusal
from ledger.points.reading import driver
from ledger.redeeming import shelf
from ledger.redeeming.browse import browse, in_order
from ledger.redeeming.may_redeem import No, Yes
from ledger.redeeming.offers import Limits
from tests.ledger.redeeming.stage import RAIL, Stage, at, offer, per_unit, per_yuan


@pytest.mark.parametrize("seed", range(6))
async def test_everything_listed_as_available_redeems_at_the_listed_price_at_that_instant(
    stage: Stage, seed: int
) -> None:
    chance = random.Random(seed)
    piece = [None, None, 1, 2, 3]
    documents = []
    for n in range(14):
        limits = Limits(
            member_day=chance.choice(piece), member_month=chance.choice(piece), member_ever=chance.choice(piece),
            day=chance.choice(piece), stock=chance.choice(piece),
        )  # fmt: skip
        own = chance.random() < 0.3
        price = (
            per_unit(chance.randint(1, 900), most=3)
            if chance.random() < 0.7
            else per_yuan(chance.randint(1, 60), 2, 1, 9)
        )
        merchant, currency = ("rail", "rail") if own else (chance.choice(["fruit", "market"]), "common")
        documents.append(offer(f"offer-{n}", f"物{n}", f"Thing {n}", merchant, price, limits=limits, currency=currency))
    await stage.publish(*documents)
    who = await stage.member((700, "2026-11-30"), (chance.randint(0, 900) + 1, "-"), (400, "pending 2026-11-23"))
    other = await stage.member((9000, "-"))
    async with stage.engine.begin() as tx:
        await stage.give(tx, who, (500, "-"), currency=RAIL, issuer="rail")
        await stage.give(tx, other, (9000, "-"), currency=RAIL, issuer="rail")
    tried = had = refused = 0
    for days in (0, 0, 1, 9, 10):  # the 400 start on day 1, the 700 end with day 8
        moment = at(days=days)
        async with stage.engine.begin() as tx:
            held = await shelf.purse(tx, who, today=moment.today)
            found = await browse(tx, who, today=moment.today, held=held)
            seen = await found.told(tx, found.of_category("other"))
            assert {f.listed.id for f in found.affordable()} == {
                s.listed.id for s in seen if isinstance(s.verdict, Yes)
            }
        for each in seen:
            async with stage.engine.connect() as tx:  # each on its own: tried, looked at, and rolled back
                tried += 1
                if isinstance(each.verdict, Yes):
                    done = await stage.redeem_in(tx, who, each.listed.id, when=moment)
                    assert done.redemption.points == each.verdict.quote.points
                    assert done.available == each.facts.available - each.verdict.quote.points
                    most = each.verdict.most
                    await tx.rollback()
                    done = await stage.redeem_in(tx, who, each.listed.id, most, when=moment)
                    assert done.redemption.points == each.listed.offer.price.quote(most).points
                    had += 1
                else:
                    with pytest.raises(Refusal) as no:
                        await stage.redeem_in(tx, who, each.listed.id, when=moment)
                    assert no.value.facts == each.verdict.reasons[0].facts and type(no.value) is type(
                        each.verdict.reasons[0]
                    )
                    refused += 1
                await tx.rollback()
        for each in chance.sample(
            seen, 4
        ):  # the world moves on: some of it is really had, by them and by somebody else
            for person in (who, other):
                async with stage.engine.connect() as tx:
                    try:
                        await stage.redeem_in(tx, person, each.listed.id, when=moment)
                        await tx.commit()
                    except Refusal:
                        await tx.rollback()
    assert tried == had + refused and had and refused


async def test_what_may_be_had_comes_first_and_the_rest_by_what_is_lacking(stage: Stage) -> None:
    near, far, cheap, dear = await stage.publish(
        offer("near", "近", "Near", "fruit", per_unit(1050)), offer("far", "远", "Far", "fruit", per_unit(9000)),
        offer("cheap", "廉", "Cheap", "fruit", per_unit(10)), offer("dear", "贵", "Dear", "fruit", per_unit(990)),
    )  # fmt: skip
    who = await stage.member((1000, "-"))
    async with stage.engine.begin() as tx:
        held = await shelf.purse(tx, who, today=at().today)
        found = await browse(tx, who, today=at().today, held=held)
        nearest = in_order(found.of_category("other"), "near", today=at().today)
        assert [f.listed.id for f in nearest] == [cheap, dear, near, far]
        assert [f.may for f in nearest] == [True, True, False, False]
        seen = await found.told(tx, nearest)
        assert shelf.nearest_first(reversed(seen)) == seen
        assert [isinstance(s.verdict, No) for s in seen] == [False, False, True, True]
        assert [f.listed.id for f in found.affordable()] == [dear, cheap]


async def test_deciding_a_shelf_takes_the_same_few_statements_whatever_its_length(stage: Stage) -> None:
    await stage.publish(*(offer(f"o-{n}", f"物{n}", f"T{n}", "fruit", per_unit(n + 1)) for n in range(40)))
    who = await stage.member((1000, "-"))
    statements: list[str] = []
    event.listen(stage.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    async with stage.engine.begin() as tx:
        # What is read past SQLAlchemy is seen by the driver alone, which tells a moment later; at first it asks for types besides.
        driver(tx).add_query_logger(lambda asked: statements.append(asked.query))
        for _ in range(2):
            statements.clear()
            held = await shelf.purse(tx, who, today=at().today)
            found = await browse(tx, who, today=at().today, held=held)
            assert len(await found.told(tx, found.affordable()[:6])) == 6 and len(found.affordable()) == 40
            await asyncio.sleep(0.01)
        assert (
            len(statements) == 4
        )  # the wallet, whether the shelf is as it was, what is gone or was had, the page's facts
