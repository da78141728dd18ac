"""Favourites: offers that a member keeps an eye on. Keeping one twice, or letting go of what is not kept, changes nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.redeeming.may_redeem import Listed
from ledger.redeeming.shelf import by_ids, one

KEPT_MAX = 50
"""How many favourites a member may have: more than anybody reads, few enough to judge on one screen."""


@dataclass(eq=False)
class FavouritesFull(Refusal):
    """The member keeps as many as may be kept; letting go of one makes room."""

    limit: int


async def keep(tx: AsyncConnection, member_id: int, offer_id: int, *, now: dt.datetime) -> None:
    """Keep an offer, paused ones too: they may come back. `NoSuchOffer`, then `FavouritesFull`.

    The member's chat is serial, so that two taps can't both find the last place free.
    """
    await one(tx, offer_id)
    kept = await ids(tx, member_id)
    if offer_id in kept:
        return
    if len(kept) >= KEPT_MAX:
        raise FavouritesFull(KEPT_MAX)
    await tx.execute(
        text(
            "INSERT INTO favourite (member_id, offer_id, kept_at, watched) VALUES (:member, :offer, :now,"
            " (SELECT coalesce(bool_and(watched), true) FROM favourite WHERE member_id = :member)) ON CONFLICT DO NOTHING"
        ),
        {"member": member_id, "offer": offer_id, "now": now},
    )


async def let_go(tx: AsyncConnection, member_id: int, offer_id: int) -> None:
    """Keep it no longer."""
    await tx.execute(
        text("DELETE FROM favourite WHERE member_id = :member AND offer_id = :offer"),
        {"member": member_id, "offer": offer_id},
    )


async def is_kept(tx: AsyncConnection, member_id: int, offer_id: int) -> bool:
    """Whether the member keeps this offer."""
    found = text("SELECT EXISTS (SELECT FROM favourite WHERE member_id = :member AND offer_id = :offer)")
    return bool(await tx.scalar(found, {"member": member_id, "offer": offer_id}))


async def ids(tx: AsyncConnection, member_id: int) -> list[int]:
    """The offers a member keeps, the newest first; also those that are off the shelf for now."""
    kept = text("SELECT offer_id FROM favourite WHERE member_id = :member ORDER BY kept_at DESC, offer_id DESC")
    return list(await tx.scalars(kept, {"member": member_id}))


async def on_shelf(tx: AsyncConnection, member_id: int) -> list[Listed]:
    """The offers a member keeps that can be had at all, the newest first."""
    return await by_ids(tx, await ids(tx, member_id))


async def off_shelf(tx: AsyncConnection, member_id: int) -> list[Listed]:
    """The others: paused, or their merchant's; they may come back."""
    kept = await ids(tx, member_id)
    on = {each.id for each in await by_ids(tx, kept)}
    return [await one(tx, offer_id) for offer_id in kept if offer_id not in on]
