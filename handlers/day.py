"""The day's list of a till: what was awarded, what vouchers were taken, each opened; and taking an award back, with a reason."""

from __future__ import annotations

import datetime as dt

from chat import desk_doors, documents, known, paid_tiers, privileges, reasons, receipts, till, vouchers
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t, tn
from ledger.earning import awards, purchases, shift_totals
from ledger.earning.purchases import Purchase
from ledger.merchants import authority, paid_tier_sales, staff
from ledger.redeeming import counter, privilege_uses

feature = Feature("day", order=73)

PER_PAGE = 8
VOUCHERS_MOST = 30


@feature.command("today", t("今天的记录"), audience="staff", said="今日,今天的单")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows the day's list."""
    return await list_(turn)


@feature.tap("list")
async def list_(turn: Turn, merchant: str = "0", page: str = "0") -> Screen:
    """Shows a page of today's awards, newest first: a cashier's own, a manager's whole shop."""
    turn.finish()
    post = await till.place(turn, number(merchant))
    if isinstance(post, list):
        return till.choose(post, lambda label, at: feature.button(label, "list", at, 0))
    names, at, mine = await known.read(turn.tx), number(page), whose(post)
    since, until = till.today(turn)
    totals, back = await shift_totals.totals(turn.tx, post.merchant.id, since=since, until=until, staff_id=mine)
    found = await awards.day(
        turn.tx,
        post.merchant.id,
        since=since,
        until=until,
        staff_id=mine,
        offset=at * PER_PAGE,
        limit=PER_PAGE + 1,
    )
    used = await counter.used_count(turn.tx, post.merchant.id, since=since, staff_id=mine)
    privileged = await privilege_uses.count(turn.tx, post.merchant.id, since=since, until=until, staff_id=mine)
    lines: list[Line | None] = [
        t("<b>今天</b> · {merchant} · 全店", merchant=post.where)
        if mine is None
        else t("<b>今天</b> · {merchant} · 我记的", merchant=post.where),
        tn(
            "{n} 笔,收 {amount},得 {points}",
            n=totals.awards,
            amount=Money(totals.amount_minor, post.merchant.money),
            points=names.points(post.merchant.terms.currency, totals.points),
        )
        if totals.awards
        else None,
        tn("已撤回 {n} 笔", n=totals.taken_back) if totals.taken_back else None,
        tn("退款 {n} 笔,{amount}", n=back.refunds, amount=Money(back.amount_minor, post.merchant.money))
        if back.refunds
        else None,
        *paid_tiers.taken(
            await paid_tier_sales.taken(turn.tx, post.merchant.id, since=since, until=until, staff_id=mine),
            post.merchant.money,
        ),
        *privileges.counted(privileged, post.merchant.money),
        t("今天还没有记过积分。") if not totals.awards and not totals.taken_back else None,
        t("没有更早的了。") if at and not found else None,
    ]
    rows: list[list[Button | None]] = [
        [feature.button(row(turn, purchase), "open", purchase.id)] for purchase in found[:PER_PAGE]
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", post.merchant.id, at - 1) if at else None,
            feature.button(t("下一页"), "list", post.merchant.id, at + 1) if len(found) > PER_PAGE else None,
        ],
        [
            feature.button(t("验过的券({n})", n=used), "vouchers", post.merchant.id) if used else None,
            desk_doors.sold_tiers(post.merchant.id)
            if await paid_tier_sales.ever_sold(turn.tx, post.merchant.id)
            else None,
        ],
        [
            desk_doors.privilege_uses(post.merchant.id, t("用过的权益({n})", n=privileged.uses))
            if privileged.uses or privileged.undone
            else None,
            desk_doors.counter(),
        ],
        [desk_doors.offline_list(post.merchant.id) if authority.may(post.staff.role, "verify") else None],
    ]
    return screen(lines, rows)


@feature.tap("vouchers")
async def vouchers_used(turn: Turn, merchant: str) -> Screen:
    """Lists the vouchers taken today, newest first."""
    post = await till.post_at(turn, number(merchant))
    since, _ = till.today(turn)
    found = await counter.used_today(
        turn.tx, post.merchant.id, since=since, staff_id=whose(post), limit=VOUCHERS_MOST + 1
    )
    lines: list[Line] = [t("<b>今天验过的券</b> · {merchant}", merchant=post.where)]
    for voucher in found[:VOUCHERS_MOST]:
        facts = {
            "when": clock(turn, voucher.used_at),
            "what": vouchers.what(voucher),
            "label": voucher.used_label or "",
        }
        lines.append(t("{when} · {what} · {label}", **facts))
    if not found:
        lines.append(t("今天还没有验过券。"))
    if len(found) > VOUCHERS_MOST:
        lines.append(tn("只列最近 {n} 张。", n=VOUCHERS_MOST))
    return screen(lines, [[feature.button(t("返回"), "list", post.merchant.id, 0), desk_doors.counter()]])


@feature.tap("open")
async def open_(turn: Turn, purchase_id: str) -> Screen:
    """Opens one award: amount, points, who and when, and the way to take it back while there is one."""
    turn.finish()
    purchase, post = await reached(turn, purchase_id)
    minutes = turn.programme.take_back_minutes
    may = bool(purchase.left_minor) and awards.may_take_back(purchase, post.staff, minutes=minutes, at=turn.at)
    rows: list[list[Button | None]] = [
        [
            feature.button(t("撤回这笔"), "back", purchase.id, style="danger") if may else None,
            desk_doors.refund_of(t("退款"), purchase.id)
            if purchase.left_minor and not purchase.taken_back_at and awards.may_refund(post.merchant, post.staff)
            else None,
        ],
        [feature.button(t("返回"), "list", post.merchant.id, 0), desk_doors.counter()],
    ]
    return screen(await about(turn, post, purchase), rows)


