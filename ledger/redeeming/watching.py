"""Favourites watched: what has come within reach since it was last looked at, and what is back.

Each favourite keeps how it stood when it was last judged, by the one predicate. A change for the better is told once, and the
same favourite again after `QUIET_DAYS` at the earliest, however its stock or the balance goes up and down.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members.member import Member
from ledger.points.commands import Moment
from ledger.redeeming import shelf
from ledger.redeeming.may_redeem import NoSlotFree, PointsShort, SoldOut, Yes
from ledger.redeeming.shelf import Seen

Stands = Literal["can", "short", "gone", "else"]
"""How a favourite stands: it can be had, only points are lacking, it is sold out or off the shelf, something else says no."""

QUIET_DAYS = 30


@dataclass(frozen=True, slots=True)
class News:
    """What changed for one member: what can be had now, and what is back though points are lacking."""

    member_id: int
    within_reach: tuple[Seen, ...]
    back: tuple[Seen, ...]


_MEMBERS = text(
    "SELECT m.id FROM member m WHERE m.id > :after AND m.status = 'active' AND m.kind = 'person'"
    " AND EXISTS (SELECT FROM favourite f WHERE f.member_id = m.id AND f.watched) ORDER BY m.id LIMIT :limit"
)
_KEPT = text(
    "SELECT offer_id, stands, told_on, watched FROM favourite"
    " WHERE member_id = :member AND (CAST(:only AS bigint) IS NULL OR offer_id = :only)"
    " ORDER BY kept_at DESC, offer_id DESC FOR UPDATE"
)
_NOTE = text(
    "UPDATE favourite f SET stands = n.stands, told_on = coalesce(n.told_on, f.told_on)"
    " FROM unnest(CAST(:offers AS bigint[]), CAST(:stands AS text[]), CAST(:told AS date[])) AS n(offer_id, stands, told_on)"
    " WHERE f.member_id = :member AND f.offer_id = n.offer_id"
)
_WATCH = text("UPDATE favourite SET watched = :on WHERE member_id = :member")
_WATCHED = text("SELECT coalesce(bool_and(watched), true) FROM favourite WHERE member_id = :member")


def stands(seen: Seen | None) -> Stands:
    """How an offer stands by its verdict; None: it is off the shelf."""
    if seen is None:
        return "gone"
    if isinstance(seen.verdict, Yes):
        return "can"
    reasons = seen.verdict.reasons
    if any(isinstance(each, SoldOut | NoSlotFree) for each in reasons):
        return "gone"
    return "short" if all(isinstance(each, PointsShort) for each in reasons) else "else"


async def look(tx: AsyncConnection, member: Member, *, at: Moment, only: int | None = None) -> News:
    """Judge a member's favourites (or one of them), note how each stands, and say what changed for the better since."""
    kept = (await tx.execute(_KEPT, {"member": member.id, "only": only})).all()
    offers = await shelf.by_ids(tx, [row.offer_id for row in kept])
    today, held = at.today, await shelf.purse(tx, member, today=at.today)
    judged = await shelf.look(tx, member, offers, today=today, held=held, now=at.programme_now)
    seen = {each.listed.id: each for each in judged}
    reach: list[Seen] = []
    back: list[Seen] = []
    told: list[dt.date | None] = []
    for row in kept:
        found = seen.get(row.offer_id)
        now = stands(found)
        better = (
            row.stands is not None and row.stands != now and (now == "can" or (row.stands, now) == ("gone", "short"))
        )
        quiet = row.told_on is not None and today < row.told_on + dt.timedelta(days=QUIET_DAYS)
        says = found is not None and better and row.watched and not quiet
        told.append(today if says else None)
        if says and found is not None:
            (reach if now == "can" else back).append(found)
    facts = {"offers": [row.offer_id for row in kept], "stands": [stands(seen.get(row.offer_id)) for row in kept]}
    await tx.execute(_NOTE, {"member": member.id, **facts, "told": told})
    return News(member.id, tuple(reach), tuple(back))


async def next_page(tx: AsyncConnection, *, after: int, limit: int, at: Moment) -> tuple[list[News], int | None]:
    """What changed for the next members who watch something, and where the page after begins (None: this was the last)."""
    ids = [row.id for row in await tx.execute(_MEMBERS, {"after": after, "limit": limit})]
    news = [await look(tx, Member(id_, "active"), at=at) for id_ in ids]
    return [each for each in news if each.within_reach or each.back], ids[-1] if len(ids) == limit else None


async def watch(tx: AsyncConnection, member_id: int, *, on: bool) -> None:
    """Hear of changes of one's favourites, or not; what is kept later is as those before."""
    await tx.execute(_WATCH, {"member": member_id, "on": on})


async def watches(tx: AsyncConnection, member_id: int) -> bool:
    """Whether a member hears of changes of their favourites; whoever keeps none yet will."""
    return bool(await tx.scalar(_WATCHED, {"member": member_id}))
