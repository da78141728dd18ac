"""An entry's trace in words (E14): each step as the rule's evaluation wrote it, and no step that it didn't.

¥300 × 1 分/元  = 300 分
其中 ¥50 用积分或券付的,不计  → 250 分
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chat.words import Both, Money, Points, Text, t

Step = Mapping[str, Any]

_MONEY_NAMES = {
    "CNY": Both("元", "yuan"),
    "GBP": Both("英镑", "pound"),
    "USD": Both("美元", "dollar"),
    "EUR": Both("欧元", "euro"),
    "HKD": Both("港元", "HK dollar"),
}


def steps(trace: Sequence[Step] | None) -> list[Text]:
    """The lines of a trace, in its order. A step of a kind that nobody words is a `KeyError`: it must not go unsaid."""
    return [_WORDINGS[step["what"]](step) for step in trace or ()]


def because(reason: str) -> Text:
    """Why nothing was earned."""
    return _REASONS[reason]


def exact(points: str) -> Points | str:
    """Points as a trace states them: whole ones with their unit, a fraction as it stands («100.5», «1/3»)."""
    return Points(int(points)) if points.removeprefix("-").isdigit() else points


def unit(money: str) -> Both:
    """What one of a currency is called: rates are points per so much."""
    return _MONEY_NAMES.get(money, Both(money, money))


def _base(step: Step) -> Text:
    return t(
        "{amount} × {rate} 分/{unit}  = {points}",
        amount=Money(step["amount_minor"], step["money"]),
        rate=step["rate"],
        unit=unit(step["money"]),
        points=exact(step["points"]),
    )


def _net(step: Step) -> Text:
    paid = Money(step["paid_otherwise_minor"], step["money"])
    return t("其中 {paid} 是用积分或券付的,不计分  → {points}", paid=paid, points=exact(step["points"]))


def _total(step: Step) -> Text:
    whole = Points(step["points"])
    if step["exact"] == str(step["points"]):
        return t("合计 {points}", points=whole)
    return t("合计 {exact},取整 {points}", exact=step["exact"], points=whole)


def _nothing(step: Step) -> Text:
    return because(step["because"])


def _refund(step: Step) -> Text:
    return t(
        "这笔原得 {earned},退后还该得 {keeps},收回 {points}",
        earned=Points(step["earned"]),
        keeps=Points(step["keeps"]),
        points=Points(step["points"]),
    )


_WORDINGS: dict[str, Callable[[Step], Text]] = {
    "base": _base,
    "net": _net,
    "total": _total,
    "nothing": _nothing,
    "refund": _refund,
}

_REASONS: dict[str, Text] = {
    "no_rule": t("这家商户当天没有积分规则"),
    "below_one_point": t("金额不够得 1 分"),
    "paid_otherwise": t("全部用积分或券付的,不再得分"),
}
