"""A deadline extended: points whose last good day is past come back until a later one — everybody's, one issuer's or one region's.

The operator's tap writes an order. A duty then notes whose expiries it means, once, and gives them back page by page with the verb
`restore`: every expiry under a key of its own, so that nothing comes back twice, and whatever was clawed back or restored since
stays away. What an order did is in the ledger's own entries; a point comes back to whoever holds the account now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import pools
from ledger.members.named import must_be_known
from ledger.points.commands import Moment, MoreThanEntry, NothingDue, Owner, Receipt, Restore, Transfer
from ledger.points.engine import apply

LOOKS_BACK_DAYS = 90
"""How long after a last day it can still be extended."""
LONGEST_DAYS = 366
"""How far from today the new last day may be."""


@dataclass(eq=False)
class LastDayOutOfRange(Refusal):
    """A deadline that is past, and not longer than so: from `first` to `last`."""

    first: dt.date
    last: dt.date


@dataclass(eq=False)
class ExtensionOutOfRange(Refusal):
    """The new last day is from `first` to `last`."""

    first: dt.date
    last: dt.date


@dataclass(eq=False)
class NothingToExtend(Refusal):
    """Nothing that ended on that day, in that scope, is still expired."""

    last_day: dt.date
    may_succeed_later: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose: the points of one issuer, or of members who live in one region; of everybody where neither is said."""

    last_day: dt.date
    issuer_id: int | None = None
    region: str | None = None


class Ended(NamedTuple):
    """What of a scope is still expired: of one issuer and currency, how many points of how many owners."""

    issuer_id: int
    currency_id: int
    points: int
    owners: int


@dataclass(frozen=True, slots=True)
class Extension:
    """An order. `owners` and `points` (by currency) are what came back so far; `done_at` when all of it had."""

    id: int
    scope: Scope
    expires_on: dt.date
    made_by: str
    made_at: dt.datetime
    done_at: dt.datetime | None
    owners: int
    points: dict[int, int]


@dataclass(frozen=True, slots=True)
class Restored:
    """What one owner got back of one expiry."""

    receipt: Receipt
    extension: Extension


# Every leg of an expiry that is still expired. A lot's own postings say how much of it is.
_ENDED = """
    SELECT e.id AS entry_id, e.owner_kind, e.owner_id, e.currency_id, l.id AS lot_id, l.issuer_id, l.expires_on, l.still,
           coalesce(s.holder_id, e.owner_id) AS heir
      FROM (SELECT e.id, e.owner_kind, e.owner_id, e.currency_id FROM entry e
             WHERE e.kind = 'expire' AND e.posted_on > :first AND e.posted_on <= :today) e
      CROSS JOIN LATERAL (
            SELECT l.id, l.issuer_id, l.expires_on, (
                   SELECT coalesce(sum(s.points), 0)::bigint FROM posting s WHERE s.lot_id = l.id AND s.account_id = p.account_id
                   ) AS still
              FROM posting p JOIN lot l ON l.id = p.lot_id
             WHERE p.entry_id = e.id AND p.points > 0 AND p.account_id = ANY (ARRAY(
                   SELECT a.id FROM account a WHERE a.owner_id = 0 AND a.owner_kind = 'programme' AND a.purpose = 'expired'))
             OFFSET 0) l
      LEFT JOIN succession s ON e.owner_kind = 'member' AND s.member_id = e.owner_id
      LEFT JOIN member m ON e.owner_kind = 'member' AND m.id = coalesce(s.holder_id, e.owner_id)
     WHERE l.still > 0 AND m.status IS DISTINCT FROM 'closed'
       AND (CAST(:issuer AS bigint) IS NULL OR l.issuer_id = :issuer)
       AND (CAST(:region AS text) IS NULL OR m.region = :region)
"""
_DAYS = text(
    f"SELECT expires_on, count(DISTINCT (owner_kind, owner_id)) AS owners FROM ({_ENDED}) ended"
    " WHERE expires_on >= :first GROUP BY 1 ORDER BY 1 DESC"
)
_PREVIEW = text(
    "SELECT issuer_id, currency_id, sum(still)::bigint AS points, count(DISTINCT (owner_kind, heir)) AS owners"
    f" FROM (SELECT DISTINCT ON (lot_id) * FROM ({_ENDED}) ended WHERE expires_on = :first ORDER BY lot_id) lots"
    " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
)
_REGIONS = text(
    "SELECT m.region, count(DISTINCT ended.heir) AS owners"
    f" FROM ({_ENDED}) ended JOIN member m ON m.id = ended.heir WHERE ended.owner_kind = 'member' AND expires_on = :first"
    " AND m.region IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
)
_COLUMNS = "id, last_day, issuer_id, region, expires_on, made_by, made_at, noted_at, done_at"
_MAKE = text(
    "INSERT INTO expiry_extension (key, last_day, issuer_id, region, expires_on, made_by, made_at)"
    " VALUES (:key, :last_day, :issuer, :region, :expires_on, :by, :now) ON CONFLICT (key) DO NOTHING"
)
_BY_KEY = text(f"SELECT {_COLUMNS} FROM expiry_extension WHERE key = :key")
_LATEST = text(f"SELECT {_COLUMNS} FROM expiry_extension ORDER BY id DESC LIMIT :limit")
_NEXT = text(
    f"SELECT {_COLUMNS} FROM expiry_extension WHERE done_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
)
_NOTE = text(
    "INSERT INTO expiry_extension_part (extension_id, owner_id, entry_id, owner_kind, currency_id, heir)"
    " SELECT DISTINCT CAST(:id AS bigint), owner_id, entry_id, owner_kind, currency_id, heir"
    f" FROM ({_ENDED}) ended WHERE expires_on = :first"
)
_NOTED = text("UPDATE expiry_extension SET noted_at = :now WHERE id = :id")
_OPEN = text(
    "SELECT owner_id, entry_id, owner_kind, currency_id, heir FROM expiry_extension_part"
    " WHERE extension_id = :id AND restored IS NULL ORDER BY owner_id, entry_id LIMIT :limit"
)
_GIVEN = text(
    "UPDATE expiry_extension_part p SET restored = n.points"
    " FROM unnest(CAST(:owners AS bigint[]), CAST(:entries AS bigint[]), CAST(:points AS bigint[])) AS n(owner, entry, points)"
    " WHERE p.extension_id = :id AND p.owner_id = n.owner AND p.entry_id = n.entry"
)
_DONE = text("UPDATE expiry_extension SET done_at = :now WHERE id = :id")
_SUMS = text(
    "SELECT extension_id, currency_id, sum(restored)::bigint AS points FROM expiry_extension_part"
    " WHERE extension_id = ANY (CAST(:ids AS bigint[])) AND restored > 0 GROUP BY 1, 2 ORDER BY 2"
)
_OWNERS = text(
    "SELECT extension_id, count(DISTINCT (owner_kind, heir)) AS owners FROM expiry_extension_part"
    " WHERE extension_id = ANY (CAST(:ids AS bigint[])) AND restored > 0 GROUP BY 1"
)


