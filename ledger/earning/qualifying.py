"""What qualifies members for tiers, read from their purchases, and the look that moves them: many members at a time.

An account that a member claimed counts as theirs, from before the claim on. A look may be had at any time and as often as one
likes: it does what is due today and nothing a second time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members import standings, tiers, upgrades
from ledger.members.standings import Change, Held, Writing
from ledger.members.tiers import BEFORE_DAYS, RECENT_DAYS, Missing, Qualifying
from ledger.members.upgrades import Spotted
from ledger.points.commands import Moment
from ledger.programme import Programme, Tier

NOTHING = Qualifying()


@dataclass(frozen=True, slots=True)
class Counted:
    """What a member's purchases come to: today, on the last day of their tier's period, and as a pace of visits."""

    now: Qualifying = NOTHING
    at_end: Qualifying = NOTHING
    recent: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class Warning:
    """A tier that will be lost on the day after `until` unless what is `missing` is done by then."""

    member_id: int
    tier: str
    until: dt.date
    missing: Missing
    lands_on: str


@dataclass(slots=True)
class Look:
    """What a look did: changes, warnings now due, and how many upgrades were proposed."""

    changes: list[Change] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    proposed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A member's tier as they see it: what is in force until when, and the way to the next step and to keep this one.

    `keeping` is what is missing, by the end of an earned period, to keep the tier; None where no period runs.
    """

    held: Held
    tier: Tier
    until: dt.date | None
    so_far: Qualifying
    above: Tier | None
    to_climb: Missing | None
    keeping: Missing | None


_COUNT = text(
    """
    WITH asked AS (
        SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:opens AS date[]), CAST(:closes AS date[])) AS a(id, opens, closes)
    ), whose AS (
        SELECT id, opens, closes, id AS account FROM asked
        UNION ALL
        SELECT a.id, a.opens, a.closes, s.member_id FROM asked a JOIN succession s ON s.holder_id = a.id
    ), bought AS (
        SELECT w.id, w.opens, w.closes, p.bought_on AS day, p.amount_minor - p.refunded_minor AS kept
        FROM whose w JOIN purchase p ON p.member_id = w.account
        WHERE p.bought_on > least(CAST(:since AS date), CAST(:before AS date), w.opens)
          AND p.bought_on <= :today AND p.money = :money
    )
    SELECT id,
           coalesce(sum(kept) FILTER (WHERE day > :since), 0)::bigint AS spend,
           count(DISTINCT day) FILTER (WHERE day > :since AND kept > 0) AS visits,
           coalesce(sum(kept) FILTER (WHERE day > opens AND day <= closes), 0)::bigint AS end_spend,
           count(DISTINCT day) FILTER (WHERE day > opens AND day <= closes AND kept > 0) AS end_visits,
           count(DISTINCT day) FILTER (WHERE day > :recent AND kept > 0) AS recent,
           count(DISTINCT day) FILTER (WHERE day > :before AND day <= :recent AND kept > 0) AS before
    FROM bought GROUP BY id
    """
)


async def count(
    tx: AsyncConnection, programme: Programme, held: Collection[Held], today: dt.date
) -> dict[int, Counted]:
    """What these members' purchases come to; without any, they are left out."""
    months = programme.tier_months
    recent = today - dt.timedelta(days=RECENT_DAYS)
    before = recent - dt.timedelta(days=BEFORE_DAYS)
    ends = [each.standing.until if each.standing and each.standing.until else today for each in held]
    facts = {
        "ids": [each.member_id for each in held],
        "opens": [tiers.window_opens(end, months) for end in ends],
        "closes": ends,
        "since": tiers.window_opens(today, months),
        "today": today,
        "money": programme.money,
        "recent": recent,
        "before": before,
    }
    return {
        row.id: Counted(
            Qualifying(row.spend, row.visits), Qualifying(row.end_spend, row.end_visits), row.recent, row.before
        )
        for row in await tx.execute(_COUNT, facts)
    }


async def look(tx: AsyncConnection, programme: Programme, member_ids: Collection[int], at: Moment) -> Look:
    """Move these members as far as they are due today: up at once, softly down at a period's end, back when a grant ends.

    Members whose period ends within the programme's warning days are warned, once per end. Those whose visits speed up are
    proposed to the operator. Whoever has nothing due is only read, and locked by nobody.
    """
    if not programme.tiers or not member_ids:
        return Look()
    found = await _found(tx, programme, member_ids, at, lock=False)
    if found.due:
        found = await _found(tx, programme, found.due, at, lock=True)
    if not found.due:
        return Look()
    await standings.write(tx, found.writing, at)
    changes = found.writing.changes
    await upgrades.lapse(tx, [each.member_id for each in changes if each.why == "earned"], at)
    return Look(changes, found.warnings, await upgrades.propose(tx, programme, found.spotted, at))


