"""Reads: balances, the expiry schedule, history by page, one entry opened, and what a burn would take.

Balances are index probes on `account`; history is keyset-paged on (owner, id), so a page costs a page whatever lies behind it.
Points that are due but not yet released or expired by the nightly run are shown as what they already are.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points.commands import Leg, NoSuchEntry, NotEnoughPoints, Owner
from ledger.points.reading import fetch


@dataclass(frozen=True, slots=True)
class Currency:
    """A point currency: `value_points` points are worth `value_minor` minor units of `money`. `issuer_id` None: common."""

    id: int
    code: str
    issuer_id: int | None
    name_zh: str
    name_en: str
    value_minor: int
    value_points: int
    money: str
    name_en_one: str | None = None

    def worth(self, points: int) -> int:
        """What so many points are worth, in minor units, rounded down."""
        return points * self.value_minor // self.value_points


@dataclass(frozen=True, slots=True)
class Holding:
    """What an owner holds of one currency. `deficits` maps issuer id → points owed (positive)."""

    currency: Currency
    available: int = 0
    pending: int = 0
    held: int = 0
    deficits: dict[int, int] = field(default_factory=dict)
    next_expiry: tuple[dt.date, int] | None = None
    next_release: tuple[dt.date, int] | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """Points that end on one day: `expires_on` is their last good day; None: never."""

    currency_id: int
    expires_on: dt.date | None
    issuer_id: int
    points: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history. `points` is signed from the owner's view: what they hold more or less of; pending counts as
    held by them, a deficit as held less. A hold and a release are 0: nothing was won or lost. So an owner's lines of a currency
    add up to available + pending + held − deficit, but for what an exchange brought (`facts["received"]`)."""

    entry_id: int
    kind: str
    points: int
    size: int
    currency_id: int
    merchant_id: int | None
    counter: Owner | None
    occurred_at: dt.datetime
    posted_at: dt.datetime
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LotPart:
    """A part of a lot: how many points of it, and the lot's own figures."""

    lot_id: int
    points: int
    issuer_id: int
    expires_on: dt.date | None
    available_on: dt.date
    rule: str | None


@dataclass(frozen=True, slots=True)
class Explained:
    """An entry opened: everything that «why» shows."""

    line: Line
    key: str
    actor: str
    reason: str | None
    trace: list[Any] | None
    undoes_id: int | None
    undone_by: tuple[int, ...]
    legs: tuple[Leg, ...]
    lots: tuple[LotPart, ...]


_CURRENCIES = text(
    "SELECT id, code, issuer_id, name_zh, name_en, value_minor, value_points, money, name_en_one FROM currency ORDER BY id"
)

WALLET = """
    SELECT a.currency_id, a.purpose, a.issuer_id, a.balance, c.code, c.issuer_id AS owned_by, c.name_zh, c.name_en,
           c.value_minor, c.value_points, c.money, c.name_en_one,
           coalesce(d.due, 0)::bigint AS due, d.next_on, d.next_points, r.good, r.until, r.until_points
    FROM account a JOIN currency c ON c.id = a.currency_id
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(points) FILTER (WHERE due_on <= {today}::date), 0)::bigint AS due,
               min(due_on) FILTER (WHERE due_on > {today}) AS next_on,
               (array_agg(points ORDER BY due_on) FILTER (WHERE due_on > {today}))[1] AS next_points
        FROM (SELECT due_on, sum(points)::bigint AS points FROM position WHERE account_id = a.id GROUP BY 1) days
    ) d ON a.purpose IN ('available', 'pending')
    LEFT JOIN LATERAL (
        -- Of what is due for release: how much is still good, and what of it ends first.
        SELECT sum(good.points)::bigint AS good, min(good.expires_on) AS until,
               (sum(good.points) FILTER (WHERE good.expires_on = good.first_end))::bigint AS until_points
        FROM (SELECT p.points, l.expires_on, min(l.expires_on) OVER () AS first_end FROM position p JOIN lot l ON l.id = p.lot_id
              WHERE p.account_id = a.id AND p.due_on <= {today} AND (l.expires_on IS NULL OR l.expires_on >= {today})) good
    ) r ON a.purpose = 'pending' AND d.due > 0
    WHERE a.owner_id = {owner} AND a.owner_kind = {kind}
      AND a.purpose IN ('available', 'pending', 'held', 'deficit')
"""
"""What an owner holds, a row for each account; `holdings` reads it. Its placeholders are the owner's id and kind, and today."""

_WALLET = WALLET.format(owner="$1", kind="$2", today="$3")

_SCHEDULE = text(
    """
    SELECT a.currency_id, l.expires_on, l.issuer_id, sum(p.points)::bigint AS points
    FROM account a JOIN position p ON p.account_id = a.id JOIN lot l ON l.id = p.lot_id
    WHERE a.owner_id = :owner_id AND a.owner_kind = :owner_kind AND a.purpose IN ('available', 'pending')
      AND (a.purpose = 'available' OR p.due_on <= :today) AND (l.expires_on IS NULL OR l.expires_on >= :today)
    GROUP BY 1, 2, 3 ORDER BY l.expires_on NULLS LAST, 1, 3
    """
)

