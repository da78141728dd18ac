"""What stands behind an issuer's points (C2): its float, paid in beforehand, and how far it may go beyond it.

An issuer without a row here issues without a limit. `cover` is where tills take their headroom; here is what the operator does, and
the count that puts the row right again: what is outstanding is read from what is held, without locking anybody.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.points.commands import Moment

SLICE_SECONDS = 60
"""So long a process uses a slice it was given."""
LAPSE_SECONDS = 60
"""So much later it is forgotten. No transaction that used it is still open: the server ends those that idle for half a minute."""

REFERENCE_LONGEST = 60
Level = Literal[0, 1, 2]
"""0: all is well · 1: near the end · 2: used up."""


@dataclass(eq=False)
class NoCover(Refusal):
    """This issuer has no cover; it issues without a limit."""

    merchant_id: int


@dataclass(eq=False)
class AmountInvalid(Refusal):
    """A payment is of something, a limit is not below nothing."""

    minor: int


@dataclass(eq=False)
class ReferenceNeeded(Refusal):
    """A payment has a reference of at most `longest` characters."""

    longest: int


@dataclass(eq=False)
class ReferenceTaken(Refusal):
    """A payment of this reference was booked before; nothing was booked now."""

    reference: str


@dataclass(eq=False)
class CoverStillNeeded(Refusal):
    """So much cannot be paid out: the float stands behind points that are out. `most_minor` can."""

    asked_minor: int
    most_minor: int
    money: str


@dataclass(frozen=True, slots=True)
class Cover:
    """An issuer's cover; money in minor units. `outstanding_minor` is what its points cost when last counted, `reserved_minor` at
    least what they cost now."""

    merchant_id: int
    money: str
    float_minor: int
    limit_minor: int
    reserved_minor: int
    outstanding_minor: int
    counted_at: dt.datetime
    told: int

    @property
    def whole_minor(self) -> int:
        """Everything that it may promise."""
        return self.float_minor + self.limit_minor

    @property
    def free_minor(self) -> int:
        """What can be issued against it now."""
        return max(0, self.whole_minor - self.reserved_minor)

    @property
    def used_percent(self) -> int:
        """How much of it is used, as counted; rounded down. Without any cover nothing may be issued: 100."""
        return self.outstanding_minor * 100 // self.whole_minor if self.whole_minor else 100

    def level(self, alert_percent: int) -> Level:
        """How near it is to its end."""
        if (self.whole_minor - self.outstanding_minor) * 100 < self.whole_minor or not self.whole_minor:
            return 2  # less than a hundredth is free: hardly a purchase fits
        return 1 if self.used_percent >= alert_percent else 0


@dataclass(frozen=True, slots=True)
class CoverEntry:
    """One change of a cover. `amount_minor`: of a payment signed; of a limit the new one."""

    id: int
    kind: str
    amount_minor: int
    reference: str | None
    actor: str
    at: dt.datetime


COST = """
    ceil(sum(q.points)::numeric * u.value_minor
         * coalesce((SELECT (document ->> 'issue_price_bp')::integer FROM programme WHERE one = 1), 10000)
         / (u.value_points * 10000::numeric))
