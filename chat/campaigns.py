"""Campaigns and their budgets in words: for who runs them and for who approves."""

from __future__ import annotations

from chat import till
from chat.known import Known
from chat.refusals import Worded, worded
from chat.rules import STATES
from chat.screen import Line
from chat.turn import Turn
from chat.words import Both, Money, Points, Text, t, tn
from ledger.earning import campaigns, rulebook
from ledger.earning.campaigns import Campaign, Change
from ledger.earning.rules.documents import Budget
from ledger.merchants import merchant as merchants


async def place(turn: Turn, merchant_id: int | None) -> tuple[Text | Both, str]:
    """Whose campaign it is, and in which money."""
    if merchant_id is None:
        return t("整个计划"), turn.programme.money
    merchant = await merchants.by_id(turn.tx, merchant_id)
    return till.name_of(merchant), merchant.money


def name_of(campaign: Campaign | Change) -> Both:
    """What it is called."""
    return Both(campaign.name_zh, campaign.name_en)


def amount(budget: Budget, money: str) -> Text:
    """A budget in words."""
    if budget.minor is None:
        return t("{points}", points=Points(budget.points or 0))
    worth = Money(budget.minor, money)
    if budget.points is None:
        return t("{worth}", worth=worth)
    return t("{points}、{worth}", points=Points(budget.points), worth=worth)


def saying(change: Change, money: str) -> Text:
    """What somebody wants."""
    facts = {"name": name_of(change), "budget": amount(change.budget, money)}
    return (
        t("新活动「{name}」,预算 {budget}", **facts) if change.what == "open" else t("「{name}」加 {budget}", **facts)
    )


def about(campaign: Campaign, money: str, names: Known) -> list[Line]:
    """A campaign: whether it is open, its budget, what is used of it and what is left."""
    state = t("开着") if campaign.is_open else t("停了")
    lines: list[Line] = [t("<b>{name}</b> · {state}", name=name_of(campaign), state=state)]
    budget = campaign.budget
    lines.append(t("预算 {budget}", budget=amount(budget, money)) if budget else t("不限量"))
    worth = Money(campaign.used_minor, money)
    if not campaign.used:
        lines.append(t("还没有用过"))
    for currency, points in campaign.used.items():
        lines.append(t("已发 {points}", points=names.points(currency, points)))
    if campaign.used:
        lines.append(t("合 {worth}", worth=worth))
    if budget is not None:
        lines.append(t("还剩 {left}", left=amount(left_of(campaign, budget), money)))
    return lines


def left_of(campaign: Campaign, budget: Budget) -> Budget:
    """What is left of it: of points for the currency that has used most."""
    points = None if budget.points is None else max(0, budget.points - max(campaign.used.values(), default=0))
    minor = None if budget.minor is None else max(0, budget.minor - campaign.used_minor)
    return Budget(points=points, minor=minor)


@worded(campaigns.CampaignNameWrong)
def _(no: campaigns.CampaignNameWrong) -> Worded:
    return Worded(t("名称不合适"), tn("写 1 到 {n} 个字。", n=no.longest))


@worded(campaigns.BudgetOutOfRange)
def _(no: campaigns.BudgetOutOfRange) -> Worded:
    return Worded(
        t("预算要大于 0"), t("最多 {points},金额最多 {worth}。", points=Points(no.points), worth=Money(no.minor))
    )


@worded(rulebook.NoSuchCampaign)
def _(no: rulebook.NoSuchCampaign) -> Worded:
    return Worded(t("没有这份活动预算"), t("没有「{campaign}」,先开一份。", campaign=no.campaign))


@worded(campaigns.ChangeSettled)
def _(no: campaigns.ChangeSettled) -> Worded:
    if no.state is None:
        return Worded(t("没有这条申请"))
    return Worded(t("这条申请已经处理过了"), t("现在是「{state}」。", state=STATES[no.state]))


@worded(campaigns.OwnChange)
def _(no: campaigns.OwnChange) -> Worded:
    return Worded(t("自己提的要别人批"), t("请另一位运营人员来看。"))
