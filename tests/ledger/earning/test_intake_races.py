"""Many tills at once: caps and budgets hold to the point, a document is booked once, combining changes nothing but the speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.earning import intake, refunds
from ledger.earning.intake import Intake, Intended
from ledger.earning.purchases import AmountMustBePositive, Booked, DocumentTaken
from ledger.errors import Refusal
from ledger.points.audit import audit
from ledger.points.commands import Moment
from ledger.points.engine import retryable
from tests.conftest import Database
from tests.ledger.earning.purchasing import (
    bill,
    book,
    bought,
    budgets,
    caps,
    counted,
    open_campaign,
    points,
    recounted,
    write_rule,
)
from tests.ledger.earning.shop import ZONE, Shop, moment, new_member, open_shop

TILLS = 32
T = TypeVar("T")


@asynccontextmanager
async def tills(database: Database) -> AsyncIterator[AsyncEngine]:
    """An engine with a connection for each till."""
    engine = create_async_engine(database.url, pool_size=TILLS)
    try:
        yield engine
    finally:
        await engine.dispose()


async def committed(engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Does it in a transaction of its own, again after a lost race, as the edge does."""
    while True:
        try:
            async with engine.begin() as tx:
                return await work(tx)
        except DBAPIError as error:
            if not retryable(error):
                raise


async def alone(engine: AsyncEngine, one: Intended) -> Booked | Refusal:
    """One purchase in a transaction of its own."""
    (done,) = await committed(engine, lambda tx: book(tx, one))
    return done


async def noon(_: AsyncConnection) -> Moment:
    return moment()


