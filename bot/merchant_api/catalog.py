"""The merchant's own offers: read, put on the shelf, taken off it."""

from __future__ import annotations

from pydantic import ValidationError
from sqlalchemy import text

from bot.merchant_api import problems
from bot.merchant_api.calls import Call
from bot.merchant_api.models import CatalogAsked, CatalogOut, FulfillerOut, OfferIn, OfferOut
from chat import fulfilments as fulfilment_news
from ledger.merchants import merchant as merchants
from ledger.redeeming import fulfilments, publish
from ledger.redeeming.offers import Offer

_OWN = text(
    "SELECT id, code, active, document FROM offer WHERE merchant_id = :merchant_id AND code > :after ORDER BY code LIMIT :limit"
)
_WHOSE = text("SELECT merchant_id FROM offer WHERE code = :code")


async def page(call: Call, asked: CatalogAsked) -> CatalogOut:
    """The merchant's offers, by code."""
    values = {"merchant_id": call.merchant.id, "after": asked.after or "", "limit": asked.limit}
    offers = [
        OfferOut(
            code=row.code, active=row.active, document=_own(row.document), fulfillers=await _fulfillers(call, row.id)
        )
        for row in (await call.tx.execute(_OWN, values)).all()
    ]
    return CatalogOut(offers=offers, next=offers[-1].code if len(offers) == asked.limit else None)


async def put(call: Call, asked: OfferIn) -> OfferOut:
    """Publish an offer, or a new version of it.

    Raises:
        Problem 422: the document is no offer. 409: another merchant uses the code. `CurrencyNotAccepted`, `FulfillerNotServing`.
    """
    code = call.path["code"]
    try:
        offer = Offer.model_validate({**asked.document, "code": code, "merchant": call.merchant.code})
    except ValidationError as error:
        raise problems.no_document(error, asked.document) from None
    if (await call.tx.scalar(_WHOSE, {"code": code})) not in (None, call.merchant.id):
        raise problems.code_of_another()
    offer_id = await publish.publish(call.tx, offer, now=call.at.now, today=call.at.today)
    await publish.set_active(call.tx, offer_id, asked.active)
    call.tells += await fulfilment_news.asked(call.tx, offer_id)
    document = _own(offer.model_dump(mode="json"))
    return OfferOut(code=code, active=asked.active, document=document, fulfillers=await _fulfillers(call, offer_id))


async def _fulfillers(call: Call, offer_id: int) -> list[FulfillerOut]:
    found = await fulfilments.of_offer(call.tx, offer_id)
    codes = {each.id: each.code for each in (await merchants.by_ids(call.tx, (f.merchant_id for f in found))).values()}
    return [FulfillerOut(merchant=codes[each.merchant_id], state=each.state) for each in found]


def _own(document: dict[str, object]) -> dict[str, object]:
    """Without what the path and the key say already."""
    return {name: value for name, value in document.items() if name not in ("code", "merchant")}
