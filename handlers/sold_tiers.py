"""Tiers that a counter has sold for money: the list, one of them, and taking it back with a reason."""

from __future__ import annotations

from chat import desk_doors, paid_tiers, reasons, till
from chat import tiers as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Money, Text, t
from ledger.merchants import authority, paid_tier_sales, paid_tier_undo, staff
from ledger.merchants.paid_tier_sales import NoSuchTierSale, Sale

feature = Feature("sold_tiers", order=73)

PER_PAGE = 8


@feature.tap("list")
async def list_(turn: Turn, merchant: str, page: str = "0") -> Screen:
    """Shows a page of the tiers sold, newest first: a cashier's own, a manager's whole shop."""
    turn.finish()
    post = await till.post_at(turn, number(merchant))
    at, here = number(page), post.merchant.id
    whole = authority.may(post.staff.role, "see_whole_day")
    mine = None if whole else post.staff.id
    found = await paid_tier_sales.listed(turn.tx, here, staff_id=mine, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    since, until = till.today(turn)
    today = await paid_tier_sales.taken(turn.tx, here, since=since, until=until, staff_id=mine)
    said = paid_tiers.taken(today, post.merchant.money)
    lines: list[Line] = [
        t("<b>卖出的等级</b> · {merchant} · 全店", merchant=post.where)
        if whole
        else t("<b>卖出的等级</b> · {merchant} · 我卖的", merchant=post.where),
        *([t("今天:"), *said] if said else [t("今天还没有卖过。")]),
    ]
    rows: list[list[Button | None]] = [[feature.button(row(turn, sale), "open", sale.id)] for sale in found[:PER_PAGE]]
    rows += [
        [
            feature.button(t("上一页"), "list", here, at - 1) if at else None,
            feature.button(t("下一页"), "list", here, at + 1) if len(found) > PER_PAGE else None,
        ],
        [desk_doors.day(here), desk_doors.counter()],
    ]
    return screen(lines, rows)


@feature.tap("open")
async def open_(turn: Turn, sale_id: str) -> Screen:
    """Opens one sale, with the way to take it back while there is one."""
    turn.finish()
    sale, post = await reached(turn, sale_id)
    minutes = turn.programme.take_back_minutes
    may = paid_tier_undo.may_take_back(sale, post.staff, minutes=minutes, at=turn.at)
    rows: list[list[Button | None]] = [
        [feature.button(t("撤回这笔"), "back", sale.id, style="danger") if may else None],
        [feature.button(t("返回"), "list", post.merchant.id, 0), desk_doors.counter()],
    ]
    return screen(await about(turn, sale), rows)


@feature.tap("back")
async def back(turn: Turn, sale_id: str) -> Screen:
    """Asks why a sale is to be taken back: the usual reasons, or one typed."""
    sale, post = await reached(turn, sale_id)
    paid_tier_undo.check_take_back(sale, post.staff, minutes=turn.programme.take_back_minutes, at=turn.at)
    turn.goto(feature.at("reason"), sale=sale.id)
    lines: list[Line] = [
        *await about(turn, sale),
        BLANK,
        t("撤回就退 {amount},买的天数马上收回。", amount=Money(sale.amount_minor, sale.money)),
        t("为什么?点一个,或把原因发给我。会员会看到。"),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(words, "because", sale.id, reason, style="danger")]
        for reason, words in reasons.PAID_TIER.items()
    ]
    return screen(lines, [*rows, [feature.button(t("不撤了"), "open", sale.id)]])


@feature.tap("because")
async def because(turn: Turn, sale_id: str, reason: str) -> Screen:
    """Takes the sale back for a usual reason; a second tap shows that it is done."""
    return await take_back(turn, sale_id, reason if reason in reasons.PAID_TIER else "")


@feature.step("reason")
async def reason_typed(turn: Turn, said: str) -> Screen:
    """Takes the sale back for the reason typed."""
    return await take_back(turn, str(turn.dialogue.data["sale"]), said)


async def take_back(turn: Turn, sale_id: str, reason: str) -> Screen:
    """Takes a sale back, tells the member, and shows what was done."""
    sale, post = await reached(turn, sale_id)
    if sale.taken_back_at is None:
        await words_of.look(turn, sale.member_id)
        minutes = turn.programme.take_back_minutes
        sale, change = await paid_tier_undo.take_back(
            turn.tx, turn.programme, post.staff, sale.id, reason, minutes=minutes, at=turn.at
        )
        told = paid_tiers.taken_back(turn.programme, sale, post.merchant, change)
        turn.tell(sale.member_id, told, key=f"{sale.key}:back")
    turn.finish()
    lines: list[Line] = [
        t("撤回好了,请退 <b>{amount}</b>", amount=Money(sale.amount_minor, sale.money)),
        await till.told(turn, sale.member_id),
        BLANK,
        *await about(turn, sale),
    ]
    rows: list[list[Button | None]] = [
        [feature.button(t("卖出的等级"), "list", post.merchant.id, 0), desk_doors.counter()]
    ]
    return screen(lines, rows)


async def reached(turn: Turn, sale_id: str) -> tuple[Sale, Post]:
    """A sale that this person may look at: their own, or any of the shop for a manager. Others are like none."""
    sale = await paid_tier_sales.by_id(turn.tx, number(sale_id))
    if turn.me.role_at(sale.merchant_id) is None:
        raise NoSuchTierSale(sale.id)
    post = await till.post_at(turn, sale.merchant_id)
    if sale.staff_id != post.staff.id:
        post.staff.demand("see_whole_day")
    return sale, post


async def about(turn: Turn, sale: Sale) -> list[Line]:
    """What there is to say of a sale."""
    by = await staff.by_id(turn.tx, sale.staff_id)
    facts = {
        "amount": Money(sale.amount_minor, sale.money),
        "name": await till.customer(turn, sale.member_id),
        "tier": words_of.named(turn.programme, sale.tier),
        "until": sale.until,
        "sale": str(sale.id),
        "when": sale.sold_at,
        "label": by.label if by else "",
        "till": sale.till or "",
        "reason": reasons.said(sale.reason or ""),
        "back": sale.taken_back_at,
        "back_until": sale.take_back_until,
    }
    found: list[Line | None] = [
        t("收 {amount} → 会员 <b>{name}</b> <b>{tier}</b>", **facts),
        t("有效至 {until}", **facts) if sale.taken_back_at is None else None,
        t("等级单 {sale} · {when}", **facts),
        t("经手:{label} · {till}", **facts) if sale.till else t("经手:{label}", **facts),
        t("{back} 撤回,退 {amount}:{reason}", **facts) if sale.taken_back_at else None,
        t("店长可撤到 {back_until}", **facts)
        if sale.taken_back_at is None and sale.take_back_until >= turn.today
        else None,
    ]
    return [line for line in found if line is not None]


def row(turn: Turn, sale: Sale) -> Text:
    """One sale on a button."""
    facts = {
        "when": sale.sold_at,
        "tier": words_of.named(turn.programme, sale.tier),
        "amount": Money(sale.amount_minor, sale.money),
    }
    if sale.taken_back_at is not None:
        return t("{when} · {tier} · 已撤回", **facts)
    return t("{when} · {tier} · {amount}", **facts)
