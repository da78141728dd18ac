"""What is wrong with an offer that somebody writes in chat: the document's own findings, each with what would put it right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from chat import desk_doors
from chat.refusals import Worded, worded
from chat.words import Both, Text, t, tn
from ledger.redeeming.offer_drafts import DraftInTheWay, NoSuchDraft, OfferEditedMeanwhile, StockBelowTaken

SENTENCES: dict[str, Text] = {
    "a piece is worth more than the money that is paid for it besides": t(
        "另付的钱要比它值的少。先改「值多少」,或少收一点。"
    ),
    "every step must cost a whole number of points": t("每一档要正好是整数积分。换一个每档的金额。"),
    "the most must be the least and a number of steps": t("最大面值要等于最小加若干档,也不能比最小的小。"),
    "at most four conditions": t("条件最多四条,删掉几条再发。"),
    "a variable voucher, and nothing else, is priced per money": t("面值自选的券按金额定价,别的按份定价。"),
    "`until` is not before `from_on`": t("结束不能早于开始。"),
    "there is no such day": t("这样一天也没有。改一下日期或星期。"),
    "a day of the month is 1 to 31, or -1 for the last": t("每月几号写 1 到 31。"),
    "a special price says when it holds, or for whom": t("特价要写明哪几天,或给哪个等级。"),
    "a special price is of the same kind as the usual one": t("特价和平时价要是同一种定价。先删掉特价。"),
    "a special price is never worse than the usual one": t("特价不能比平时贵。改低特价,或者先提平时价。"),
    "a special price never asks for more cash than the usual one": t("特价要另付的钱比平时多。先删掉那个特价。"),
    "a special price says what a piece is worth where the usual one does, and only there": t(
        "平时价写了值多少,特价才写,也要写。先删掉特价再改。"
    ),
    "early access is for some members, before the first day `on_shelf`": t(
        "提前兑换要早于上架的第一天。先写上架日期,或去掉提前兑换。"
    ),
    "what is handed over in the chat costs points alone": t("在聊天里交付的只收积分,去掉另付的钱。"),
    "of a partner code or a membership there is one in one redemption": t("券码和等级一次只换一份。"),
    "the stock of partner codes is their pool": t("券码的份数就是码池里的码,不用写份数。"),
    "only goods come back once they were handed over": t("只有商品能退换。先去掉退换,或改成商品。"),
    "only a service is booked": t("只有服务能预约。先去掉预约,或改成服务。"),
    "what is booked costs points alone: a place does not wait for cash": t("预约的只收积分,先去掉另付的钱。"),
    "each merchant that hands it over is named once, its own not among them": t("代兑商户每家写一次,不写自己。"),
    "what is handed over in the chat needs no other merchant": t("在聊天里交付的不用代兑商户,先去掉它们。"),
    "what is booked is had at one merchant": t("预约的只在一家店。先去掉代兑商户。"),
    "what two have together is sold by the piece, for 2 points or more alone, at no booked time": t(
        "两人一起换的:按份、只收积分(至少 2 分)、不用预约。"
    ),
    "what is booked is sold one at a time": t("预约的一次只换一份,先改「一次最多」。"),
    "hours are whole minutes of the programme's zone": t("时间写到分钟,按本地时间。"),
    "`open` is before `close`; hours past midnight are the next day's": t("开门要早于关门;过了零点算第二天的。"),
    "`lead_hours` reach beyond `days_ahead`: nothing could ever be booked": t(
        "最晚提前的时间超过了可约的天数,就没人能约了。"
    ),
    "opening hours are at least one slot long": t("每段时间至少够一次。"),
    "opening hours of a day don't overlap": t("同一天的时间段不能重叠。"),
    "an outlet's bookings are said once": t("一家门店只写一次。"),
    "a privilege asks for points held, for tiers, or for both": t("至少要写一样:持有多少分,或哪个等级。"),
    "where it holds is said once: `region`, or `who.regions`": t("地区只写一处。"),
}
"""What the document's validators say, by their English; a test compares."""

_KINDS: dict[str, Callable[[Mapping[str, Any]], Text]] = {
    "longer_than": lambda c: tn("「{name}」太长,最多 {n} 个字。", name=_cut(str(c["name"])), n=c["longest"]),
    "greater_than": lambda c: t("要大于 {least}。", least=str(c["gt"])),
    "greater_than_equal": lambda c: t("不能小于 {least}。", least=str(c["ge"])),
    "less_than_equal": lambda c: t("不能大于 {most}。", most=str(c["le"])),
    "too_long": lambda c: tn("最多 {n} 个,先删掉一个。", n=c["max_length"]),
    "string_too_short": lambda c: t("不能是空的。"),
}


def said(error: ValidationError) -> Text | Both:
    """The first finding, in words."""
    first = error.errors(include_url=False, include_input=False)[0]
    context = first.get("ctx", {})
    if first["type"] == "value_error":
        english = str(context["error"])
        return SENTENCES.get(english) or Both(english, english)
    kind = _KINDS.get(first["type"])
    return kind(context) if kind is not None else Both(first["msg"], first["msg"])


def line(error: ValidationError) -> Text:
    """The same as a line of a screen."""
    return t("{fault}", fault=said(error))


def _cut(name: str, longest: int = 12) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


@worded(NoSuchDraft)
def _(no: NoSuchDraft) -> Worded:
    return Worded(
        t("没有在写的草稿"), t("可能已经发布、丢掉,或放了太久。"), (desk_doors.shelf(no.merchant_id, t("看货架")),)
    )


@worded(DraftInTheWay)
def _(no: DraftInTheWay) -> Worded:
    return Worded(
        t("您还有一份没发布的草稿"),
        t("先发布或丢掉它,再写别的。"),
        (desk_doors.offer_draft(no.merchant_id, t("看草稿")), desk_doors.shelf(no.merchant_id)),
    )


@worded(OfferEditedMeanwhile)
def _(no: OfferEditedMeanwhile) -> Worded:
    return Worded(
        t("它刚被别人改过,没有发布"),
        t("您写的时候是第 {mine} 版,现在是第 {now} 版。", mine=no.based_on, now=no.version),
        (desk_doors.offer_draft(no.merchant_id, t("看草稿")),),
    )


@worded(StockBelowTaken)
def _(no: StockBelowTaken) -> Worded:
    return Worded(t("份数不能少于已换出的"), t("已换出 {taken} 份,您写了 {asked}。", taken=no.taken, asked=no.asked))
