"""catalog.list: a page out of five thousand offers, every one of them decided by its rules for one member, in one process.

What is measured is all that a tap on a list costs below the words, reads of the database included: the wallet, who the member is,
what is gone and what they had, whether the shelf kept in the process still holds; deciding each of the five thousand, putting them
in order, and telling the six of a page in full. Beside it, in the same run, one statement fetches the same rows, id and points
alone. `.changed` is the first list after an offer was paused or brought back. The notes say what telling all five thousand in full
takes, and the first list of a process and of a kind of member on a day.

A third of the offers has rules: limits, stock, pieces a day, prices of a season, a tier or the redemption day, days, regions and
tiers. A tenth is had for a currency of its own, of which the member has nothing. The member had twenty of what is limited, and some
eighty are gone.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.catalogue import OFFERS, fill
from bench.figures import Figure, beside
from bench.stage import Stage
from bench.stage import fill as with_members
from ledger.members.member import Member
from ledger.points.engine import PINNED_PLANS
from ledger.points.reading import run as statement
from ledger.redeeming import shelf
from ledger.redeeming.booking import Booking, Hours
from ledger.redeeming.browse import browse, in_order
from ledger.redeeming.offers import Limits, Names, Offer, PerUnit, Special
from ledger.redeeming.on_shelf import on_shelf
from ledger.redeeming.who import Traits, Who
from ledger.redeeming.windows import Span, When

ROUNDS, PAGE = 31, 6
TODAY = dt.date(2026, 11, 22)
NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)
MEMBER = Member(1, "active", joined_on=dt.date(2026, 1, 1))
POINTS = 2000
HAD, GONE = 20, 40
"""Offers that the member had, and offers that are gone."""
TIERS, REGIONS = ("plain", "silver", "gold"), tuple(f"r{n}" for n in range(12))


BOOKED = Booking(
    slot_minutes=30, hours=(Hours(weekdays=(1, 2, 3, 4, 5, 6, 7), open=dt.time(9), close=dt.time(21)),), days_ahead=14
)
"""What is booked for half an hour, one after the other: 360 slots in its window."""


def with_rules() -> Callable[[Offer], Offer]:
    """Gives offers their rules, the same at every call of `with_rules`."""
    rng, other, third = random.Random(3), random.Random(4), random.Random(5)

    def dressed(offer: Offer) -> Offer:
        said: dict[str, object] = {}
        limits: dict[str, int] = {}
        if rng.random() < 0.10:
            limits["member_month"] = rng.randint(1, 5)
        if rng.random() < 0.04:
            limits["member_ever"] = 1
        if third.random() < 0.05:
            limits["household_month"] = third.randint(1, 5)
        if rng.random() < 0.08:
            limits["stock"] = rng.randint(20, 500)
        if rng.random() < 0.05:
            limits["day"] = rng.randint(5, 50)
        if rng.random() < 0.08:
            said["specials"] = (_special(rng, cast(PerUnit, offer.price)),)
        if rng.random() < 0.04:
            until = TODAY + dt.timedelta(days=rng.randint(-5, 90))
            said["on_shelf"] = When(from_on=until - dt.timedelta(days=60), until=until)
        if rng.random() < 0.02:
            said["blackout"] = (Span(from_on=dt.date(2027, 2, 1), until=dt.date(2027, 2, 14)),)
        chance = rng.random()
        if chance < 0.02:
            said["who"] = Who(tiers=("gold",))
        elif chance < 0.03:
            said["who"] = Who(standing=rng.choice((600, 650, 700)))
        elif chance < 0.07:
            said["region"] = rng.choice(REGIONS)
        if other.random() < 0.02 and isinstance(offer.price, PerUnit):
            once = offer.price.model_copy(update={"most_units": 1})
            said |= {"kind": "service", "booking": BOOKED, "price": once, "specials": ()}
        return Offer.model_validate({**offer.model_dump(), "limits": Limits(**limits).model_dump(), **said})

    return dressed


def _special(rng: random.Random, usual: PerUnit) -> Special:
    whens: list[tuple[When, Who]] = [
        (When(from_on=dt.date(2026, 11, 11), until=dt.date(2026, 12, 31)), Who()),
        (When(days_of_month=(28,)), Who()),
        (When(), Who(tiers=("silver", "gold"))),
    ]
    when, who = rng.choice(whens)
    price = usual.model_copy(update={"points": max(1, usual.points * rng.choice((6, 8, 9)) // 10)})
    return Special(name=Names(zh="旺季价", en="Season price"), when=when, who=who, price=price)


async def _filled(stage: Stage, database: str) -> None:
    """The catalogue, a silver member with points who had some of it, and what is gone."""
    connection = await asyncpg.connect(stage.server.dsn_of(database))
    await with_members(connection, members=1, lots=4, points=POINTS // 4, expires="2027-06-30")
    placed = await fill(connection, dressed=with_rules())
    programme = {
        "tiers": [{"code": each, "name_zh": each, "name_en": each} for each in TIERS],
        "regions": [{"code": each, "name_zh": each, "name_en": each} for each in REGIONS],
    }
    await connection.execute("INSERT INTO programme (one, version, document) VALUES (1, 1, $1)", json.dumps(programme))
    await connection.execute(
        "INSERT INTO member (id, status, tier, region) OVERRIDING SYSTEM VALUE VALUES (1, 'active', 'silver', 'r3')"
    )
    stocked = [(number, offer.limits.stock) for number, (_, offer) in placed.items() if offer.limits.stock is not None]
    await connection.executemany(
        "INSERT INTO offer_stock (offer_id, day, taken, handed, limit_to) VALUES ($1, '0001-01-01', $2::int, $2::int, $3)",
        [(number, pieces if n < GONE else pieces // 2, pieces) for n, (number, pieces) in enumerate(stocked)],
    )
    daily = [(number, offer.limits.day) for number, (_, offer) in placed.items() if offer.limits.day is not None]
    await connection.executemany(
        "INSERT INTO offer_stock (offer_id, day, taken, handed, limit_to) VALUES ($1, $2, $3::int, $3::int, $4)",
        [(number, TODAY, pieces if n < GONE else 1, pieces) for n, (number, pieces) in enumerate(daily)],
    )
    await connection.execute(
        "INSERT INTO currency (id, code, issuer_id, name_zh, name_en, value_minor, value_points) OVERRIDING SYSTEM VALUE"
        " VALUES (2, 'own', 1, '里程', 'miles', 1, 1)"
    )
    await connection.execute("UPDATE offer SET currency_id = 2 WHERE id % 10 = 0")
    mine = [number for number, (_, offer) in placed.items() if offer.limits.of_a_member][:HAD]
    await connection.executemany(
        """
        INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, points, value_minor,
            code_index, state, entry_id, issued_at, issued_on, undo_until, valid_until)
        VALUES (1, $1::bigint::text, $1::bigint, 1, 1, 1, 100, 0, int8send($1::bigint), 'issued', 1, $2, $3, $2, $3)
        """,
        [(number, dt.datetime(2026, 11, 22, tzinfo=dt.UTC), TODAY) for number in mine],
    )
    await connection.execute(_PLACES, [number for number, (_, offer) in placed.items() if offer.booking is not None])
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


_PLACES = """
    INSERT INTO booking (offer_id, merchant_id, member_id, redemption_id, starts_at, ends_at, day, place, state, chosen_at,
        change_until, kept_until)
    SELECT o, 1, 2, o * 1000 + n, s, s + interval '30 min', s::date, 1, 'booked', s, s, s
    FROM unnest($1::bigint[]) WITH ORDINALITY AS booked(o, nth), generate_series(0, 359) n,
         LATERAL (SELECT timestamptz '2026-11-22 01:00Z' + n / 24 * interval '1 day' + n % 24 * interval '30 min' AS s) at
    WHERE nth % 10 = 0 OR n < 60
