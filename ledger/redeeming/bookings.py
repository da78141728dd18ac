"""Places in slots: held while a member chooses, firm with their voucher, moved, freed.

    held ── its voucher is issued ──▶ booked ── used ──▶ attended
    held ── going back, or ten minutes; what it was held for is moved there ──▶ gone (the row too)
    booked ── cancelled, or its day closed ──▶ freed
    booked ── nobody came ──▶ missed

Whoever takes a place or moves one holds the lock of its offer's diary, so places are looked at and taken one after the other; the
exclusion constraint of `booking` holds the same. Locks, in this order: the offer's version (shared) → the diary → the redemption
→ its booking → stock → accounts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.points.commands import Moment, Owner
from ledger.redeeming import diaries, shelf
from ledger.redeeming.booking import Booking, Diary, Outlet, Slot, kept_until
from ledger.redeeming.may_redeem import Listed, No
from ledger.redeeming.vouchers import COLUMNS, TABLES, Booked, NoSuchRedemption, Redemption, ended, of_row

HOLD_MINUTES = 10
"""How long a place is held for whoever has tapped it."""
OTHERS_SHOWN = 4
"""Free slots that are named where one is gone."""


@dataclass(eq=False)
class SlotTaken(Refusal):
    """The slot is taken, over, or not on the calendar any more; `others` are the next that are free, at the same outlet."""

    offer_id: int
    redemption_id: int | None
    starts_at: dt.datetime
    others: tuple[dt.datetime, ...]
    outlet_id: int | None = None
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class SlotNeeded(Refusal):
    """It is had at a time that is booked, at one of several outlets perhaps, and that was not named, or is none of them."""

    offer_id: int
    redemption_id: int | None = None


@dataclass(eq=False)
class ChangeOver(Refusal):
    """It could be cancelled or moved until `until`."""

    redemption_id: int
    until: dt.datetime


@dataclass(eq=False)
class NotBooked(Refusal):
    """It is not for a certain time, so there is nothing to move."""

    redemption_id: int


class Held(NamedTuple):
    """A place that is held for a member, until an instant on the programme's clock."""

    slot: Slot
    until: dt.datetime
    outlet: Outlet | None = None


class Spot(NamedTuple):
    """A place in a slot, at one of the offer's outlets where it is booked at such."""

    slot: Slot
    place: int
    outlet: Outlet | None