async def test_tills_at_once_never_overshoot_a_members_cap(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", caps=[{"points": 1050, "per": "month"}])
    async with tills(database) as engine:
        done = await asyncio.gather(*(alone(engine, bought(shop, f"d{n}")) for n in range(TILLS)))
    async with database.engine.connect() as tx:
        by_cap, found = await caps(tx), await audit(tx)
    assert sorted(points(done)) == [0] * (TILLS - 11) + [50] + [100] * 10
    assert (by_cap, found.violations) == ({("yunshan-base", "2026-11"): 1050}, ())


async def test_tills_at_once_never_overshoot_a_budget_nor_a_campaign_in_money(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await open_campaign(tx, "festival", minor=2500)
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", budget={"points": 2000})
        await write_rule(tx, shop, "plus", kind="bonus", points=100, campaign="festival")
        members = [await new_member(tx) for _ in range(TILLS)]
    async with tills(database) as engine:
        batch = [bought(shop, f"d{n}", member_id=members[n]) for n in range(TILLS)]
        done = await asyncio.gather(*(alone(engine, one) for one in batch))
    async with database.engine.connect() as tx:
        used, found = await budgets(tx), await audit(tx)
    assert sum(one for one in points(done) if isinstance(one, int)) == 2000 + 1250
    assert used == {"rule:yunshan-base": 2000, "campaign:festival": 1250}
    assert found.violations == ()


async def test_refunds_beside_purchases_leave_exactly_what_is_still_there_counted(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(
            tx,
            shop,
            "yunshan-base",
            kind="base",
            rate="1",
            budget={"points": 1500},
            caps=[{"points": 900, "per": "ever"}],
        )
        first = [one for one in await book(tx, *(bought(shop, f"a{n}") for n in range(8))) if isinstance(one, Booked)]

    async def give_back(one: Booked) -> Any:
        async def work(tx: AsyncConnection) -> Any:
            at = moment()
            document = f"R{one.purchase.document}"
            return await refunds.refund(
                tx,
                shop.merchant,
                purchase_id=one.purchase.id,
                document=document,
                occurred_at=at.now,
                at=at,
                actor="api",
            )

        return await committed(engine, work)

    async with tills(database) as engine:
        await asyncio.gather(
            *(give_back(one) for one in first[:6]), *(alone(engine, bought(shop, f"b{n}")) for n in range(12))
        )
    async with database.engine.connect() as tx:
        held = await tx.scalar(
            text("SELECT sum(CASE kind WHEN 'accrue' THEN points ELSE -points END)::bigint FROM entry")
        )
        by_cap, used, found = await caps(tx), await budgets(tx), await audit(tx)
        assert await counted(tx) == await recounted(tx)
    assert by_cap == {("yunshan-base", "ever"): held}
    assert used == {"rule:yunshan-base": held}
    assert held <= 900 and found.violations == ()


async def test_a_first_purchase_at_two_tills_at_once_is_one(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "welcome", kind="bonus", points=50, when={"first_purchase": "here"})
    async with tills(database) as engine:
        done = await asyncio.gather(*(alone(engine, bought(shop, f"d{n}")) for n in range(8)))
    assert sorted(points(done)) == [100] * 7 + [150]


@pytest.mark.parametrize("capped", [False, True])
async def test_a_document_that_many_sessions_deliver_is_booked_once(database: Database, capped: bool) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        if capped:
            await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", caps=[{"points": 500, "per": "day"}])
        stranger = await new_member(tx)
    batch = [bought(shop, "d", member_id=stranger if n % 4 == 3 else shop.customer) for n in range(16)]
    async with tills(database) as engine:
        done = await asyncio.gather(*(alone(engine, one) for one in batch))
    async with database.engine.connect() as tx:
        by_cap, entries = await caps(tx), await tx.scalar(text("SELECT count(*) FROM entry"))
    fresh = [one for one in done if isinstance(one, Booked) and not one.repeated]
    winner = fresh[0].purchase.member_id
    assert (len(fresh), entries) == (1, 1)
    for one, outcome in zip(batch, done, strict=True):
        assert isinstance(outcome, Booked if one.member_id == winner else DocumentTaken)
    assert by_cap == ({("yunshan-base", "2026-11-11"): 100} if capped else {})


async def test_waiting_purchases_go_into_one_transaction_and_each_gets_its_own_answer(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
    async with Intake(database.engine, noon, zone=ZONE) as desk:
        batch = [bought(shop, f"d{n}", 100 * n) for n in range(40)] + [bought(shop, "d7", 700), bought(shop, "d7", 1)]
        done = await asyncio.gather(*(desk.submit(one) for one in batch), return_exceptions=True)
        with pytest.raises(AmountMustBePositive):
            await desk.submit(bought(shop, "nothing", 0))
    async with database.engine.connect() as tx:
        transactions = await tx.scalar(text("SELECT count(DISTINCT xmin::text) FROM purchase"))
    assert [one.purchase.points for one in done[1:40] if isinstance(one, Booked)] == list(range(1, 40))
    assert isinstance(done[0], AmountMustBePositive) and isinstance(done[41], DocumentTaken)
    assert isinstance(done[40], Booked) and done[40].repeated
    assert transactions <= 2


async def test_a_purchase_that_cannot_be_written_fails_alone(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
    async with Intake(database.engine, noon, zone=ZONE) as desk:
        batch = [bought(shop, "no\0text" if n == 5 else f"d{n}") for n in range(16)]
        done = await asyncio.gather(*(desk.submit(one) for one in batch), return_exceptions=True)
    assert [isinstance(one, Booked) for one in done] == [n != 5 for n in range(16)]
    assert isinstance(done[5], DBAPIError)


async def test_two_writers_of_the_same_documents_and_members_book_each_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", caps=[{"points": 1000, "per": "ever"}])
        members = [await new_member(tx) for _ in range(4)]
    batch = [bought(shop, f"d{n}", member_id=members[n % 4]) for n in range(60)]
    async with (
        tills(database) as engine,
        Intake(engine, noon, zone=ZONE, batch_size_max=16) as here,
        Intake(engine, noon, zone=ZONE, batch_size_max=16) as there,
    ):
        done = await asyncio.gather(
            *(here.submit(one) for one in batch), *(there.submit(one) for one in reversed(batch))
        )
    async with database.engine.connect() as tx:
        by_cap, found = await caps(tx), await audit(tx)
    assert sum(not one.repeated for one in done) == 60
    assert by_cap == {("yunshan-base", "ever"): 4000}
    assert found.violations == ()


# A batch and the same purchases one by one.

MINORS = st.sampled_from([0, 99, 5000, 10000, 30050])


@st.composite
def reports(draw: st.DrawFn) -> list[tuple[int, int, int, int, int]]:
    """(shop, member, document, amount, day) of purchases; documents come twice, also with other facts."""
    one = st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 5), MINORS, st.integers(0, 2))
    return draw(st.lists(one, min_size=1, max_size=12))


async def books(tx: AsyncConnection) -> list[Any]:
    """Everything that was written, without what only the order of ids decides."""
    queries = (
        "SELECT key, owner_id, kind, points, reason, trace, facts, occurred_at, posted_on FROM entry ORDER BY key",
        "SELECT merchant_id, document, member_id, amount_minor, points, facts, shares, rule_versions FROM purchase"
        " ORDER BY merchant_id, document",
        "SELECT member_id, rule, period, points FROM cap_usage WHERE points > 0 ORDER BY 1, 2, 3",
        "SELECT scope, points FROM budget_usage WHERE points <> '{}' ORDER BY scope",
        "SELECT owner_id, purpose, balance FROM account WHERE balance <> 0 ORDER BY 1, 2",
    )
    return [[tuple(map(str, row)) for row in await tx.execute(text(query))] for query in queries]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports())
async def test_a_batch_does_what_its_purchases_do_one_by_one(
    equal: tuple[AsyncEngine, list[Shop], list[int]], told: list[tuple[int, int, int, int, int]]
) -> None:
    engine, shops, members = equal
    batch = [
        bought(
            shops[shop],
            f"d{document}",
            bill=bill(minor // 2, minor - minor // 2, category="green" if minor == 5000 else None),
            member_id=members[who],
            bought_on=moment(day).today,
            occurred_at=moment(day).now,
        )
        for shop, who, document, minor, day in told
    ]
    at, outcomes, written = moment(2), [], []
    for together in (True, False):
        async with engine.connect() as tx:
            transaction = await tx.begin()
            if together:
                done = await intake.book_many(tx, batch, at=at, zone=ZONE)
            else:
                done = [(await intake.book_many(tx, [one], at=at, zone=ZONE))[0] for one in batch]
            outcomes.append(
                [(one.purchase.points, one.repeated) if isinstance(one, Booked) else one.code for one in done]
            )
            written.append(await books(tx))
            await transaction.rollback()
    assert outcomes[0] == outcomes[1]
    assert written[0] == written[1]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports(), st.lists(st.tuples(st.integers(0, 11), st.sampled_from([1, 4999, 5000, None])), max_size=12))
async def test_caps_and_budgets_hold_what_purchases_less_refunds_come_to(
    equal: tuple[AsyncEngine, list[Shop], list[int]],
    told: list[tuple[int, int, int, int, int]],
    back: list[tuple[int, int | None]],
) -> None:
    engine, shops, members = equal
    batch = [
        bought(shops[shop], f"d{document}", minor, days=day, member_id=members[who])
        for shop, who, document, minor, day in told
    ]
    async with engine.connect() as tx:
        transaction = await tx.begin()
        done = [one.purchase for one in await book(tx, *batch, days=2) if isinstance(one, Booked) and not one.repeated]
        for number, (place, minor) in enumerate(back):
            if place < len(done):
                with suppress(Refusal):
                    await refunds.refund(
                        tx,
                        shops[done[place].merchant_id != shops[0].merchant.id].merchant,
                        purchase_id=done[place].id,
                        document=f"R{number}",
                        amount_minor=minor,
                        occurred_at=moment(3).now,
                        at=moment(3),
                        actor="api",
                    )
        assert await counted(tx) == await recounted(tx)
        await book(tx, *(bought(shops[n % 2], f"again{n}", member_id=members[n % 3]) for n in range(6)), days=2)
        assert await counted(tx) == await recounted(tx)
        assert (await audit(tx)).violations == ()
        await transaction.rollback()


@pytest.fixture
async def equal(database: Database) -> tuple[AsyncEngine, list[Shop], list[int]]:
    """Two shops with every kind of limit, one of them with little cover, and three members."""
    async with database.engine.begin() as tx:
        shops = [await open_shop(tx), await open_shop(tx, code="other", rate="2")]
        await open_campaign(tx, "festival", minor=700)
        for shop in shops:
            code = shop.merchant.code
            await write_rule(tx, shop, f"{code}-twice", kind="multiplier", factor="2", campaign="festival")
            welcome = {"kind": "bonus", "points": 70, "when": {"first_purchase": "anywhere"}}
            await write_rule(tx, shop, f"{code}-welcome", **welcome)
        limits = [{"points": 130, "per": "day"}, {"points": 333, "per": "month"}]
        await write_rule(
            tx, shops[0], "green", kind="bonus", points=100, group="more", caps=limits, budget={"points": 450}
        )
        await write_rule(
            tx, None, "everywhere", kind="multiplier", group="all", factor="1.5", caps=[{"points": 90, "per": "ever"}]
        )
        members = [await new_member(tx) for _ in range(3)]
        await tx.execute(
            text(
                "INSERT INTO cover (merchant_id, money, float_minor, reserved_minor, outstanding_minor, counted_at)"
                " VALUES (:id, 'CNY', 2000, 0, 0, now())"
            ),
            {"id": shops[1].merchant.id},
        )
    return database.engine, shops, members
