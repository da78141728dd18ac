"""A merchant's outlets and their tills (C8). An outlet's region is that of its purchases (C6); receipts carry a till's label.

What is closed stays in the records; its name and label may be used again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log
from ledger.merchants.staff import Staff

Text = Literal["name", "address", "hours"]
LONGEST: dict[Text, int] = {"name": 30, "address": 80, "hours": 40}
LABEL_LONGEST = 16
OUTLETS_MOST, TILLS_MOST = 200, 60


@dataclass(eq=False)
class OutletTextWrong(Refusal):
    """A name is 1 to `longest` characters on one line; address and hours may be empty."""

    field: str
    longest: int


@dataclass(eq=False)
class OutletNameTaken(Refusal):
    """Another open outlet of this merchant has the name."""

    name: str


@dataclass(eq=False)
class TillLabelTaken(Refusal):
    """Another till of this merchant has the label."""

    label: str


@dataclass(eq=False)
class TillLabelWrong(Refusal):
    """A label is 1 to `longest` characters on one line."""

    longest: int


@dataclass(eq=False)
class TooManyOutlets(Refusal):
    """A merchant has at most `outlets` outlets with `tills` tills each."""

    outlets: int
    tills: int


@dataclass(eq=False)
class NoSuchOutlet(Refusal):
    """No open outlet of this merchant has this number."""

    outlet_id: int


@dataclass(eq=False)
class NoSuchTill(Refusal):
    """No open till of this merchant has this number."""

    till_id: int


@dataclass(frozen=True, slots=True)
class Till:
    """A till, by the label that receipts carry."""

    id: int
    merchant_id: int
    outlet_id: int
    label: str


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet with its open tills, by label. `region` None: the merchant's own."""

    id: int
    merchant_id: int
    name: str
    region: str | None
    address: str
    hours: str
    tills: tuple[Till, ...] = ()


_OUTLETS = text(
    """
    SELECT o.id, o.merchant_id, o.name, o.region, o.address, o.hours,
           coalesce(array_agg(t.id ORDER BY t.label) FILTER (WHERE t.id IS NOT NULL), '{}') AS till_ids,
           coalesce(array_agg(t.label ORDER BY t.label) FILTER (WHERE t.id IS NOT NULL), '{}') AS labels
    FROM outlet o LEFT JOIN till t ON t.outlet_id = o.id AND t.closed_at IS NULL
    WHERE o.merchant_id = :merchant AND o.closed_at IS NULL GROUP BY o.id ORDER BY o.id
    """
)
_TILL = text(
    "SELECT t.id, t.merchant_id, t.outlet_id, t.label FROM till t WHERE t.id = :id AND t.merchant_id = :merchant"
    " AND t.closed_at IS NULL"
)
_CHANGE = {
    "name": text("UPDATE outlet SET name = :said WHERE id = :id"),
    "address": text("UPDATE outlet SET address = :said WHERE id = :id"),
    "hours": text("UPDATE outlet SET hours = :said WHERE id = :id"),
    "region": text("UPDATE outlet SET region = :said WHERE id = :id"),
}


def _outlet(row: Row[Any]) -> Outlet:
    tills = tuple(Till(i, row.merchant_id, row.id, label) for i, label in zip(row.till_ids, row.labels, strict=True))
    return Outlet(row.id, row.merchant_id, row.name, row.region, row.address, row.hours, tills)


async def of(tx: AsyncConnection, merchant_id: int) -> list[Outlet]:
    """A merchant's open outlets with their open tills, oldest first."""
    return [_outlet(row) for row in await tx.execute(_OUTLETS, {"merchant": merchant_id})]


async def one(tx: AsyncConnection, merchant_id: int, outlet_id: int) -> Outlet:
    """One open outlet of a merchant, or `NoSuchOutlet`."""
    found = next((each for each in await of(tx, merchant_id) if each.id == outlet_id), None)
    if found is None:
        raise NoSuchOutlet(outlet_id)
    return found


async def till(tx: AsyncConnection, merchant_id: int, till_id: int) -> Till:
    """One open till of a merchant, or `NoSuchTill`."""
    row = (await tx.execute(_TILL, {"id": till_id, "merchant": merchant_id})).first()
    if row is None:
        raise NoSuchTill(till_id)
    return Till(*row)


def tidy(field: Text, said: str) -> str:
    """A text on one line. `OutletTextWrong`."""
    said = " ".join(said.split())
    if len(said) > LONGEST[field] or (field == "name" and not said):
        raise OutletTextWrong(field, LONGEST[field])
    return said


