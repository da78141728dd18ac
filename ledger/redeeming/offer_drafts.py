"""Offers being written: one draft for each person at a merchant, which waits until it is published, dropped or forgotten.

A draft is the JSON of an offer's document as far as it is written. Whatever is added must fit the document's own rules, so that a
draft never holds what could not be published; only the parts of `NEEDED` may still be missing. A draft of a change names the
version that it began with: publishing it over a later one is refused, and `onto_latest` carries its changes over.

Whoever reads a draft in a turn locks it: what the turn writes then can't lose the photo that arrives meanwhile. What drafts are in
general is `drafts`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log
from ledger.redeeming import drafts, shelf
from ledger.redeeming.drafts import Document, Drafts, Published, merged
from ledger.redeeming.offers import GOODS_RETURNS, Offer
from ledger.redeeming.own_shelf import taken_of
from ledger.redeeming.publish import publish
from ledger.redeeming.shelf import NoSuchOffer

NEEDED = ("kind", "name", "category", "price")
"""What a draft must have besides what is known from its beginning."""
OF_A_KIND = {"partner_code": "pool", "membership": "membership", "donation": "does"}
"""What one of these kinds, and no other, must have too."""

_FILLERS: Document = {
    "kind": "goods", "name": {"zh": "…", "en": "…"}, "category": "other", "pool": "…", "does": {"zh": "…", "en": "…"},
    "membership": {"tier": "…", "days": 1},
}  # fmt: skip
_PRICES: dict[bool, Document] = {
    False: {"kind": "per_unit", "points": 1},
    True: {"kind": "per_money", "points": 1, "per_minor": 1, "least_minor": 1, "step_minor": 1, "most_minor": 1},
}


@dataclass(eq=False)
class NoSuchDraft(Refusal):
    """Nothing is being written: it was published, dropped, or forgotten after `KEPT_DAYS`."""

    merchant_id: int


@dataclass(eq=False)
class DraftInTheWay(Refusal):
    """Another draft of the same person's is not published yet; `offer_id` None: of a new offer."""

    merchant_id: int
    offer_id: int | None


@dataclass(eq=False)
class OfferEditedMeanwhile(Refusal):
    """A draft began with version `based_on`; the offer is at `version` by now."""

    offer_id: int
    merchant_id: int
    based_on: int
    version: int


@dataclass(eq=False)
class StockBelowTaken(Refusal):
    """So many pieces are out already; a stock is never less."""

    asked: int
    taken: int


@dataclass(frozen=True, slots=True)
class Draft(drafts.Draft):
    """An offer that somebody is writing; a new one has no `offer_id`."""

    @property
    def offer_id(self) -> int | None:
        """The offer that it changes."""
        return self.subject_id

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be written before it can be published."""
        return tuple(_missing(self.document))


_PHOTO = text(
    "UPDATE offer_draft SET photo_file = :file, photo_due = :now, photo_tries = 0, touched_at = :now"
    " WHERE merchant_id = :merchant AND member_id = :member"
)
_FOR_CODES = text(
    "SELECT EXISTS (SELECT FROM offer_draft WHERE merchant_id = :merchant AND member_id = :member"
    " AND document->>'kind' = 'partner_code')"
)
_LOCK_OFFER = text("SELECT pg_advisory_xact_lock(hashtextextended('offer:' || :id, 0))")
_LOCK_CODE = text("SELECT pg_advisory_xact_lock(hashtextextended('offer-code:' || :code, 0))")
_VERSION = text("SELECT document FROM offer_version WHERE offer_id = :id AND version = :version")


def _missing(document: Mapping[str, Any]) -> list[str]:
    own = OF_A_KIND.get(document.get("kind", ""))
    return [part for part in (*NEEDED, *([own] if own else [])) if part not in document]


def written(offer: Offer) -> Document:
    """An offer's document as drafts hold it."""
    found: Document = json.loads(offer.model_dump_json())
    return found


def checked(document: Mapping[str, Any]) -> Offer | None:
    """The offer that a document says; None where something of `NEEDED` is still missing.

    Raises:
        pydantic.ValidationError: what is there already breaks a rule.
    """
    missing = _missing(document)
    if not missing:
        return Offer.model_validate_json(json.dumps(document))
    variable = document.get("kind", "") == "variable_voucher" or document.get("price", {}).get("kind") == "per_money"
    fillers = {**_FILLERS, "kind": "variable_voucher" if variable else "goods", "price": _PRICES[variable]}
    Offer.model_validate_json(json.dumps({**{part: fillers[part] for part in missing}, **document}))
    return None


async def base_of(tx: AsyncConnection, draft: Draft) -> Document:
    """The document that a draft began with; empty for a new offer."""
    if draft.offer_id is None:
        return {}
    said = await tx.scalar(_VERSION, {"id": draft.offer_id, "version": draft.base_version})
    return written(Offer.model_validate(said, strict=False))


