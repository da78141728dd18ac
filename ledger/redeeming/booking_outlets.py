"""At which outlets offers are booked. A document names them; what it names is looked up as it is published and kept by number, so
that another name for an outlet takes nothing away. A closed outlet takes no bookings; what is booked there stays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.redeeming.booking import Outlet
from ledger.redeeming.privileges import NoOutletOfThatName

_KNOWN = text(
    "SELECT b.name AS said, o.id, o.name FROM booking_outlet b JOIN outlet o ON o.id = b.outlet_id AND o.closed_at IS NULL"
    " WHERE b.offer_id = :offer"
)
_OPEN = text("SELECT id, name FROM outlet WHERE merchant_id = :merchant AND closed_at IS NULL")
_FORGET = text("DELETE FROM booking_outlet WHERE offer_id = :offer")
_KEEP = text("INSERT INTO booking_outlet (offer_id, outlet_id, name) VALUES (:offer, :outlet, :name)")
_TO_COME = text(
    "SELECT count(*) FROM booking WHERE merchant_id = :merchant AND outlet_id = :outlet AND state = 'booked' AND ends_at > :now"
)


async def named(tx: AsyncConnection, merchant_id: int, offer_id: int, names: Iterable[str]) -> list[tuple[str, Outlet]]:
    """What a document of this offer means by these names: as it was published last, else the open outlet of that name. Names that
    mean none, or one that is meant by another name already, are left out."""
    known = {row.name: Outlet(row.id, row.name) for row in await tx.execute(_OPEN, {"merchant": merchant_id})}
    known |= {row.said: Outlet(row.id, row.name) for row in await tx.execute(_KNOWN, {"offer": offer_id})}
    found: dict[str, Outlet] = {}
    for name in names:
        if name in known and known[name] not in found.values():
            found[name] = known[name]
    return list(found.items())


async def meant(tx: AsyncConnection, merchant_id: int, offer_id: int, names: Iterable[str]) -> list[tuple[str, Outlet]]:
    """As `named`, of a document that is about to be published: `NoOutletOfThatName` for what would be left out."""
    said = list(names)
    found = await named(tx, merchant_id, offer_id, said)
    if missing := [name for name in said if name not in dict(found)]:
        raise NoOutletOfThatName(missing[0])
    return found


async def keep(tx: AsyncConnection, offer_id: int, found: Iterable[tuple[str, Outlet]]) -> None:
    """Write down what a document means, as it is published."""
    await tx.execute(_FORGET, {"offer": offer_id})
    for name, outlet in found:
        await tx.execute(_KEEP, {"offer": offer_id, "outlet": outlet.id, "name": name})


async def to_come(tx: AsyncConnection, merchant_id: int, outlet_id: int, *, now: dt.datetime) -> int:
    """How many have booked a time at an outlet that is not over at `now`, an instant of the programme's clock."""
    return int(await tx.scalar(_TO_COME, {"merchant": merchant_id, "outlet": outlet_id, "now": now}) or 0)
