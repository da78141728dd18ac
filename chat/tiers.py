"""Tiers in words: their names, what is missing, what a member is told of a change or before one."""

from __future__ import annotations

import datetime as dt

from chat import doors, operator_doors
from chat.offers import points_of
from chat.refusals import Worded, worded
from chat.screen import Line, Screen, screen
from chat.turn import Turn
from chat.words import Both, Money, Text, t, tn
from ledger.earning import qualifying
from ledger.earning.qualifying import Warning
from ledger.members import standings, tiers, upgrades
from ledger.members.ending import Ending
from ledger.members.standings import Change
from ledger.members.tiers import Missing
from ledger.programme import Programme, Tier
from ledger.redeeming.may_redeem import Listed

PRIVILEGES_SHOWN = 6


def name(tier: Tier) -> Both:
    """What a tier is called."""
    return Both(tier.name_zh, tier.name_en)


def named(programme: Programme, code: str | None) -> Both:
    """The same by its code; a code that is no tier any more reads as the lowest."""
    return name(programme.tiers[tiers.place(programme.tiers, code)])


def lacking(missing: Missing, money: str) -> Text:
    """What is missing of something: money, visits, or both."""
    amount = Money(missing.spend_minor, money)
    if not missing.visits:
        return t("再消费 {amount}", amount=amount)
    if not missing.spend_minor:
        return tn("再来 {n} 天", n=missing.visits)
    return tn("再消费 {amount}、再来 {n} 天", n=missing.visits, amount=amount)


def privileges(tier: Tier) -> list[Line]:
    """What a tier brings, a line each."""
    return [t("· {privilege}", privilege=Both(each.zh, each.en)) for each in tier.privileges[:PRIVILEGES_SHOWN]]


def changed(programme: Programme, change: Change) -> Screen:
    """What a member is told when their tier has changed or was kept."""
    tier = programme.tiers[tiers.place(programme.tiers, change.after)]
    facts = {"tier": name(tier), "before": named(programme, change.before), "until": change.until}
    lines: list[Line] = []
    match change.why:
        case "earned":
            lines.append(t("升级了:<b>{tier}</b>", **facts))
        case "granted":
            lines.append(t("送您升级:<b>{tier}</b>", **facts))
        case "kept":
            lines.append(t("继续是 <b>{tier}</b>", **facts))
        case "landed" | "grant_ended":
            lines.append(t("{before}到期了,现在是 <b>{tier}</b>", **facts))
    if change.until is not None:
        lines.append(t("有效至 {until}", **facts))
    return screen([*lines, *privileges(tier)], [[doors.tier(t("看等级")), doors.home()]])


def warned(programme: Programme, warning: Warning) -> Screen:
    """What a member is told before a period ends: what is missing, and where they would land."""
    facts = {
        "tier": named(programme, warning.tier),
        "lower": named(programme, warning.lands_on),
        "until": warning.until,
        "missing": lacking(warning.missing, programme.money),
    }
    lines: list[Line] = [
        t("{tier}到 {until}为止", **facts),
        t("{until}前{missing},就能保住{tier}。", **facts),
        t("不够的话降一级,到{lower}。", **facts),
    ]
    return screen(lines, [[doors.tier(t("看等级")), doors.home()]])


def ends_soon(programme: Programme, ends: Ending, today: dt.date, again: Listed | None = None) -> Screen:
    """What a member is told some days before a tier ends that was bought or given. `again` is where more of its days are had."""
    facts = {
        "tier": named(programme, ends.tier),
        "lower": named(programme, ends.lands_on),
        "until": ends.until,
    }
    left = (ends.until - today).days
    lines: list[Line] = [
        t("{tier}到 {until}为止", **facts),
        tn("还有 {n} 天,之后是{lower}。", n=left, **facts) if left else t("今天最后一天,之后是{lower}。", **facts),
        t("想接着用,可以再换或再买。"),
    ]
    more = None
    if again is not None and again.offer.membership is not None:
        points = points_of(again, again.offer.least_points)
        more = doors.offer(tn("再换 {n} 天 · {points}", n=again.offer.membership.days, points=points), again.id)
    return screen(lines, [[more], [doors.tier(t("看等级")), doors.catalog()], [doors.home()]])


def proposed(count: int) -> Screen:
    """What an operator is told after a night that proposed upgrades."""
    said = tn("{n} 位会员最近来得勤多了,建议送他们升级。", n=count)
    return screen([said], [[operator_doors.tier_proposals(), operator_doors.operator()]])


async def look(turn: Turn, member_id: int) -> None:
    """Move a member up at once where a purchase has brought them there, and tell them."""
    if not turn.programme.tiers:
        return
    for change in (await qualifying.look(turn.tx, turn.programme, [member_id], turn.at)).changes:
        turn.tell(member_id, changed(turn.programme, change), key=key(change))


def key(change: Change) -> str:
    """Names the notice of a change, once whoever found it."""
    return f"tier:{change.member_id}:{change.why}:{change.after}:{change.until}"


@worded(standings.NoSuchTier)
def _(no: standings.NoSuchTier) -> Worded:
    return Worded(t("没有这个等级"), t("计划里没有「{tier}」。", tier=no.tier))


@worded(standings.GrantedInThePast)
def _(no: standings.GrantedInThePast) -> Worded:
    return Worded(t("到期日已经过了"), t("{until}已过,等级没有变。", until=no.until))


@worded(upgrades.NoSuchProposal)
def _(no: upgrades.NoSuchProposal) -> Worded:
    return Worded(t("没有这条升级建议"), None, (operator_doors.tier_proposals(),))


STATES: dict[str, Text] = {
    "accepted": t("已经同意了"),
    "declined": t("已经放下了"),
    "lapsed": t("会员已经自己升上去了"),
}


@worded(upgrades.ProposalDecided)
def _(no: upgrades.ProposalDecided) -> Worded:
    return Worded(t("这条建议处理过了"), STATES[no.state], (operator_doors.tier_proposals(),))


@worded(upgrades.TierReachedAlready)
def _(no: upgrades.TierReachedAlready) -> Worded:
    return Worded(t("不用再送了"), t("会员已经有这个等级或更高的。"), (operator_doors.tier_proposals(),))
