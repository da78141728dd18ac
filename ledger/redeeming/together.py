"""Two members redeem something together (R14): one begins and gives their share of the points, the other joins within the offer's
hours and gives the rest; then it is redeemed at once, with one code or with one for each, as the offer says.

What has been given lies in a pool of its own, `Owner("pool", −id)`: lots keep their owners there, so whatever comes back — nobody
joined, the voucher lapsed, the goods were returned — goes home to each of the two, lot by lot, as it does from a family's pool to
those who have left (`paying`). It is open until the first of the starter's lots ends, at the latest.

    open → done | withdrawn | declined | lapsed

Locks, in this order: the two members (as whoever redeems) → the row → offer, stock, accounts as in `redemptions`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.business import must_buy
from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.points.commands import Moment, NothingDue, Owner, Transfer
from ledger.points.engine import apply, post
from ledger.redeeming import redemptions, shelf
from ledger.redeeming.may_redeem import Listed, PointsShort, Yes
from ledger.redeeming.redemptions import OfferChanged, Redeemed
from ledger.redeeming.shelf import NoSuchOffer

LINK = "d"
"""What the link carries before its token: «start=d_…»."""

State = Literal["open", "done", "withdrawn", "declined", "lapsed"]


@dataclass(eq=False)
class NotTogether(Refusal):
    """This offer is for one."""

    offer_id: int


@dataclass(eq=False)
class OwnTogether(Refusal):
    """Nobody joins what they began."""


@dataclass(eq=False)
class NoSuchTogether(Refusal):
    """Nobody began it, or somebody else did."""


@dataclass(eq=False)
class TogetherOver(Refusal):
    """It is not open any more; `mine`: it was joined by the very one who asks."""

    state: State
    mine: bool = False


@dataclass(frozen=True, slots=True)
class Together:
    """What two have together, or one has begun. `points` of each of `codes` redemptions; `ends_at` on the programme's clock."""

    id: int
    starter_id: int
    friend_id: int | None
    offer_id: int
    offer_version: int
    currency_id: int
    points: int
    starter_points: int
    friend_points: int
    codes: int
    ends_at: dt.datetime
    state: State

    @property
    def pot(self) -> Owner:
        """Where what was given lies."""
        return Owner("pool", -self.id)


_COLUMNS = """
    id, starter_id, friend_id, offer_id, offer_version, currency_id, points, starter_points, friend_points, codes, ends_at, state
"""
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('redeem:' || CAST(:member AS text), 0))")
_BY_NONCE = text(f"SELECT {_COLUMNS} FROM together WHERE starter_id = :starter AND nonce = :nonce")
_BY_ID = text(f"SELECT {_COLUMNS} FROM together WHERE id = :id FOR UPDATE")
_BY_TOKEN = text(f"SELECT {_COLUMNS} FROM together WHERE token = :token")
_MINE = text(
    f"SELECT {_COLUMNS} FROM together WHERE starter_id = :starter AND offer_id = :offer AND state = 'open' ORDER BY id"
)
_MAKE = text(
    "INSERT INTO together (token, starter_id, nonce, offer_id, offer_version, currency_id, points, starter_points,"
    " friend_points, codes, made_at, ends_at) VALUES (:token, :starter, :nonce, :offer, :version, :currency, :points, :first,"
    " :rest, :codes, :now, :ends) RETURNING id"
)
_FRIENDS = text(
    "SELECT id, friend_id, friend_points FROM together WHERE id = ANY(CAST(:ids AS bigint[])) AND codes = 1 AND state = 'done'"
)
_FIRST_END = text(
    "SELECT min(l.expires_on) FROM account a JOIN position p ON p.account_id = a.id JOIN lot l ON l.id = p.lot_id"
    " WHERE a.owner_kind = 'pool' AND a.owner_id = :pot"
)
_UNTIL = text("UPDATE together SET ends_at = :ends WHERE id = :id")
_END = text(
    "UPDATE together SET state = :state, friend_id = coalesce(:friend, friend_id), ended_at = :now WHERE id = :id"
)
_DUE = text(
    f"SELECT {_COLUMNS} FROM together WHERE state = 'open' AND ends_at <= :now ORDER BY ends_at, id LIMIT :limit"
    " FOR UPDATE SKIP LOCKED"
)
_STARTER = text("SELECT id, status, language, region, joined_on FROM member WHERE id = :id")


