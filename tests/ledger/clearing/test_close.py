"""Weeks made by hand, and the positions that they must come to; each is derived again and compared byte for byte."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.clearing import close, proof
from ledger.clearing.close import WeekNotClosed
from ledger.points import engine
from ledger.points.commands import Accrue, ClawBack, Exchange, Transfer, UnitValue, member
from ledger.redeeming import lapses, redemptions
from tests.ledger.clearing.scene import (
    BOX,
    FIRST,
    KEPT,
    LAPSES,
    PROGRAMME,
    SECOND,
    at,
    burned,
    closed,
    day,
    rebuilds,
    returned,
    sql,
    table,
    used,
)
from tests.ledger.redeeming.stage import COMMON, RAIL, Stage

NEVER = "-"


async def test_a_used_voucher_is_paid_by_whose_points_it_took(stage: Stage) -> None:
    (box,) = await stage.publish(BOX)
    who = await stage.member((300, "2026-12-01"))
    async with stage.engine.begin() as tx:
        await stage.give(tx, who, (200, "2026-12-02"), issuer="fruit")
    await used(stage, who, box)
    assert await closed(stage, at()) is None, "Sunday is not over"
    lines = await closed(stage, day(1))
    assert lines is not None
    assert [(line.points, tuple(line.amounts), line.operator_minor) for line in lines] == [
        (300, (600, 600, 6), 6),
        (200, (0, 0, 0), 0),
    ]
    assert await table(stage, FIRST) == [
        "market/1: elsewhere 300 taken 0 own 0 pays 600 gets 0 fee 0 net -600",
        "fruit/1: elsewhere 0 taken 300 own 200 pays 0 gets 600 fee 6 net 594",
        "operator 6",
    ]
    assert await rebuilds(stage, FIRST)


async def test_a_voucher_counts_when_it_is_used_and_not_when_it_is_issued(stage: Stage) -> None:
    (box,) = await stage.publish(BOX)
    who = await stage.member((1000, NEVER))
    await stage.redeem(who, box)
    await used(stage, who, box, on=day(3))
    await burned(stage, await stage.member((10, NEVER)), 10, "rail")
    assert len(await closed(stage, day(1)) or []) == 1
    second = await closed(stage, day(8))
    assert second is not None and [(line.day, line.points) for line in second] == [(dt.date(2026, 11, 25), 500)]
    assert await rebuilds(stage, FIRST) and await rebuilds(stage, SECOND)


async def test_an_undone_or_lapsed_voucher_never_counts_and_a_forfeited_one_does(stage: Stage) -> None:
    box, kept, gone = await stage.publish(BOX, KEPT, LAPSES)
    who = await stage.member((1500, NEVER))
    undone = await stage.redeem(who, box)
    async with stage.engine.begin() as tx:
        await redemptions.undo(tx, who.id, undone.redemption.id, grace_days=30, at=at(minutes=1), actor="test")
    await stage.redeem(who, kept)
    await stage.redeem(who, gone)
    async with stage.engine.begin() as tx:
        ended = await lapses.lapse(tx, at=day(3), grace_days=30)
    assert len(ended) == 2
    lines = await closed(stage, day(8))
    assert lines is not None and [(line.day, line.points) for line in lines] == [(dt.date(2026, 11, 25), 500)]


async def test_gifts_keep_their_issuer_and_an_exchange_moves_nothing_between_merchants(stage: Stage) -> None:
    giver, friend = await stage.member((400, NEVER)), await stage.member()
    async with stage.engine.begin() as tx:
        await engine.post(
            tx,
            Transfer(
                key="gift", owner=giver.owner, currency=COMMON, at=at(), actor="test", to=friend.owner, points=250
            ),
        )
        await stage.give(tx, friend, (1000, NEVER), currency=RAIL, issuer="rail")
        await engine.post(
            tx,
            Exchange(
                key="exchange",
                owner=friend.owner,
                currency=RAIL,
                at=at(),
                actor="test",
                to_currency=COMMON,
                points=200,
                value=UnitValue(100, 100),
                to_value=UnitValue(200, 100),
                expires_on=dt.date(2027, 1, 1),
            ),
        )
    await burned(stage, friend, 350, "fruit")  # the exchanged 100 end first, then the gift's 250
    lines = await closed(stage, day(1))
    assert lines is not None and len(lines) == 2
    assert await table(stage, FIRST) == [
        "market/1: elsewhere 250 taken 0 own 0 pays 500 gets 0 fee 0 net -500",
        "fruit/1: elsewhere 0 taken 350 own 0 pays 0 gets 700 fee 7 net 693",
        "rail/1: elsewhere 100 taken 0 own 0 pays 200 gets 0 fee 0 net -200",
        "operator 7",
    ]
    assert await rebuilds(stage, FIRST)


async def test_what_returns_after_its_week_was_closed_is_a_line_of_its_own_week_at_the_original_prices(
    stage: Stage,
) -> None:
    who = await stage.member((333, "2026-12-01"))
    async with stage.engine.begin() as tx:
        await stage.give(tx, who, (167, "2026-12-02"), issuer="rail", currency=COMMON)
    burn = await burned(stage, who, 500, "fruit")
    await closed(stage, day(1))
    dearer = PROGRAMME.model_copy(update={"clearing_fee_bp": 5_000})
    await returned(stage, who, burn.entry_id, 200, day(2))  # the rail's 167, which end last, and 33 of the market's
    lines = await closed(stage, day(8), dearer)
    assert lines is not None
    rail, market = stage.merchants["rail"].id, stage.merchants["market"].id
    assert {(line.issuer_id, line.points, tuple(line.amounts), line.kind) for line in lines} == {
        (market, -33, (-66, -66, 0), "return"),
        (rail, -167, (-334, -334, -3), "return"),
    }
    assert {line.corrects.week for line in lines if line.corrects} == {FIRST}
    await returned(stage, who, burn.entry_id, None, day(9))
    last = await closed(stage, day(15))
    assert last is not None and [(line.points, tuple(line.amounts)) for line in last] == [(-300, (-600, -600, -7))]
    [left] = await sql(
        stage, "SELECT sum(issuer_minor), sum(redeemer_minor), sum(fee_minor), sum(points) FROM clearing_line"
    )
    assert left == (0, 0, 0, 0), "all of it came back"
    for week in (FIRST, SECOND, SECOND + dt.timedelta(days=7)):
        assert await rebuilds(stage, week)


async def test_a_return_in_the_same_week_takes_back_just_that(stage: Stage) -> None:
    who = await stage.member((500, NEVER))
    burn = await burned(stage, who, 500, "fruit", on=at())
    await returned(stage, who, burn.entry_id, 100, at(minutes=5))
    await closed(stage, day(1))
    assert (await table(stage, FIRST))[0] == "market/1: elsewhere 400 taken 0 own 0 pays 800 gets 0 fee 0 net -800"
    assert await rebuilds(stage, FIRST)


async def test_a_claw_back_after_the_points_were_spent_changes_no_position(stage: Stage) -> None:
    who = await stage.member()
    async with stage.engine.begin() as tx:
        earned = await engine.post(
            tx,
            Accrue(
                key="earned", owner=member(who.id), currency=COMMON, at=at(), actor="test",
                issuer_id=stage.merchants["market"].id, points=100, available_on=at().today, expires_on=None,
            ),
        )  # fmt: skip
    await burned(stage, who, 100, "fruit")
    async with stage.engine.begin() as tx:
        await engine.post(
            tx,
            ClawBack(
                key="back", owner=member(who.id), currency=COMMON, at=at(minutes=1), actor="test",
                issuer_id=stage.merchants["market"].id, entry_id=earned.entry_id, points=100,
            ),
        )  # fmt: skip
    lines = await closed(stage, day(1))
    assert lines is not None and [(line.kind, line.points, line.amounts.issuer_minor) for line in lines] == [
        ("redemption", 100, 200)
    ]


async def test_missed_weeks_are_closed_one_by_one_and_an_empty_one_too(stage: Stage) -> None:
    who = await stage.member((500, NEVER))
    await burned(stage, who, 100, "fruit")
    await burned(stage, who, 100, "fruit", on=day(14))
    found = []
    while (lines := await closed(stage, day(16))) is not None:
        found.append(len(lines))
    assert found == [1, 0, 1]
    assert await sql(stage, "SELECT week FROM clearing_close ORDER BY 1") == [
        (FIRST + dt.timedelta(days=7 * n),) for n in range(3)
    ]
    with pytest.raises(WeekNotClosed):
        async with stage.engine.begin() as tx:
            await close.rebuilt(tx, FIRST + dt.timedelta(days=21))


async def test_of_several_who_close_at_once_one_does_each_week(stage: Stage) -> None:
    who = await stage.member((500, NEVER))
    for days in (0, 7, 14):
        await burned(stage, who, 100, "fruit", on=day(days))
    done = await asyncio.gather(*(closed(stage, day(15)) for _ in range(6)))
    assert sorted(len(lines) for lines in done if lines is not None) == [1, 1, 1]
    assert await sql(stage, "SELECT count(*), count(DISTINCT entry_id) FROM clearing_line") == [(3, 3)]


async def test_an_event_that_commits_after_its_week_was_closed_is_counted_by_the_next(stage: Stage) -> None:
    who, other = await stage.member((500, NEVER)), await stage.member((500, NEVER))
    await burned(stage, who, 100, "fruit")
    before_midnight = await stage.engine.connect()
    late = await engine.post(
        before_midnight,
        redeems_late(stage, other.id),
    )
    assert len(await closed(stage, day(1)) or []) == 1
    await before_midnight.commit()
    await before_midnight.close()
    assert await rebuilds(stage, FIRST), "it waits for the next close"
    await returned(stage, other, late.entry_id, None, day(2))
    lines = await closed(stage, day(8))
    assert lines is not None and [(line.kind, line.day.day, line.points) for line in lines] == [
        ("redemption", 22, 70),
        ("return", 24, -70),
    ]
    assert await rebuilds(stage, FIRST) and await rebuilds(stage, SECOND)


def redeems_late(stage: Stage, member_id: int):  # type: ignore[no-untyped-def]
    from ledger.points.commands import Burn

    return Burn(
        key="late", owner=member(member_id), currency=COMMON, at=at(), actor="test",
        merchant_id=stage.merchants["fruit"].id, points=70,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE clearing_line SET issuer_minor = 0",
        "DELETE FROM clearing_line",
        "DELETE FROM clearing_close",
        "TRUNCATE clearing_line",
    ],
)
async def test_what_is_closed_cannot_be_changed(stage: Stage, change: str) -> None:
    await burned(stage, await stage.member((500, NEVER)), 100, "fruit")
    await closed(stage, day(1))
    with pytest.raises(DBAPIError, match="only grows"):
        async with stage.engine.begin() as tx:
            await tx.execute(text(change))


async def test_a_line_that_was_edited_past_the_guard_shows(stage: Stage) -> None:
    await burned(stage, await stage.member((500, NEVER)), 100, "fruit")
    await closed(stage, day(1))
    await sql(stage, "ALTER TABLE clearing_line DISABLE TRIGGER grows_only")
    await sql(stage, "UPDATE clearing_line SET redeemer_minor = redeemer_minor + 1")
    assert not await rebuilds(stage, FIRST)
    async with stage.engine.connect() as tx:
        assert {found.check for found in await proof.prove(tx)} == {"a closed week can be derived again"}


async def test_the_proof_finds_a_week_that_is_missing_and_one_that_was_changed(stage: Stage) -> None:
    who = await stage.member((500, NEVER))
    for days in (0, 7, 14):
        await burned(stage, who, 100, "fruit", on=day(days))
        assert await closed(stage, day(days + 1)) is not None
    async with stage.engine.connect() as tx:
        assert await proof.prove(tx) == []
    for table_ in ("clearing_close", "clearing_line"):
        await sql(stage, f"ALTER TABLE {table_} DISABLE TRIGGER grows_only")
    await sql(stage, "DELETE FROM clearing_close WHERE week = :week", week=SECOND)
    await sql(stage, "UPDATE clearing_line SET issuer_id = redeemer_id WHERE week = :week", week=FIRST)
    async with stage.engine.connect() as tx:
        assert [found.check for found in await proof.prove(tx)] == [
            "a closed week can be derived again",
            "weeks are closed without a gap",
        ]


async def test_the_week_so_far_is_what_a_close_would_write(stage: Stage) -> None:
    who = await stage.member((500, NEVER))
    await burned(stage, who, 100, "fruit")
    async with stage.engine.begin() as tx:
        so_far = await close.open_week(tx, PROGRAMME, at().today)
        of_market = await close.open_week(tx, PROGRAMME, at().today, merchant_id=stage.merchants["market"].id)
        of_rail = await close.open_week(tx, PROGRAMME, at().today, merchant_id=stage.merchants["rail"].id)
    assert (of_market, of_rail) == (so_far, [])
    assert so_far == await closed(stage, day(1))