async def open_outlet(
    tx: AsyncConnection,
    *,
    by: Staff,
    name: str,
    region: str | None = None,
    address: str = "",
    hours: str = "",
    now: dt.datetime,
) -> Outlet:
    """A new outlet of the merchant that `by` works for.

    Raises:
        NotAllowed → OutletTextWrong → TooManyOutlets → OutletNameTaken.
    """
    by.demand("run_outlets")
    values = {"name": tidy("name", name), "address": tidy("address", address), "hours": tidy("hours", hours)}
    if len(await of(tx, by.merchant_id)) >= OUTLETS_MOST:
        raise TooManyOutlets(OUTLETS_MOST, TILLS_MOST)
    query = text(
        "INSERT INTO outlet (merchant_id, name, region, address, hours, opened_at)"
        " VALUES (:merchant, :name, :region, :address, :hours, :at)"
        " ON CONFLICT (merchant_id, name) WHERE closed_at IS NULL DO NOTHING RETURNING id"
    )
    made = await tx.scalar(query, {"merchant": by.merchant_id, "region": region, "at": now, **values})
    if made is None:
        raise OutletNameTaken(values["name"])
    await log.write(tx, by.merchant_id, "outlet_opened", who=by.actor, at=now, name=values["name"])
    return Outlet(made, by.merchant_id, values["name"], region, values["address"], values["hours"])


async def change(
    tx: AsyncConnection,
    outlet_id: int,
    field: Text | Literal["region"],
    said: str | None,
    *,
    by: Staff,
    now: dt.datetime,
) -> Outlet:
    """Change what an outlet is called, where it is or when it is open; `region` None: the merchant's own.

    Raises:
        NotAllowed → NoSuchOutlet → OutletTextWrong → OutletNameTaken.
    """
    by.demand("run_outlets")
    known = await one(tx, by.merchant_id, outlet_id)
    value = said if field == "region" else tidy(field, said or "")
    if value == getattr(known, field):
        return known
    try:
        async with tx.begin_nested():
            await tx.execute(_CHANGE[field], {"id": outlet_id, "said": value})
    except IntegrityError:
        raise OutletNameTaken(str(value)) from None
    await log.write(tx, by.merchant_id, "outlet_changed", who=by.actor, at=now, name=known.name, field=field)
    return await one(tx, by.merchant_id, outlet_id)


async def close_outlet(tx: AsyncConnection, outlet_id: int, *, by: Staff, now: dt.datetime) -> Outlet:
    """Close an outlet and its tills; whoever still works a shift there closes it as usual.

    Raises:
        NotAllowed → NoSuchOutlet.
    """
    by.demand("run_outlets")
    known = await one(tx, by.merchant_id, outlet_id)
    await tx.execute(text("UPDATE outlet SET closed_at = :at WHERE id = :id"), {"id": outlet_id, "at": now})
    close_tills = text("UPDATE till SET closed_at = :at WHERE outlet_id = :id AND closed_at IS NULL")
    await tx.execute(close_tills, {"id": outlet_id, "at": now})
    await log.write(tx, by.merchant_id, "outlet_closed", who=by.actor, at=now, name=known.name)
    return known


async def open_till(tx: AsyncConnection, outlet_id: int, label: str, *, by: Staff, now: dt.datetime) -> Till:
    """A new till in an outlet.

    Raises:
        NotAllowed → NoSuchOutlet → TillLabelWrong → TooManyOutlets → TillLabelTaken.
    """
    by.demand("run_outlets")
    where = await one(tx, by.merchant_id, outlet_id)
    label = " ".join(label.split())
    if not 1 <= len(label) <= LABEL_LONGEST:
        raise TillLabelWrong(LABEL_LONGEST)
    if len(where.tills) >= TILLS_MOST:
        raise TooManyOutlets(OUTLETS_MOST, TILLS_MOST)
    query = text(
        "INSERT INTO till (merchant_id, outlet_id, label, opened_at) VALUES (:merchant, :outlet, :label, :at)"
        " ON CONFLICT (merchant_id, label) WHERE closed_at IS NULL DO NOTHING RETURNING id"
    )
    made = await tx.scalar(query, {"merchant": by.merchant_id, "outlet": outlet_id, "label": label, "at": now})
    if made is None:
        raise TillLabelTaken(label)
    await log.write(tx, by.merchant_id, "till_opened", who=by.actor, at=now, label=label, outlet=where.name)
    return Till(made, by.merchant_id, outlet_id, label)


async def close_till(tx: AsyncConnection, till_id: int, *, by: Staff, now: dt.datetime) -> Till:
    """Close a till. `NotAllowed` → `NoSuchTill`."""
    by.demand("run_outlets")
    known = await till(tx, by.merchant_id, till_id)
    await tx.execute(text("UPDATE till SET closed_at = :at WHERE id = :id"), {"id": till_id, "at": now})
    await log.write(tx, by.merchant_id, "till_closed", who=by.actor, at=now, label=known.label)
    return known