async def days(tx: AsyncConnection, today: dt.date) -> list[tuple[dt.date, int]]:
    """The last days of which something is still expired, newest first, with how many owners it was of."""
    facts = {"first": today - dt.timedelta(days=LOOKS_BACK_DAYS), "today": today, "issuer": None, "region": None}
    return [(row.expires_on, row.owners) for row in await tx.execute(_DAYS, facts)]


async def regions(tx: AsyncConnection, last_day: dt.date, today: dt.date) -> list[tuple[str, int]]:
    """Where those live whose points ended on a day and are still expired: regions with how many people, most first."""
    facts = {"first": last_day, "today": today, "issuer": None, "region": None}
    return [(row.region, row.owners) for row in await tx.execute(_REGIONS, facts)]


async def preview(tx: AsyncConnection, scope: Scope, today: dt.date) -> list[Ended]:
    """What an order of this scope would give back today, by issuer and currency."""
    return [Ended(*row) for row in await tx.execute(_PREVIEW, _asked(scope, today))]


async def check(tx: AsyncConnection, scope: Scope, expires_on: dt.date, today: dt.date) -> list[Ended]:
    """What `order` would give back.

    Raises:
        LastDayOutOfRange → ExtensionOutOfRange → NoSuchRegion → NothingToExtend.
    """
    first, last = today - dt.timedelta(days=LOOKS_BACK_DAYS), today - dt.timedelta(days=1)
    if not first <= scope.last_day <= last:
        raise LastDayOutOfRange(first, last)
    first, last = today + dt.timedelta(days=1), today + dt.timedelta(days=LONGEST_DAYS)
    if not first <= expires_on <= last:
        raise ExtensionOutOfRange(first, last)
    await must_be_known(tx, tiers=set(), regions={scope.region} if scope.region is not None else set())
    found = await preview(tx, scope, today)
    if not found:
        raise NothingToExtend(scope.last_day)
    return found


async def order(
    tx: AsyncConnection, scope: Scope, expires_on: dt.date, *, nonce: str, by: str, at: Moment
) -> tuple[Extension, list[Ended]]:
    """Write the order down: what of the scope is still expired comes back until `expires_on`. The same nonce is the same order.

    Returns:
        The order, and what it was about (empty where it was there already).
    Raises:
        Those of `check`.
    """
    if (known := await by_nonce(tx, nonce)) is not None:
        return known, []
    about = await check(tx, scope, expires_on, at.today)
    facts = {"last_day": scope.last_day, "issuer": scope.issuer_id, "region": scope.region, "expires_on": expires_on}
    done = await tx.execute(_MAKE, {"key": _key(nonce), **facts, "by": by, "now": at.now})
    made = await by_nonce(tx, nonce)
    assert made is not None
    return made, about if done.rowcount else []


