"""A refund at the till in three taps: which purchase, how much of it, why — the last one does it.

The purchase is chosen from today's list, by its receipt number, or, without one, by who bought it (`refund_by_card`). What is
taken back is shown before; the reason that is tapped confirms it, under a number minted when it was drawn, so that two taps are
one refund.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from chat import amounts, desk_doors, documents, known, reasons, receipts, till
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.earning import awards, declined, purchases, refund_plans, returns
from ledger.earning.purchases import Purchase
from ledger.earning.refund_plans import Earlier
from ledger.earning.returns import Back
from ledger.merchants import authority

feature = Feature("refund", order=74)

LISTED = 6
PIECES_SHOWN = 4
NUMBER_LONGEST = 64
NUMBERS_KNOWN = dt.timedelta(days=30)
"""So long a purchase without a receipt is found by the number that the till showed."""


@feature.tap("start")
async def start(turn: Turn, merchant: str = "0") -> Screen:
    """Asks which purchase: today's newest as buttons, any other by its receipt number."""
    post = await till.place(turn, number(merchant))
    if isinstance(post, list):
        return till.choose(post, lambda label, at: feature.button(label, "start", at))
    awards.refund_limit(post.merchant, post.staff)
    since, until = till.today(turn)
    mine = None if authority.may(post.staff.role, "see_whole_day") else post.staff.id
    found = await awards.day(turn.tx, post.merchant.id, since=since, until=until, staff_id=mine, limit=4 * LISTED)
    open_ = [each for each in found if each.left_minor and not each.taken_back_at][:LISTED]
    turn.goto(feature.at("document"), merchant=post.merchant.id)
    lines: list[Line] = [t("<b>退款</b> · {merchant}", merchant=post.where)]
    lines.append(
        t("退哪一笔?点一笔,或把小票号、编号发给我。") if open_ else t("今天没有可退的。把小票号或编号发给我。")
    )
    rows = [[feature.button(row(turn, each), "open", each.id)] for each in open_]
    return screen(lines, [*rows, [desk_doors.refund_by_card(post.merchant.id), desk_doors.counter(t("返回"))]])


@feature.step("document")
async def document_typed(turn: Turn, said: str) -> Screen:
    """Finds the purchase by its receipt number, or by the number that the till showed where there is no receipt."""
    post = await till.post_at(turn, turn.dialogue.data["merchant"])
    wanted = said.strip()
    found = await purchases.find(turn.tx, post.merchant.id, wanted) if len(wanted) <= NUMBER_LONGEST else None
    if found is None and (entry := number(wanted)) > 0:
        found = await purchases.by_entry(turn.tx, post.merchant.id, entry, since=turn.now - NUMBERS_KNOWN)
    if found is None:
        no = await declined.missing(turn.tx, post.merchant.id, wanted)
        if isinstance(no, declined.PurchaseDeclined):
            raise no
        lines: list[Line] = [t("没有这张小票。"), t("请对一遍小票号或编号,再发一次。")]
        return screen(lines, [[desk_doors.refund(post.merchant.id, t("看今天的")), desk_doors.counter(t("返回"))]])
    return await choose(turn, post, found)


@feature.tap("open")
async def open_(turn: Turn, purchase_id: str) -> Screen:
    """Opens one purchase and asks how much of it is refunded."""
    purchase, post = await reached(turn, purchase_id)
    return await choose(turn, post, purchase)


async def choose(turn: Turn, post: Post, purchase: Purchase) -> Screen:
    """The purchase, and the ways to refund it: all, some lines, an amount."""
    awards.refund_limit(post.merchant, post.staff)
    lines: list[Line] = await about(turn, post, purchase)
    back: list[Button | None] = [desk_doors.refund(post.merchant.id, t("换一笔")), desk_doors.counter(t("返回"))]
    if not purchase.left_minor or purchase.taken_back_at:
        turn.finish()
        return screen([*lines, BLANK, t("这笔没有可退的了。")], [back])
    turn.goto(feature.at("amount"), purchase=purchase.id)
    whole = t("全退 {left}", left=Money(purchase.left_minor, purchase.money))
    by_line = len(purchase.bill.parts) > 1 or any(part.pieces > 1 for part in purchase.bill.parts)
    rows: list[list[Button | None]] = [
        [feature.button(whole, "all", purchase.id, style="primary")],
        [feature.button(t("按商品退"), "lines", purchase.id) if by_line else None],
        back,
    ]
    return screen([*lines, BLANK, t("退多少?全退,或把金额发给我。")], rows)