@dataclass(slots=True)
class _Found:
    """What is due of several members."""

    writing: Writing = field(default_factory=Writing)
    warnings: list[Warning] = field(default_factory=list)
    spotted: list[Spotted] = field(default_factory=list)

    @property
    def due(self) -> set[int]:
        """The members of whom anything is."""
        changed = {each.member_id for each in self.writing.changes}
        return (
            changed | self.writing.standings.keys() | self.writing.warned.keys() | {s.member_id for s in self.spotted}
        )


async def _found(
    tx: AsyncConnection, programme: Programme, member_ids: Collection[int], at: Moment, *, lock: bool
) -> _Found:
    found = _Found()
    held = await standings.load_many(tx, member_ids, today=at.today, lock=lock)
    counted = await count(tx, programme, held.values(), at.today)
    for each in held.values():
        done = counted.get(each.member_id, Counted())
        moved = tiers.move(programme, each.standing, done.now, done.at_end, at.today)
        change = _change(programme, each, moved)
        if moved is not None:
            found.writing.standings[each.member_id] = moved.standing
        if change is not None:
            found.writing.changes.append(change)
        elif (warning := _warning(programme, each, done, at.today)) is not None:
            found.writing.warned[each.member_id] = warning.until
            found.warnings.append(warning)
        higher = tiers.above(programme.tiers, change.after if change else each.in_force)
        if higher is not None and tiers.accelerating(programme.acceleration, done.recent, done.before):
            found.spotted.append(Spotted(each.member_id, higher.code, done.recent, done.before))
    return found


def _change(programme: Programme, held: Held, moved: tiers.Move | None) -> Change | None:
    """What a member notices of a move and of grants that ended: a change of what is in force, or that it was kept."""
    ladder = programme.tiers
    standing = moved.standing if moved else held.standing
    granted = [grant.tier for grant in held.grants]
    now = tiers.highest(ladder, [standing.tier if standing else None, *granted])
    was, is_ = tiers.place(ladder, held.in_force), tiers.place(ladder, now.code)
    until = Held(held.member_id, None, standing, None, held.grants).until(now.code)
    if was == is_:
        kept = moved is not None and moved.why == "kept" and moved.standing.tier == now.code
        return Change(held.member_id, held.in_force, now.code, "kept", until) if kept else None
    why: tiers.Why = moved.why if moved else "granted" if is_ > was else "grant_ended"
    return Change(held.member_id, held.in_force, now.code, why, until)


def _warning(programme: Programme, held: Held, found: Counted, today: dt.date) -> Warning | None:
    standing, ladder = held.standing, programme.tiers
    if standing is None or standing.until is None or held.warned_until == standing.until:
        return None
    if not today <= standing.until <= today + dt.timedelta(days=programme.tier_warning_days):
        return None
    step = tiers.place(ladder, standing.tier)
    lacking = tiers.missing(ladder[step], found.at_end)
    if step == 0 or lacking.nothing:
        return None
    if tiers.place(ladder, held.in_force) > step:
        return None  # a grant carries them higher; they will hear when that ends
    return Warning(held.member_id, ladder[step].code, standing.until, lacking, ladder[step - 1].code)


async def progress(tx: AsyncConnection, programme: Programme, member_id: int, today: dt.date) -> Progress:
    """A member's tier as they see it. Nothing is moved by looking; `look` does that."""
    [held] = (await standings.load_many(tx, [member_id], today=today)).values()
    found = (await count(tx, programme, [held], today)).get(member_id, Counted())
    ladder = programme.tiers
    tier = tiers.highest(ladder, [held.in_force])
    earned = tiers.place(ladder, held.standing.tier if held.standing else None)
    higher = tiers.above(ladder, tier.code)
    runs = held.standing is not None and held.standing.until is not None and tier.code == ladder[earned].code
    return Progress(
        held,
        tier,
        held.until(tier.code),
        found.now,
        higher,
        tiers.missing(higher, found.now) if higher else None,
        tiers.missing(tier, found.at_end) if runs else None,
    )
