"""A merchant's terms in words: what the operator arranges, what its people and members read."""

from __future__ import annotations

from chat import operator_doors
from chat.known import Known
from chat.merchant_log import TERM_NAMES
from chat.refusals import Worded, worded
from chat.screen import Line
from chat.words import Money, Text, t, tn
from ledger.merchants import terms
from ledger.merchants.merchant import Merchant, MonthsToMonthEnd, Years


def life(merchant: Merchant) -> Text:
    """How long the merchant's points live."""
    match merchant.terms.life:
        case MonthsToMonthEnd(months=months):
            return tn("有效 {n} 个月,到月底", n=months)
        case Years(years=years):
            return tn("有效 {n} 年", n=years)
        case _:
            return t("不过期")


def lines(merchant: Merchant, names: Known) -> list[Line]:
    """All of them, a line each."""
    held = merchant.terms
    found: list[Line | None] = [
        t("发的积分:{currency}", currency=names.currency(held.currency)),
        tn("退货期 {n} 天,过后生效", n=held.return_days) if held.return_days else t("得分马上可用"),
        life(merchant),
        t("收联盟积分") if held.accepts_common else t("只收自己的积分"),
        t("收银员一笔最多退 {amount}", amount=Money(held.cashier_refund_minor, merchant.money))
        if held.cashier_refund_minor
        else t("收银员不办退款"),
        t("支付渠道:只按消费给分") if held.instrument else None,
    ]
    return [line for line in found if line is not None]


@worded(terms.TermInvalid)
def _(no: terms.TermInvalid) -> Worded:
    return Worded(t("不能改成这样"), t("{term}和别的条款合不上,没有改。", term=TERM_NAMES.get(no.term, t("这一条"))))


@worded(terms.FundsWelcome)
def _(no: terms.FundsWelcome) -> Worded:
    return Worded(
        t("这家出欢迎积分,不能作支付渠道"),
        t("支付渠道只按消费给分。先换一家出欢迎积分。"),
        (operator_doors.merchant_desk(t("返回"), no.merchant_id),),
    )
