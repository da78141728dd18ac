"""Other merchants that hand an offer over too: asked by whoever publishes it, bound once they agreed.

What a merchant is bound by is what its counter hands over, and for how many points: where a new version changes any of that, it is
asked again, and hands nothing over under the new version until it agrees. A voucher keeps those who had agreed when it was issued,
whatever they say later. Whoever hands it over is the voucher's merchant from then on: the one that clearing pays, that answers
returns, and whose drawer its cash is in.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log
from ledger.merchants import merchant as merchants
from ledger.redeeming.offers import Names, Offer, parse
from ledger.redeeming.spelling import search_text

State = Literal["asked", "agreed", "declined", "left"]
_LOGGED: dict[State, log.What] = {
    "agreed": "fulfilment_agreed",
    "declined": "fulfilment_declined",
    "left": "fulfilment_left",
}

SERVES = "status IN ('certified', 'suspended')"
"""A merchant in these states hands things over."""
BINDING = frozenset({"kind", "name", "conditions", "price", "specials", "validity_days", "returns"})
"""The parts of a document that its fulfillers are bound by."""


class Fulfiller(NamedTuple):
    """A merchant that hands an offer over."""

    id: int
    name: Names


def fulfillers_of(
    ids: list[int] | None, names_zh: list[str] | None, names_en: list[str] | None
) -> tuple[Fulfiller, ...]:
    """Three columns of a row, one element each for a merchant."""
    if not ids:
        return ()
    named = zip(ids, names_zh or (), names_en or (), strict=True)
    return tuple(Fulfiller(id_, Names(zh=zh, en=en)) for id_, zh, en in named)


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """How a merchant stands to another's offer, which is at `version` now; `active`: it is on the shelf. The merchant agreed last
    to `agreed_version`."""

    offer_id: int
    offer: Offer
    version: int
    active: bool
    owner_id: int
    owner: Names
    merchant_id: int
    merchant: Names
    state: State
    agreed_version: int | None


@dataclass(eq=False)
class NotAsked(Refusal):
    """The merchant was not asked to hand this offer over, or is not any more."""


@dataclass(eq=False)
class FulfillerNotServing(Refusal):
    """A merchant that hands nothing over now, or does not take these points, can't be asked to."""

    merchant: Names


_FIELDS = """
    SELECT f.offer_id, o.document::text AS document, o.version, o.active, o.merchant_id AS owner_id, w.name_zh AS owner_zh,
           w.name_en AS owner_en, f.merchant_id, m.name_zh, m.name_en, f.state, f.agreed_version
    FROM fulfilment f JOIN offer o ON o.id = f.offer_id JOIN merchant w ON w.id = o.merchant_id
    JOIN merchant m ON m.id = f.merchant_id
"""
_OF_OFFER = text(f"{_FIELDS} WHERE f.offer_id = :offer ORDER BY f.merchant_id")
_OF_MERCHANT = text(
    f"{_FIELDS} WHERE f.merchant_id = :merchant"
    " ORDER BY array_position(ARRAY['asked', 'agreed', 'declined', 'left'], f.state), f.offer_id DESC"
)
_ONE = text(f"{_FIELDS} WHERE f.offer_id = :offer AND f.merchant_id = :merchant")
_UNTOLD = text(
    "UPDATE fulfilment SET told = true WHERE offer_id = :offer AND state = 'asked' AND NOT told RETURNING merchant_id"
)
_WAITING = text("SELECT count(*) FROM fulfilment WHERE merchant_id = :merchant AND state = 'asked'")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('offer:' || CAST(:offer AS text), 0))")
_ASK = text(
    """
    INSERT INTO fulfilment (offer_id, merchant_id, version, asked_at)
    SELECT :offer, m, :version, :now FROM unnest(CAST(:merchants AS bigint[])) m
    ON CONFLICT (offer_id, merchant_id) DO NOTHING
    """
)
_ASK_AGAIN = text(
    "UPDATE fulfilment SET state = 'asked', version = :version, asked_at = :now, told = false, answered_at = NULL,"
    " answered_by = NULL WHERE offer_id = :offer AND state = 'agreed'"
)
_NOT_NAMED = text(
    "DELETE FROM fulfilment WHERE offer_id = :offer AND merchant_id <> ALL (CAST(:merchants AS bigint[]))"
)
_ANSWER = text(
    "UPDATE fulfilment SET state = :state, answered_at = :now, answered_by = :by,"
    " agreed_version = CASE WHEN :state = 'agreed' THEN CAST(:version AS integer) ELSE agreed_version END"
    " WHERE offer_id = :offer AND merchant_id = :merchant"
)
_AGREED = """
    SELECT m.id, m.name_zh, m.name_en FROM fulfilment f JOIN merchant m ON m.id = f.merchant_id
    WHERE f.offer_id = :offer AND f.state = 'agreed' ORDER BY m.id
"""
_KEEP = text(
    "UPDATE offer SET fulfillers = CAST(:fulfillers AS bigint[]), search_text = :search_text WHERE id = :offer"
    " AND (fulfillers, search_text) IS DISTINCT FROM (CAST(:fulfillers AS bigint[]), :search_text)"
)