_ENTRY_COLUMNS = """
    e.id, e.kind, e.points, e.currency_id, e.merchant_id, e.owner_kind, e.owner_id, e.counter_kind, e.counter_id,
    e.occurred_at, e.posted_at, e.facts
"""

KINDS_EARNED = ("accrue", "open_balance")
KINDS_SPENT = ("burn",)
KINDS_ENDED = ("expire", "claw_back")

_GAINS = {"accrue", "open_balance", "reinstate", "restore"}
_LOSSES = {"burn", "expire", "claw_back"}


async def currencies(tx: AsyncConnection) -> dict[int, Currency]:
    """Every point currency by id, common points first."""
    return {row.id: Currency(*row) for row in await tx.execute(_CURRENCIES)}


async def wallet(tx: AsyncConnection, owner: Owner, *, today: dt.date) -> list[Holding]:
    """What the owner holds, by currency in id order (common points first); currencies never touched are left out.

    Points due on or before `today` are counted as released or expired already.
    """
    return holdings(await fetch(tx, _WALLET, owner.id, owner.kind, today))


def holdings(rows: Iterable[Sequence[Any]]) -> list[Holding]:
    """The rows of `WALLET` as `wallet` gives them."""
    found: dict[int, dict[str, Any]] = {}
    soonest: dict[int, Counter[dt.date]] = {}
    for row in rows:
        (
            currency_id, purpose, issuer_id, balance, code, owned_by, name_zh, name_en, value_minor, value_points, money,
            name_en_one, due, next_on, next_points, good, until, until_points,
        ) = row  # fmt: skip
        h = found.get(currency_id)
        if h is None:
            currency = Currency(
                currency_id, code, owned_by, name_zh, name_en, value_minor, value_points, money, name_en_one
            )
            h = {"currency": currency, "available": 0, "pending": 0, "held": 0, "deficits": {}}
            found[currency_id] = h
        ends = soonest.setdefault(currency_id, Counter())
        match purpose:
            case "available":
                h["available"] += balance - due
                if next_on is not None:
                    ends[next_on - dt.timedelta(days=1)] += next_points
            case "pending":
                h["pending"] += balance - due
                h["available"] += good or 0
                if until is not None:
                    ends[until] += until_points
                if next_on is not None:
                    h["next_release"] = (next_on, next_points)
            case "held":
                h["held"] += balance
            case "deficit" if balance:
                h["deficits"][issuer_id] = -balance
    for currency_id, ends in soonest.items():
        if ends:
            found[currency_id]["next_expiry"] = min(ends.items())
    return [Holding(**h) for _, h in sorted(found.items())]


async def schedule(tx: AsyncConnection, owner: Owner, *, today: dt.date) -> list[Due]:
    """When the owner's available points end, by day, currency and issuer: soonest first, never last."""
    rows = await tx.execute(_SCHEDULE, {"owner_id": owner.id, "owner_kind": owner.kind, "today": today})
    return [Due(*row) for row in rows]


async def history(
    tx: AsyncConnection,
    owner: Owner,
    *,
    before: int | None = None,
    limit: int = 8,
    kinds: Sequence[str] | None = None,
    currency_id: int | None = None,
    merchant_id: int | None = None,
) -> list[Line]:
    """A page of the owner's entries, newest first, older than entry `before`. Ask for limit + 1 to see whether more follow."""
    where = "AND e.id < :before" if before is not None else ""
    where += " AND e.kind = ANY(CAST(:kinds AS text[]))" if kinds is not None else ""
    where += " AND e.currency_id = :currency_id" if currency_id is not None else ""
    where += " AND e.merchant_id = :merchant_id" if merchant_id is not None else ""
    own = f"SELECT {_ENTRY_COLUMNS} FROM entry e WHERE e.owner_id = :id AND e.owner_kind = :kind {where}"
    other = f"SELECT {_ENTRY_COLUMNS} FROM entry e WHERE e.counter_id = :id AND e.counter_kind = :kind {where}"
    page = "ORDER BY id DESC LIMIT :limit"
    query = text(f"SELECT * FROM (({own} {page}) UNION ALL ({other} {page})) both_sides {page}")
    values = {
        "id": owner.id,
        "kind": owner.kind,
        "before": before,
        "kinds": list(kinds or ()),
        "currency_id": currency_id,
        "merchant_id": merchant_id,
        "limit": limit,
    }
    wanted = {k: v for k, v in values.items() if f":{k}" in query.text}
    return [_line(row, owner) for row in await tx.execute(query, wanted)]


