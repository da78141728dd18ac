"""Putting offers on the shelf: each change of a document is a new version, and old versions stay, because vouchers were issued
under them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.named import must_be_known
from ledger.merchants import merchant as merchants
from ledger.points import statements
from ledger.redeeming import booking_outlets, code_pools, fulfilments, memberships, stock
from ledger.redeeming.offers import Names, Offer, parse
from ledger.redeeming.shelf import NoSuchOffer
from ledger.redeeming.spelling import search_text


@dataclass(eq=False)
class CurrencyNotAccepted(Refusal):
    """An offer is paid in the common currency, where its merchant accepts it, or in the merchant's own."""

    merchant: str
    currency: str


_MINE = (
    "SELECT o.id, o.version, o.document = CAST(:document AS jsonb) AS same, o.document::text AS document"
    " FROM offer o WHERE o.code = :code"
)
_INSERT = text(
    "INSERT INTO offer (code, version, merchant_id, category, currency_id, least_points, document, search_text)"
    " VALUES (:code, 1, :merchant_id, :category, :currency_id, :least_points, CAST(:document AS jsonb), :search_text)"
    " RETURNING id"
)
_UPDATE = text(
    "UPDATE offer SET version = :version, merchant_id = :merchant_id, category = :category, currency_id = :currency_id,"
    " least_points = :least_points, document = CAST(:document AS jsonb) WHERE id = :id"
)
_VERSION = text(
    "INSERT INTO offer_version (offer_id, version, document, made_at, made_by)"
    " VALUES (:id, :version, CAST(:document AS jsonb), :at, :by)"
)


async def publish(tx: AsyncConnection, offer: Offer, *, now: dt.datetime, today: dt.date, by: str | None = None) -> int:
    """Put an offer on the shelf, or a new version of it; an unchanged document makes no version. Gives its id. `by`: whose the
    version is, as entries name an actor.

    Waits for redemptions of this offer in flight, so that none runs under two versions. Refuses `NoSuchMerchant`,
    `CurrencyNotAccepted`, `NoSuchTier`, `NoSuchRegion`, `NoSuchGreenClass`, `NotTheTierSeller`,
    `NoSuchPool`, `NoOutletOfThatName`, `NoSuchMerchant`, `FulfillerNotServing`.
    """
    merchant = await merchants.by_code(tx, offer.merchant)
    known = await statements.currencies(tx)
    currency = next((c for c in known.values() if c.code == offer.currency), None)
    common = currency is not None and currency.issuer_id is None and merchant.terms.accepts_common
    if currency is None or not (common or currency.issuer_id == merchant.id):
        raise CurrencyNotAccepted(offer.merchant, offer.currency)
    tiers, regions = offer.named()
    await must_be_known(tx, tiers=tiers, regions=regions, green_classes={offer.green_class} - {None})
    if offer.membership is not None:
        await memberships.must_be_seller(tx, offer.merchant)
    if offer.pool is not None:
        await code_pools.must_exist(tx, merchant.id, offer.pool)
    fulfillers = await fulfilments.must_serve(tx, offer, common=common)
    owner = Names(zh=merchant.name_zh, en=merchant.name_en)
    facts = {
        "code": offer.code,
        "merchant_id": merchant.id,
        "category": offer.category,
        "currency_id": currency.id,
        "least_points": offer.least_points,
        "document": offer.model_dump_json(),
        "search_text": search_text(offer.name, owner),
    }
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('offer-code:' || :code, 0))"), {"code": offer.code}
    )
    old = (await tx.execute(text(_MINE), facts)).first()
    outlets = [each.outlet for each in offer.booking.outlets] if offer.booking is not None else []
    at = await booking_outlets.meant(tx, merchant.id, 0 if old is None else old.id, outlets) if outlets else []
    if old is None:
        offer_id, version = int(await tx.scalar(_INSERT, facts) or 0), 1
    else:
        offer_id, version = old.id, old.version + (not old.same)
        await tx.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended('offer:' || :id, 0))"), {"id": str(offer_id)}
        )
        if not old.same:
            await tx.execute(_UPDATE, {**facts, "id": offer_id, "version": version})
    if offer.booking is not None:
        await booking_outlets.keep(tx, offer_id, at)
    if old is None or not old.same:
        made = {"document": facts["document"], "at": now, "by": by}
        await tx.execute(_VERSION, {"id": offer_id, "version": version, **made})
        await stock.limit(tx, offer_id, offer.limits, today=today)
        anew = old is not None and fulfilments.binds_anew(parse(old.document), offer)
        await fulfilments.publish(tx, offer_id, version, fulfillers, binds_anew=anew, now=now)
    await fulfilments.keep(tx, offer_id, offer, owner)
    return offer_id


async def set_active(tx: AsyncConnection, offer_id: int, active: bool) -> None:
    """Pause an offer, or bring it back. Vouchers already issued stay good. `NoSuchOffer`."""
    done = await tx.execute(
        text("UPDATE offer SET active = :active WHERE id = :id"), {"id": offer_id, "active": active}
    )
    if done.rowcount == 0:
        raise NoSuchOffer(offer_id)
