"""Welcome points never go beyond their issuer's cover; whoever joins meanwhile is owed them, and gets them in their turn."""

from __future__ import annotations

import asyncio
import datetime as dt

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.earning import welcome
from ledger.members import joining
from ledger.members.person import Person
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import Moment, member
from tests.conftest import Database
from tests.turns import NOW, PROGRAMME, TODAY, coalition, vault

AT = Moment(NOW, TODAY)
EACH = PROGRAMME.welcome_points * 2
"""What one welcome costs its issuer: common points are worth two fen each."""


async def with_cover(engine: AsyncEngine, welcomes: int) -> int:
    """The coalition, whose market has cover for so many welcomes; its id."""
    async with engine.begin() as tx:
        market, _ = await coalition(tx)
        await tx.execute(
            text(
                "INSERT INTO cover (merchant_id, money, float_minor, reserved_minor, outstanding_minor, counted_at)"
                " VALUES (:id, 'CNY', :minor, 0, 0, now())"
            ),
            {"id": market.id, "minor": welcomes * EACH},
        )
        document = PROGRAMME.model_dump_json()
        await tx.execute(
            text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:d AS jsonb))"), {"d": document}
        )
    return market.id


async def joins(tx: AsyncConnection, telegram_id: int, at: Moment = AT) -> joining.Joined:
    """Somebody joins as the bot has them do it."""
    funded = await welcome.issuer(tx, PROGRAMME, at)
    who = Person(telegram_id, telegram_id, "小明")
    joined = await joining.join(tx, vault(), PROGRAMME, who, welcome_issuer_id=funded, at=at)
    if joined.welcome is None:
        await welcome.owe(tx, PROGRAMME, joined.member.id, now=at.now)
    return joined


async def issued(tx: AsyncConnection) -> int:
    return int(await tx.scalar(text("SELECT coalesce(sum(points), 0) FROM entry WHERE kind = 'accrue'")) or 0)


async def test_many_who_join_at_once_get_what_the_cover_has_and_the_others_are_owed(database: Database) -> None:
    await with_cover(database.engine, 5)
    engine = create_async_engine(database.url, pool_size=12)

    async def one(number: int) -> joining.Joined:
        async with engine.begin() as tx:
            return await joins(tx, 1000 + number)

    try:
        joined = await asyncio.gather(*(one(number) for number in range(12)))
    finally:
        await engine.dispose()
    assert all(each.new for each in joined) and sum(each.welcome is not None for each in joined) == 5
    async with database.engine.connect() as tx:
        assert await issued(tx) == 500
        assert await tx.scalar(text("SELECT count(*) FROM welcome_due")) == 7
        assert (await tx.execute(text("SELECT float_minor - reserved_minor FROM cover"))).scalar_one() == 0
        assert (await audit(tx)).holds


async def test_what_is_owed_comes_as_far_as_cover_reaches_the_longest_waiting_first(database: Database) -> None:
    market = await with_cover(database.engine, 0)
    async with database.engine.begin() as tx:
        people = []
        for number in range(3):
            at = Moment(NOW + dt.timedelta(minutes=number), TODAY)
            people.append((await joins(tx, 2000 + number, at)).member.id)
        assert await welcome.pay(tx, PROGRAMME, AT, limit=10) == []
        await tx.execute(text("UPDATE cover SET float_minor = :minor"), {"minor": 2 * EACH + EACH // 2})
        later = Moment(NOW + dt.timedelta(days=20), TODAY + dt.timedelta(days=20))
        paid = await welcome.pay(tx, PROGRAMME, later, limit=10)
        assert [(r.owner.id, r.points, r.facts["what"]) for r in paid] == [
            (people[0], 100, "welcome"), (people[1], 100, "welcome"),
        ]  # fmt: skip
        assert await welcome.pay(tx, PROGRAMME, later, limit=10) == []
        await tx.execute(text("DELETE FROM cover WHERE merchant_id = :id"), {"id": market})
        changed = PROGRAMME.model_copy(update={"welcome_points": 70})
        (last,) = await welcome.pay(tx, changed, later, limit=10)
        assert (last.owner.id, last.points) == (people[2], 100), "as it was promised"
        [due] = await statements.schedule(tx, member(people[2]), today=later.today)
        assert due.expires_on == joining.month_end(later.today, PROGRAMME.welcome_life_months)
        assert await tx.scalar(text("SELECT count(*) FROM welcome_due")) == 0
        assert (await audit(tx)).holds


async def test_an_issuer_that_may_not_issue_owes_until_it_may(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        await tx.execute(text("UPDATE merchant SET status = 'suspended' WHERE id = :id"), {"id": market.id})
        assert (await joins(tx, 3000)).welcome is None
        assert await welcome.pay(tx, PROGRAMME, AT, limit=10) == []
        await tx.execute(text("UPDATE merchant SET status = 'certified'"))
        assert [r.points for r in await welcome.pay(tx, PROGRAMME, AT, limit=10)] == [100]


async def test_who_has_left_meanwhile_is_paid_nothing(database: Database) -> None:
    await with_cover(database.engine, 0)
    async with database.engine.begin() as tx:
        who = (await joins(tx, 4000)).member.id
        await tx.execute(text("UPDATE member SET status = 'closed' WHERE id = :id"), {"id": who})
        await tx.execute(text("UPDATE cover SET float_minor = 100000"))
        assert await welcome.pay(tx, PROGRAMME, AT, limit=10) == []
