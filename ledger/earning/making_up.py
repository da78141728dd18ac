"""Booking declined purchases once there is cover again: as they were reported, by the rules of their day, each once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import declined, intake
from ledger.earning.declined import Declined
from ledger.earning.purchases import Booked
from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants import log
from ledger.merchants.cover import CoverExhausted
from ledger.merchants.merchant import Merchant
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment

AT_ONCE = 200
"""So many are booked by one tap."""

_TAKING_TURNS = text("SELECT pg_advisory_xact_lock(hashtextextended('declined:' || :id, 0))")


@dataclass(frozen=True, slots=True)
class MadeUp:
    """What was booked now, in order; how many cover did not reach for; what else was refused."""

    booked: tuple[Booked, ...]
    uncovered: int
    refused: tuple[tuple[Declined, Refusal], ...]


async def book_open(
    tx: AsyncConnection,
    merchant: Merchant,
    staff: Staff,
    *,
    at: Moment,
    zone: dt.tzinfo,
    vault: Vault,
    most: int = AT_ONCE,
) -> MadeUp:
    """Book what a merchant had declined, the earliest first, by the intake: what cover does not reach for stays.

    Two that do it at once take turns; the second finds what the first left. Raises: NotAllowed.
    """
    staff.demand("book_declined")
    await tx.execute(_TAKING_TURNS, {"id": str(merchant.id)})
    todo = await declined.page(tx, merchant.id, limit=most)
    outcomes = await intake.book_many(tx, [one.intended(merchant) for one in todo], at=at, zone=zone, vault=vault)
    booked: list[Booked] = []
    uncovered, refused = 0, list[tuple[Declined, Refusal]]()
    for one, outcome in zip(todo, outcomes, strict=True):
        match outcome:
            case Booked():
                if not outcome.repeated:
                    booked.append(outcome)
            case CoverExhausted():
                uncovered += 1
            case _:
                refused.append((one, outcome))
    if booked:
        await log.write(tx, merchant.id, "declined_booked", who=staff.actor, at=at.now, awards=len(booked))
    return MadeUp(tuple(booked), uncovered, tuple(refused))


async def drop(tx: AsyncConnection, staff: Staff, declined_id: int, *, at: Moment) -> Declined:
    """Let a declined purchase not be booked. Raises: NoSuchDeclined → NotAllowed → NotDeclinedAnyMore."""
    one = await of_merchant(tx, staff, declined_id)
    await tx.execute(_TAKING_TURNS, {"id": str(staff.merchant_id)})
    await declined.drop(tx, await declined.by_id(tx, one.id), by=staff.actor, at=at)
    await log.write(tx, staff.merchant_id, "declined_dropped", who=staff.actor, at=at.now, document=one.document)
    return one


async def of_merchant(tx: AsyncConnection, staff: Staff, declined_id: int) -> Declined:
    """A declined purchase of the merchant at whose counter somebody works. Raises: NoSuchDeclined → NotAllowed."""
    one = await declined.by_id(tx, declined_id)
    if one.merchant_id != staff.merchant_id:
        raise declined.NoSuchDeclined(declined_id)
    staff.demand("book_declined")
    return one