async def terms(tx: AsyncConnection, who: Member, offer_id: int, *, at: Moment) -> tuple[Listed, int, int, int]:
    """What it would cost two: the offer, the points of one redemption, whoever begins, the other. That their own points do not
    reach for all of it does not matter.

    `NoSuchOffer` → `NotTogether` → the first other reason of `may_redeem`.
    """
    seen = await shelf.judged(tx, who, offer_id, today=at.today, amount=1, now=at.programme_now)
    with_another = seen.listed.offer.together
    if with_another is None:
        raise NotTogether(offer_id)
    if not isinstance(seen.verdict, Yes):
        for reason in seen.verdict.reasons:
            if not isinstance(reason, PointsShort):
                raise reason
    if seen.verdict.quote is None:
        raise NoSuchOffer(offer_id)
    points = seen.verdict.quote.points
    whole = points * with_another.pieces
    first = with_another.share(whole)
    return seen.listed, points, first, whole - first


async def start(
    tx: AsyncConnection,
    vault: Vault,
    who: Member,
    offer_id: int,
    *,
    version: int,
    points: int,
    token: str,
    nonce: str,
    zone: dt.tzinfo,
    at: Moment,
    actor: str,
) -> Together:
    """Begin: give one's share, and write the link of `token` (random, from the edge). The same nonce again is the same one.

    Args:
        version, points: what the confirm screen showed.
    Raises:
        CompanyRoleTooLow → refusals of `terms` → OfferChanged → NotEnoughPoints.
    """
    await tx.execute(_ALONE, {"member": str(who.id)})
    if (made := (await tx.execute(_BY_NONCE, {"starter": who.id, "nonce": nonce})).first()) is not None:
        return _together(made)
    must_buy(who)
    listed, each, first, rest = await terms(tx, who, offer_id, at=at)
    if (listed.version, each) != (version, points):
        raise OfferChanged(offer_id, 1)
    said = listed.offer.together
    assert said is not None, "`terms` refuses what is for one"
    ends = at.programme_now + dt.timedelta(hours=said.hours)
    facts = {"token": vault.blind("together", token), "starter": who.id, "nonce": nonce, "offer": offer_id}
    facts |= {"version": version, "currency": listed.currency_id, "points": each, "first": first, "rest": rest}
    id_ = (await tx.execute(_MAKE, {**facts, "codes": said.pieces, "now": at.now, "ends": ends})).scalar_one()
    await _put(tx, id_, who, listed, first, at=at, actor=actor)
    if (last := await tx.scalar(_FIRST_END, {"pot": -id_})) is not None:
        ends = min(ends, dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), zone))
        await tx.execute(_UNTIL, {"id": id_, "ends": ends})
    return _together((await tx.execute(_BY_NONCE, {"starter": who.id, "nonce": nonce})).one())


async def _put(
    tx: AsyncConnection, id_: int, who: Member, listed: Listed, points: int, *, at: Moment, actor: str
) -> None:
    given = Transfer(
        key=f"together:{id_}:{who.id}",
        owner=who.owner,
        to=Owner("pool", -id_),
        currency=listed.currency_id,
        points=points,
        at=at,
        actor=actor,
        merchant_id=listed.merchant_id,
        facts={"what": "together", "name_zh": listed.offer.name.zh, "name_en": listed.offer.name.en},
    )
    await post(tx, given)


async def behind(tx: AsyncConnection, vault: Vault, token: str, who: Member, *, at: Moment) -> Together:
    """What somebody opened the link of. `NoSuchTogether` → `OwnTogether` → `TogetherOver`."""
    row = (await tx.execute(_BY_TOKEN, {"token": vault.blind("together", token)})).first()
    if row is None:
        raise NoSuchTogether()
    return _open(_together(row), who, at)


def _open(found: Together, who: Member, at: Moment) -> Together:
    if found.starter_id == who.id:
        raise OwnTogether()
    if found.state != "open":
        raise TogetherOver(found.state, found.friend_id == who.id)
    if found.ends_at <= at.programme_now:
        raise TogetherOver("lapsed")
    return found


