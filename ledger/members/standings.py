"""Where members stand, stored: the earned tier with its period, grants until a day, the history of both.

`member.tier` is the tier in force, kept beside the rest so that whoever prices a purchase reads one column; null is the lowest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import tiers
from ledger.members.tiers import Standing, Why
from ledger.points.commands import Moment
from ledger.programme import Programme


@dataclass(eq=False)
class NoSuchTier(Refusal):
    """The programme has no tier of this code."""

    tier: str


@dataclass(eq=False)
class GrantedInThePast(Refusal):
    """A tier is granted until today or later."""

    until: dt.date


@dataclass(frozen=True, slots=True)
class Grant:
    """A tier given until a day, by a purchase or by somebody."""

    tier: str
    until: dt.date
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a member's tier. `in_force` was written at the last look; `grants` are those good today."""

    member_id: int
    in_force: str | None
    standing: Standing | None = None
    warned_until: dt.date | None = None
    grants: tuple[Grant, ...] = ()

    def until(self, tier: str) -> dt.date | None:
        """How long a tier holds: the longest of what carries it; None: no end is known."""
        ends = [grant.until for grant in self.grants if grant.tier == tier]
        if self.standing is not None and self.standing.tier == tier:
            if self.standing.until is None:
                return None
            ends.append(self.standing.until)
        return max(ends, default=None)


@dataclass(frozen=True, slots=True)
class Change:
    """A tier that changed or was kept: from what to what, why, and how long the new one holds."""

    member_id: int
    before: str | None
    after: str
    why: Why
    until: dt.date | None


@dataclass(frozen=True, slots=True)
class Past:
    """A line of the history."""

    on: dt.date
    before: str | None
    after: str
    why: Why
    until: dt.date | None


@dataclass(slots=True)
class Writing:
    """What a look at several members found to be written."""

    standings: dict[int, Standing] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    warned: dict[int, dt.date] = field(default_factory=dict)


# Companies have no tier. Locked in the order of ids, and before anything is read: two looks at the same members at once would
# otherwise both promote them.
_LOCK = text(
    "SELECT 1 FROM member WHERE id = ANY(CAST(:ids AS bigint[])) AND kind = 'person' ORDER BY id FOR NO KEY UPDATE"
)
_READ = text(
    """
    SELECT m.id, m.tier AS in_force, s.tier, s.since, s.until, s.warned_until, g.grants
    FROM member m LEFT JOIN tier_standing s ON s.member_id = m.id
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(g.tier, g.until, g.reason) ORDER BY g.until, g.key) AS grants
        FROM tier_grant g WHERE g.member_id = m.id AND g.until >= :today AND g.taken_back_at IS NULL
    ) g ON true
    WHERE m.id = ANY(CAST(:ids AS bigint[])) AND m.kind = 'person' ORDER BY m.id
    """
)
_STAND = text(
    "INSERT INTO tier_standing (member_id, tier, since, until) SELECT * FROM unnest(CAST(:ids AS bigint[]),"
    " CAST(:tiers AS text[]), CAST(:since AS date[]), CAST(:until AS date[]))"
    " ON CONFLICT (member_id) DO UPDATE SET tier = excluded.tier, since = excluded.since, until = excluded.until"
)
_WARNED = text(
    "UPDATE tier_standing s SET warned_until = n.until"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:until AS date[])) AS n(id, until) WHERE s.member_id = n.id"
)
_IN_FORCE = text(
    "UPDATE member m SET tier = n.tier FROM unnest(CAST(:ids AS bigint[]), CAST(:tiers AS text[])) AS n(id, tier)"
    " WHERE m.id = n.id AND m.tier IS DISTINCT FROM n.tier"
)
_REMEMBER = text(
    "INSERT INTO tier_change (member_id, from_tier, to_tier, why, until, on_day, at)"
    " SELECT i, f, t, w, u, :today, :now FROM unnest(CAST(:ids AS bigint[]), CAST(:before AS text[]),"
    " CAST(:after AS text[]), CAST(:why AS text[]), CAST(:until AS date[])) AS n(i, f, t, w, u)"
)
_HISTORY = text(
    "SELECT on_day, from_tier, to_tier, why, until FROM tier_change WHERE member_id = :id ORDER BY id DESC LIMIT :limit"
)
_GRANT = text(
    "INSERT INTO tier_grant (key, member_id, tier, granted_on, until, reason, actor)"
    " VALUES (:key, :id, :tier, :today, :until, :reason, :actor) ON CONFLICT (key) DO NOTHING RETURNING member_id"
)
_TAKE_BACK = text("UPDATE tier_grant SET taken_back_at = :now WHERE key = :key AND taken_back_at IS NULL")


