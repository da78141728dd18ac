"""book.slot and book.rush: the free times of a service whose calendar is nearly full, and everybody after one time of it.

**book.slot**: four chairs, half hours from nine to nine, today and sixty days more; nine in ten of the times are full, the others
half full. What is measured is all that a member's tap costs below the words: the closed days and the places that are taken are
read, and every free time of the sixty days is told. Beside it, in the same run, one statement written by hand for this calendar
alone makes the same times and leaves out what is full. Both must find the same.

**book.rush**: a thousand members redeem for one time of four places at the same moment, through two workers. Ours is
`redemptions.redeem`, which the chat calls: limits judged, the place taken under the diary's lock, lots burned, the code made. The
rival is that of `redeem.hot`, an UPDATE of a counter, one of a purse, one INSERT. Exactly four have the time afterwards, in places
one to four; nobody else's points were touched, and the books hold.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.figures import Figure, beside
from bench.rush import GONE, by_hand, filled
from bench.stage import Stage
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Terms
from ledger.points.audit import audit
from ledger.points.engine import PINNED_PLANS
from ledger.redeeming import bookings, shelf
from ledger.redeeming.booking import Booking, Hours
from ledger.redeeming.publish import publish
from tests.ledger.redeeming.rush import REDEEMED, Told, press, rush
from tests.ledger.redeeming.stage import NOW, TODAY, at, offer, per_unit

PLACES, DAYS = 4, 60
ROUNDS = 31
RUSHES, PEOPLE = 2, 1_000
POINTS = 100
WORKERS, CONNECTIONS = 2, 16
TAKEN = "slot_taken"

CALENDAR = Booking(
    slot_minutes=30,
    at_once=PLACES,
    hours=(Hours(weekdays=(1, 2, 3, 4, 5, 6, 7), open=dt.time(9), close=dt.time(21)),),
    days_ahead=DAYS,
)
# A time's number is its half hour since the first day's nine o'clock, 24 a day.
_FULL = f"""
    INSERT INTO booking (offer_id, merchant_id, member_id, redemption_id, starts_at, ends_at, day, place, state, chosen_at,
        change_until, kept_until)
    SELECT $1, 1, 2, n * {PLACES} + place, s, s + interval '30 min', $2::date + n / 24, place, 'booked', s, s, s
    FROM generate_series(0, {(DAYS + 1) * 24 - 1}) n, generate_series(1, {PLACES}) place,
         LATERAL (SELECT $2::date + time '01:00' AT TIME ZONE 'UTC' + n / 24 * interval '1 day'
                         + n % 24 * interval '30 min' AS s) at
    WHERE n * 7 % 10 <> 0 OR place <= {PLACES // 2}
"""
_BY_HAND = f"""
    SELECT s FROM generate_series(0, {(DAYS + 1) * 24 - 1}) n,
         LATERAL (SELECT $2::date + time '01:00' AT TIME ZONE 'UTC' + n / 24 * interval '1 day'
                         + n % 24 * interval '30 min' AS s) at
         LEFT JOIN (SELECT starts_at, count(*) AS taken FROM booking
                    WHERE offer_id = $1 AND state <> 'freed' AND starts_at >= $3 GROUP BY starts_at) b ON starts_at = s
    WHERE s >= $3 AND coalesce(taken, 0) < {PLACES} ORDER BY s
"""
"""Times by the calendar as it is here, each with what is taken of it. It knows no other calendar, closed day, hold or tier."""


async def _service(engine: AsyncEngine) -> int:
    """A salon's haircut, four chairs."""
    document = offer("cut", "剪发", "Haircut", "salon", per_unit(POINTS), kind="service", booking=CALENDAR)
    async with engine.begin() as tx:
        await merchants.create(tx, code="salon", name_zh="美发", name_en="Salon", category="service", terms=Terms())
        return await publish(tx, document, now=NOW, today=TODAY)


async def _slots(dsn: str, engine: AsyncEngine) -> Figure:
    offer_id = await _service(engine)
    connection = await asyncpg.connect(dsn)
    await connection.execute(_FULL, offer_id, TODAY)
    await connection.execute("VACUUM ANALYZE")
    ours, reckoned, theirs = [], [], []
    async with engine.connect() as tx:
        listed = await shelf.one(tx, offer_id)
        for number in range(ROUNDS + 1):
            began = time.perf_counter()
            [diary] = await bookings.all_diaries(tx, listed, member_id=1, at=at())
            read = time.perf_counter()
            free = [slot.starts_at for slot in diary.free(NOW, None)]
            done = time.perf_counter()
            by_one = [row[0] for row in await connection.fetch(_BY_HAND, offer_id, TODAY, NOW)]
            ended = time.perf_counter()
            if free != by_one or not free:
                raise RuntimeError(f"{len(free)} free times, by hand {len(by_one)}")
            if number:  # the first makes the slots of the days, which a process keeps
                ours.append((done - began) * 1000)
                reckoned.append((done - read) * 1000)
                theirs.append((ended - done) * 1000)
        places = await tx.scalar(text("SELECT count(*) FROM booking"))
    await connection.close()
    note = (
        f"{len(free)} of {(DAYS + 1) * 24:,} times free, {places:,} places taken;"
        f" {statistics.median(reckoned):.1f} ms of it without the reads"
    )
    return beside("book.slot", "ms", ours, "the same times by one statement", theirs, note=note)


async def _proven(
    engine: AsyncEngine, offer_id: int, slot: dt.datetime, ours: list[Told], theirs: list[Told], rushes: int
) -> None:
    """Exactly four have it, in the four places; whoever was told no has all their points."""
    wrong: list[str] = []
    for told, gone in ((ours, TAKEN), (theirs, GONE)):
        if (found := Counter(one.outcome for one in told)) != {REDEEMED: PLACES, gone: PEOPLE - PLACES}:
            wrong.append(f"{found}")
    values = {"offer": offer_id, "slot": slot}
    async with engine.connect() as tx:
        had = (await tx.execute(_HAD, values)).all()
        if [row.place for row in had] != list(range(1, PLACES + 1)):
            wrong.append(f"places {[row.place for row in had]}")
        if {row.member_id for row in had} != {one.member_id for one in ours if one.outcome == REDEEMED}:
            wrong.append("somebody was told otherwise than it is")
        if (burned := await tx.scalar(_BURNED)) != POINTS * PLACES * rushes:
            wrong.append(f"{burned} points burned")
        if not (found_ := await audit(tx)).holds:
            wrong.append(f"{found_.violations[:3]}")
    if wrong:
        raise RuntimeError("; ".join(wrong))


_HAD = text("SELECT member_id, place FROM booking WHERE offer_id = :offer AND starts_at = :slot ORDER BY place")
_BURNED = text("SELECT sum(points) FROM redemption")


async def _rush(url: str, engine: AsyncEngine) -> Figure:
    offer_id = await _service(engine)
    ours, theirs, slowest = [], [], []
    for number in range(RUSHES + 1):
        slot = dt.datetime.combine(TODAY + dt.timedelta(days=1 + number), dt.time(2), dt.UTC)
        async with engine.begin() as tx:
            await tx.execute(text("INSERT INTO rival_stock VALUES (:id, 0)"), {"id": number})
        told = {}
        for who in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
            work = partial(press, slot=slot) if who == "ours" else partial(by_hand, pieces=PLACES)
            told[who] = await asyncio.to_thread(
                rush, work, url, offer_id if who == "ours" else number, POINTS, range(1, PEOPLE + 1),
                workers=WORKERS, connections=CONNECTIONS,
            )  # fmt: skip
        await _proven(engine, offer_id, slot, told["ours"][0], told["theirs"][0], number + 1)
        if number:  # the first warms caches and plans
            ours.append(PEOPLE / told["ours"][1])
            theirs.append(PEOPLE / told["theirs"][1])
            waits = [one.seconds * 1000 for one in told["ours"][0]]
            slowest.append(statistics.quantiles(waits, n=100)[98])
    note = (
        f"{PEOPLE:,} members, {PLACES} places, {WORKERS} workers of {CONNECTIONS} connections; {PLACES} have it;"
        f" p99 {statistics.median(slowest):.0f} ms"
    )
    return beside("book.rush", "decisions/s", ours, "UPDATE and INSERT by hand", theirs, note=note)


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """The figures that are asked for."""
    figures = []
    for name in ("book.slot", "book.rush"):
        if not wanted(name):
            continue
        database = await (filled(stage) if name == "book.rush" else stage.database())
        url = stage.server.url_of(database)
        engine = create_async_engine(url, connect_args={"server_settings": PINNED_PLANS})
        if name == "book.slot":
            async with engine.begin() as tx:
                await tx.execute(text(_CURRENCY))
            figures.append(await _slots(stage.server.dsn_of(database), engine))
        else:
            figures.append(await _rush(url, engine))
        await engine.dispose()
        await stage.drop(database)
    return figures


_CURRENCY = "INSERT INTO currency VALUES (1, 'common', NULL, '积分', 'points', 2, 1, 'CNY')"