@feature.tap("back")
async def back(turn: Turn, purchase_id: str) -> Screen:
    """Asks why an award is to be taken back: the usual reasons, or one typed."""
    purchase, post = await reached(turn, purchase_id)
    awards.check_take_back(purchase, post.staff, minutes=turn.programme.take_back_minutes, at=turn.at)
    turn.goto(feature.at("reason"), purchase=purchase.id)
    lines = [
        *await about(turn, post, purchase),
        BLANK,
        t("为什么撤回?会员会看到原因。点一个,或者把原因发给我。"),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(words, "because", purchase.id, reason)] for reason, words in reasons.TAKE_BACK.items()
    ]
    rows.append([feature.button(t("不撤了"), "open", purchase.id)])
    return screen(lines, rows)


@feature.tap("because")
async def because(turn: Turn, purchase_id: str, reason: str) -> Screen:
    """Takes the award back for a usual reason."""
    return await take_back(turn, number(purchase_id), reason if reason in reasons.TAKE_BACK else "")


@feature.step("reason")
async def reason_typed(turn: Turn, said: str) -> Screen:
    """Takes the award back for the reason typed."""
    return await take_back(turn, turn.dialogue.data["purchase"], said)


async def take_back(turn: Turn, purchase_id: int, reason: str) -> Screen:
    """Takes an award back, tells the member, and shows what was done; again: shows that it is done."""
    purchase, post = await reached(turn, str(purchase_id))
    if purchase.taken_back_at is None:
        done = await awards.take_back(
            turn.tx,
            merchant=post.merchant,
            staff=post.staff,
            purchase_id=purchase.id,
            reason=reason,
            minutes=turn.programme.take_back_minutes,
            at=turn.at,
        )
        purchase = done.purchase
        await receipts.tell_refund(turn, done, post.merchant, reason)
    turn.finish()
    rows: list[list[Button | None]] = [
        [desk_doors.award(t("重新记一笔"), post.merchant.id)],
        [feature.button(t("今天的"), "list", post.merchant.id, 0), desk_doors.counter()],
    ]
    lines = [t("撤回好了"), await till.told(turn, purchase.member_id), BLANK, *await about(turn, post, purchase)]
    return screen(lines, rows)


async def reached(turn: Turn, purchase_id: str) -> tuple[Purchase, Post]:
    """A purchase that this person may look at: their own, or any of the shop for a manager. Others are like none."""
    purchase = await purchases.by_id(turn.tx, number(purchase_id))
    if turn.me.role_at(purchase.merchant_id) is None:
        raise purchases.NoSuchPurchase(purchase_id)
    post = await till.post_at(turn, purchase.merchant_id)
    if purchase.staff_id != post.staff.id:
        post.staff.demand("see_whole_day")
    return purchase, post


async def about(turn: Turn, post: Post, purchase: Purchase) -> list[Line]:
    """What there is to say of an award."""
    names = await known.read(turn.tx)
    by = await staff.by_id(turn.tx, purchase.staff_id) if purchase.staff_id else None
    document = documents.given(purchase.document)
    facts = {
        "amount": Money(purchase.amount_minor, purchase.money),
        "points": names.points(post.merchant.terms.currency, purchase.points),
        "name": await till.customer(turn, purchase.member_id),
    }
    found: list[Line | None] = [
        t("收 {amount} → 会员 <b>{name}</b> 得过 {points},已撤回", **facts)
        if purchase.taken_back_at
        else t("收 {amount} → 会员 <b>{name}</b> 得 <b>{points}</b>", **facts),
        t("小票 {document} · {when}", document=document, when=purchase.occurred_at)
        if document
        else t("编号 {entry} · {when}", entry=str(purchase.entry_id), when=purchase.occurred_at),
        served_by(by.label, purchase.till) if by else None,
        t("{when} 撤回", when=purchase.taken_back_at) if purchase.taken_back_at else None,
        t("已退款 {amount}", amount=Money(purchase.refunded_minor, purchase.money))
        if purchase.refunded_minor and not purchase.taken_back_at
        else None,
    ]
    return [line for line in found if line is not None]


def served_by(label: str, at: str | None) -> Text:
    """Who did it, and at which till where they worked a shift."""
    return t("经手:{label} · {till}", label=label, till=at) if at else t("经手:{label}", label=label)


def whose(post: Post) -> int | None:
    """Whose records this person sees: None for the whole shop's."""
    return None if authority.may(post.staff.role, "see_whole_day") else post.staff.id


def row(turn: Turn, purchase: Purchase) -> Text:
    """One award on a button."""
    facts = {
        "when": clock(turn, purchase.occurred_at),
        "amount": Money(purchase.amount_minor, purchase.money),
        "points": purchase.points,
        "refunded": Money(purchase.refunded_minor, purchase.money),
    }
    if purchase.taken_back_at is not None:
        return t("{when} · {amount} · 已撤回", **facts)
    if purchase.refunded_minor:
        return t("{when} · {amount} · 已退 {refunded}", **facts)
    return t("{when} · {amount} · +{points}", **facts)


def clock(turn: Turn, at: dt.datetime | None) -> str:
    """The hour and minute on the till's wall."""
    return f"{at.astimezone(turn.zone):%H:%M}" if at else ""