@feature.tap("lines")
async def lines_(turn: Turn, purchase_id: str) -> Screen:
    """Lists the lines that are still there; a line of several pieces asks how many."""
    purchase, post = await reached(turn, purchase_id)
    gone = returns.total(line for was in await earlier(turn, purchase) for line in was.lines)
    rows: list[list[Button | None]] = []
    for place, part in enumerate(purchase.bill.parts):
        left = part.pieces - gone[place]
        if left <= 0:
            continue
        amount = part.amount_minor * left // part.pieces
        facts = {"item": part.item or t("第 {n} 行", n=place + 1), "amount": Money(amount, purchase.money)}
        name = t("{item} · {amount}", **facts) if part.pieces == 1 else t("{item} ×{n} · {amount}", n=left, **facts)
        rows.append([feature.button(name, "line", purchase.id, place, left)])
        if left > 1:
            some = [
                feature.button(tn("退 {n} 件", n=n), "line", purchase.id, place, n)
                for n in range(1, min(left, PIECES_SHOWN + 1))
            ]
            rows.append([*some])
    rows.append([feature.button(t("返回"), "open", purchase.id)])
    return screen([*await about(turn, post, purchase), BLANK, t("退哪一样?")], rows)


@feature.tap("line")
async def line(turn: Turn, purchase_id: str, place: str, pieces: str) -> Screen:
    """Shows what refunding a line does."""
    purchase, post = await reached(turn, purchase_id)
    return await confirm(turn, post, purchase, lines=[Back(number(place), number(pieces))])


@feature.tap("all")
async def whole(turn: Turn, purchase_id: str) -> Screen:
    """Shows what refunding all that is left does."""
    purchase, post = await reached(turn, purchase_id)
    return await confirm(turn, post, purchase, amount=purchase.left_minor)


@feature.step("amount")
async def amount_typed(turn: Turn, said: str) -> Screen:
    """Takes an amount and shows what refunding it does."""
    purchase, post = await reached(turn, str(turn.dialogue.data["purchase"]))
    amount = amounts.parse(said)
    if amount is None:
        lines: list[Line] = [t("这个金额我没看懂。"), t("请只发数字,最多两位小数,比如 128.5")]
        return screen(lines, [[feature.button(t("返回"), "open", purchase.id)]])
    return await confirm(turn, post, purchase, amount=amount)


@feature.tap("part")
async def part(turn: Turn, purchase_id: str, amount: str) -> Screen:
    """Shows what refunding an amount does that was said before the purchase was found."""
    purchase, post = await reached(turn, purchase_id)
    return await confirm(turn, post, purchase, amount=number(amount))


async def confirm(
    turn: Turn, post: Post, purchase: Purchase, *, amount: int | None = None, lines: Sequence[Back] = ()
) -> Screen:
    """What will go back, and the reasons: tapping one does it."""
    plan = await refund_plans.preview(turn.tx, purchase, amount_minor=amount, lines=lines)
    limit = awards.refund_limit(post.merchant, post.staff)
    refund_plans.check_limit(purchase, plan.amount_minor, limit)
    nonce = turn.nonce()
    turn.goto(
        feature.at("reason"), purchase=purchase.id, nonce=nonce, amount=amount, lines=[list(each) for each in lines]
    )
    names = await known.read(turn.tx)
    facts = {
        "amount": Money(plan.amount_minor, purchase.money),
        "name": await till.customer(turn, purchase.member_id),
        "points": names.points(post.merchant.terms.currency, plan.points),
        "left": Money(purchase.left_minor - plan.amount_minor, purchase.money),
    }
    shown: list[Line | None] = [
        t("退 {amount} → 会员 <b>{name}</b> 收回 <b>{points}</b>", **facts)
        if plan.points
        else t("退 {amount} → 会员 <b>{name}</b> 不收回积分", **facts),
        t("退后这笔还剩 {left}", **facts) if plan.amount_minor < purchase.left_minor else None,
        t("为什么退?点一个原因就退,或自己写一句。会员会看到。"),
    ]
    rows = [
        [feature.button(words, "yes", purchase.id, nonce, reason, style="danger")]
        for reason, words in reasons.REFUND.items()
    ]
    return screen(shown, [*rows, [feature.button(t("不退了"), "open", purchase.id)]])


