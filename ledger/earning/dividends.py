"""Merchant dividends (E11): a pool of a merchant's points, shared pro rata to what members earned with it in a period.

Funded first: the whole pool is issued to the merchant's own account, under its cover like any issuing, in the turn that fixes
every share. Shares are then given out of that account, some hundred at a time, and the account ends empty. They follow from
purchases alone, net of refunds: never from welcome points, invitations or other people's doing, so nobody gains by recruiting.

A period is shared once per merchant, and only when the last purchase in it can no longer be returned.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.apportion import split
from ledger.errors import Fault, Refusal
from ledger.merchants import cover
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant
from ledger.merchants.staff import Staff
from ledger.points.commands import Accrue, Moment, Owner, Receipt, Transfer, member
from ledger.points.engine import apply, post

POOL_MOST = 10_000_000


@dataclass(eq=False)
class PoolOutOfRange(Refusal):
    """A pool is 1 to `most` points."""

    asked: int
    most: int


@dataclass(eq=False)
class PeriodOpen(Refusal):
    """Purchases of the period can still be returned; from `settled_on` on it can be shared."""

    settled_on: dt.date
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class PeriodShared(Refusal):
    """A dividend of this merchant has covered days of the period: those from `since` to `until`."""

    since: dt.date
    until: dt.date


@dataclass(eq=False)
class DividendUnderway(Refusal):
    """The last dividend is still being given out."""

    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NobodyEarned(Refusal):
    """Nobody keeps points of purchases in the period."""

    since: dt.date
    until: dt.date


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pool would come to: what everybody earned then, and who gets how much (whole points, adding up to the pool)."""

    since: dt.date
    until: dt.date
    pool: int
    earned: Mapping[int, int]
    shares: Mapping[int, int]

    @property
    def earned_total(self) -> int:
        """What all members together earned in the period."""
        return sum(self.earned.values())


@dataclass(frozen=True, slots=True)
class Dividend:
    """A dividend: its period, pool, what was earned then, to how many members, and when the last share was given."""

    id: int
    merchant_id: int
    since: dt.date
    until: dt.date
    pool: int
    earned: int
    members: int
    expires_on: dt.date | None
    entry_id: int
    made_at: dt.datetime
    paid_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Paid:
    """A share given: the receipt, the dividend, what the member had earned."""

    receipt: Receipt
    dividend: Dividend
    member_id: int
    earned: int
    points: int


def shares(pool: int, earned: Mapping[int, int]) -> dict[int, int]:
    """`pool` points shared pro rata by largest remainder, ties to the lower id: whole points that sum to the pool.

    Whoever gets nothing is left out.
    """
    members = sorted(earned)
    parts = split(pool, [earned[who] for who in members])
    return {who: points for who, points in zip(members, parts, strict=True) if points}


