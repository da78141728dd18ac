"""Refunds: of everything, of an amount, of lines, or without a receipt. What was earned on it goes back with it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.merchant_api import times
from bot.merchant_api.calls import Call
from bot.merchant_api.models import (
    Refund,
    RefundedOut,
    RefundIn,
    RefundItem,
    RefundOfAmount,
    RefundOfLines,
    RefundOut,
    RefundWithoutReference,
)
from chat import receipts
from ledger.earning import declined, purchases, refunds
from ledger.earning.refunds import Refunded
from ledger.earning.returns import Back, Returned


async def refund(call: Call, asked: Refund) -> RefundOut:
    """Take back what is no longer earned. Refusals as in `refunds.refund` and `refunds.refund_items`."""
    order = asked.root
    occurred_at = times.sane(order.occurred_at, call.key, now=call.at.now)
    if isinstance(order, RefundWithoutReference):
        found = await refunds.refund_items(
            call.tx,
            call.merchant,
            member_id=await call.holder(order.member.reference),
            items=[Returned(each.item, each.pieces) for each in order.items],
            document=order.document,
            occurred_at=occurred_at,
            at=call.at,
            actor=call.key.actor,
        )
        return _said(call, order, found.refunds, [RefundItem(item=item, pieces=pieces) for item, pieces in found.rest])
    purchase = await purchases.find(call.tx, call.merchant.id, order.of)
    if purchase is None:
        raise await declined.missing(call.tx, call.merchant.id, order.of)
    done = await refunds.refund(
        call.tx,
        call.merchant,
        purchase_id=purchase.id,
        document=order.document,
        occurred_at=occurred_at,
        at=call.at,
        actor=call.key.actor,
        amount_minor=order.amount_minor if isinstance(order, RefundOfAmount) else None,
        lines=[Back(each.line, each.pieces) for each in order.lines] if isinstance(order, RefundOfLines) else (),
    )
    return _said(call, order, [done], [])


def _said(call: Call, order: RefundIn, done: Sequence[Refunded], unmatched: list[RefundItem]) -> RefundOut:
    call.receipts += [each.receipt for each in done if each.receipt is not None]
    call.tells += [plain for each in done if (plain := receipts.of_refund(each, call.merchant)) is not None]
    return RefundOut(
        document=order.document,
        amount_minor=sum(each.amount_minor for each in done),
        points=sum(each.points for each in done),
        repeated=any(each.repeated for each in done),
        purchases=[
            RefundedOut(of=each.purchase.document, amount_minor=each.amount_minor, points=each.points) for each in done
        ],
        unmatched=unmatched,
    )