@feature.tap("yes")
async def refund(turn: Turn, purchase_id: str, nonce: str, reason: str) -> Screen:
    """Refunds for a usual reason; a second tap shows the same."""
    return await carry_out(turn, purchase_id, nonce, reason if reason in reasons.REFUND else "")


@feature.step("reason")
async def reason_typed(turn: Turn, said: str) -> Screen:
    """Refunds for the reason typed; a number is another amount, and no reason."""
    if amounts.parse(said) is not None:
        return await amount_typed(turn, said)
    data = turn.dialogue.data
    return await carry_out(turn, str(data["purchase"]), data["nonce"], said)


async def carry_out(turn: Turn, purchase_id: str, nonce: str, reason: str) -> Screen:
    """Refunds what was shown, tells the member, and shows what was done."""
    purchase, post = await reached(turn, purchase_id)
    was = next((e for e in await earlier(turn, purchase) if e.document == awards.document_of(nonce)), None)
    if was is None:
        data: dict[str, Any] = turn.dialogue.data
        if turn.dialogue.state != feature.at("reason") or data.get("nonce") != nonce:
            stale: list[Line] = [t("这次退款已经不在了,没有退。"), t("可能换过金额,或已经换了一笔。")]
            return screen(stale, [[feature.button(t("再看这笔"), "open", purchase.id), desk_doors.counter()]])
        done = await awards.refund(
            turn.tx,
            merchant=post.merchant,
            staff=post.staff,
            purchase_id=purchase.id,
            nonce=nonce,
            reason=reason,
            at=turn.at,
            amount_minor=data["amount"],
            lines=[Back(*each) for each in data["lines"]],
        )
        await receipts.tell_refund(turn, done, post.merchant, reason)
        turn.finish()
        purchase, amount, points = done.purchase, done.amount_minor, done.points
    else:
        amount, points = was.amount_minor, was.points
    names = await known.read(turn.tx)
    facts = {"amount": Money(amount, purchase.money), "points": names.points(post.merchant.terms.currency, points)}
    said: list[Line] = [
        t("已退 <b>{amount}</b>,收回 <b>{points}</b>", **facts)
        if points
        else t("已退 <b>{amount}</b>,积分没有变", **facts),
        await till.told(turn, purchase.member_id),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("这笔再退一些"), "open", purchase.id) if purchase.left_minor else None],
        [desk_doors.refund(post.merchant.id, t("退另一笔")), desk_doors.counter()],
    ]
    return screen([*said, BLANK, *await about(turn, post, purchase)], rows)


async def reached(turn: Turn, purchase_id: str) -> tuple[Purchase, Post]:
    """A purchase of a merchant where this person works; others are like none."""
    purchase = await purchases.by_id(turn.tx, number(purchase_id))
    if turn.me.role_at(purchase.merchant_id) is None:
        raise purchases.NoSuchPurchase(purchase_id)
    return purchase, await till.post_at(turn, purchase.merchant_id)


async def earlier(turn: Turn, purchase: Purchase) -> list[Earlier]:
    """What has been refunded of it so far."""
    return (await refund_plans.earlier_of(turn.tx, [purchase.id]))[purchase.id]


async def about(turn: Turn, post: Post, purchase: Purchase) -> list[Line]:
    """What there is to say of a purchase that may be refunded."""
    names = await known.read(turn.tx)
    facts = {
        "amount": Money(purchase.amount_minor, purchase.money),
        "points": names.points(post.merchant.terms.currency, purchase.points),
        "name": await till.customer(turn, purchase.member_id),
        "refunded": Money(purchase.refunded_minor, purchase.money),
        "left": Money(purchase.left_minor, purchase.money),
    }
    document = documents.given(purchase.document)
    found: list[Line] = [
        t("收 {amount} → 会员 <b>{name}</b> 得 <b>{points}</b>", **facts),
        t("小票 {document} · {when}", document=document, when=purchase.occurred_at)
        if document
        else t("编号 {entry} · {when}", entry=str(purchase.entry_id), when=purchase.occurred_at),
    ]
    if purchase.refunded_minor:
        found.append(t("已退 {refunded},还剩 {left}", **facts) if purchase.left_minor else t("已全部退款"))
    return found


def row(turn: Turn, purchase: Purchase) -> Text:
    """One purchase on a button."""
    when = f"{purchase.occurred_at.astimezone(turn.zone):%H:%M}"
    return t("{when} · {amount}", when=when, amount=Money(purchase.left_minor, purchase.money))