def _line(row: Any, owner: Owner) -> Line:
    mine = (row.owner_kind, row.owner_id) == owner
    counter = None
    if row.counter_kind is not None:
        counter = Owner(row.counter_kind, row.counter_id) if mine else Owner(row.owner_kind, row.owner_id)
    if row.kind in ("transfer", "give"):
        signed = -row.points
    elif row.kind in _GAINS:
        signed = row.points
    elif row.kind in _LOSSES:
        signed = -row.points
    else:
        signed = int(row.facts.get("net", 0))
    pooled = int(row.facts.get("from_pool", 0))  # of a claw-back: its other side is the pool that it took so many from
    if not mine:
        # Of a gift that had waited, what has run out meanwhile did not arrive.
        signed = -pooled if pooled else -signed - int(row.facts.get("run_out", 0))
    elif pooled:
        signed += pooled
    if mine or not pooled:
        # A late return may have expired at once; what a claw-back found expired was lost before.
        signed += int(row.facts.get("from_expired", 0)) - int(row.facts.get("expired_on_return", 0))
    return Line(
        row.id,
        row.kind,
        signed,
        row.points,
        row.currency_id,
        row.merchant_id,
        counter,
        row.occurred_at,
        row.posted_at,
        row.facts,
    )


async def explain(tx: AsyncConnection, owner: Owner, entry_id: int) -> Explained:
    """One entry of this owner (or one that gave to them), with its legs and lots. `NoSuchEntry` for anybody else's."""
    row = (
        await tx.execute(
            text(
                f"SELECT {_ENTRY_COLUMNS}, e.key, e.actor, e.reason, e.trace, e.undoes_id FROM entry e WHERE e.id = :entry"
                " AND e.owner_id = :id AND e.owner_kind = :kind"
                f" UNION ALL SELECT {_ENTRY_COLUMNS}, e.key, e.actor, e.reason, e.trace, e.undoes_id FROM entry e"
                " WHERE e.id = :entry AND e.counter_id = :id AND e.counter_kind = :kind LIMIT 1"
            ),
            {"entry": entry_id, "id": owner.id, "kind": owner.kind},
        )
    ).first()
    if row is None:
        raise NoSuchEntry(entry_id)
    legs = await tx.execute(
        text(
            "SELECT a.owner_kind, a.owner_id, a.purpose, a.currency_id, p.lot_id, p.issuer_id, p.points, p.balance_after,"
            " l.expires_on, l.available_on, l.rule"
            " FROM posting p JOIN account a ON a.id = p.account_id JOIN lot l ON l.id = p.lot_id"
            " WHERE p.entry_id = :entry ORDER BY p.points < 0 DESC, p.account_id, p.number"
        ),
        {"entry": entry_id},
    )
    undone = await tx.execute(text("SELECT id FROM entry WHERE undoes_id = :entry ORDER BY id"), {"entry": entry_id})
    rows = legs.all()
    parts: dict[int, LotPart] = {}
    for leg in rows:
        whose = (leg.owner_kind, leg.owner_id)
        if whose == owner and leg.purpose in ("available", "pending", "held"):
            size = parts[leg.lot_id].points if leg.lot_id in parts else 0
            parts[leg.lot_id] = LotPart(
                leg.lot_id, max(size, abs(leg.points)), leg.issuer_id, leg.expires_on, leg.available_on, leg.rule
            )
    return Explained(
        _line(row, owner),
        row.key,
        row.actor,
        row.reason,
        row.trace,
        row.undoes_id,
        tuple(r.id for r in undone),
        tuple(
            Leg(
                Owner(r.owner_kind, r.owner_id),
                r.purpose,
                r.currency_id,
                r.lot_id,
                r.issuer_id,
                r.points,
                r.balance_after,
            )
            for r in rows
        ),
        tuple(parts.values()),
    )


async def would_burn(
    tx: AsyncConnection, owner: Owner, currency_id: int, points: int, *, today: dt.date
) -> list[LotPart]:
    """The lots that a burn of `points` would take of a member now, in order. `NotEnoughPoints` where it would be refused."""
    rows = (
        await tx.execute(
            text(
                "SELECT p.lot_id, p.points, l.issuer_id, l.expires_on, l.available_on, l.rule, a.purpose, p.due_on"
                " FROM account a JOIN position p ON p.account_id = a.id JOIN lot l ON l.id = p.lot_id"
                " WHERE a.owner_id = :id AND a.owner_kind = :kind AND a.currency_id = :currency"
                " AND a.purpose IN ('available', 'pending')"
                " ORDER BY l.expires_on NULLS LAST, l.available_on, l.id"
            ),
            {"id": owner.id, "kind": owner.kind, "currency": currency_id},
        )
    ).all()

    def spendable(row: Any) -> bool:
        if row.expires_on is not None and row.expires_on < today:
            return False
        return bool(row.purpose == "available" or row.due_on <= today)

    lots, lacking = [], points
    for row in rows:
        if lacking and spendable(row):
            taken = min(lacking, row.points)
            lots.append(LotPart(row.lot_id, taken, row.issuer_id, row.expires_on, row.available_on, row.rule))
            lacking -= taken
    if lacking:
        waiting = [r for r in rows if r.purpose == "pending" and r.due_on > today]
        raise NotEnoughPoints(
            needed=points,
            available=points - lacking,
            pending=sum(r.points for r in waiting),
            next_release_on=min((r.due_on for r in waiting), default=None),
        )
    return lots
