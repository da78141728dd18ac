"""Other merchants' offers that this one was asked to hand over too: read, agreed to, declined, stopped."""

from __future__ import annotations

from bot.merchant_api.calls import Call
from bot.merchant_api.models import FulfilmentIn, FulfilmentOut, FulfilmentsOut
from chat import settlement
from chat.fulfilments import answered
from chat.turn import Tell
from ledger.redeeming import fulfilments
from ledger.redeeming.fulfilments import Fulfilment, NotAsked


async def page(call: Call, asked: None) -> FulfilmentsOut:
    """All of them, what waits for an answer first."""
    found = await fulfilments.of_merchant(call.tx, call.merchant.id)
    return FulfilmentsOut(fulfilments=[_said(each) for each in found])


async def answer(call: Call, asked: FulfilmentIn) -> FulfilmentOut:
    """Take the answer, and tell those whose offer it is. `NotAsked`."""
    code, here = call.path["code"], call.merchant.id
    mine = [each for each in await fulfilments.of_merchant(call.tx, here) if each.offer.code == code]
    if not mine:
        raise NotAsked
    each, news = await fulfilments.answer(
        call.tx, here, mine[0].offer_id, asked.agrees, by=call.key.actor, now=call.at.now
    )
    if news:
        for member_id in await settlement.run_by(call.tx, each.owner_id):
            key = f"fulfilment-answered:{each.offer_id}:{here}:{call.at.now.isoformat()}:{member_id}"
            call.tells.append(Tell(member_id, answered(each), key=key))
    return _said(each)


def _said(each: Fulfilment) -> FulfilmentOut:
    return FulfilmentOut(
        code=each.offer.code,
        owner=each.offer.merchant,
        state=each.state,
        document=each.offer.model_dump(mode="json"),
        agreed_version=each.agreed_version,
        version=each.version,
    )
