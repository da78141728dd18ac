"""An entry's trace in words (E14): each step as the rule's evaluation wrote it, and no step that it didn't.

¥300 × 1 分/元  = 300 分
其中 ¥50 是用积分或券付的,不计分  → 250 分
春节双倍(到 2月23日)  ×2  +250 分
春节双倍,每月上限 3,000 分:当月还可多得 2,750 分
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from chat.words import Both, Money, Points, Text, t, tn

Step = Mapping[str, Any]

_MONEY_NAMES = {
    "CNY": Both("元", "yuan"),
    "GBP": Both("英镑", "pound"),
    "USD": Both("美元", "dollar"),
    "EUR": Both("欧元", "euro"),
    "HKD": Both("港元", "HK dollar"),
}


LINES_SHOWN = 10
"""Of a long bill so many lines are shown one by one, the others as one sum."""


def steps(trace: Sequence[Step] | None) -> list[Text]:
    """The lines of a trace, in its order. A step of a kind that nobody words is a `KeyError`: it must not go unsaid."""
    return [_WORDINGS[step["what"]](step) for step in _folded(trace or ())]


def _folded(trace: Sequence[Step]) -> list[Step]:
    lines = [step for step in trace if step["what"] in _OF_LINES]
    if len(lines) <= LINES_SHOWN:
        return list(trace)
    folded = lines[LINES_SHOWN - 1 :]
    points = sum((Fraction(step["points"]) for step in folded), Fraction(0))
    others: Step = {"what": "others", "lines": len(folded), "points": str(points)}
    hidden = {id(step) for step in folded[1:]}
    return [others if step is folded[0] else step for step in trace if id(step) not in hidden]


def because(reason: str) -> Text:
    """Why nothing was earned."""
    return _REASONS[reason]


def exact(points: str) -> Points | str:
    """Points as a trace states them: whole ones with their unit, a decimal as it stands, what no decimal ends at two places."""
    if points.removeprefix("-").isdigit():
        return Points(int(points))
    if "/" in points:
        return f"≈ {float(Fraction(points)):,.2f}"
    return f"{Decimal(points):,f}"


def unit(money: str) -> Both:
    """What one of a currency is called: rates are points per so much."""
    return _MONEY_NAMES.get(money, Both(money, money))


def _base(step: Step) -> Text:
    facts = {
        "amount": Money(step["amount_minor"], step["money"]),
        "rate": step["rate"],
        "unit": unit(step["money"]),
        "points": exact(step["points"]),
    }
    if step.get("rest"):
        said = t("其余 {amount} × {rate} 分/{unit}  = {points}", **facts)
    elif of := step.get("item") or step.get("category"):
        said = t("{of}:{amount} × {rate} 分/{unit}  = {points}", of=of, **facts)
    else:
        said = t("{amount} × {rate} 分/{unit}  = {points}", **facts)
    return t("{said} · {rule}", said=said, rule=_named(step)) if "name_zh" in step else said


def _green(step: Step) -> Text:
    rule: Text | Both = _named(step)
    if of := step.get("item") or step.get("category"):
        rule = t("{rule}({of})", rule=rule, of=of)
    facts = {"rule": rule, "rate": step["rate"], "points": exact(step["points"])}
    if step["per"] == "piece":
        said = tn("{rule}:{n} 件 × {rate} 分  +{points}", n=step["pieces"], **facts)
    else:
        amount = Money(step["amount_minor"], step["money"])
        said = t("{rule}:{amount} × {rate} 分/{unit}  +{points}", amount=amount, unit=unit(step["money"]), **facts)
    if "grams" not in step:
        return said
    return t("{said} · 约少排 {mass} 二氧化碳({source})", said=said, mass=_mass(step["grams"]), source=step["source"])


def _others(step: Step) -> Text:
    return tn("还有 {n} 行  = {points}", n=step["lines"], points=exact(step["points"]))


def _net(step: Step) -> Text:
    paid = Money(step["paid_otherwise_minor"], step["money"])
    return t("其中 {paid} 是用积分或券付的,不计分  → {points}", paid=paid, points=exact(step["points"]))


def _times(step: Step) -> Text:
    facts = {"rule": _named(step), "factor": step["factor"], "points": exact(step["points"])}
    if step.get("rest"):
        return t("其余部分 {rule}  ×{factor}  +{points}", **facts)
    if "of" in step:
        return t("{rule}  ×{factor},只算其中的 {of}  +{points}", of=exact(step["of"]), **facts)
    return t("{rule}  ×{factor}  +{points}", **facts)


def _bonus(step: Step) -> Text:
    return t("{rule}  +{points}", rule=_named(step), points=exact(step["points"]))


def _cap(step: Step) -> Text:
    facts = {"cap": _CAPS[step["per"]], "points": Points(step["cap"]), "left": Points(step["left"])}
    if "cut" in step:
        said = t("{cap} {points}:到此为止,少得 {cut}", cut=exact(step["cut"]), **facts)
    elif not step["left"]:
        said = t("{cap} {points}:已经得满", **facts)
    else:
        said = t("{cap} {points}:还可多得 {left}", **facts)
    return t("{rule},{said}", rule=_name(step), said=said) if "name_zh" in step else said


def _budget(step: Step) -> Text:
    rule = _name(step) if "name_zh" in step else t("积分")
    if "cut" in step:
        return t("{rule}的预算到此用完,少得 {cut}", rule=rule, cut=exact(step["cut"]))
    return t("{rule}的预算已经用完", rule=rule)


def _beaten(step: Step) -> Text:
    return t("{rule}:同类优惠取最高的,这条不另计", rule=_name(step))


def _total(step: Step) -> Text:
    whole = Points(step["points"])
    if step["exact"] == str(step["points"]):
        return t("合计 {points}", points=whole)
    return t("合计 {exact},取整 {points}", exact=exact(step["exact"]), points=whole)


def _nothing(step: Step) -> Text:
    return because(step["because"])


def _refund(step: Step) -> Text:
    return t(
        "这笔原得 {earned},退后还该得 {keeps},收回 {points}",
        earned=Points(step["earned"]),
        keeps=Points(step["keeps"]),
        points=Points(step["points"]),
    )


def _dividend(step: Step) -> Text:
    return t(
        "分红池 {pool},按 {since}—{until}得的分摊:您得过 {earned},{members} 位会员共 {total}",
        pool=Points(step["pool"]),
        since=dt.date.fromisoformat(step["since"]),
        until=dt.date.fromisoformat(step["until"]),
        earned=Points(step["earned"]),
        members=step["members"],
        total=Points(step["total"]),
    )


def _name(step: Step) -> Both:
    return Both(step["name_zh"], step["name_en"])


def _named(step: Step) -> Text | Both:
    """A rule's name, with its last day where it has one."""
    if "until" not in step:
        return _name(step)
    return t("{rule}(到 {until})", rule=_name(step), until=dt.date.fromisoformat(step["until"]))