async def load_many(
    tx: AsyncConnection, member_ids: Collection[int], *, today: dt.date, lock: bool = False
) -> dict[int, Held]:
    """Where these members stand; `lock` keeps others from moving them until the turn ends."""
    ids = {"ids": list(member_ids)}
    if lock:
        await tx.execute(_LOCK, ids)
    return {row.id: _held(row) for row in await tx.execute(_READ, {**ids, "today": today})}


def _held(row: Row[Any]) -> Held:
    standing = Standing(row.tier, row.since, row.until) if row.tier is not None else None
    grants = [Grant(tier, dt.date.fromisoformat(until), reason) for tier, until, reason in row.grants or ()]
    return Held(row.id, row.in_force, standing, row.warned_until, tuple(grants))


async def write(tx: AsyncConnection, writing: Writing, at: Moment) -> None:
    """Keep new standings, tiers in force, history and given warnings."""
    if stands := writing.standings:
        values = list(stands.values())
        await tx.execute(
            _STAND,
            {
                "ids": list(stands),
                "tiers": [each.tier for each in values],
                "since": [each.since for each in values],
                "until": [each.until for each in values],
            },
        )
    if changes := writing.changes:
        facts = {"ids": [each.member_id for each in changes], "after": [each.after for each in changes]}
        await tx.execute(_IN_FORCE, {"ids": facts["ids"], "tiers": facts["after"]})
        facts |= {"before": [each.before for each in changes], "why": [each.why for each in changes]}
        facts |= {"until": [each.until for each in changes]}
        await tx.execute(_REMEMBER, {**facts, "today": at.today, "now": at.now})
    if warned := writing.warned:
        await tx.execute(_WARNED, {"ids": list(warned), "until": list(warned.values())})


async def grant(
    tx: AsyncConnection,
    programme: Programme,
    member_id: int,
    tier: str,
    until: dt.date,
    reason: str,
    *,
    key: str,
    actor: str,
    at: Moment,
) -> Change | None:
    """Give a member a tier until a day, whatever they earn; what they earn goes on beside it.

    Args:
        key: names what granted it; a repeat changes nothing.
    Returns:
        The change, or None where a tier at least as high was in force anyway or the key is a repeat.
    Raises:
        NoSuchTier → GrantedInThePast.
    """
    if tier not in {each.code for each in programme.tiers}:
        raise NoSuchTier(tier)
    if until < at.today:
        raise GrantedInThePast(until)
    [held] = (await load_many(tx, [member_id], today=at.today, lock=True)).values()
    facts = {"key": key, "id": member_id, "tier": tier, "today": at.today, "until": until}
    if await tx.scalar(_GRANT, {**facts, "reason": reason, "actor": actor}) is None:
        return None
    if tiers.place(programme.tiers, held.in_force) >= tiers.place(programme.tiers, tier):
        return None
    change = Change(member_id, held.in_force, tier, "granted", until)
    await write(tx, Writing(changes=[change]), at)
    return change


async def extended(tx: AsyncConnection, member_id: int, tier: str, until: dt.date, at: Moment) -> None:
    """Note in the history that the tier in force now lasts until a later day."""
    await write(tx, Writing(changes=[Change(member_id, tier, tier, "extended", until)]), at)


async def take_back(tx: AsyncConnection, programme: Programme, member_id: int, key: str, at: Moment) -> Change:
    """End a grant before its day. What is left of other grants and what is earned is in force at once.

    Returns:
        From what to what; the same tier twice where something else carries it, with the day until which that does.
    """
    [before] = (await load_many(tx, [member_id], today=at.today, lock=True)).values()
    await tx.execute(_TAKE_BACK, {"key": key, "now": at.now})
    [after] = (await load_many(tx, [member_id], today=at.today)).values()
    codes = [after.standing.tier if after.standing else None, *(grant.tier for grant in after.grants)]
    now = tiers.highest(programme.tiers, codes)
    change = Change(member_id, before.in_force, now.code, "taken_back", after.until(now.code))
    was = tiers.highest(programme.tiers, [before.in_force])
    if (now, change.until) != (was, before.until(was.code)):
        await write(tx, Writing(changes=[change]), at)
    return change


async def history(tx: AsyncConnection, member_id: int, *, limit: int = 20) -> list[Past]:
    """What became of a member's tier, newest first."""
    return [Past(*row) for row in await tx.execute(_HISTORY, {"id": member_id, "limit": limit})]
