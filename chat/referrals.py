"""Inviting a friend in words: what it brings, how each friend stands, what both hear, and why a link can't be used.

Of a friend's purchase nobody else learns more than that there was one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from chat import doors
from chat.families import Name
from chat.offers import thing
from chat.refusals import Worded, worded
from chat.screen import Line, Screen, screen
from chat.turn import Turn
from chat.words import Money, Points, Text, t, tn
from ledger.earning import referrals
from ledger.earning.referrals import Moved, Referral
from ledger.programme import Programme, Referrals
from ledger.redeeming import complimentary


def rules_of(programme: Programme) -> Referrals:
    """The programme's rules. `NoReferrals` where it rewards no invitations."""
    if programme.referrals is None:
        raise referrals.NoReferrals()
    return programme.referrals


def link_of(turn: Turn, rules: Referrals) -> str:
    """The member's own link, good for the programme's days from today on."""
    until = turn.today + dt.timedelta(days=rules.link_days)
    carried = referrals.token(turn.vault, turn.me.id, until=until)
    return f"https://t.me/{turn.bot_username}?start={referrals.LINK}_{carried}"


def inviter(turn: Turn, link: str) -> int | None:
    """Who invited with the link that a newcomer came by; None where it is no such link, or none that counts any more."""
    purpose, _, carried = link.partition("_")
    if purpose != referrals.LINK or turn.programme.referrals is None:
        return None
    try:
        return referrals.inviter(turn.vault, carried, today=turn.today)
    except (referrals.ReferralLinkWrong, referrals.ReferralLinkEnded):
        return None


def condition(programme: Programme, rules: Referrals) -> Text:
    """What a friend has to do, and by when."""
    if rules.spend_minor:
        spent = Money(rules.spend_minor, programme.money)
        return tn("朋友加入后 {n} 天内,第一次消费满 {spent}。", n=rules.purchase_days, spent=spent)
    return tn("朋友加入后 {n} 天内第一次消费。", n=rules.purchase_days)


def brings(rules: Referrals) -> Text:
    """What both get."""
    facts = {"mine": Points(rules.inviter_points), "theirs": Points(rules.friend_points)}
    if not rules.friend_points:
        return t("您得 {mine}", **facts)
    return t("您得 {mine},朋友得 {theirs}", **facts) if rules.inviter_points else t("朋友得 {theirs}", **facts)


REASONS: dict[str, Text] = {
    "late": t("没算:期限内没有够数的消费"),
    "family": t("没算:是一家人"),
    "gone": t("没算:账户已注销"),
    "refused": t("没算:运营看过了"),
}
SUSPECTS: dict[str, Text] = {
    "burst": t("短时间里加入了很多人"),
    "same_purchase": t("几位朋友同一天在同一家付了一样的钱"),
    "chain": t("邀请的人自己也是刚被邀请来的"),
}


async def heard(turn: Turn, link: str) -> list[Line | None]:
    """What a newcomer hears of an invitation: what it brings, and what whoever invited gets to know."""
    rules = turn.programme.referrals
    if rules is None or inviter(turn, link) is None:
        return []
    gift = await first_order(turn)
    return [
        t("您是应邀来的,加入就送:{gift}。", gift=gift) if gift else t("您是应邀来的。"),
        condition_of_friend(turn.programme, rules) if rules.friend_points else None,
        t("邀请您的人会看到您的名字和有没有达成,看不到您买了什么。"),
    ]


async def first_order(turn: Turn) -> Text | None:
    """The voucher that a friend gets on joining, in words; None where there is none."""
    found = await complimentary.first_order(turn.tx, turn.programme)
    if found is None:
        return None
    return thing(found.listed.offer, found.quote.units, found.quote.value_minor, found.listed.money)


def condition_of_friend(programme: Programme, rules: Referrals) -> Text:
    """What a friend gets, and for what."""
    points, n = Points(rules.friend_points), rules.purchase_days
    if rules.spend_minor:
        spent = Money(rules.spend_minor, programme.money)
        return tn("{n} 天内第一次消费满 {spent},再得 {points}。", n=n, spent=spent, points=points)
    return tn("{n} 天内第一次消费,再得 {points}。", n=n, points=points)


def stands(each: Referral, name: Name) -> Text:
    """A friend and how far it has come, as their inviter sees it."""
    return t("{name} · {state}", name=name, state=_state(each))


def _state(each: Referral) -> Text:
    match each.state:
        case "joined":
            return t("已加入")
        case "bought" if each.counts_on is not None:
            return t("消费了,{on}过退货期", on=each.counts_on)
        case "review":
            return t("运营在看")
        case "rewarded" if each.inviter_points:
            return t("已得 {points}", points=Points(each.inviter_points))
        case "rewarded":
            return t("没算:超过了上限")
        case "not_counted" if each.reason is not None:
            return REASONS[each.reason]
        case _:
            return t("退货了,收回")


def notices(moved: Moved) -> Iterator[tuple[int, Screen, str]]:
    """Who hears what of a referral that moved on, and under which key. What is set aside, or came to nothing, is no message: it
    stands on the inviter's page, which has the names."""
    each = moved.referral
    mine, theirs = Points(each.inviter_points or 0), Points(each.friend_points or 0)
    if each.state == "rewarded" and moved.inviter is not None:
        said = t("<b>+{points}</b> 您邀请的朋友达成了", points=mine)
        yield each.inviter_id, _told(said), _key(moved.inviter.entry_id, each.inviter_id)
    elif each.state == "rewarded":
        said = t("您邀请的朋友达成了。邀请礼的上限已满,这一位没有分。")
        yield each.inviter_id, _told(said), f"referral:{each.friend_id}:capped"
    if each.state == "rewarded" and moved.friend is not None:
        said = t("<b>+{points}</b> 应邀加入的礼到账了", points=theirs)
        yield each.friend_id, _told(said), _key(moved.friend.entry_id, each.friend_id)
    if each.state == "undone" and moved.inviter is not None:
        said = t("<b>−{points}</b> 朋友的消费退了,邀请的礼收回", points=mine)
        yield each.inviter_id, _told(said), _key(moved.inviter.entry_id, each.inviter_id)
    if each.state == "undone" and moved.friend is not None:
        said = t("<b>−{points}</b> 第一次消费退了,应邀加入的礼收回", points=theirs)
        yield each.friend_id, _told(said), _key(moved.friend.entry_id, each.friend_id)


def _key(entry_id: int, member_id: int) -> str:
    return f"receipt:{entry_id}:{member_id}"


def _told(*lines: Line) -> Screen:
    return screen(lines, [[doors.invite(), doors.home()]])


@worded(referrals.NoReferrals)
def _(no: referrals.NoReferrals) -> Worded:
    return Worded(t("现在没有邀请好友的活动"), None, (doors.home(),))


@worded(referrals.ReferralLinkWrong)
def _(no: referrals.ReferralLinkWrong) -> Worded:
    return Worded(t("这个邀请链接不对"), t("请让邀请您的人重新发一个。"))


@worded(referrals.ReferralLinkEnded)
def _(no: referrals.ReferralLinkEnded) -> Worded:
    return Worded(t("这个邀请链接过期了"), t("有效到 {when}。请让邀请您的人重新发。", when=no.ended_on))


@worded(referrals.ReferralDecided)
def _(no: referrals.ReferralDecided) -> Worded:
    return Worded(t("已经有人看过了"), t("回列表看看还有没有要看的。"))