async def by_nonce(tx: AsyncConnection, nonce: str) -> Extension | None:
    """The order of a tap, where there is one already."""
    row = (await tx.execute(_BY_KEY, {"key": _key(nonce)})).first()
    return None if row is None else (await _told(tx, [row]))[0]


async def latest(tx: AsyncConnection, limit: int = 5) -> list[Extension]:
    """The last orders, newest first, with what they gave back so far."""
    return await _told(tx, (await tx.execute(_LATEST, {"limit": limit})).all())


async def carry_on(tx: AsyncConnection, *, at: Moment, limit: int) -> list[Restored] | None:
    """The next page of the oldest order that is not done; None where there is none.

    The first step of an order notes whose expiries it means, and restores nothing yet.
    """
    row = (await tx.execute(_NEXT)).first()
    if row is None:
        return None
    [extension] = await _told(tx, [row])
    if row.noted_at is None:
        await tx.execute(_NOTE, {**_asked(extension.scope, at.today), "id": extension.id})
        await tx.execute(_NOTED, {"id": extension.id, "now": at.now})
        return []
    parts = (await tx.execute(_OPEN, {"id": extension.id, "limit": limit})).all()
    over = extension.expires_on < at.today
    outcomes = [] if over else await _restored(tx, extension, parts, at)
    given = []
    for outcome in outcomes:
        if isinstance(outcome, Receipt):
            given.append(Restored(outcome, extension))
        elif not isinstance(outcome, MoreThanEntry):  # nothing of it is expired any more
            raise outcome
    points = [outcome.points if isinstance(outcome, Receipt) else 0 for outcome in outcomes] or [0] * len(parts)
    noted = {"owners": [part.owner_id for part in parts], "entries": [part.entry_id for part in parts]}
    await tx.execute(_GIVEN, {**noted, "points": points, "id": extension.id})
    if len(parts) < limit:
        await tx.execute(_DONE, {"id": extension.id, "now": at.now})
    return given


async def _restored(
    tx: AsyncConnection, extension: Extension, parts: Sequence[Row[Any]], at: Moment
) -> list[Receipt | Refusal]:
    """An outcome for each part. What comes back to a pool goes on to whoever has left it since."""
    pooled = [part for part in parts if part.owner_kind == "pool"]
    home: list[Transfer] = []
    if pooled:
        await pools.stay(tx, {part.owner_id for part in pooled})
        entries, key = [part.entry_id for part in pooled], f"extend:{extension.id}:{pooled[0].entry_id}:home"
        home = await pools.home_bound(tx, entries, key=key, at=at, actor=extension.made_by)
    outcomes = await apply(tx, [*(_restore(extension, part, at) for part in parts), *home])
    for outcome in outcomes[len(parts) :]:
        if isinstance(outcome, Refusal) and not isinstance(outcome, NothingDue):
            raise outcome
    return outcomes[: len(parts)]


def _restore(extension: Extension, part: Row[Any], at: Moment) -> Restore:
    whose, heir = Owner(part.owner_kind, part.owner_id), Owner(part.owner_kind, part.heir)
    return Restore(
        key=f"extend:{extension.id}:{part.entry_id}",
        owner=heir,
        of=whose if heir != whose else None,
        currency=part.currency_id,
        at=at,
        actor=extension.made_by,
        entry_id=part.entry_id,
        issuer_id=extension.scope.issuer_id,
        last_day=extension.scope.last_day,
        expires_on=extension.expires_on,
        facts={"what": "extension", "extension": extension.id, "last_day": extension.scope.last_day.isoformat()},
    )


def _asked(scope: Scope, today: dt.date) -> dict[str, Any]:
    return {"first": scope.last_day, "today": today, "issuer": scope.issuer_id, "region": scope.region}


def _key(nonce: str) -> str:
    return f"extension:{nonce}"


async def _told(tx: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Extension]:
    ids = {"ids": [row.id for row in rows]}
    points: dict[int, dict[int, int]] = {row.id: {} for row in rows}
    for each in await tx.execute(_SUMS, ids):
        points[each.extension_id][each.currency_id] = each.points
    owners = {each.extension_id: each.owners for each in await tx.execute(_OWNERS, ids)}
    return [
        Extension(
            row.id,
            Scope(row.last_day, row.issuer_id, row.region),
            row.expires_on,
            row.made_by,
            row.made_at,
            row.done_at,
            owners.get(row.id, 0),
            points[row.id],
        )
        for row in rows
    ]