"""
"""What so many points of a currency `u` cost their issuer, in minor units, rounded up."""

_COLUMNS = "SELECT merchant_id, money, float_minor, limit_minor, reserved_minor, outstanding_minor, counted_at, told FROM cover"
_ONE = text(f"{_COLUMNS} WHERE merchant_id = :id")
_LOCKED = text(f"{_COLUMNS} WHERE merchant_id = :id FOR UPDATE")
_ALL = text(f"{_COLUMNS} ORDER BY merchant_id")
_OPEN = text(
    "INSERT INTO cover (merchant_id, money, reserved_minor, outstanding_minor, counted_at)"
    " SELECT id, money, 0, 0, :at FROM merchant WHERE id = :id ON CONFLICT (merchant_id) DO NOTHING"
)
_FLOAT = text("UPDATE cover SET float_minor = float_minor + :minor WHERE merchant_id = :id")
_LIMIT = text("UPDATE cover SET limit_minor = :minor WHERE merchant_id = :id")
_NOTE = text(
    "INSERT INTO cover_entry (merchant_id, kind, amount_minor, reference, actor, at)"
    " VALUES (:id, :kind, :minor, :reference, :actor, :at) ON CONFLICT (merchant_id, reference) DO NOTHING RETURNING id"
)
_ENTRIES = text(
    "SELECT id, kind, amount_minor, reference, actor, at FROM cover_entry WHERE merchant_id = :id"
    " ORDER BY id DESC OFFSET :offset LIMIT :limit"
)
_COUNTING = text("SELECT pg_advisory_xact_lock(hashtextextended('cover', 0))")
# One statement, one snapshot: what is held, what was reserved and which slices were out at that moment. Positions are read once,
# each with its lot (OFFSET keeps it so): the other way round every lot would look for its positions, which no index finds.
_COUNT = text(
    f"""
    WITH covered AS (
        SELECT merchant_id, money, reserved_minor FROM cover
        WHERE CAST(:id AS bigint) IS NULL OR merchant_id = :id),
    held AS (
        SELECT l.issuer_id, l.currency_id, sum(p.points) AS points
        FROM position p, LATERAL (SELECT issuer_id, currency_id FROM lot WHERE lot.id = p.lot_id OFFSET 0) l
        WHERE EXISTS (SELECT FROM covered) AND (CAST(:id AS bigint) IS NULL OR l.issuer_id = :id) GROUP BY 1, 2),
    outstanding AS MATERIALIZED (
        SELECT q.issuer_id, u.money, {COST} AS minor FROM held q JOIN currency u ON u.id = q.currency_id
        GROUP BY q.issuer_id, u.id)
    SELECT c.merchant_id, c.reserved_minor,
           coalesce((SELECT sum(o.minor) FROM outstanding o WHERE o.issuer_id = c.merchant_id AND o.money = c.money), 0)::bigint
               AS outstanding,
           coalesce((SELECT sum(s.granted_minor) FROM cover_slice s WHERE s.merchant_id = c.merchant_id AND s.until > :lapsed), 0)
               ::bigint AS out_in_slices,
           ARRAY(SELECT s.id FROM cover_slice s WHERE s.merchant_id = c.merchant_id AND s.until <= :lapsed) AS lapsed
    FROM covered c ORDER BY c.merchant_id
    """
)
_CORRECT = text(
    "UPDATE cover SET reserved_minor = reserved_minor + :correction, outstanding_minor = :outstanding, counted_at = :at"
    " WHERE merchant_id = :id"
)
_FORGET = text("DELETE FROM cover_slice WHERE id = ANY (:ids)")
_TOLD = text("UPDATE cover SET told = :level WHERE merchant_id = :id")


def _cover(row: Row[Any]) -> Cover:
    return Cover(**row._mapping)


async def find(tx: AsyncConnection, merchant_id: int) -> Cover | None:
    """An issuer's cover; None where it has none."""
    row = (await tx.execute(_ONE, {"id": merchant_id})).first()
    return None if row is None else _cover(row)


async def everyone(tx: AsyncConnection) -> list[Cover]:
    """Every cover, by merchant."""
    return [_cover(row) for row in await tx.execute(_ALL)]


async def entries(tx: AsyncConnection, merchant_id: int, *, offset: int = 0, limit: int = 8) -> list[CoverEntry]:
    """What was paid and set, newest first."""
    rows = await tx.execute(_ENTRIES, {"id": merchant_id, "offset": offset, "limit": limit})
    return [CoverEntry(*row) for row in rows]


