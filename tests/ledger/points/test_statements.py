"""What members read: wallet, schedule, history, one entry opened, and a burn before it happens — against known entries."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.points import commands as c
from ledger.points import statements
from ledger.points.engine import apply, post
from ledger.points.statements import Due, Line, LotPart
from tests.conftest import Database
from tests.ledger.points.builders import (
    COMMON,
    DAY,
    RAIL,
    VALUES,
    accrue,
    burn,
    burn_hold,
    claw_back,
    common,
    expire,
    hold,
    make_currencies,
    moment,
    reinstate,
    reverse,
    transfer,
    void,
)

ANN, BEN, CAROL = c.member(1), c.member(2), c.member(3)


def day(n: int) -> dt.date:
    """So many days after the first."""
    return DAY + dt.timedelta(days=n)


def swap(points: int) -> c.Exchange:
    """Common points into rail points."""
    values = {"value": VALUES[COMMON], "to_value": VALUES[RAIL]}
    return c.Exchange(**common(points=points, to_currency=RAIL, expires_on=None, **values))


@pytest.fixture
async def ledger(database: Database) -> Database:
    """A database with currencies."""
    await make_currencies(database.engine)
    return database


async def test_a_wallet_shows_every_currency_that_was_touched(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        earned = await post(tx, accrue(100, expires_on=day(30)))
        await apply(
            tx,
            [
                accrue(20, expires_on=day(30), issuer_id=6),
                accrue(30, expires_on=None),
                accrue(40, available_on=day(7), expires_on=day(90)),
                accrue(5, available_on=day(7), expires_on=day(90)),
                accrue(6, available_on=day(9), expires_on=None),
                hold(15),
                swap(10),
                accrue(9, owner=BEN),
            ],
        )
        await apply(tx, [burn(125), claw_back(earned.entry_id, 80)])
        known = await statements.currencies(tx)
        common_points, rail = await statements.wallet(tx, ANN, today=DAY)
    assert [known[id_].code for id_ in known] == ["common", "rail", "worthless"]
    assert (common_points.currency.code, rail.currency.code) == ("common", "rail")
    # Nothing available was left, so the claw-back took the 51 that wait and owes the rest.
    assert (common_points.available, common_points.held) == (0, 15)
    assert (common_points.pending, common_points.deficits) == (0, {5: 80 - 51})
    assert (common_points.next_expiry, common_points.next_release) == (None, None)
    assert (rail.available, rail.pending, rail.held, rail.deficits, rail.next_expiry) == (20, 0, 0, {}, (day(30), 20))


async def test_a_wallet_names_what_ends_first_and_what_comes_first(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        assert await statements.wallet(tx, ANN, today=DAY) == []
        await apply(
            tx,
            [
                accrue(3, expires_on=day(30)),
                accrue(4, expires_on=day(30), issuer_id=6),
                accrue(5, expires_on=day(40)),
                accrue(6, available_on=day(5), expires_on=day(20)),
                accrue(7, available_on=day(5), expires_on=day(6)),
                accrue(8, available_on=day(12), expires_on=None),
            ],
        )
        seen = {}
        for n in (0, 5, 7, 21, 30, 31, 41):
            (holding,) = await statements.wallet(tx, ANN, today=day(n))
            seen[n] = (holding.available, holding.pending, holding.next_expiry, holding.next_release)
    assert seen == {
        0: (12, 21, (day(30), 7), (day(5), 13)),
        5: (25, 8, (day(6), 7), (day(12), 8)),
        7: (18, 8, (day(20), 6), (day(12), 8)),
        21: (20, 0, (day(30), 7), None),
        30: (20, 0, (day(30), 7), None),
        31: (13, 0, (day(40), 5), None),
        41: (8, 0, None, None),
    }


async def test_what_ends_on_one_day_is_one_figure_released_or_not(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        await apply(tx, [accrue(3, expires_on=day(30)), accrue(4, available_on=day(1), expires_on=day(30))])
        (holding,) = await statements.wallet(tx, ANN, today=day(1))
        assert holding.next_expiry == (day(30), 7)
        assert await statements.schedule(tx, ANN, today=day(1)) == [Due(COMMON, day(30), 5, 7)]


async def test_the_schedule_lists_days_soonest_first_and_never_last(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        await apply(
            tx,
            [
                accrue(1, expires_on=None),
                accrue(2, expires_on=day(9)),
                accrue(3, expires_on=day(5)),
                accrue(4, expires_on=day(5), issuer_id=6),
                accrue(5, expires_on=day(5)),
                accrue(6, expires_on=day(5), currency=RAIL),
                accrue(7, available_on=day(3)),
                hold(1),
            ],
        )
        assert await statements.schedule(tx, ANN, today=DAY) == [
            Due(COMMON, day(5), 5, 7),
            Due(COMMON, day(5), 6, 4),
            Due(RAIL, day(5), 5, 6),
            Due(COMMON, day(9), 5, 2),
            Due(COMMON, None, 5, 1),
        ]
        assert [due.expires_on for due in await statements.schedule(tx, ANN, today=day(6))] == [day(9), day(365), None]
        assert await statements.schedule(tx, BEN, today=DAY) == []


async def test_each_kind_of_line_has_its_sign(ledger: Database) -> None:
    late = moment(day(40))
    async with ledger.engine.begin() as tx:
        earned = await post(tx, accrue(100, expires_on=day(30)))
        lunch = await post(tx, burn(20))
        one, two = await post(tx, hold(10)), await post(tx, hold(5))
        await apply(tx, [burn_hold(one.entry_id), void(two.entry_id)])
        gift = await post(tx, transfer(8, BEN))
        await post(tx, reverse(gift.entry_id))
        await apply(tx, [swap(4), claw_back(earned.entry_id, 6)])
        await post(tx, c.Adjust(**common(issuer_id=5, points=-2, reason="recount")))
        await post(tx, accrue(9, available_on=day(35), expires_on=None))
        night = await post(tx, expire(at=late))
        await apply(tx, [reinstate(lunch.entry_id, at=late), claw_back(earned.entry_id, 15, at=late)])
        await post(tx, reverse(night.entry_id, at=late, expires_on=day(50)))
        mine = await statements.history(tx, ANN, limit=50)
        bens = await statements.history(tx, BEN, limit=50)
        holdings = {h.currency.id: h for h in await statements.wallet(tx, ANN, today=day(40))}
    assert [(line.kind, line.points, line.counter) for line in reversed(mine)] == [
        ("accrue", 100, None),
        ("burn", -20, None),
        ("hold", 0, None),
        ("hold", 0, None),
        ("burn", -10, None),
        ("void", 0, None),
        ("transfer", -8, BEN),
        ("reverse", 8, BEN),
        ("exchange", -4, None),
        ("claw_back", -6, None),
        ("adjust", -2, None),
        ("accrue", 9, None),
        ("release", 0, None),
        ("expire", -58, None),
        ("reinstate", 20, None),
        ("claw_back", -15, None),
        ("reverse", 58, None),
    ]
    assert [(line.kind, line.points, line.counter) for line in bens] == [("reverse", -8, ANN), ("transfer", 8, ANN)]
    held = holdings[COMMON]
    assert sum(line.points for line in mine) == held.available + held.pending + held.held - sum(held.deficits.values())


async def test_what_a_claw_back_found_expired_and_what_returned_too_late_was_lost_before(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        earned = await post(tx, accrue(30, expires_on=day(10)))
        lunch, table = await post(tx, burn(10)), await post(tx, hold(10))
        await post(tx, expire(at=moment(day(11))))
        await post(tx, void(table.entry_id, at=moment(day(11)), grace_days=2))
        # Past the one grace day of the lot, what returns is gone at once.
        await post(tx, reinstate(lunch.entry_id, at=moment(day(14)), grace_days=2))
        await post(tx, claw_back(earned.entry_id, 30, at=moment(day(14))))
        lines = await statements.history(tx, ANN, limit=20)
    assert [(line.kind, line.points) for line in reversed(lines)] == [
        ("accrue", 30),
        ("burn", -10),
        ("hold", 0),
        ("expire", -10),
        ("void", 0),
        ("expire", -10),
        ("reinstate", 0),
        ("claw_back", 0),
    ]


async def _three_hundred(ledger: Database) -> None:
    """Three hundred entries that Ann sees, in two currencies, at two merchants, a third of them by others."""
    orders: list[c.Command] = [accrue(1000, owner=BEN, key="ben"), accrue(1000, key="ann")]
    for n in range(299):
        match n % 5:
            case 0:
                orders.append(accrue(3, merchant_id=7, currency=RAIL if n % 2 else COMMON))
            case 1:
                orders.append(burn(1, merchant_id=8))
            case 2:
                orders.append(transfer(1, ANN, owner=BEN))
            case 3:
                orders.append(transfer(1, BEN))
            case _:
                orders.append(accrue(0, merchant_id=8))
    for start in range(0, len(orders), 60):
        async with ledger.engine.begin() as tx:
            await apply(tx, orders[start : start + 60])


async def _paged(ledger: Database, owner: c.Owner, page: int, **filters: object) -> list[Line]:
    found: list[Line] = []
    async with ledger.engine.connect() as tx:
        while True:
            before = found[-1].entry_id if found else None
            lines = await statements.history(tx, owner, before=before, limit=page, **filters)  # type: ignore[arg-type]
            assert len(lines) <= page
            found += lines
            if len(lines) < page:
                return found


@pytest.mark.parametrize("page", [1, 7, 8, 100, 301])
async def test_pages_have_neither_gap_nor_repeat(ledger: Database, page: int) -> None:
    await _three_hundred(ledger)
    whole = await _paged(ledger, ANN, 1000)
    assert len(whole) == 300
    ids = [line.entry_id for line in whole]
    assert ids == sorted(set(ids), reverse=True)
    assert await _paged(ledger, ANN, page) == whole
    for filters in (
        {"kinds": ["transfer"]},
        {"kinds": statements.KINDS_EARNED},
        {"kinds": []},
        {"currency_id": RAIL},
        {"merchant_id": 8},
        {"kinds": ["accrue"], "currency_id": COMMON, "merchant_id": 7},
    ):
        expected = [
            line
            for line in whole
            if ("kinds" not in filters or line.kind in filters["kinds"])
            and line.currency_id == filters.get("currency_id", line.currency_id)
            and line.merchant_id == filters.get("merchant_id", line.merchant_id)
        ]
        assert await _paged(ledger, ANN, page, **filters) == expected
        assert bool(expected) == (filters.get("kinds") != [])


async def test_a_page_is_the_same_while_new_entries_arrive(ledger: Database) -> None:
    await _three_hundred(ledger)
    async with ledger.engine.begin() as tx:
        first = await statements.history(tx, ANN, limit=10)
        second = await statements.history(tx, ANN, limit=10, before=first[-1].entry_id)
        await post(tx, accrue(1))
        assert await statements.history(tx, ANN, limit=10, before=first[-1].entry_id) == second


async def test_an_opened_entry_shows_everything_that_why_needs(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        facts = {"amount_minor": 30000}
        trace = ["300 × 1", {"rule": "base"}]
        earned = await post(
            tx, accrue(300, key="till:7", facts=facts, trace=trace, merchant_id=7, rule="base", reason="sale")
        )
        more = await post(tx, accrue(50, expires_on=day(5), issuer_id=6))
        lunch = await post(tx, burn(70, actor="staff:4"))
        back = await post(tx, reinstate(lunch.entry_id, 60))
        rest = await post(tx, reinstate(lunch.entry_id))
        opened = await statements.explain(tx, ANN, earned.entry_id)
        burned = await statements.explain(tx, ANN, lunch.entry_id)
        returned = await statements.explain(tx, ANN, back.entry_id)
        with pytest.raises(c.NoSuchEntry):
            await statements.explain(tx, BEN, lunch.entry_id)
        with pytest.raises(c.NoSuchEntry):
            await statements.explain(tx, ANN, 12345)
    lot, ends = earned.legs[0].lot_id, more.legs[0].lot_id
    assert (opened.key, opened.actor, opened.reason, opened.trace) == ("till:7", "test", "sale", trace)
    assert (opened.line.facts, opened.line.merchant_id, opened.line.size) == (facts, 7, 300)
    assert opened.lots == (LotPart(lot, 300, 5, day(365), DAY, "base"),)
    assert opened.legs == earned.legs
    assert burned.actor == "staff:4" and burned.undone_by == (back.entry_id, rest.entry_id)
    assert burned.lots == (LotPart(ends, 50, 6, day(5), DAY, None), LotPart(lot, 20, 5, day(365), DAY, "base"))
    assert returned.undoes_id == lunch.entry_id
    assert {(part.lot_id, part.points) for part in returned.lots} == {(lot, 20), (ends, 40)}


async def test_a_gift_opens_for_both_and_for_nobody_else(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        await post(tx, accrue(30))
        gift = await post(tx, transfer(12, BEN))
        given = await statements.explain(tx, ANN, gift.entry_id)
        got = await statements.explain(tx, BEN, gift.entry_id)
        with pytest.raises(c.NoSuchEntry):
            await statements.explain(tx, CAROL, gift.entry_id)
    assert (given.line.points, given.line.counter) == (-12, BEN)
    assert (got.line.points, got.line.counter) == (12, ANN)
    # Each sees the lots of their own side.
    assert {part.lot_id for part in given.lots}.isdisjoint(part.lot_id for part in got.lots)
    assert [part.points for part in (*given.lots, *got.lots)] == [12, 12]


async def test_a_burn_is_foretold_lot_by_lot(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        await apply(
            tx,
            [
                accrue(10, expires_on=day(20)),
                accrue(10, expires_on=day(5)),
                accrue(10, expires_on=None, issuer_id=6, rule="gift"),
                accrue(10, available_on=day(6), expires_on=day(10)),
                accrue(10, available_on=day(30), expires_on=day(40)),
                accrue(10, currency=RAIL),
            ],
        )
    for n, points in ((0, 25), (0, 1), (6, 25), (6, 30), (21, 10), (30, 20)):
        async with ledger.engine.begin() as tx:
            foretold = await statements.would_burn(tx, ANN, COMMON, points, today=day(n))
            burned = await post(tx, burn(points, at=moment(day(n))))
            taken = {leg.lot_id: leg.points for leg in burned.legs if leg.purpose == "burned"}
            assert {part.lot_id: part.points for part in foretold} == taken
            ends = [part.expires_on or dt.date.max for part in foretold]
            assert ends == sorted(ends)
            await tx.rollback()


async def test_a_burn_that_would_be_refused_is_foretold_with_the_same_facts(ledger: Database) -> None:
    async with ledger.engine.begin() as tx:
        await apply(
            tx,
            [
                accrue(10, expires_on=day(5)),
                accrue(20, available_on=day(6), expires_on=day(7)),
                accrue(5, available_on=day(9)),
            ],
        )
    for n in range(11):
        async with ledger.engine.connect() as tx:
            with pytest.raises(c.NotEnoughPoints) as foretold:
                await statements.would_burn(tx, ANN, COMMON, 36, today=day(n))
            with pytest.raises(c.NotEnoughPoints) as refused:
                await post(tx, burn(36, at=moment(day(n))))
            assert foretold.value.facts == refused.value.facts


async def test_points_are_worth_their_published_value_rounded_down(ledger: Database) -> None:
    async with ledger.engine.connect() as tx:
        known = await statements.currencies(tx)
    assert (known[COMMON].worth(1180), known[RAIL].worth(150), known[COMMON].issuer_id, known[RAIL].issuer_id) == (
        2360,
        150,
        None,
        7,
    )
    third = statements.Currency(9, "third", None, "", "", 1, 3, "CNY")
    assert [third.worth(points) for points in range(7)] == [0, 0, 0, 1, 1, 1, 2]