def _mass(grams: str) -> Text:
    mass = Decimal(grams)
    if mass < 1000:
        return t("{mass} 克", mass=f"{mass.quantize(Decimal(1)) if mass >= 10 else mass.normalize():f}")
    return t("{mass} 千克", mass=f"{(mass / 1000).quantize(Decimal('0.1')):,f}")


_OF_LINES = ("base", "green")

_CAPS: dict[str, Text] = {
    "purchase": t("每笔上限"),
    "day": t("每天上限"),
    "month": t("每月上限"),
    "ever": t("累计上限"),
}

_WORDINGS: dict[str, Callable[[Step], Text]] = {
    "base": _base,
    "green": _green,
    "others": _others,
    "net": _net,
    "times": _times,
    "bonus": _bonus,
    "cap": _cap,
    "budget": _budget,
    "beaten": _beaten,
    "total": _total,
    "nothing": _nothing,
    "refund": _refund,
    "dividend": _dividend,
}

_REASONS: dict[str, Text] = {
    "no_rule": t("这家商户当天没有积分规则"),
    "not_met": t("这笔不符合这家商户积分规则的条件"),
    "earns_nothing": t("按这家商户的规则,这些商品不计分"),
    "below_one_point": t("金额不够得 1 分"),
    "paid_otherwise": t("全部用积分或券付的,不再得分"),
    "no_spending": t("没有消费,不得分"),
    "capped": t("已经得满这条规则的上限"),
    "budget_gone": t("这次活动的预算已经用完"),
}
