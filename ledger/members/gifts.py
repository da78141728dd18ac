"""Gifts (F5): points that one member offers another, who accepts or declines; what nobody accepts in time returns.

From the offer on they are held with the giver, lot by lot, and go on as what they are: issuer and last day stay, so a gift is open
until the first of its lots ends, at the latest. Within a family any lots may be given; to others, by a link that works once, only
those whose issuer lets them change hands. The figures are `programme.Gifts`; what is offered counts for the giver, what is accepted
for the receiver.

    offered → accepted | declined | withdrawn | returned

Locks, in this order: the member who gives or accepts (`_alone`) → the gift → the family → accounts.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import families
from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.points.commands import Give, Hold, Moment, Receipt, Void, member
from ledger.points.engine import apply, post
from ledger.programme import Gifts

LINK = "g"
"""What a gift's link carries before its token: «start=g_…»."""
NOTE_LONGEST = 100

State = Literal["offered", "accepted", "declined", "withdrawn", "returned"]


@dataclass(eq=False)
class NoGifts(Refusal):
    """The programme has no gifts, or none to others than family (`outside`)."""

    outside: bool


@dataclass(eq=False)
class GiftsNotYet(Refusal):
    """An account gives from this day on."""

    since: dt.date


@dataclass(eq=False)
class GiftTooSmall(Refusal):
    """A gift is of `least` points or more."""

    least: int


@dataclass(eq=False)
class GiftCapReached(Refusal):
    """More than the giver may give: `left` of `most` are left, of a day or (`of_year`) of a year."""

    left: int
    most: int
    of_year: bool


@dataclass(eq=False)
class AcceptCapReached(Refusal):
    """More than the receiver may accept; as `GiftCapReached`. The gift stays open."""

    left: int
    most: int
    of_year: bool


@dataclass(eq=False)
class NotSpending(Refusal):
    """Their account gives and accepts nothing at the moment."""


@dataclass(eq=False)
class OwnGift(Refusal):
    """Nobody accepts what they give themselves."""


@dataclass(eq=False)
class NoSuchGift(Refusal):
    """It is somebody else's, or nobody's."""


@dataclass(eq=False)
class GiftOver(Refusal):
    """The gift is not open any more; what became of it."""

    state: State


@dataclass(frozen=True, slots=True)
class Gift:
    """A gift as it stands. `receiver_id` None: whoever opens its link; `family_id` None: to somebody outside. `ends_at` on the
    programme's clock. `first_end`: the last day of what of it ends first."""

    id: int
    giver_id: int
    receiver_id: int | None
    family_id: int | None
    points: int
    hold_id: int
    note: str | None
    made_at: dt.datetime
    ends_at: dt.datetime
    state: State
    first_end: dt.date | None


@dataclass(frozen=True, slots=True)
class Left:
    """What somebody may still give today and this year."""

    day: int
    year: int

    @property
    def still(self) -> int:
        """What they may still give now."""
        return min(self.day, self.year)


