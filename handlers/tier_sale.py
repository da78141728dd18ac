"""A tier for points: what it brings and until when, what goes and what stays, one tap."""

from __future__ import annotations

from chat import doors, known, receipts
from chat import tiers as words_of
from chat.arguments import number
from chat.feature import Feature
from chat.refusals import Worded, worded
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.points import statements
from ledger.programme import TierPrice
from ledger.redeeming import tier_sales

feature = Feature("tier_sale", order=37)


@feature.tap("ask")
async def ask(turn: Turn, tier: str) -> Screen:
    """Shows what a tier would cost and bring, before anything goes."""
    sale = tier_sales.sale(turn.programme, tier, today=turn.today)
    cost, common = sale.price.points, turn.programme.common_currency
    await statements.would_burn(turn.tx, turn.me.owner, common, cost, today=turn.today)
    held = await statements.wallet(turn.tx, turn.me.owner, today=turn.today)
    left = next(each.available for each in held if each.currency.id == common) - cost
    names = await known.read(turn.tx)
    lines: list[Line] = [
        t("<b>{points}</b>换{tier}", points=names.points(common, cost), tier=words_of.name(sale.tier)),
        tn("从今天起 {n} 天,到 {until}", n=sale.price.days, until=sale.until),
        *words_of.privileges(sale.tier),
        BLANK,
        t("换后剩 {points}", points=names.points(common, left)),
        t("先到期的先用;换了不退。到期后按您的消费定等级。"),
    ]
    nonce = turn.nonce()
    yes = feature.button(t("确认换"), "yes", tier, cost, sale.price.days, nonce, style="primary")
    return screen(lines, [[yes, doors.tier(t("返回"))]])


@feature.tap("yes")
async def yes(turn: Turn, tier: str, points: str, days: str, nonce: str) -> Screen:
    """Buys it; a second tap shows the same."""
    shown = TierPrice(points=max(1, number(points)), days=min(max(1, number(days)), 3660))
    bought = await tier_sales.buy(turn.tx, turn.programme, turn.me, tier, shown, nonce=nonce, at=turn.at)
    told = await receipts.notice(turn.tx, turn.me.owner, bought.receipt.entry_id, today=turn.today)
    lines: list[Line] = [
        t("换好了:<b>{tier}</b>,有效至 {until}", tier=words_of.name(bought.sale.tier), until=bought.sale.until),
        *words_of.privileges(bought.sale.tier),
        BLANK,
        *told.lines,
    ]
    rows: list[list[Button | None]] = [[doors.tier(t("看等级")), doors.home()]]
    return screen(lines, rows)


@worded(tier_sales.TierNotForSale)
def _(no: tier_sales.TierNotForSale) -> Worded:
    return Worded(t("这个等级不能用分换"), t("按消费和来的天数升。"), (doors.tier(),))


@worded(tier_sales.TierPriceChanged)
def _(no: tier_sales.TierPriceChanged) -> Worded:
    return Worded(t("要的分刚刚变了,还没有扣分"), t("请再看一眼再换。"), (doors.buy_tier(t("看现在要多少"), no.tier),))


@worded(tier_sales.TierHeld)
def _(no: tier_sales.TierHeld) -> Worded:
    return Worded(t("不用换了,没有扣分"), t("您已经有这个等级或更高的。"), (doors.tier(),))