async def pay(tx: AsyncConnection, merchant_id: int, minor: int, reference: str, *, actor: str, at: Moment) -> Cover:
    """Book a payment into the float (positive) or out of it; the first one covers the issuer from now on.

    Raises:
        AmountInvalid → ReferenceNeeded → ReferenceTaken → CoverStillNeeded.
    """
    if minor == 0:
        raise AmountInvalid(minor)
    reference = " ".join(reference.split())
    if not 1 <= len(reference) <= REFERENCE_LONGEST:
        raise ReferenceNeeded(REFERENCE_LONGEST)
    cover = await _changed(tx, merchant_id, at)
    facts = {"id": merchant_id, "minor": minor, "reference": reference, "actor": actor, "at": at.now}
    if await tx.scalar(_NOTE, {**facts, "kind": "paid_in" if minor > 0 else "paid_out"}) is None:
        raise ReferenceTaken(reference)
    most = max(0, min(cover.float_minor, cover.free_minor))
    if -minor > most:
        raise CoverStillNeeded(-minor, most, cover.money)
    await tx.execute(_FLOAT, {"id": merchant_id, "minor": minor})
    return await _now(tx, merchant_id)


async def set_limit(tx: AsyncConnection, merchant_id: int, minor: int, *, actor: str, at: Moment) -> Cover:
    """Let the issuer owe so much beyond its float; the first limit covers it from now on. A limit below what is out pauses issuing
    and takes nothing from anybody. `AmountInvalid` below zero."""
    if minor < 0:
        raise AmountInvalid(minor)
    await _changed(tx, merchant_id, at)
    facts = {"id": merchant_id, "minor": minor, "reference": None, "actor": actor, "at": at.now}
    await tx.execute(_NOTE, {**facts, "kind": "limit"})
    await tx.execute(_LIMIT, {"id": merchant_id, "minor": minor})
    return await _now(tx, merchant_id)


async def _changed(tx: AsyncConnection, merchant_id: int, at: Moment) -> Cover:
    """The issuer's cover, counted and locked; made where there was none."""
    if (await tx.execute(_OPEN, {"id": merchant_id, "at": at.now})).rowcount:
        await count(tx, at=at, merchant_id=merchant_id)
    return _cover((await tx.execute(_LOCKED, {"id": merchant_id})).one())


async def _now(tx: AsyncConnection, merchant_id: int) -> Cover:
    found = await find(tx, merchant_id)
    if found is None:
        raise NoCover(merchant_id)
    return found


async def count(tx: AsyncConnection, *, at: Moment, merchant_id: int | None = None) -> list[Cover]:
    """Count what is outstanding, of one issuer or of all, and give back what was reserved for nothing: what burned, expired, was
    clawed back or rolled back, and what a process that ended had in hand.

    Nobody waits for the counting: what changes meanwhile changes `reserved_minor` by a difference, and so does this. A slice counts
    whole until it has lapsed, also what of it is outstanding by now: so the reserve may for a minute or two be too large by what
    was issued in them, and is never too small.
    """
    await tx.execute(_COUNTING)  # two counts would each give the same back
    lapsed = at.now - dt.timedelta(seconds=LAPSE_SECONDS)
    for row in (await tx.execute(_COUNT, {"id": merchant_id, "lapsed": lapsed})).all():
        correction = row.outstanding + row.out_in_slices - row.reserved_minor
        facts = {"id": row.merchant_id, "correction": correction, "outstanding": row.outstanding, "at": at.now}
        await tx.execute(_CORRECT, facts)
        if row.lapsed:
            await tx.execute(_FORGET, {"ids": list(row.lapsed)})
    if merchant_id is None:
        return await everyone(tx)
    found = await find(tx, merchant_id)
    return [] if found is None else [found]


async def crossings(tx: AsyncConnection, alert_percent: int) -> list[tuple[Cover, Level]]:
    """The covers that came nearer to their end since it was last told, with the level to tell; each is given once. Those that
    have room again are noted as such, without a word."""
    found: list[tuple[Cover, Level]] = []
    for cover in await everyone(tx):
        level = cover.level(alert_percent)
        if level == cover.told:
            continue
        await tx.execute(_TOLD, {"id": cover.merchant_id, "level": level})
        if level > cover.told:
            found.append((cover, level))
    return found


async def back(tx: AsyncConnection, alert_percent: int) -> list[Cover]:
    """The covers that were told to be used up and have room again; `crossings` notes that, and then they are no longer given."""
    return [cover for cover in await everyone(tx) if cover.told == 2 and cover.level(alert_percent) < 2]