_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('gift:' || CAST(:member AS text), 0))")
_COLUMNS = """
    g.id, g.giver_id, g.receiver_id, g.family_id, g.points, g.hold_id, g.note_box, g.made_at, g.ends_at, g.state, p.key,
    (SELECT min(l.expires_on) FROM hold h JOIN lot l ON l.id = ANY (h.lot_ids) WHERE h.owner_id = g.giver_id AND h.id = g.hold_id)
        AS first_end
"""
_TABLES = "gift g LEFT JOIN person p ON p.member_id = g.giver_id"
_BY_NONCE = text(f"SELECT {_COLUMNS} FROM {_TABLES} WHERE g.giver_id = :giver AND g.nonce = :nonce")
_BY_ID = text(f"SELECT {_COLUMNS} FROM {_TABLES} WHERE g.id = :id FOR UPDATE OF g")
_BY_TOKEN = text(f"SELECT {_COLUMNS} FROM {_TABLES} WHERE g.token = :token FOR UPDATE OF g")
_OPEN_OF = text(
    f"SELECT {_COLUMNS} FROM {_TABLES} WHERE g.giver_id = :giver AND g.state = 'offered' ORDER BY g.id LIMIT :limit"
)
_DUE = text(
    f"SELECT {_COLUMNS} FROM {_TABLES} WHERE g.state = 'offered' AND g.ends_at <= :now ORDER BY g.ends_at, g.id LIMIT :limit"
    " FOR UPDATE OF g SKIP LOCKED"
)
_MADE = text(
    "INSERT INTO gift (giver_id, nonce, family_id, token, receiver_id, points, hold_id, note_box, made_at, made_on, ends_at)"
    " VALUES (:giver, :nonce, :family, :token, :receiver, :points, :hold, :note, :now, :today, :ends)"
)
_FIRST_END = text(
    "SELECT min(l.expires_on) FROM hold h JOIN lot l ON l.id = ANY (h.lot_ids) WHERE h.owner_id = :giver AND h.id = :hold"
)
_END = text(
    "UPDATE gift SET state = :state, receiver_id = coalesce(:receiver, receiver_id), ended_at = :now, ended_on = :today"
    " WHERE id = :id"
)
_GIVEN = text(
    "SELECT coalesce(sum(points) FILTER (WHERE made_on = :today), 0)::bigint AS day, coalesce(sum(points), 0)::bigint AS year"
    " FROM gift WHERE giver_id = :member AND state IN ('offered', 'accepted')"
    " AND made_on BETWEEN date_trunc('year', CAST(:today AS date)) AND :today"
)
_TAKEN = text(
    "SELECT coalesce(sum(points) FILTER (WHERE ended_on = :today), 0)::bigint AS day, coalesce(sum(points), 0)::bigint AS year"
    " FROM gift WHERE receiver_id = :member AND state = 'accepted'"
    " AND ended_on BETWEEN date_trunc('year', CAST(:today AS date)) AND :today"
)
_KEY = text("SELECT key FROM person WHERE member_id = :member")


async def left(tx: AsyncConnection, rules: Gifts, member_id: int, *, today: dt.date) -> Left:
    """What somebody may still give."""
    given = (await tx.execute(_GIVEN, {"member": member_id, "today": today})).one()
    return Left(max(0, rules.give_day - given.day), max(0, rules.give_year - given.year))


async def offer(
    tx: AsyncConnection,
    vault: Vault,
    rules: Gifts | None,
    giver: Member,
    points: int,
    *,
    to_id: int | None,
    token: str | None,
    note: str | None,
    currency: int,
    nonce: str,
    zone: dt.tzinfo,
    at: Moment,
    actor: str,
) -> Gift:
    """Offer points to somebody of one's family (`to_id`), or to whoever opens the link of `token` (random, from the edge). The same
    nonce again is the same gift.

    `NoGifts` → `NotSpending` → `GiftsNotYet` → `GiftTooSmall` → `GiftCapReached` → `NotInFamily` → `NotInFamilyYet` → the engine's
    refusals: `NotEnoughPoints` counts what may be given.
    """
    await tx.execute(_ALONE, {"member": str(giver.id)})
    if (made := (await tx.execute(_BY_NONCE, {"giver": giver.id, "nonce": nonce})).first()) is not None:
        return _gift(made, vault)
    rules = open_to(rules, outside=to_id is None)
    must_give(rules, giver, today=at.today)
    if points < rules.points_least:
        raise GiftTooSmall(rules.points_least)
    room = await left(tx, rules, giver.id, today=at.today)
    if points > room.still:
        of_year = room.year < room.day
        raise GiftCapReached(room.still, rules.give_year if of_year else rules.give_day, of_year)
    family_id = None if to_id is None else await _of_one_family(tx, giver.id, to_id, today=at.today)
    held = Hold(
        key=f"gift:{giver.id}:{nonce}",
        owner=giver.owner,
        currency=currency,
        at=at,
        actor=actor,
        points=points,
        movable=to_id is None,
        facts={"what": "gift"},
    )
    receipt = await post(tx, held)
    ends = at.programme_now + dt.timedelta(hours=rules.hours)
    first_end = await tx.scalar(_FIRST_END, {"giver": giver.id, "hold": receipt.entry_id})
    if first_end is not None:
        ends = min(ends, dt.datetime.combine(first_end + dt.timedelta(days=1), dt.time(), zone))
    key = await tx.scalar(_KEY, {"member": giver.id})
    box = vault.seal(key, {"note": note}) if note and key is not None else None
    written = {"giver": giver.id, "nonce": nonce, "family": family_id, "receiver": to_id, "points": points, "note": box}
    written |= {"token": None if token is None or to_id is not None else vault.blind("gift", token)}
    await tx.execute(_MADE, {**written, "hold": receipt.entry_id, "now": at.now, "today": at.today, "ends": ends})
    return _gift((await tx.execute(_BY_NONCE, {"giver": giver.id, "nonce": nonce})).one(), vault)


