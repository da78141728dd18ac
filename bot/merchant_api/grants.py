"""Points for taking part in an activity of the merchant's own, once for each member."""

from __future__ import annotations

from bot.merchant_api.calls import Call
from bot.merchant_api.models import GrantIn, GrantOut
from ledger.earning import activities


async def grant(call: Call, asked: GrantIn) -> GrantOut:
    """Give a member the points of an activity. `NoSuchActivity` for another merchant's; else as in `activities.take_part`."""
    activity = await activities.one(call.tx, asked.activity, merchant_id=call.merchant.id)
    member_id = await call.holder(asked.member.reference)
    receipt = await activities.take_part(call.tx, activity.id, member_id, at=call.at, actor=call.key.actor)
    call.receipts.append(receipt)
    return GrantOut(activity=activity.id, member=asked.member.reference, points=activity.points)
