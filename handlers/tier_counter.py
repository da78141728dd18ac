"""Selling a tier for money at the counter: which one, what it brings and until when, the money taken, one tap.

It serves whoever's card was just scanned for an award. What the confirm screen said is kept in the dialogue, with the nonce of
its button: two taps are one sale, and where the price or the end has changed since, nothing is sold.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from chat import desk_doors, paid_tiers, till
from chat import tiers as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.earning import qualifying
from ledger.members import succession
from ledger.merchants import paid_tier_sales, paid_tier_undo
from ledger.merchants import paid_tiers as terms
from ledger.merchants.paid_tier_sales import Sale

feature = Feature("tier_counter", order=72)


@feature.tap("choose")
async def choose(turn: Turn) -> Screen:
    """Asks which tier is sold to whoever is being served; where there is one only, goes on to it."""
    now = await serving(turn)
    if isinstance(now, Screen):
        return now
    post, member_id, name = now
    await paid_tier_sales.check_customer(turn.tx, member_id)
    sold = terms.sold_by(turn.programme, post.merchant)
    if len(sold) == 1:
        return await ask(turn, sold[0][0].code)
    turn.goto(feature.at("which"), **turn.dialogue.data)
    if not sold:
        lines = [t("这家店现在不卖会员等级。")]
        return screen(lines, [[desk_doors.award_amount(t("只记积分")), cancel_button()]])
    await words_of.look(turn, member_id)
    lines = [
        t("会员 <b>{name}</b>", name=name),
        await has_now(turn, member_id),
        t("卖哪个等级?"),
    ]
    rows: list[list[Button | None]] = [
        [
            feature.button(
                tn(
                    "{tier} {n} 天 · {amount}",
                    n=fee.days,
                    tier=words_of.name(tier),
                    amount=Money(fee.amount_minor, turn.programme.money),
                ),
                "ask",
                tier.code,
            )
        ]
        for tier, fee in sold
    ]
    return screen(lines, [*rows, [desk_doors.award_amount(t("只记积分")), cancel_button()]])


@feature.tap("ask")
async def ask(turn: Turn, tier: str) -> Screen:
    """Shows what a tier costs this member, until when they would have it, and what they have now; nothing is written."""
    now = await serving(turn)
    if isinstance(now, Screen):
        return now
    post, member_id, name = now
    post.staff.demand("sell_tiers")
    await words_of.look(turn, member_id)
    sale = await paid_tier_sales.quote(turn.tx, turn.programme, post.merchant, member_id, tier, today=turn.today)
    nonce = turn.nonce()
    code, amount, days, until = sale.terms
    kept = {"tier": code, "fee": amount, "days": days, "until": until.isoformat(), "nonce": nonce}
    turn.goto(feature.at("money"), **{**turn.dialogue.data, **kept})
    lines: list[Line] = [
        t(
            "收 <b>{amount}</b> → 会员 <b>{name}</b> {tier}",
            amount=Money(amount, turn.programme.money),
            name=name,
            tier=words_of.name(sale.tier),
        ),
        paid_tiers.lasts(days, until, sale.extends_from),
        await has_now(turn, member_id),
        *words_of.privileges(sale.tier),
        BLANK,
        paid_tiers.NO_PURCHASE,
        t("先收钱,收好了再点。"),
    ]
    yes = feature.button(t("钱收好了"), "yes", post.merchant.id, nonce, style="primary")
    several = len(terms.sold_by(turn.programme, post.merchant)) > 1
    return screen(lines, [[yes, feature.button(t("换一个"), "choose") if several else None, cancel_button()]])


@feature.step("which")
async def typed_at_which(turn: Turn, said: str) -> Screen:
    """Asks again for a tap: nothing is typed here."""
    return await choose(turn)


@feature.step("money")
async def typed_at_money(turn: Turn, said: str) -> Screen:
    """Shows the price anew: it is no amount to be typed."""
    return await ask(turn, turn.dialogue.data["tier"])


@feature.tap("yes")
async def sell(turn: Turn, merchant: str, nonce: str) -> Screen:
    """Sells what was shown, tells the member, and shows the cashier what was done; a second tap shows the same."""
    post = await till.post_at(turn, number(merchant))
    before = await paid_tier_sales.find(turn.tx, post.merchant.id, nonce)
    if before is not None:
        return await done(turn, post, before, await till.customer(turn, before.member_id))
    data = turn.dialogue.data
    if turn.dialogue.state != feature.at("money") or data.get("nonce") != nonce:
        return stale()
    now = await serving(turn)
    if isinstance(now, Screen):
        return now
    _, member_id, name = now
    await words_of.look(turn, member_id)
    shown = (data["tier"], data["fee"], data["days"], dt.date.fromisoformat(data["until"]))
    shift = await till.shift(turn, post)
    sale, _ = await paid_tier_sales.sell(
        turn.tx,
        turn.programme,
        post.merchant,
        post.staff,
        member_id,
        shown,
        nonce=nonce,
        at=turn.at,
        till=shift.till if shift else None,
    )
    turn.finish()
    turn.tell(member_id, paid_tiers.receipt(turn.programme, sale, post.merchant), key=sale.key)
    return await done(turn, post, sale, name)


@feature.tap("cancel")
async def cancel(turn: Turn) -> Screen:
    """Leaves without having sold anything."""
    turn.finish()
    return screen([t("好的,没有卖。收了钱的话请退给会员。")], [[desk_doors.award(t("下一位")), desk_doors.counter()]])


async def done(turn: Turn, post: Post, sale: Sale, name: Text | str) -> Screen:
    """What was sold, with the way to take it back while there is one."""
    facts = {
        "name": name,
        "tier": words_of.named(turn.programme, sale.tier),
        "until": sale.until,
        "amount": Money(sale.amount_minor, sale.money),
        "sale": str(sale.id),
    }
    lines: list[Line | None] = [
        t("卖好了:会员 <b>{name}</b> <b>{tier}</b>", **facts),
        t("有效至 {until}", **facts),
        t("收 {amount} · 等级单 {sale}", **facts),
        t("{when} 撤回", when=sale.taken_back_at) if sale.taken_back_at else await till.told(turn, sale.member_id),
    ]
    minutes = turn.programme.take_back_minutes
    may = paid_tier_undo.may_take_back(sale, post.staff, minutes=minutes, at=turn.at)
    rows: list[list[Button | None]] = [
        [desk_doors.award(t("下一位"), post.merchant.id)],
        [desk_doors.tier_back(t("撤回这笔"), sale.id) if may else None, desk_doors.counter()],
    ]
    return screen(lines, rows)


class Serving(NamedTuple):
    """Who is being served where: the member who has the account now whose card was shown, and what they are called at the till."""

    post: Post
    member_id: int
    name: Text | str


async def serving(turn: Turn) -> Serving | Screen:
    """Whoever is being served; what is said where nobody is, or not any more."""
    found = till.served(turn)
    if found is None:
        return nobody()
    member_id, too_old = found
    if too_old:
        return card_too_old(turn)
    post = await till.post_at(turn, turn.dialogue.data["merchant"])
    return Serving(post, await succession.holder(turn.tx, member_id), await till.served_name(turn))


async def has_now(turn: Turn, member_id: int) -> Text:
    """The tier that a member has, and until when."""
    mine = await qualifying.progress(turn.tx, turn.programme, member_id, turn.today)
    if mine.until is None:
        return t("现在是{tier}", tier=words_of.name(mine.tier))
    return t("现在是{tier},有效至 {until}", tier=words_of.name(mine.tier), until=mine.until)


def cancel_button() -> Button:
    """The way out."""
    return feature.button(t("取消"), "cancel", style="danger")


def nobody() -> Screen:
    """Nobody is being served any more."""
    lines: list[Line] = [t("请会员先出示会员码。"), t("扫了码才知道卖给谁。")]
    return screen(lines, [[desk_doors.award(t("扫会员码")), desk_doors.counter()]])


def card_too_old(turn: Turn) -> Screen:
    """The customer has long gone."""
    turn.finish()
    lines: list[Line] = [t("会员码扫过太久了,没有卖。"), t("请会员再出示一次会员码。")]
    return screen(lines, [[desk_doors.award(t("扫会员码")), desk_doors.counter()]])


def stale() -> Screen:
    """A confirm screen that another one has replaced."""
    lines: list[Line] = [t("这一笔已经不在了,没有卖。"), t("可能换过等级,或已经换了下一位。")]
    return screen(lines, [[desk_doors.award(t("扫会员码")), desk_doors.counter()]])