async def must_serve(tx: AsyncConnection, offer: Offer, *, common: bool) -> list[int]:
    """The ids of the merchants that a document names as fulfillers; `common`: it is paid in the coalition's currency, which each of
    them has to accept. `NoSuchMerchant`, `FulfillerNotServing`."""
    found = [await merchants.by_code(tx, code) for code in offer.fulfillers]
    for each in found:
        if not each.serves or (common and not each.terms.accepts_common):
            raise FulfillerNotServing(Names(zh=each.name_zh, en=each.name_en))
    return [each.id for each in found]


async def publish(
    tx: AsyncConnection, offer_id: int, version: int, named: list[int], *, binds_anew: bool, now: dt.datetime
) -> None:
    """Ask those whom a new version names and who were not asked yet; and, where it `binds_anew`, those who had agreed.

    Whoever declined or left is not asked again while they stay named. Those not named any more are bound no longer.
    """
    asked = {"offer": offer_id, "version": version, "merchants": named, "now": now}
    await tx.execute(_NOT_NAMED, {"offer": offer_id, "merchants": named})
    if named:
        if binds_anew:
            await tx.execute(_ASK_AGAIN, {"offer": offer_id, "version": version, "now": now})
        await tx.execute(_ASK, asked)


def binds_anew(before: Offer, after: Offer) -> bool:
    """Whether a new version changes what fulfillers are bound by."""
    return any(getattr(before, part) != getattr(after, part) for part in BINDING)


async def keep(tx: AsyncConnection, offer_id: int, offer: Offer, merchant: Names) -> None:
    """Write who agreed on the offer's own row, and what it is found by: all their names."""
    agreed = (await tx.execute(text(_AGREED), {"offer": offer_id})).all()
    names = [merchant, *(Names(zh=row.name_zh, en=row.name_en) for row in agreed)]
    values = {
        "offer": offer_id,
        "fulfillers": [row.id for row in agreed],
        "search_text": search_text(offer.name, *names),
    }
    await tx.execute(_KEEP, values)


async def answer(
    tx: AsyncConnection, merchant_id: int, offer_id: int, yes: bool, *, by: str, now: dt.datetime
) -> tuple[Fulfilment, bool]:
    """A merchant agrees to hand an offer over, or doesn't, or stops. Gives how it stands now, and whether that is news. A change of
    mind is heard either way as long as the offer names it; vouchers issued before stay good there. `NotAsked`.
    """
    await tx.execute(_LOCK, {"offer": str(offer_id)})
    before = await one(tx, merchant_id, offer_id)
    state: State = "agreed" if yes else "left" if before.state in ("agreed", "left") else "declined"
    if state == before.state:
        return before, False
    values = {"offer": offer_id, "merchant": merchant_id, "version": before.version}
    await tx.execute(_ANSWER, {**values, "state": state, "now": now, "by": by})
    await keep(tx, offer_id, before.offer, before.owner)
    named = before.offer.name
    await log.write(tx, merchant_id, _LOGGED[state], who=by, at=now, name_zh=named.zh, name_en=named.en)
    return await one(tx, merchant_id, offer_id), True


async def one(tx: AsyncConnection, merchant_id: int, offer_id: int) -> Fulfilment:
    """How a merchant stands to an offer. `NotAsked`."""
    row = (await tx.execute(_ONE, {"merchant": merchant_id, "offer": offer_id})).first()
    if row is None:
        raise NotAsked
    return _of_row(row)


async def of_offer(tx: AsyncConnection, offer_id: int) -> list[Fulfilment]:
    """All whom an offer names, and what they said."""
    return [_of_row(row) for row in await tx.execute(_OF_OFFER, {"offer": offer_id})]


async def of_merchant(tx: AsyncConnection, merchant_id: int) -> list[Fulfilment]:
    """All that a merchant was asked to hand over: what waits for its answer first, then what it does, the newest first."""
    return [_of_row(row) for row in await tx.execute(_OF_MERCHANT, {"merchant": merchant_id})]


async def waiting(tx: AsyncConnection, merchant_id: int) -> int:
    """How many offers wait for a merchant's answer."""
    return int(await tx.scalar(_WAITING, {"merchant": merchant_id}) or 0)


async def untold(tx: AsyncConnection, offer_id: int) -> list[Fulfilment]:
    """Those who were asked and whom nobody has told so: once each."""
    ids = set(await tx.scalars(_UNTOLD, {"offer": offer_id}))
    return [each for each in await of_offer(tx, offer_id) if each.merchant_id in ids] if ids else []


def _of_row(row: Row[Any]) -> Fulfilment:
    return Fulfilment(
        offer_id=row.offer_id,
        offer=parse(row.document),
        version=row.version,
        active=row.active,
        owner_id=row.owner_id,
        owner=Names(zh=row.owner_zh, en=row.owner_en),
        merchant_id=row.merchant_id,
        merchant=Names(zh=row.name_zh, en=row.name_en),
        state=row.state,
        agreed_version=row.agreed_version,
    )
