"""A deadline extended, through the timetable: by issuer, by region, whole; page by page, again, after a death, and two at once."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text

from jobs import extend
from ledger.members.profile import NoSuchRegion
from ledger.merchants import extensions
from ledger.merchants import merchant as merchants
from ledger.merchants.extensions import (
    Ended,
    Extension,
    ExtensionOutOfRange,
    LastDayOutOfRange,
    NothingToExtend,
    Scope,
)
from ledger.merchants.merchant import Terms
from ledger.points import expiry
from ledger.points.audit import audit
from ledger.points.commands import ClawBack, Moment, member
from ledger.points.engine import post
from tests import turns
from tests.conftest import Database
from tests.jobs.duties import PROGRAMME, Office

LAST = turns.TODAY + dt.timedelta(days=3)
TODAY = LAST + dt.timedelta(days=2)
UNTIL = TODAY + dt.timedelta(days=30)
AT = Moment(turns.NOW + dt.timedelta(days=5), TODAY)
MARKET, RAIL, FRUIT = 1, 2, 3


class Night:
    """Three people let points run out: `ming` of two issuers and two days, the others of one; `lan` lives in Hangzhou."""

    def __init__(self, database: Database) -> None:
        self.office = Office(database, [extend.duty])
        self.people: list[int] = []
        self.first = 0

    async def happens(self) -> Night:
        async with self.office.database.engine.begin() as tx:
            await turns.coalition(tx)
            await tx.execute(PROGRAMME, {"document": turns.PROGRAMME.model_dump_json()})
            fruit = await merchants.create(
                tx, code="fruit", name_zh="鲜果時光", name_en="Fresh Fruit Time", category="fruit", terms=Terms()
            )
            market = await merchants.by_code(tx, "market")
            who = [await turns.joined(tx, 500 + n, name) for n, name in enumerate(("小明", "小红", "小兰"))]
            self.people = [each.id for each in who]
            await tx.execute(text("UPDATE member SET region = 'hz' WHERE id = :id"), {"id": self.people[2]})
            first = await turns.earn(tx, who[0], market, 100, expires_on=LAST)
            self.first = first.entry_id
            await turns.earn(tx, who[0], fruit, 40, expires_on=LAST)
            await turns.earn(tx, who[0], market, 7, expires_on=LAST - dt.timedelta(days=1))
            await turns.earn(tx, who[0], market, 500)
            await turns.earn(tx, who[1], market, 60, expires_on=LAST)
            await turns.earn(tx, who[2], fruit, 30, expires_on=LAST)
            await expiry.page(tx, key="night", actor="job:expire", at=AT)
        # Two days on, on the programme's clock.
        await self.office.days_pass((TODAY - turns.TODAY).days)
        return self

    async def orders(self, scope: Scope, until: dt.date = UNTIL, nonce: str = "n") -> tuple[Extension, list[Ended]]:
        async with self.office.database.engine.begin() as tx:
            return await extensions.order(tx, scope, until, nonce=nonce, by="operator:9", at=AT)

    async def have(self) -> list[int]:
        rows = await self.office.sql(
            "SELECT owner_id, balance FROM account WHERE owner_kind = 'member' AND purpose = 'available' AND currency_id = 1"
        )
        return [int(dict(rows).get(who, 0)) for who in self.people]  # type: ignore[arg-type, call-overload]

    async def told(self) -> list[str]:
        rows = await self.office.sql("SELECT params->>'text' FROM outbox ORDER BY chat_id, id")
        return [str(said) for (said,) in rows]

    async def latest(self) -> Extension:
        async with self.office.database.engine.connect() as tx:
            return (await extensions.latest(tx))[0]

    async def holds(self) -> bool:
        async with self.office.database.engine.connect() as tx:
            return (await audit(tx)).holds


@pytest.fixture
async def night(database: Database) -> Night:
    return await Night(database).happens()


@pytest.mark.parametrize(
    ("scope", "about", "have"),
    [
        (Scope(LAST), [Ended(MARKET, 1, 160, 2), Ended(FRUIT, 1, 70, 2)], [640, 60, 30]),
        (Scope(LAST, issuer_id=FRUIT), [Ended(FRUIT, 1, 70, 2)], [540, 0, 30]),
        (Scope(LAST, region="hz"), [Ended(FRUIT, 1, 30, 1)], [500, 0, 30]),
        (Scope(LAST - dt.timedelta(days=1)), [Ended(MARKET, 1, 7, 1)], [507, 0, 0]),
    ],
)
async def test_what_ended_comes_back_for_whom_it_is_meant_and_for_nobody_else(
    night: Night, scope: Scope, about: list[Ended], have: list[int]
) -> None:
    assert await night.have() == [500, 0, 0]
    _, came_to = await night.orders(scope)
    assert came_to == about
    await night.office.catch_up()
    assert await night.have() == have
    done = await night.latest()
    assert done.done_at is not None and done.points == {1: sum(one.points for one in about)}
    assert done.owners == sum(after > before for after, before in zip(have, (500, 0, 0), strict=True))
    rows = await night.office.sql(
        "SELECT DISTINCT expires_on FROM lot l JOIN entry e ON e.id = l.entry_id WHERE e.kind = 'restore'"
    )
    assert rows == [(UNTIL,)]
    assert await night.holds()


async def test_each_member_hears_once_of_all_their_lots(night: Night) -> None:
    await night.orders(Scope(LAST))
    await night.office.catch_up()
    await night.office.catch_up()
    first, *others = [said.splitlines() for said in await night.told()]
    assert first == ["<b>+140 分</b> · 到期的恢复了", "11月25日到期的,现在有效至 12月27日", "可用 640 分"]
    assert [said[0] for said in others] == ["<b>+60 分</b> · 到期的恢复了", "<b>+30 分</b> · 到期的恢复了"]


async def test_the_same_tap_is_one_order_and_a_second_order_finds_nothing(night: Night) -> None:
    made, _ = await night.orders(Scope(LAST))
    again, about = await night.orders(Scope(LAST))
    assert (again.id, about) == (made.id, [])
    await night.office.catch_up()
    with pytest.raises(NothingToExtend):
        await night.orders(Scope(LAST), nonce="other")


async def test_two_orders_of_the_same_points_give_them_back_once(night: Night) -> None:
    """Both were made before either was carried out: the second finds only what the first was not about."""
    await night.orders(Scope(LAST, issuer_id=MARKET))
    await night.orders(Scope(LAST), UNTIL + dt.timedelta(days=9), nonce="other")
    await night.office.catch_up()
    assert await night.have() == [640, 60, 30]
    second = await night.latest()
    assert (second.points, second.owners) == ({1: 70}, 2)
    assert await night.holds()


async def test_what_was_taken_back_meanwhile_stays_away(night: Night) -> None:
    await night.orders(Scope(LAST))
    async with night.office.database.engine.begin() as tx:
        about: dict[str, Any] = {"entry_id": night.first, "issuer_id": MARKET, "points": 30, "currency": 1}
        await post(tx, ClawBack(key="back", owner=member(night.people[0]), at=AT, actor="test", **about))
    await night.office.catch_up()
    assert await night.have() == [610, 60, 30]
    assert await night.holds()


async def test_points_of_an_account_that_was_claimed_since_come_back_to_who_claimed_it(night: Night) -> None:
    await night.office.sql(
        "INSERT INTO succession (member_id, holder_id) VALUES (:was, :now)",
        was=night.people[1],
        now=night.people[2],
    )
    await night.orders(Scope(LAST))
    await night.office.catch_up()
    assert await night.have() == [640, 0, 90]
    assert await night.holds()


async def test_a_closed_account_gets_nothing_back(night: Night) -> None:
    await night.office.sql("UPDATE member SET status = 'closed' WHERE id = :id", id=night.people[1])
    _, about = await night.orders(Scope(LAST))
    assert about[0] == Ended(MARKET, 1, 100, 1)
    await night.office.catch_up()
    assert await night.have() == [640, 0, 30]


async def test_page_by_page_and_after_a_death_nothing_is_lost_or_doubled(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extend, "EXPIRIES_PER_CHUNK", 1)
    real, calls = extensions.carry_on, []

    async def dying(*args: Any, **facts: Any) -> Any:
        given = await real(*args, **facts)
        calls.append(given)
        if len(calls) == 3:
            raise ConnectionError("the process dies")
        return given

    monkeypatch.setattr(extensions, "carry_on", dying)
    await night.orders(Scope(LAST))
    for _ in range(3):
        night.office.now += dt.timedelta(minutes=1)
        await night.office.catch_up()
    assert await night.have() == [640, 60, 30]
    assert len(calls) > 4 and len(await night.told()) == 3
    assert (await night.latest()).done_at is not None
    assert await night.holds()


async def test_two_workers_carry_on_at_once_and_give_everything_once(night: Night) -> None:
    await night.orders(Scope(LAST))
    engine = night.office.database.engine

    async def works() -> None:
        for _ in range(6):
            async with engine.begin() as tx:
                await extensions.carry_on(tx, at=AT, limit=1)

    await asyncio.gather(works(), works(), works())
    assert await night.have() == [640, 60, 30]
    assert await night.holds()


async def test_an_order_whose_new_day_passed_before_it_was_carried_out_restores_nothing(night: Night) -> None:
    await night.orders(Scope(LAST), TODAY + dt.timedelta(days=1))
    await night.office.days_pass(2)
    await night.office.catch_up()
    assert await night.have() == [500, 0, 0]
    assert (await night.latest()).done_at is not None


@pytest.mark.parametrize(
    ("scope", "until", "refusal"),
    [
        (Scope(TODAY), UNTIL, LastDayOutOfRange),
        (Scope(TODAY - dt.timedelta(days=91)), UNTIL, LastDayOutOfRange),
        (Scope(LAST), TODAY, ExtensionOutOfRange),
        (Scope(LAST), TODAY + dt.timedelta(days=367), ExtensionOutOfRange),
        (Scope(LAST, region="atlantis"), UNTIL, NoSuchRegion),
        (Scope(LAST, issuer_id=RAIL), UNTIL, NothingToExtend),
        (Scope(LAST - dt.timedelta(days=2)), UNTIL, NothingToExtend),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_and_nothing_is_written(
    night: Night, scope: Scope, until: dt.date, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await night.orders(scope, until)
    assert await night.office.sql("SELECT count(*) FROM expiry_extension") == [(0,)]
