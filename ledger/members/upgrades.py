"""Upgrades proposed to the operator for members whose visits speed up: once at a time, accepted or declined."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import standings, tiers
from ledger.members.standings import Change
from ledger.points.commands import Moment
from ledger.programme import Programme

Decided = Literal["accepted", "declined", "lapsed"]

REASON = "accelerating"
"""Why such a tier was granted, as the grant keeps it."""


@dataclass(eq=False)
class NoSuchProposal(Refusal):
    """Nobody proposed this."""

    proposal_id: int


@dataclass(eq=False)
class ProposalDecided(Refusal):
    """It was decided before: `state` says how."""

    state: Decided


@dataclass(eq=False)
class TierReachedAlready(Refusal):
    """The member has this tier, or a higher one, by their own doing."""

    tier: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A member, the tier proposed, and the figures that brought it: visits in the last 30 days, and in the 90 before."""

    id: int
    member_id: int
    tier: str
    visits: int
    before: int
    made_on: dt.date
    state: Literal["open"] | Decided


_COLUMNS = "SELECT id, member_id, tier, visits, before, made_on, state FROM tier_proposal"
_OPEN = text(f"{_COLUMNS} WHERE state = 'open' ORDER BY id OFFSET :offset LIMIT :limit")
_ONE = text(f"{_COLUMNS} WHERE id = :id FOR UPDATE")
_PROPOSE = text(
    "INSERT INTO tier_proposal (member_id, tier, visits, before, made_on)"
    " SELECT n.i, n.t, n.v, n.b, :today FROM unnest(CAST(:ids AS bigint[]), CAST(:tiers AS text[]),"
    " CAST(:visits AS integer[]), CAST(:before AS integer[])) AS n(i, t, v, b)"
    " WHERE NOT EXISTS (SELECT FROM tier_proposal p WHERE p.member_id = n.i AND coalesce(p.decided_on, :today) > :again)"
    " ON CONFLICT (member_id) WHERE state = 'open' DO NOTHING RETURNING id"
)
_DECIDE = text("UPDATE tier_proposal SET state = :state, decided_by = :by, decided_on = :today WHERE id = :id")
_LAPSE = text(
    "UPDATE tier_proposal SET state = 'lapsed', decided_by = 'programme', decided_on = :today"
    " WHERE state = 'open' AND member_id = ANY(CAST(:ids AS bigint[]))"
)


@dataclass(frozen=True, slots=True)
class Spotted:
    """A member whose visits speed up, and the next tier."""

    member_id: int
    tier: str
    visits: int
    before: int


async def propose(tx: AsyncConnection, programme: Programme, spotted: Sequence[Spotted], at: Moment) -> int:
    """Propose these upgrades, but for members of whom one is open or was decided lately. How many are new."""
    if not spotted:
        return 0
    facts = {
        "ids": [each.member_id for each in spotted],
        "tiers": [each.tier for each in spotted],
        "visits": [each.visits for each in spotted],
        "before": [each.before for each in spotted],
    }
    again = at.today - dt.timedelta(days=programme.acceleration.again_days)
    return len((await tx.execute(_PROPOSE, {**facts, "today": at.today, "again": again})).all())


async def lapse(tx: AsyncConnection, member_ids: Sequence[int], at: Moment) -> None:
    """End the open proposals of members who have moved up by themselves."""
    if member_ids:
        await tx.execute(_LAPSE, {"ids": list(member_ids), "today": at.today})


async def waiting(tx: AsyncConnection, *, offset: int = 0, limit: int = 100) -> list[Proposal]:
    """The open proposals, oldest first."""
    return [_proposal(row) for row in await tx.execute(_OPEN, {"offset": offset, "limit": limit})]


async def waiting_count(tx: AsyncConnection) -> int:
    """How many proposals are open."""
    return int(await tx.scalar(text("SELECT count(*) FROM tier_proposal WHERE state = 'open'")) or 0)


async def one(tx: AsyncConnection, proposal_id: int) -> Proposal:
    """One proposal, locked until the turn ends; or `NoSuchProposal`."""
    row = (await tx.execute(_ONE, {"id": proposal_id})).first()
    if row is None:
        raise NoSuchProposal(proposal_id)
    return _proposal(row)


async def accept(tx: AsyncConnection, programme: Programme, proposal_id: int, *, by: str, at: Moment) -> Change:
    """Grant the proposed tier for the days that the programme says. `NoSuchProposal` → `ProposalDecided` →
    `TierReachedAlready`, then those of `standings.grant`."""
    proposal = await _undecided(tx, proposal_id)
    until = at.today + dt.timedelta(days=programme.acceleration.granted_days)
    key = f"proposal:{proposal.id}"
    change = await standings.grant(
        tx, programme, proposal.member_id, proposal.tier, until, REASON, key=key, actor=by, at=at
    )
    if change is None:
        held = await standings.load_many(tx, [proposal.member_id], today=at.today)
        raise TierReachedAlready(tiers.highest(programme.tiers, [held[proposal.member_id].in_force]).code)
    await tx.execute(_DECIDE, {"id": proposal.id, "state": "accepted", "by": by, "today": at.today})
    return change


async def decline(tx: AsyncConnection, proposal_id: int, *, by: str, at: Moment) -> Proposal:
    """Leave the member where they are. `NoSuchProposal` → `ProposalDecided`."""
    proposal = await _undecided(tx, proposal_id)
    await tx.execute(_DECIDE, {"id": proposal.id, "state": "declined", "by": by, "today": at.today})
    return proposal


async def _undecided(tx: AsyncConnection, proposal_id: int) -> Proposal:
    proposal = await one(tx, proposal_id)
    if proposal.state != "open":
        raise ProposalDecided(proposal.state)
    return proposal


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(row.id, row.member_id, row.tier, row.visits, row.before, row.made_on, row.state)