class Claim(NamedTuple):
    """A place that is about to become firm."""

    slot: Slot
    place: int
    change_until: dt.datetime
    kept_until: dt.datetime
    outlet: Outlet | None = None


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('diary:' || CAST(:offer AS text), 0))")
_SWEEP = text(
    "DELETE FROM booking WHERE state = 'held' AND offer_id = :offer AND (held_until <= :now OR member_id = :member)"
)
_HOLD = text(
    """
    INSERT INTO booking (offer_id, merchant_id, member_id, outlet_id, starts_at, ends_at, day, place, state, held_until,
        chosen_at)
    VALUES (:offer, :merchant, :member, :outlet, :starts, :ends, :day, :place, 'held', :until, :now)
    """
)
_HELD = text(
    "SELECT starts_at, ends_at, day, place, outlet_id, held_until FROM booking"
    " WHERE state = 'held' AND offer_id = :offer AND member_id = :member AND held_until > :now"
)
_NAME = text("SELECT name FROM outlet WHERE id = :id")
_LET_GO = text("DELETE FROM booking WHERE state = 'held' AND offer_id = :offer AND member_id = :member")
_BOOK = text(
    """
    INSERT INTO booking (offer_id, merchant_id, member_id, redemption_id, outlet_id, starts_at, ends_at, day, place, state,
        chosen_at, change_until, kept_until)
    VALUES (:offer, :merchant, :member, :redemption, :outlet, :starts, :ends, :day, :place, 'booked', :now, :change_until,
        :kept_until)
    """
)
_MOVE = text(
    "UPDATE booking SET outlet_id = :outlet, starts_at = :starts, ends_at = :ends, day = :day, place = :place,"
    " chosen_at = :now, change_until = :change_until, kept_until = :kept_until WHERE redemption_id = :redemption"
)
_ONE = text(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.id = :id AND r.member_id = :member FOR UPDATE OF r")
_VALID = text(
    "UPDATE redemption SET valid_until = :day, undo_until = least(undo_until, CAST(:begins AS timestamptz)) WHERE id = :id"
)
_END = text(
    "UPDATE booking SET state = :state, freed_by = :by WHERE redemption_id = ANY(CAST(:ids AS bigint[])) AND state = 'booked'"
)
_TO_COME = text("SELECT count(*) FROM booking WHERE offer_id = :offer AND state = 'booked' AND ends_at > :now")
_PRUNE = text("DELETE FROM booking WHERE state = 'held' AND held_until <= :now")


async def lock(tx: AsyncConnection, offer_id: int) -> None:
    """Nobody else takes or moves a place of this offer until the end of the transaction."""
    await tx.execute(_LOCK, {"offer": str(offer_id)})


async def all_diaries(
    tx: AsyncConnection, listed: Listed, *, member_id: int = 0, besides: int = 0, at: Moment
) -> tuple[Diary, ...]:
    """An offer's diaries as this member finds them, one for each of its outlets; none: nothing of it is booked. `besides` as in
    `diaries.read`."""
    read = await diaries.read(tx, [listed], now=at.programme_now, member_id=member_id, besides=besides)
    return read.get(listed.id, ())


def diary_at(found: Iterable[Diary], outlet_id: int | None) -> Diary | None:
    """The diary of one of these outlets, or (None) the one that there is; None: it is not booked there."""
    those = list(found)
    if outlet_id is None:
        return those[0] if len(those) == 1 else None
    return next((each for each in those if each.outlet is not None and each.outlet.id == outlet_id), None)


async def hold(
    tx: AsyncConnection,
    who: Member,
    offer_id: int,
    starts_at: dt.datetime,
    *,
    outlet_id: int | None = None,
    payer: Owner | None = None,
    at: Moment,
) -> Held:
    """Hold a place for a member who has tapped a slot; what they held of this offer before is let go.

    Args:
        outlet_id: where, of the outlets at which it is booked; None: at the only one, or wherever the merchant is.
        payer: whose points would pay; None: their own.
    Raises:
        NoSuchOffer → the first reason of `may_redeem` → SlotNeeded → SlotTaken.
    """
    await lock(tx, offer_id)
    seen = await shelf.judged(tx, who, offer_id, today=at.today, now=at.programme_now, payer=payer)
    if isinstance(seen.verdict, No):
        raise seen.verdict.reasons[0]
    now, tier = at.programme_now, seen.facts.traits.tier
    spot = await _free(tx, seen.listed, who.id, tier, starts_at, outlet_id, at=at)
    return await _keep(tx, seen.listed, who.id, spot, now)


async def hold_for_move(
    tx: AsyncConnection,
    who: Member,
    redemption_id: int,
    starts_at: dt.datetime,
    *,
    outlet_id: int | None = None,
    at: Moment,
) -> tuple[Redemption, Held | None, Spot]:
    """Hold a place to which a member may move what they have booked, as `hold` does, at `outlet_id` or where they booked; what is
    held, and which place it would be. Where only their own is left, in the very slot or in one that overlaps it, none needs to be
    held: nobody else can have that.

    Refusals as of `movable`, then `SlotNeeded` → `SlotTaken`.
    """
    voucher, listed, found = await movable(tx, who.id, redemption_id, at=at)
    assert voucher.booked is not None
    where = _where(voucher.booked, found, outlet_id)
    tier = await tier_of(tx, who, listed, at=at)
    spot = _spot(found, listed.id, redemption_id, tier, starts_at, where, at=at)
    beside = diary_at(await all_diaries(tx, listed, member_id=who.id, at=at), where)
    place = None if beside is None or _same(voucher.booked, spot) else beside.free_place(spot.slot)
    if place is None:
        await let_go(tx, who.id, listed.id)
        return voucher, None, spot
    return voucher, await _keep(tx, listed, who.id, spot._replace(place=place), at.programme_now), spot


async def _keep(tx: AsyncConnection, listed: Listed, member_id: int, spot: Spot, now: dt.datetime) -> Held:
    until = now + dt.timedelta(minutes=HOLD_MINUTES)
    await tx.execute(_SWEEP, {"offer": listed.id, "member": member_id, "now": now})
    row = {"offer": listed.id, "merchant": listed.merchant_id, "member": member_id, "until": until}
    await tx.execute(_HOLD, {**row, **_placed(spot), "now": now})
    return Held(spot.slot, until, spot.outlet)


async def held(tx: AsyncConnection, member_id: int, offer_id: int, *, at: Moment) -> Held | None:
    """What is held of an offer for this member now."""
    row = (await tx.execute(_HELD, {"offer": offer_id, "member": member_id, "now": at.programme_now})).first()
    if row is None:
        return None
    return Held(Slot(row.starts_at, row.ends_at, row.day), row.held_until, await _outlet(tx, row.outlet_id))


async def _outlet(tx: AsyncConnection, outlet_id: int | None) -> Outlet | None:
    if outlet_id is None:
        return None
    return Outlet(outlet_id, await tx.scalar(_NAME, {"id": outlet_id}) or "")


async def let_go(tx: AsyncConnection, member_id: int, offer_id: int) -> None:
    """Free what is held of an offer for this member."""
    await tx.execute(_LET_GO, {"offer": offer_id, "member": member_id})


async def claim(
    tx: AsyncConnection,
    listed: Listed,
    member_id: int,
    tier: str | None,
    starts_at: dt.datetime | None,
    *,
    outlet_id: int | None = None,
    at: Moment,
) -> Claim | None:
    """Take the place that a voucher is about to be issued for: the one that is held, else one that is free still. None: nothing is
    booked. `SlotNeeded` → `SlotTaken`."""
    rule = listed.offer.booking
    if rule is None:
        return None
    if starts_at is None:
        raise SlotNeeded(listed.id)
    await lock(tx, listed.id)
    now = at.programme_now
    mine = (await tx.execute(_HELD, {"offer": listed.id, "member": member_id, "now": now})).first()
    if mine is not None and mine.starts_at == starts_at and (outlet_id is None or mine.outlet_id == outlet_id):
        outlet = await _outlet(tx, mine.outlet_id)
        spot = Spot(Slot(mine.starts_at, mine.ends_at, mine.day), mine.place, outlet)
    else:
        spot = await _free(tx, listed, member_id, tier, starts_at, outlet_id, at=at)
    await tx.execute(_SWEEP, {"offer": listed.id, "member": member_id, "now": now})
    return await _claimed(tx, spot, rule)


async def book(
    tx: AsyncConnection, listed: Listed, member_id: int, redemption_id: int, claimed: Claim, *, at: Moment
) -> None:
    """Write the place down with its voucher."""
    row = {"offer": listed.id, "merchant": listed.merchant_id, "member": member_id, "redemption": redemption_id}
    await tx.execute(_BOOK, {**row, **_firm(claimed), "now": at.programme_now})


async def movable(
    tx: AsyncConnection, member_id: int, redemption_id: int, *, at: Moment
) -> tuple[Redemption, Listed, tuple[Diary, ...]]:
    """A voucher whose time may be changed now, its offer as it is today, and the diaries in which its own place counts as free.

    The voucher's row is locked until the end of the transaction; so are the diaries.

    Raises:
        NoSuchRedemption → NotBooked → VoucherUsed → VoucherTakenBack → VoucherExpired → ChangeOver.
    """
    offer_id = await tx.scalar(
        text("SELECT offer_id FROM redemption WHERE id = :id AND member_id = :member"),
        {"id": redemption_id, "member": member_id},
    )
    if offer_id is None:
        raise NoSuchRedemption(redemption_id)
    await lock(tx, offer_id)
    voucher = of_row((await tx.execute(_ONE, {"id": redemption_id, "member": member_id})).one())
    if voucher.booked is None:
        raise NotBooked(redemption_id)
    if (over := ended(voucher, at.today)) is not None:
        raise over
    if at.programme_now >= voucher.booked.change_until:
        raise ChangeOver(redemption_id, voucher.booked.change_until)
    listed = await shelf.one(tx, offer_id)
    if listed.offer.booking is None:
        raise NotBooked(redemption_id)
    return voucher, listed, await all_diaries(tx, listed, member_id=member_id, besides=redemption_id, at=at)


async def move(
    tx: AsyncConnection,
    who: Member,
    redemption_id: int,
    starts_at: dt.datetime,
    *,
    outlet_id: int | None = None,
    at: Moment,
) -> tuple[Redemption, bool]:
    """Give a voucher another time, at `outlet_id` or where it is booked: the new place is there before the old one is free. Whether
    anything changed: the same again changes nothing. Refusals as of `movable`, then `SlotNeeded` → `SlotTaken`."""
    voucher, listed, found = await movable(tx, who.id, redemption_id, at=at)
    booked = voucher.booked
    assert booked is not None and voucher.offer.booking is not None
    where = _where(booked, found, outlet_id)
    if booked.starts_at == starts_at and booked.outlet_id == where:
        return voucher, False
    tier = await tier_of(tx, who, listed, at=at)
    spot = _spot(found, listed.id, redemption_id, tier, starts_at, where, at=at)
    if _same(booked, spot):
        return voucher, False
    # What was promised when it was redeemed goes on: until when it may be changed, how long the place waits.
    claimed = await _claimed(tx, spot, voucher.offer.booking)
    await tx.execute(_SWEEP, {"offer": listed.id, "member": who.id, "now": at.programme_now})
    await tx.execute(_MOVE, {"redemption": redemption_id, **_firm(claimed), "now": at.programme_now})
    begins = spot.slot.starts_at - dt.timedelta(days=at.ahead_days)  # by the wall's clock, as undo windows are
    await tx.execute(_VALID, {"id": redemption_id, "day": spot.slot.day, "begins": begins})
    return of_row((await tx.execute(_ONE, {"id": redemption_id, "member": who.id})).one()), True


async def tier_of(tx: AsyncConnection, who: Member, listed: Listed, *, at: Moment) -> str | None:
    """The member's tier, where the offer lets some book further ahead."""
    return (await shelf.traits(tx, who.id, today=at.today)).tier if listed.offer.books_early else None


async def end(
    tx: AsyncConnection,
    redemption_ids: Iterable[int],
    state: Literal["attended", "missed", "freed"],
    by: Literal["member", "merchant"] | None = None,
) -> None:
    """What became of the bookings of these vouchers, as far as they had any; freed places can be taken at once."""
    await tx.execute(_END, {"ids": list(redemption_ids), "state": state, "by": by})


async def to_come(tx: AsyncConnection, offer_id: int, *, at: Moment) -> int:
    """How many have booked a time of an offer that is not over."""
    return int(await tx.scalar(_TO_COME, {"offer": offer_id, "now": at.programme_now}) or 0)


async def prune(tx: AsyncConnection, *, at: Moment) -> int:
    """Forget holds that are over. They stand in nobody's way; they are only rows."""
    return (await tx.execute(_PRUNE, {"now": at.programme_now})).rowcount


def _where(booked: Booked, found: Iterable[Diary], outlet_id: int | None) -> int | None:
    """At which outlet another time is meant: the one that is named, else where it is booked, as long as that is one of them."""
    if outlet_id is not None:
        return outlet_id
    return booked.outlet_id if diary_at(found, booked.outlet_id) is not None else None


def _same(booked: Booked, spot: Spot) -> bool:
    return booked.starts_at == spot.slot.starts_at and booked.outlet_id == (spot.outlet.id if spot.outlet else None)


async def _free(
    tx: AsyncConnection,
    listed: Listed,
    member_id: int,
    tier: str | None,
    starts_at: dt.datetime,
    outlet_id: int | None,
    *,
    at: Moment,
) -> Spot:
    found = await all_diaries(tx, listed, member_id=member_id, at=at)
    return _spot(found, listed.id, None, tier, starts_at, outlet_id, at=at)


def _spot(
    those: tuple[Diary, ...],
    offer_id: int,
    redemption_id: int | None,
    tier: str | None,
    starts_at: dt.datetime,
    outlet_id: int | None,
    *,
    at: Moment,
) -> Spot:
    now, found = at.programme_now, diary_at(those, outlet_id)
    if found is None:
        raise SlotNeeded(offer_id, redemption_id)
    slot = found.slot_at(starts_at)
    place = found.free_place(slot) if slot is not None and found.bookable(slot, now, tier) else None
    if slot is None or place is None:
        where = found.outlet.id if found.outlet else None
        raise SlotTaken(offer_id, redemption_id, starts_at, nearest(found, now, tier, starts_at), where)
    return Spot(slot, place, found.outlet)


def nearest(found: Diary, now: dt.datetime, tier: str | None, starts_at: dt.datetime) -> tuple[dt.datetime, ...]:
    """The free slots nearest to an instant, in order of time."""
    free = sorted(found.free(now, tier), key=lambda each: abs(each.starts_at - starts_at))
    return tuple(sorted(each.starts_at for each in free[:OTHERS_SHOWN]))


async def _claimed(tx: AsyncConnection, spot: Spot, rule: Booking) -> Claim:
    slot, place, outlet = spot
    change_until = slot.starts_at - dt.timedelta(hours=rule.cut_off_hours)
    return Claim(slot, place, change_until, kept_until(slot, rule, await diaries.zone(tx)), outlet)


def _placed(spot: Spot) -> dict[str, object]:
    slot, place, outlet = spot
    where = outlet.id if outlet is not None else None
    return {"starts": slot.starts_at, "ends": slot.ends_at, "day": slot.day, "place": place, "outlet": where}


def _firm(claimed: Claim) -> dict[str, object]:
    slot, place, change, kept, outlet = claimed
    return {**_placed(Spot(slot, place, outlet)), "change_until": change, "kept_until": kept}