def open_to(rules: Gifts | None, *, outside: bool) -> Gifts:
    """The programme's rules. `NoGifts`."""
    if rules is None or (outside and not rules.outside):
        raise NoGifts(outside=rules is not None)
    return rules


def must_give(rules: Gifts, giver: Member, *, today: dt.date) -> None:
    """That an account may give. `NotSpending` → `GiftsNotYet`."""
    if giver.status != "active" or giver.person_id is not None:
        raise NotSpending()
    since = (giver.joined_on or today) + dt.timedelta(days=rules.account_days)
    if since > today:
        raise GiftsNotYet(since)


async def _of_one_family(tx: AsyncConnection, giver_id: int, receiver_id: int, *, today: dt.date) -> int:
    family = await families.of(tx, giver_id)
    if family is None:
        raise families.NotInFamily()
    family = await families.shared(tx, family.id)
    for place in (family.place_of(giver_id), family.place_of(receiver_id)):
        if place.in_from > today:
            raise families.NotInFamilyYet(place.in_from)
    return family.id


async def shown(tx: AsyncConnection, vault: Vault, gift_id: int, who: Member, *, at: Moment) -> Gift:
    """An open gift to somebody. `NoSuchGift` → `GiftOver`."""
    return _open(_gift((await tx.execute(_BY_ID, {"id": gift_id})).first(), vault), who, at)


async def behind(tx: AsyncConnection, vault: Vault, token: str, who: Member, *, at: Moment) -> Gift:
    """The open gift behind a link. `NoSuchGift` → `OwnGift` → `GiftOver`."""
    return _open(_gift((await tx.execute(_BY_TOKEN, {"token": vault.blind("gift", token)})).first(), vault), who, at)


def _open(gift: Gift, who: Member, at: Moment) -> Gift:
    if gift.receiver_id is not None and gift.receiver_id != who.id:
        # Of a link that somebody has used everybody else hears that it is over, and no more.
        raise NoSuchGift() if gift.family_id is not None else GiftOver(gift.state)
    if gift.giver_id == who.id:
        raise OwnGift()
    if gift.state != "offered":
        raise GiftOver(gift.state)
    if gift.ends_at <= at.programme_now:
        raise GiftOver("returned")
    return gift


async def accept(
    tx: AsyncConnection,
    rules: Gifts | None,
    gift: Gift,
    who: Member,
    *,
    currency: int,
    at: Moment,
    actor: str,
) -> Receipt:
    """Accept a gift that `shown` or `behind` gave in this transaction: its lots go on as the receiver's.

    `NotSpending` → `AcceptCapReached` → `NotInFamily`: one of the two has left it.
    """
    if who.status != "active" or who.person_id is not None:
        raise NotSpending()
    if rules is not None:
        taken = (await tx.execute(_TAKEN, {"member": who.id, "today": at.today})).one()
        day, year = max(0, rules.take_day - taken.day), max(0, rules.take_year - taken.year)
        if gift.points > min(day, year):
            raise AcceptCapReached(min(day, year), rules.take_year if year < day else rules.take_day, year < day)
    if gift.family_id is not None and await _of_one_family(tx, gift.giver_id, who.id, today=at.today) != gift.family_id:
        raise families.NotInFamily()
    given = Give(
        key=f"gift:{gift.id}:accepted",
        owner=member(gift.giver_id),
        to=who.owner,
        currency=currency,
        at=at,
        actor=actor,
        hold_id=gift.hold_id,
        facts={"what": "gift"},
    )
    receipt = await post(tx, given)
    await _end(tx, gift, "accepted", at=at, receiver_id=who.id)
    return receipt


