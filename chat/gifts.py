"""Gifts in words: what may be given, what somebody is offered, what both hear of it, and why something can't be done."""

from __future__ import annotations

from chat import doors
from chat.families import Name
from chat.refusals import Worded, worded
from chat.screen import Button, Line, Screen, screen
from chat.words import Points, Text, t
from ledger.members import gifts
from ledger.members.gifts import Gift, Left
from ledger.programme import Gifts


def rules_in_words(rules: Gifts, left: Left) -> list[Line]:
    """What a giver reads first."""
    facts = {"day": Points(rules.give_day), "left": Points(left.still), "year": Points(rules.give_year)}
    return [
        t("今天还能送 {left}(一天最多 {day},一年 {year})。", **facts),
        t("到期日不变。对方收下才算送到,没收就原样退回。"),
        t("送归送,不能买卖。"),
    ]


def offered(gift: Gift, giver: Name) -> list[Line | None]:
    """What whoever it is for reads."""
    points = Points(gift.points)
    return [
        t("<b>{giver}</b> 送您 <b>{points}</b>", giver=giver, points=points),
        t("「{note}」", note=gift.note) if gift.note else None,
        t("最早一笔 {on} 到期。", on=gift.first_end) if gift.first_end else None,
        t("{until} 前收下有效。", until=gift.ends_at),
    ]


def answers(gift_id: int, token: str = "") -> list[list[Button | None]]:
    """What they may do; `token` of the link that it is behind."""
    whose = token or str(gift_id)
    way = "link" if token else "mine"
    yes = Button(t("收下"), data=f"gift:accept:{way}:{whose}", style="primary")
    return [[yes, Button(t("不收"), data=f"gift:decline:{way}:{whose}")]]


def told(line: Line) -> Screen:
    """What the other side hears."""
    return screen([line], [[doors.gift(), doors.home()]])


def returned(gift: Gift) -> Screen:
    """What the giver hears of a gift that nobody accepted in time."""
    return told(t("没人收下,<b>{points}</b> 退回给您了", points=Points(gift.points)))


@worded(gifts.NoGifts)
def _(no: gifts.NoGifts) -> Worded:
    return Worded(t("积分只能送给家里人") if no.outside else t("现在不能送积分"), None, (doors.home(),))


@worded(gifts.GiftsNotYet)
def _(no: gifts.GiftsNotYet) -> Worded:
    return Worded(t("{since}起您就能送积分", since=no.since), t("新账户要等一等,防止有人刷分。"))


@worded(gifts.GiftTooSmall)
def _(no: gifts.GiftTooSmall) -> Worded:
    return Worded(t("最少送 {least}", least=Points(no.least)), None, (doors.gift(),))


@worded(gifts.GiftCapReached)
def _(no: gifts.GiftCapReached) -> Worded:
    facts = {"left": Points(no.left), "most": Points(no.most)}
    detail = t("一年最多送 {most}。", **facts) if no.of_year else t("一天最多送 {most}。", **facts)
    return Worded(t("还能送 {left}", **facts), detail, (doors.gift(),))


@worded(gifts.AcceptCapReached)
def _(no: gifts.AcceptCapReached) -> Worded:
    facts = {"left": Points(no.left), "most": Points(no.most)}
    detail = t("一年最多收 {most}。", **facts) if no.of_year else t("一天最多收 {most},明天再收也行。", **facts)
    return Worded(t("您还能收 {left}", **facts), detail, (doors.home(),))


@worded(gifts.NotSpending)
def _(no: gifts.NotSpending) -> Worded:
    return Worded(t("这个账户现在不能送,也不能收"), None, (doors.home(),))


@worded(gifts.OwnGift)
def _(no: gifts.OwnGift) -> Worded:
    return Worded(t("这是您自己送出的礼物"), t("请发给要送的人,由对方点开。"), (doors.gift(),))


@worded(gifts.NoSuchGift)
def _(no: gifts.NoSuchGift) -> Worded:
    return Worded(t("没有这份礼物"), t("链接可能不完整,请让对方重发。"), (doors.home(),))


@worded(gifts.GiftOver)
def _(no: gifts.GiftOver) -> Worded:
    said: dict[str, Text] = {
        "accepted": t("这份礼物已经收下了"),
        "declined": t("这份礼物已经退回了"),
        "withdrawn": t("对方收回了这份礼物"),
        "returned": t("这份礼物过时了,已退回"),
    }
    return Worded(said.get(no.state, said["returned"]), None, (doors.home(),))