async def _published(tx: AsyncConnection, offer_id: int) -> Published:
    this = await shelf.one(tx, offer_id)
    return Published(this.merchant_id, this.version, written(this.offer))


_KEPT = Drafts(
    "offer_draft",
    "offer_id",
    Draft,
    none=NoSuchDraft,
    in_the_way=DraftInTheWay,
    published=_published,
    unknown=NoSuchOffer,
    base=base_of,
    photos=True,
)
find, mine, unfinished = _KEPT.find, _KEPT.mine, _KEPT.unfinished
begin, begin_change, changes, drop = _KEPT.begin, _KEPT.begin_change, _KEPT.changes, _KEPT.drop


async def change(
    tx: AsyncConnection, draft: Draft, parts: Mapping[str, Any], *, guide: str | None, now: dt.datetime
) -> Draft:
    """Write parts of the document (None: without it) and what is asked next.

    Raises:
        pydantic.ValidationError: the document would break a rule. The draft is as it was.
        StockBelowTaken.
    """
    document = merged(draft.document, parts)
    offer = checked(document)
    await _enough(tx, draft.offer_id, document)
    return await _KEPT.keep(tx, draft, document if offer is None else written(offer), guide=guide, now=now)


async def _enough(tx: AsyncConnection, offer_id: int | None, document: Mapping[str, Any]) -> None:
    stock = (document.get("limits") or {}).get("stock")
    if offer_id is None or stock is None:
        return
    taken = await taken_of(tx, offer_id)
    if stock < taken:
        raise StockBelowTaken(stock, taken)


async def for_codes(tx: AsyncConnection, merchant_id: int, member_id: int) -> bool:
    """Whether this person is writing an offer of partner codes, which may wait for some to be brought. Locks nothing."""
    return bool(await tx.scalar(_FOR_CODES, {"merchant": merchant_id, "member": member_id}))


async def onto_latest(tx: AsyncConnection, draft: Draft, *, now: dt.datetime) -> Draft:
    """Carry a draft's changes over to the offer as it is now: where both changed the same part, the draft's stands. The fields
    of booking and of returns are parts of their own, so that other hours don't take back another's cut-off.

    Raises:
        pydantic.ValidationError: the two together break a rule.
    """
    assert draft.offer_id is not None
    mine_, base = await changes(tx, draft), await base_of(tx, draft)
    this = await shelf.one(tx, draft.offer_id)
    latest = written(this.offer)
    if (said := mine_.get("booking")) and (now_booked := latest.get("booking")):
        mine_["booking"] = _onto(now_booked, base.get("booking") or {}, said)
    if "returns" in mine_:
        usual = GOODS_RETURNS.model_dump()
        said = _onto(latest.get("returns") or usual, base.get("returns") or usual, mine_["returns"] or usual)
        mine_["returns"] = None if said == usual else said
    fresh = replace(draft, base_version=this.version, document=latest, guide=None)
    return await change(tx, fresh, mine_, guide=None, now=now)


def _onto(latest: Document, before: Document, said: Document) -> Document:
    """A part of several fields as it is now, with those that were said otherwise than before, or taken away."""
    return merged(latest, {name: said.get(name) for name in {*said, *before} if said.get(name) != before.get(name)})


async def awaits_photo(tx: AsyncConnection, draft: Draft, file_id: str, *, now: dt.datetime) -> None:
    """A picture was sent: it is fetched afterwards (`offer_photos`)."""
    await tx.execute(_PHOTO, {"merchant": draft.merchant_id, "member": draft.member_id, "file": file_id, "now": now})


async def put_up(tx: AsyncConnection, draft: Draft, *, by: str, now: dt.datetime, today: dt.date) -> tuple[int, int]:
    """Publish a draft, which ends with it. Gives the offer's id and version.

    Raises:
        OfferEditedMeanwhile → StockBelowTaken → what `publish` refuses.
    """
    offer = Offer.model_validate_json(json.dumps(draft.document))
    if draft.offer_id is not None:
        await tx.execute(_LOCK_CODE, {"code": offer.code})
        await tx.execute(_LOCK_OFFER, {"id": str(draft.offer_id)})
        this = await shelf.one(tx, draft.offer_id)
        if this.version != draft.base_version:
            raise OfferEditedMeanwhile(draft.offer_id, draft.merchant_id, draft.base_version or 0, this.version)
        await _enough(tx, draft.offer_id, draft.document)
    offer_id = await publish(tx, offer, now=now, today=today, by=by)
    version = (await shelf.one(tx, offer_id)).version
    facts = {"name_zh": offer.name.zh, "name_en": offer.name.en}
    if draft.offer_id is None:
        await log.write(tx, draft.merchant_id, "offer_published", who=by, at=now, **facts)
    elif version != draft.base_version:
        await log.write(tx, draft.merchant_id, "offer_changed", who=by, at=now, **facts, version=version)
    await drop(tx, draft.merchant_id, draft.member_id)
    return offer_id, version