async def join(
    tx: AsyncConnection,
    vault: Vault,
    seen: Together,
    who: Member,
    *,
    codes: tuple[str, str],
    at: Moment,
    actor: str,
) -> tuple[Redeemed, Redeemed | None]:
    """Join what `behind` showed: give the rest, and redeem it. The starter's voucher, and the friend's own where there are two.
    `codes` from `codes.mint`, the starter's first. Nothing can be taken back afterwards: it would undo the other's too.

    `TogetherOver` → `CompanyRoleTooLow` → refusals of the engine → refusals of `redemptions.redeem`, of either.
    """
    for id_ in sorted((seen.starter_id, who.id)):
        await tx.execute(_ALONE, {"member": str(id_)})
    this = _open(_together((await tx.execute(_BY_ID, {"id": seen.id})).one()), who, at)
    must_buy(who)
    starter = Member(**(await tx.execute(_STARTER, {"id": this.starter_id})).one()._mapping)
    listed = await shelf.one(tx, this.offer_id)
    await _put(tx, this.id, who, listed, this.friend_points, at=at, actor=actor)
    done: list[Redeemed] = []
    for member_, code in list(zip((starter, who), codes, strict=True))[: this.codes]:
        done.append(
            await redemptions.redeem(
                tx,
                member_,
                this.offer_id,
                amount=1,
                version=this.offer_version,
                points=this.points,
                nonce=f"together:{this.id}",
                code=code,
                vault=vault,
                undo_minutes=0,
                at=at,
                actor=actor,
                pool_id=-this.id,
            )
        )
    await tx.execute(_END, {"id": this.id, "state": "done", "friend": who.id, "now": at.now})
    return done[0], done[1] if len(done) > 1 else None


async def withdraw(tx: AsyncConnection, starter_id: int, id_: int, *, at: Moment, actor: str) -> Together:
    """The starter waits no longer: what they gave is theirs again. `NoSuchTogether` → `TogetherOver`."""
    row = (await tx.execute(_BY_ID, {"id": id_})).first()
    if row is None or row.starter_id != starter_id:
        raise NoSuchTogether()
    if row.state != "open":
        raise TogetherOver(row.state)
    return await _back(tx, [_together(row)], "withdrawn", at=at, actor=actor)


async def decline(tx: AsyncConnection, seen: Together, who: Member, *, at: Moment, actor: str) -> Together:
    """Whoever opened the link does not want to: it is over, and the starter has what they gave. `TogetherOver`."""
    this = _open(_together((await tx.execute(_BY_ID, {"id": seen.id})).one()), who, at)
    return await _back(tx, [this], "declined", at=at, actor=actor)


async def lapse(tx: AsyncConnection, *, at: Moment, limit: int) -> list[Together]:
    """End what nobody joined in time; fewer than `limit`: none is left."""
    due = [_together(row) for row in (await tx.execute(_DUE, {"now": at.programme_now, "limit": limit})).all()]
    if due:
        await _back(tx, due, "lapsed", at=at, actor="job:together")
    return due


async def friends(tx: AsyncConnection, ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Who joined each of these and gave how many points, where there is one code, which is the starter's; by number."""
    rows = await tx.execute(_FRIENDS, {"ids": list(ids)})
    return {row.id: (row.friend_id, row.friend_points) for row in rows}


async def open_of(tx: AsyncConnection, starter_id: int, offer_id: int, *, at: Moment) -> Together | None:
    """What somebody has begun of an offer and waits for; None where there is nothing."""
    row = (await tx.execute(_MINE, {"starter": starter_id, "offer": offer_id})).first()
    return None if row is None or row.ends_at <= at.programme_now else _together(row)


async def _back(tx: AsyncConnection, these: list[Together], state: State, *, at: Moment, actor: str) -> Together:
    outs = [
        Transfer(
            key=f"together:{each.id}:{state}",
            owner=each.pot,
            to=Owner("member", each.starter_id),
            currency=each.currency_id,
            points=None,
            at=at,
            actor=actor,
            facts={"what": "together"},
        )
        for each in these
    ]
    for outcome in await apply(tx, outs):
        if isinstance(outcome, Refusal) and not isinstance(outcome, NothingDue):
            raise outcome
    for each in these:
        await tx.execute(_END, {"id": each.id, "state": state, "friend": None, "now": at.now})
    return these[0]


def _together(row: Row[tuple[object, ...]]) -> Together:
    return Together(**row._mapping)