async def stand(tx: AsyncConnection, member_id: int) -> None:
    """Whoever accepts or gives does so alone until the transaction ends: their caps are counted. Before any gift is looked at."""
    await tx.execute(_ALONE, {"member": str(member_id)})


async def decline(tx: AsyncConnection, gift: Gift, *, currency: int, grace_days: int, at: Moment, actor: str) -> None:
    """Decline a gift that was `shown`: the giver has their lots again. Of a link nobody else may have it either."""
    await _back(tx, gift, "declined", currency=currency, grace_days=grace_days, at=at, actor=actor)


async def withdraw(
    tx: AsyncConnection,
    giver_id: int,
    gift_id: int,
    *,
    currency: int,
    grace_days: int,
    at: Moment,
    actor: str,
) -> Gift:
    """The giver takes an open gift back. `NoSuchGift` → `GiftOver`."""
    gift = _gift((await tx.execute(_BY_ID, {"id": gift_id})).first())
    if gift.giver_id != giver_id:
        raise NoSuchGift()
    if gift.state != "offered":
        raise GiftOver(gift.state)
    await _back(tx, gift, "withdrawn", currency=currency, grace_days=grace_days, at=at, actor=actor)
    return gift


async def lapse(tx: AsyncConnection, *, currency: int, grace_days: int, at: Moment, limit: int) -> list[Gift]:
    """Return what nobody accepted in time; fewer than `limit`: none is left."""
    due = [_gift(row) for row in (await tx.execute(_DUE, {"now": at.programme_now, "limit": limit})).all()]
    voids = [
        _void(gift, "returned", currency=currency, grace_days=grace_days, at=at, actor="job:gifts") for gift in due
    ]
    for outcome in await apply(tx, voids):
        if isinstance(outcome, Refusal):
            raise outcome
    for gift in due:
        await _end(tx, gift, "returned", at=at)
    return due


async def offered(tx: AsyncConnection, giver_id: int, *, limit: int = 8) -> list[Gift]:
    """What somebody offers and nobody has answered, the oldest first; without notes."""
    return [_gift(row) for row in await tx.execute(_OPEN_OF, {"giver": giver_id, "limit": limit})]


async def _back(
    tx: AsyncConnection, gift: Gift, state: State, *, currency: int, grace_days: int, at: Moment, actor: str
) -> None:
    await post(tx, _void(gift, state, currency=currency, grace_days=grace_days, at=at, actor=actor))
    await _end(tx, gift, state, at=at)


def _void(gift: Gift, state: State, *, currency: int, grace_days: int, at: Moment, actor: str) -> Void:
    return Void(
        key=f"gift:{gift.id}:{state}",
        owner=member(gift.giver_id),
        currency=currency,
        at=at,
        actor=actor,
        hold_id=gift.hold_id,
        grace_days=grace_days,
        facts={"what": "gift"},
    )


async def _end(tx: AsyncConnection, gift: Gift, state: State, *, at: Moment, receiver_id: int | None = None) -> None:
    ended = {"id": gift.id, "state": state, "receiver": receiver_id, "now": at.now, "today": at.today}
    await tx.execute(_END, ended)


def _gift(row: Row[Any] | None, vault: Vault | None = None) -> Gift:
    """A row of `_COLUMNS`; with its note only where a vault opens it."""
    if row is None:
        raise NoSuchGift()
    note = None
    if vault is not None and row.note_box is not None and row.key is not None:
        note = vault.open(row.key, row.note_box)["note"]
    return Gift(
        row.id,
        row.giver_id,
        row.receiver_id,
        row.family_id,
        row.points,
        row.hold_id,
        None if note is None else str(note),
        row.made_at,
        row.ends_at,
        row.state,
        row.first_end,
    )