_COLUMNS = "id, merchant_id, since, until, pool, earned, members, expires_on, entry_id, made_at, paid_at"
_EARNED = text(
    """
    SELECT who, sum(kept)::bigint AS earned FROM (
        SELECT coalesce(s.holder_id, p.member_id) AS who,
               p.points - coalesce((SELECT sum(r.points) FROM refund r WHERE r.purchase_id = p.id), 0) AS kept
        FROM purchase p LEFT JOIN succession s ON s.member_id = p.member_id
        WHERE p.merchant_id = :merchant AND p.bought_on BETWEEN :since AND :until AND p.points > 0
    ) bought JOIN member m ON m.id = who AND m.status <> 'closed'
    GROUP BY who HAVING sum(kept) > 0 ORDER BY who
    """
)
_LOCK = text("SELECT 1 FROM merchant WHERE id = :merchant FOR NO KEY UPDATE")
_OVERLAP = text(
    "SELECT since, until FROM dividend WHERE merchant_id = :merchant AND since <= :until AND until >= :since"
    " ORDER BY since LIMIT 1"
)
_UNDERWAY = text("SELECT 1 FROM dividend WHERE merchant_id = :merchant AND paid_at IS NULL")
_BY_KEY = text(f"SELECT {_COLUMNS} FROM dividend WHERE key = :key")
_ONE = text(f"SELECT {_COLUMNS} FROM dividend WHERE id = :id")
_OF = text(f"SELECT {_COLUMNS} FROM dividend WHERE merchant_id = :merchant ORDER BY id DESC LIMIT :limit")
_MAKE = text(
    "INSERT INTO dividend (key, merchant_id, since, until, pool, earned, members, expires_on, entry_id, made_by, made_at)"
    " VALUES (:key, :merchant, :since, :until, :pool, :earned, :members, :expires_on, :entry, :by, :now)"
    f" RETURNING {_COLUMNS}"
)
_SHARES = text(
    "INSERT INTO dividend_share (dividend_id, member_id, earned, points) SELECT :dividend, n.i, n.e, n.p FROM"
    " unnest(CAST(:ids AS bigint[]), CAST(:earned AS bigint[]), CAST(:points AS bigint[])) AS n(i, e, p)"
)
_NEXT = text("SELECT id FROM dividend WHERE paid_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
_OPEN = text(
    "SELECT member_id, earned, points FROM dividend_share WHERE dividend_id = :dividend AND entry_id IS NULL"
    " ORDER BY member_id LIMIT :limit"
)
_GIVEN = text(
    "UPDATE dividend_share s SET entry_id = n.e FROM unnest(CAST(:ids AS bigint[]), CAST(:entries AS bigint[])) AS n(i, e)"
    " WHERE s.dividend_id = :dividend AND s.member_id = n.i"
)
_PAID = text("UPDATE dividend SET paid_at = :now WHERE id = :dividend")


def must_be_settled(merchant: Merchant, until: dt.date, today: dt.date) -> None:
    """`PeriodOpen` while a purchase of the period's last day, or that day itself, is not over."""
    settled_on = max(merchants.available_on(merchant.terms, until), until + dt.timedelta(days=1))
    if today < settled_on:
        raise PeriodOpen(settled_on)


async def plan(
    tx: AsyncConnection, merchant: Merchant, staff: Staff, *, since: dt.date, until: dt.date, pool: int, at: Moment
) -> Plan:
    """What a pool would come to, shown before it is funded; `fund` refuses whatever this refuses.

    Raises:
        NotAllowed → MerchantMayNotIssue → PoolOutOfRange → PeriodOpen → PeriodShared → DividendUnderway → NobodyEarned.
    """
    staff.demand("fund_dividends")
    merchant.must_issue(at.today)
    if not 1 <= pool <= POOL_MOST:
        raise PoolOutOfRange(pool, POOL_MOST)
    must_be_settled(merchant, until, at.today)
    facts = {"merchant": merchant.id, "since": since, "until": until}
    if (shared := (await tx.execute(_OVERLAP, facts)).first()) is not None:
        raise PeriodShared(shared.since, shared.until)
    if await tx.scalar(_UNDERWAY, {"merchant": merchant.id}):
        raise DividendUnderway()
    earned = {row.who: row.earned for row in await tx.execute(_EARNED, facts)}
    if not earned:
        raise NobodyEarned(since, until)
    return Plan(since, until, pool, earned, shares(pool, earned))


async def fund(
    tx: AsyncConnection,
    merchant: Merchant,
    staff: Staff,
    *,
    since: dt.date,
    until: dt.date,
    pool: int,
    nonce: str,
    at: Moment,
) -> Dividend:
    """Issue the pool to the merchant's own account and fix every share. A repeat of the nonce gives the same dividend.

    Raises: those of `plan`, CoverExhausted, then the engine's.
    """
    await tx.execute(_LOCK, {"merchant": merchant.id})
    key = _key(merchant.id, nonce)
    if (known := await by_nonce(tx, merchant.id, nonce)) is not None:
        return known
    planned = await plan(tx, merchant, staff, since=since, until=until, pool=pool, at=at)
    await cover.demand(tx, merchant, pool, None, at)
    expires_on = merchants.expires_on(merchant.terms, at.today)
    funded = await post(
        tx,
        Accrue(
            key=key,
            owner=Owner("merchant", merchant.id),
            currency=merchant.terms.currency,
            at=at,
            actor=staff.actor,
            issuer_id=merchant.id,
            merchant_id=merchant.id,
            points=pool,
            available_on=at.today,
            expires_on=expires_on,
            rule="dividend",
            transferable=merchant.terms.transferable,
            facts={"what": "dividend_pool", "since": since.isoformat(), "until": until.isoformat()},
        ),
    )
    facts = {
        "key": key,
        "merchant": merchant.id,
        "since": since,
        "until": until,
        "pool": pool,
        "earned": planned.earned_total,
        "members": len(planned.shares),
        "expires_on": expires_on,
        "entry": funded.entry_id,
        "by": staff.actor,
        "now": at.now,
    }
    made = _dividend((await tx.execute(_MAKE, facts)).one())
    await tx.execute(
        _SHARES,
        {
            "dividend": made.id,
            "ids": list(planned.shares),
            "earned": [planned.earned[who] for who in planned.shares],
            "points": list(planned.shares.values()),
        },
    )
    return made


async def pay(tx: AsyncConnection, *, at: Moment, limit: int) -> list[Paid]:
    """Give the next shares of the oldest dividend that is underway; fewer than `limit` where it ends with them.

    Each share is a transfer under a key of its own: a repeat gives nothing twice.
    """
    dividend_id = await tx.scalar(_NEXT)
    if dividend_id is None:
        return []
    dividend = await one(tx, dividend_id)
    merchant = await merchants.by_id(tx, dividend.merchant_id)
    rows = (await tx.execute(_OPEN, {"dividend": dividend.id, "limit": limit})).all()
    outcomes = await apply(tx, [_share(dividend, merchant, row, at) for row in rows])
    given = []
    for row, receipt in zip(rows, outcomes, strict=True):
        if isinstance(receipt, Refusal):
            raise Fault(f"dividend {dividend.id} can't give member {row.member_id} its share: {receipt}")
        given.append(Paid(receipt, dividend, row.member_id, row.earned, row.points))
    entries = {"ids": [each.member_id for each in given], "entries": [each.receipt.entry_id for each in given]}
    await tx.execute(_GIVEN, {**entries, "dividend": dividend.id})
    if len(rows) < limit:
        await tx.execute(_PAID, {"dividend": dividend.id, "now": at.now})
    return given


def _share(dividend: Dividend, merchant: Merchant, row: Row[Any], at: Moment) -> Transfer:
    period = {"since": dividend.since.isoformat(), "until": dividend.until.isoformat()}
    figures = {"pool": dividend.pool, "earned": row.earned, "total": dividend.earned, "points": row.points}
    return Transfer(
        key=f"dividend:{dividend.id}:{row.member_id}",
        owner=Owner("merchant", merchant.id),
        to=member(row.member_id),
        currency=merchant.terms.currency,
        at=at,
        actor="programme",
        merchant_id=merchant.id,
        points=row.points,
        facts={"what": "dividend", "dividend": dividend.id},
        trace=[{"what": "dividend", **figures, **period, "members": dividend.members}],
    )


def _key(merchant_id: int, nonce: str) -> str:
    return f"dividend-pool:{merchant_id}:{nonce}"


async def by_nonce(tx: AsyncConnection, merchant_id: int, nonce: str) -> Dividend | None:
    """The dividend that a tap funded, if it has."""
    row = (await tx.execute(_BY_KEY, {"key": _key(merchant_id, nonce)})).first()
    return None if row is None else _dividend(row)


async def one(tx: AsyncConnection, dividend_id: int) -> Dividend:
    """One dividend. `LookupError` where there is none."""
    row = (await tx.execute(_ONE, {"id": dividend_id})).first()
    if row is None:
        raise LookupError(dividend_id)
    return _dividend(row)


async def of_merchant(tx: AsyncConnection, merchant_id: int, *, limit: int = 8) -> list[Dividend]:
    """A merchant's dividends, newest first."""
    return [_dividend(row) for row in await tx.execute(_OF, {"merchant": merchant_id, "limit": limit})]


def _dividend(row: Row[Any]) -> Dividend:
    return Dividend(**row._mapping)
