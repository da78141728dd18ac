"""A refund without a receipt: the customer's card, then what they bought here lately, then the refund as any other.

What they bring back may be said as an amount or as an item; what fits it is shown, newest first.
"""

from __future__ import annotations

from chat import amounts, desk_doors, till
from chat.arguments import number
from chat.feature import Feature
from chat.refusals import wording
from chat.screen import Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t
from ledger.earning import awards, unreferenced
from ledger.earning.purchases import Purchase
from ledger.errors import Refusal

feature = Feature("refund_by_card", order=75)

LISTED = 6


@feature.tap("start")
async def start(turn: Turn, merchant: str) -> Screen:
    """Asks for the customer's card: there is no receipt, but there is who bought."""
    post = await till.post_at(turn, number(merchant))
    awards.refund_limit(post.merchant, post.staff)
    turn.goto(feature.at("card"), merchant=post.merchant.id)
    lines: list[Line] = [
        t("<b>没有小票的退款</b> · {merchant}", merchant=post.where),
        t("请会员打开会员码,扫它,或者把 8 位数字发给我。"),
        t("没有 Telegram 的顾客:发纸卡上的 12 位卡号,或手机号。"),
    ]
    return screen(lines, [[desk_doors.refund(post.merchant.id, t("返回"))]])


@feature.step("card")
async def card_typed(turn: Turn, said: str) -> Screen:
    """Shows what this customer has bought here lately."""
    post = await till.post_at(turn, turn.dialogue.data["merchant"])
    back = [[desk_doors.refund(post.merchant.id, t("返回"))]]
    try:
        shown = await till.shown_by(turn, post, said)
    except Refusal as no:
        return screen(wording(no).screen().lines, back)
    if shown is None:
        return screen(till.NO_CARD, back)
    name = till.walk_in(shown.known_by.kind, shown.known_by.shown) if shown.known_by else None
    if shown.member_id is None:
        assert name is not None, "only a number may be new to us"
        return screen([t("<b>{name}</b> 没有在这里买过。", name=name)], back)
    turn.goto(feature.at("bought"), merchant=post.merchant.id, member=shown.member_id)
    return await bought(turn, post, shown.member_id, name)


async def bought(turn: Turn, post: Post, member_id: int, name: Text | str | None, said: str = "") -> Screen:
    """What of this customer's purchases here can be refunded, newest first; where `said` is an amount or an item, what fits it."""
    name = name or await till.customer(turn, member_id)
    found = await unreferenced.lately(turn.tx, post.merchant.id, member_id)
    amount = amounts.parse(said)
    fits = unreferenced.fitting(found, amount_minor=amount, item=None if amount is not None else said.strip() or None)
    rows: list[list[Button | None]] = []
    for purchase, place in fits[:LISTED]:
        if place is not None:
            rows.append([desk_doors.refund_line(line_row(purchase, place), purchase.id, place)])
        elif amount is not None:
            rows.append([desk_doors.refund_part(dated(purchase), purchase.id, amount)])
        else:
            rows.append([desk_doors.refund_of(dated(purchase), purchase.id)])
    asks = t("点一笔;或发要退的金额,或商品名,我来找。")
    if not found:
        asks = t("最近没有在这里买过可退的。")
    elif not fits:
        asks = t("没有合得上的。换个金额或商品名再发,或点「全部」。")
    every = feature.button(t("全部"), "every", post.merchant.id) if said and found else None
    rows.append([every, desk_doors.refund(post.merchant.id, t("返回"))])
    return screen(
        [t("会员 <b>{name}</b> 在这里最近买的", name=name) if found else t("会员 <b>{name}</b>", name=name), asks], rows
    )


@feature.step("bought")
async def described(turn: Turn, said: str) -> Screen:
    """Finds what was bought by the amount or the item that is to be refunded."""
    data = turn.dialogue.data
    return await bought(turn, await till.post_at(turn, data["merchant"]), data["member"], None, said)


@feature.tap("every")
async def every(turn: Turn, merchant: str) -> Screen:
    """Shows everything of this customer's again."""
    if turn.dialogue.state != feature.at("bought"):
        return await start(turn, merchant)
    post = await till.post_at(turn, turn.dialogue.data["merchant"])
    return await bought(turn, post, turn.dialogue.data["member"], None)


def dated(purchase: Purchase) -> Text:
    """One purchase on a button, of whatever day."""
    left = Money(purchase.left_minor, purchase.money)
    return t("{when} · {amount}", when=purchase.occurred_at, amount=left)


def line_row(purchase: Purchase, place: int) -> Text:
    """One piece of a purchase's line on a button."""
    of = purchase.bill.parts[place]
    amount = Money(of.amount_minor // of.pieces, purchase.money)
    return t("{when} · {item} · {amount}", when=purchase.occurred_at, item=of.item or "", amount=amount)
