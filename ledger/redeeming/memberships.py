"""A tier for some days, taken off the shelf: until when it would hold, and whom it would give nothing.

It is the grant that `tier_sales` gives: beside whatever is earned, until its day. Who has the tier until a day already gets the
days after that one; who has it without an end, or a higher one, is refused before anything is spent.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import standings, tiers
from ledger.members.standings import Held
from ledger.points.commands import Moment
from ledger.programme import Programme, Tier
from ledger.redeeming.offers import Membership

BOUGHT = "bought"
"""Why such a tier was granted, as the grant keeps it."""


@dataclass(frozen=True, slots=True)
class Climb:
    """What a membership would be to a member today: its last day, and the end that its days go after, where they have it already.

    `reached`: they have earned the tier, or have a higher one. `personal`: it is a person's account; companies have no tier.
    """

    until: dt.date
    extends_from: dt.date | None
    reached: bool
    personal: bool = True


@dataclass(eq=False)
class MembershipHeld(Refusal):
    """The member has this tier or a higher one anyway; or is a company, which has none (`personal` is false)."""

    offer_id: int
    tier: str
    personal: bool
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NotTheTierSeller(Refusal):
    """Tiers are the programme's: for points they are sold by the merchant that it names, and nobody else."""

    merchant: str
    may_succeed_later: ClassVar[bool] = True


_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")


async def programme(tx: AsyncConnection) -> Programme:
    """The programme as it is now."""
    return Programme.model_validate(await tx.scalar(_PROGRAMME))


async def must_be_seller(tx: AsyncConnection, merchant: str) -> None:
    """`NotTheTierSeller` unless the programme names this merchant (its code)."""
    if (await programme(tx)).tier_seller != merchant:
        raise NotTheTierSeller(merchant)


def climb(ladder: tuple[Tier, ...], offered: Membership, held: Held, today: dt.date) -> Climb:
    """What it would be to somebody who stands so."""
    there = tiers.place(ladder, offered.tier)
    earned = held.standing is not None and tiers.place(ladder, held.standing.tier) >= there
    reached = earned or any(tiers.place(ladder, each.tier) > there for each in held.grants)
    granted = max((each.until for each in held.grants if each.tier == offered.tier), default=None)
    begins = granted if granted is not None and not reached else None
    return Climb((begins or today) + dt.timedelta(days=offered.days), begins, reached)


async def ahead(
    tx: AsyncConnection, member_id: int, asked: dict[int, Membership], *, today: dt.date
) -> dict[int, Climb]:
    """What these memberships would be to a member, by offer id; companies have no tier, so to them all are reached."""
    ladder = (await programme(tx)).tiers
    held = (await standings.load_many(tx, [member_id], today=today)).get(member_id)
    if held is None:
        return {offer_id: Climb(today, None, reached=True, personal=False) for offer_id in asked}
    return {offer_id: climb(ladder, each, held, today) for offer_id, each in asked.items()}


async def grant(
    tx: AsyncConnection, member_id: int, offer_id: int, offered: Membership, *, key: str, actor: str, at: Moment
) -> dt.date:
    """Give the tier, and say until when; the same `key` again gives nothing more.

    Raises:
        MembershipHeld, where they have reached it since it was asked.
    """
    current = await programme(tx)
    [held] = (await standings.load_many(tx, [member_id], today=at.today, lock=True)).values()
    found = climb(current.tiers, offered, held, at.today)
    if found.reached:
        raise MembershipHeld(offer_id, offered.tier, personal=True)
    given: dict[str, Any] = {"key": key, "actor": actor, "at": at}
    if await standings.grant(tx, current, member_id, offered.tier, found.until, BOUGHT, **given) is None:
        await standings.extended(tx, member_id, offered.tier, found.until, at)
    return found.until
