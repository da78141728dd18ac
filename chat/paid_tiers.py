"""Tiers for money in words: what they cost and where, what a member gets for it, what is said when a sale is taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import desk_doors, doors, reasons
from chat.refusals import Worded, worded
from chat.screen import BLANK, Line, Screen, screen
from chat.tiers import name, named, privileges
from chat.till import STATUSES
from chat.words import Both, Money, Points, Text, t, tn
from ledger.members import tiers
from ledger.members.standings import Change
from ledger.merchants import merchant as merchants
from ledger.merchants import paid_tier_sales, paid_tier_undo, paid_tiers
from ledger.merchants.merchant import Merchant
from ledger.merchants.paid_tier_sales import Sale, Taken
from ledger.programme import Programme, Tier, TierFee

NO_PURCHASE = t("不算消费:不得积分,也不算升级。")
AFTERWARDS = t("到期后按消费定等级。")


async def sellers(tx: AsyncConnection, programme: Programme, today: dt.date) -> dict[str, Merchant]:
    """The merchants that sell tiers and may today, by code."""
    codes = sorted({code for tier in programme.tiers if tier.fee is not None for code in tier.fee.sellers})
    found = {code: await merchants.by_code(tx, code) for code in codes}
    return {code: each for code, each in found.items() if each.status_on(today) == "certified"}


def prices(tier: Tier, selling: Mapping[str, Merchant], money: str, *, more: bool = False) -> list[Line]:
    """What a tier costs, in points and in money: nothing where it is not for sale. `more` of one's own is for money alone.

    Args:
        selling: the merchants that sell tiers now, by code.
    """
    price = None if more else tier.price
    fee = tier.fee if tier.fee is not None and any(code in selling for code in tier.fee.sellers) else None
    found: list[Line] = []
    if price is not None and fee is not None and price.days == fee.days:
        facts = {"points": Points(price.points), "at": at(fee, selling), "amount": Money(fee.amount_minor, money)}
        found.append(t("{points},或在{at}付 {amount}", **facts))
        return [tn("买{tier} {n} 天:", n=fee.days, tier=name(tier)), *found]
    if price is not None:
        found.append(tn("{points},{n} 天", points=Points(price.points), n=price.days))
    if fee is not None:
        facts = {"at": at(fee, selling), "amount": Money(fee.amount_minor, money)}
        found.append(tn("在{at}付 {amount},{n} 天", n=fee.days, **facts))
    head = t("续{tier}:", tier=name(tier)) if more else t("买{tier}:", tier=name(tier))
    return [head, *found] if found else []


def at(fee: TierFee, selling: Mapping[str, Merchant]) -> Text | Both:
    """Where a tier is sold."""
    places = [selling[code] for code in fee.sellers if code in selling]
    here = Both(places[0].name_zh, places[0].name_en)
    return here if len(places) == 1 else tn("{merchant}等 {n} 家", merchant=here, n=len(places))


def taken(money: Taken, code: str) -> list[Text]:
    """What was taken for tiers and given back, a fact a line; what did not happen is left out."""
    found = [
        tn("卖等级 {n} 笔,收 {amount}", n=money.sold, amount=Money(money.sold_minor, code)) if money.sold else None,
        tn("撤回等级 {n} 笔,退 {amount}", n=money.back, amount=Money(money.back_minor, code)) if money.back else None,
    ]
    return [line for line in found if line is not None]


def lasts(days: int, until: dt.date, extends_from: dt.date | None) -> Text:
    """How long a tier that is sold lasts, and from when."""
    if extends_from is None:
        return tn("从今天起 {n} 天,到 {until}", n=days, until=until)
    return tn("从 {ends}再加 {n} 天,到 {until}", n=days, until=until, ends=extends_from)


def receipt(programme: Programme, sale: Sale, merchant: Merchant) -> Screen:
    """What a member is told who has bought a tier at a counter."""
    tier = programme.tiers[tiers.place(programme.tiers, sale.tier)]
    here, amount = Both(merchant.name_zh, merchant.name_en), Money(sale.amount_minor, sale.money)
    lines: list[Line | None] = [
        t("<b>{tier}</b> · 有效至 <b>{until}</b>", tier=name(tier), until=sale.until),
        tn("{merchant} · {amount} · {n} 天", n=sale.days, merchant=here, amount=amount),
        t("接在 {ends}之后", ends=sale.extends_from) if sale.extends_from else None,
        *privileges(tier),
        BLANK,
        NO_PURCHASE,
        AFTERWARDS,
    ]
    return screen(lines, [[doors.tier(t("看等级")), doors.home()]])


def taken_back(programme: Programme, sale: Sale, merchant: Merchant, change: Change) -> Screen:
    """What a member is told when a sale to them was taken back: the money, why, and where they stand."""
    now = named(programme, change.after)
    tier = named(programme, sale.tier)
    here, amount = Both(merchant.name_zh, merchant.name_en), Money(sale.amount_minor, sale.money)
    reason = t("{merchant} · 原因:{reason}", merchant=here, reason=reasons.said(sale.reason or ""))
    lines: list[Line] = [t("退还 <b>{amount}</b>,{tier}撤回了", amount=amount, tier=tier), reason]
    if change.after == sale.tier and change.until is not None:
        ends = t("退还 <b>{amount}</b>,{tier}改回到 {until}", amount=amount, tier=tier, until=change.until)
        lines = [ends, reason]
    elif change.until is not None:
        lines.append(t("现在是 <b>{tier}</b>,有效至 {until}", tier=now, until=change.until))
    else:
        lines.append(t("现在是 <b>{tier}</b>", tier=now))
    lines.append(t("没有收到退款,请找店里。"))
    return screen(lines, [[doors.tier(t("看等级")), doors.home()]])


@worded(paid_tiers.TierNotSoldHere)
def _(no: paid_tiers.TierNotSoldHere) -> Worded:
    return Worded(
        t("这里不卖{tier}", tier=Both(no.name_zh, no.name_en)),
        t("看看还卖什么,或按消费升级。"),
        (desk_doors.sell_tiers(t("看卖什么")), desk_doors.counter()),
    )


@worded(paid_tiers.SellerMayNotSell)
def _(no: paid_tiers.SellerMayNotSell) -> Worded:
    return Worded(
        t("{merchant}现在不能卖等级", merchant=Both(no.name_zh, no.name_en)),
        t("它的状态是「{status}」,恢复后再卖。别收钱。", status=STATUSES[no.status]),
        (desk_doors.counter(),),
    )


NOT_FOR: dict[str, tuple[Text, Text]] = {
    "company": (t("企业账户没有等级"), t("请对方换回自己的账户,再出示会员码。")),
    "unclaimed": (t("顾客还没有加入,不能卖"), t("请顾客在 Telegram 加入并认领这个号,再来买。")),
    "frozen": (t("账户已冻结,不能卖"), t("请会员先联系客服解冻。已有的等级不变。")),
    "closed": (t("这个账户已经关闭,不能卖"), t("请顾客用现在的账户出示会员码。")),
}


@worded(paid_tiers.NoTierForThem)
def _(no: paid_tiers.NoTierForThem) -> Worded:
    headline, remedy = NOT_FOR[no.who]
    return Worded(headline, remedy, (desk_doors.award_amount(t("只记积分")), desk_doors.counter()))


@worded(paid_tiers.TierAddsNothing)
def _(no: paid_tiers.TierAddsNothing) -> Worded:
    facts = {"tier": Both(no.tier_zh, no.tier_en), "until": no.until}
    until = t("有效至 {until},之后再买才有用。", **facts) if no.until else t("没有到期日,不用买。")
    buttons = (desk_doors.sell_tiers(t("看别的等级")), desk_doors.award_amount(t("只记积分")))
    return Worded(t("会员已是{tier},买了不多什么", **facts), until, buttons)


@worded(paid_tiers.TierNotExtended)
def _(no: paid_tiers.TierNotExtended) -> Worded:
    facts = {"tier": Both(no.tier_zh, no.tier_en), "until": no.until}
    buttons = (desk_doors.sell_tiers(t("看别的等级")), desk_doors.award_amount(t("只记积分")))
    return Worded(t("会员的{tier}还没有到期", **facts), t("有效至 {until},这个等级到期后才能再买。", **facts), buttons)


@worded(paid_tier_sales.TierSaleChanged)
def _(no: paid_tier_sales.TierSaleChanged) -> Worded:
    return Worded(
        t("刚刚变了,没有卖出"),
        t("价格或到期日不是刚才的。请再看一眼,别重复收钱。"),
        (desk_doors.sell_tier(t("看现在的"), no.tier), desk_doors.counter()),
    )


@worded(paid_tier_sales.NoSuchTierSale)
def _(no: paid_tier_sales.NoSuchTierSale) -> Worded:
    return Worded(t("没有这一笔"), t("可能是别家店卖的。"), (desk_doors.counter(),))


@worded(paid_tier_undo.TierTakenBack)
def _(no: paid_tier_undo.TierTakenBack) -> Worded:
    return Worded(t("这个等级已经撤回了"), t("{when} 撤回的,没有再退。", when=no.at), (desk_doors.counter(),))


@worded(paid_tier_undo.TooLateToTakeTierBack)
def _(no: paid_tier_undo.TooLateToTakeTierBack) -> Worded:
    return Worded(
        t("过了撤回的时间"),
        tn("收银员 {n} 分钟内可撤自己卖的;店长可撤到 {until}。", n=no.minutes, until=no.until),
        (desk_doors.counter(),),
    )


@worded(paid_tier_undo.TakeBackReasonNeeded)
def _(no: paid_tier_undo.TakeBackReasonNeeded) -> Worded:
    return Worded(t("请写明原因"), tn("会员会看到,最多 {n} 个字。", n=no.longest))


@worded(paid_tier_undo.TierSoldAgainSince)
def _(no: paid_tier_undo.TierSoldAgainSince) -> Worded:
    headline = t("后来又卖过,先撤后面的")
    if no.sale_id is None:
        return Worded(headline, t("{when} 别家店又卖过,请会员先去那里退。", when=no.sold_at), (desk_doors.counter(),))
    later = desk_doors.tier_back(t("撤后面那笔"), no.sale_id)
    return Worded(headline, t("请先撤回 {when} 卖的那笔。", when=no.sold_at), (later, desk_doors.counter()))