"""
"""Of what is booked, every tenth has no slot left; of the others the first days are full."""


async def _page(tx: AsyncConnection) -> int:
    """A page of everything, as a tap shows it; how many there are."""
    held = await shelf.purse(tx, MEMBER, today=TODAY)
    found = await browse(tx, MEMBER, today=TODAY, held=held, now=NOW)
    first = in_order(found.found, "near", today=TODAY)[:PAGE]
    await found.told(tx, first)
    return len(found.found)


async def _every(tx: AsyncConnection) -> None:
    held = await shelf.purse(tx, MEMBER, today=TODAY)
    found = await browse(tx, MEMBER, today=TODAY, held=held, now=NOW)
    await found.told(tx, found.found)


async def _rows(tx: AsyncConnection) -> None:
    await statement(tx, "SELECT id, least_points FROM offer WHERE active ORDER BY least_points, id")


async def _ms(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """Both over the same shelf."""
    names = [name for name in ("catalog.list", "catalog.list.changed") if wanted(name)]
    if not names:
        return []
    database = await stage.database()
    await _filled(stage, database)
    engine = create_async_engine(stage.server.url_of(database), connect_args={"server_settings": PINNED_PLANS})
    ours, theirs, every, stranger, changed = [], [], [], [], []
    async with engine.connect() as tx:
        first = await _ms(_page(tx))
        found = await _page(tx)
        gc.collect()
        gc.freeze()  # as `bot.main` has it
        gc.set_threshold(50_000, 20, 20)
        pause = text("UPDATE offer SET active = NOT active WHERE id = :id")
        for number in range(1, ROUNDS + 1):
            ours.append(await _ms(_page(tx)))
            theirs.append(await _ms(_rows(tx)))
            every.append(await _ms(_every(tx)))
            stands, another = await on_shelf(tx), Traits(tier="gold", region=REGIONS[number % len(REGIONS)])
            began = time.perf_counter()
            stands.found_by(another, TODAY + dt.timedelta(days=number))
            stranger.append((time.perf_counter() - began) * 1000)
            await tx.execute(pause, {"id": number * 7})
            changed.append(await _ms(_page(tx)))
        await tx.rollback()
    await engine.dispose()
    await stage.drop(database)
    p95 = statistics.quantiles(ours, n=20)[-1]
    note = (
        f"p95 {p95:.1f} ms; {found:,} of {OFFERS:,} shown; {statistics.median(every):.0f} ms each of them told in full"
    )
    firsts = (
        f"{first:.0f} ms the first of a process, {statistics.median(stranger):.0f} ms more for a new kind of member"
    )
    figures = {
        "catalog.list": beside(
            "catalog.list",
            "ms",
            ours,
            "the same rows by one statement, no rules",
            theirs,
            wanted="value ≤ 15",
            note=note,
        ),
        "catalog.list.changed": beside("catalog.list.changed", "ms", changed, "nothing changed", ours, note=firsts),
    }
    return [figures[name] for name in names]
