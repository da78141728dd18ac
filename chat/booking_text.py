"""What an offer's document says of booking, part by part, as whoever writes it reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from chat import opening_hours
from chat.offers import listing
from chat.words import Both, Text, t, tn
from ledger.redeeming.booking import AtOutlet, Booking

PARTS: dict[str, Text] = {
    "hours": t("预约时间"),
    "slot": t("每次多久"),
    "places": t("同时几位"),
    "outlets": t("在哪些店"),
    "ahead": t("能约多远"),
    "notice": t("最晚约"),
    "cut_off": t("取消期限"),
    "no_show": t("没来的话"),
    "grace": t("结束后再等"),
    "longer": t("谁能约更远"),
}
"""Everything that can be said of booking in chat, in the order in which it is told."""


def of_document(document: Mapping[str, Any]) -> Booking | None:
    """The booking that a draft says."""
    given = document.get("booking")
    return Booking.model_validate_json(json.dumps(given)) if given else None


def said(tier: Callable[[str], Both], document: Mapping[str, Any], part: str) -> Text | Both | None:
    """One part in words; None where nothing is booked, or where there is nothing to tell. `tier` names a tier."""
    booking = of_document(document)
    if booking is None:
        return None
    match part:
        case "hours":
            return opening_hours.said(booking.hours)
        case "slot":
            return minutes(booking.slot_minutes)
        case "places":
            return tn("{n} 位", n=booking.at_once)
        case "outlets":
            return outlets(booking)
        case "ahead":
            return tn("{n} 天内", n=booking.days_ahead)
        case "notice":
            return tn("提前 {n} 小时", n=booking.lead_hours) if booking.lead_hours else t("开始前都能约")
        case "cut_off":
            return tn("提前 {n} 小时", n=booking.cut_off_hours) if booking.cut_off_hours else t("开始前都能取消")
        case "no_show":
            return t("积分不退") if document.get("unused") == "forfeit" else t("积分退回")
        case "grace":
            return minutes(booking.grace_minutes) if booking.grace_minutes else t("不等")
    early = [tn("{who}多 {n} 天", n=each.days, who=listing(map(tier, each.tiers))) for each in booking.early]
    return reduce(lambda one, other: t("{one};{other}", one=one, other=other), early) if early else None


def outlets(booking: Booking) -> Text | Both | None:
    """The outlets at which it is booked, each with what it says for itself; None: that is not said."""
    said = [outlet(each) for each in booking.outlets]
    if not said:
        return None
    if all(each.hours is None and each.at_once is None for each in booking.outlets):
        return listing(said)
    return reduce(lambda one, other: t("{one};{other}", one=one, other=other), said)


def outlet(one: AtOutlet) -> Text:
    """One of them: «江北店 周末 10:00–16:00,2 位»."""
    said = t("{outlet}", outlet=one.outlet)
    if one.hours is not None:
        said = t("{outlet} {hours}", outlet=said, hours=opening_hours.said(one.hours))
    return said if one.at_once is None else tn("{outlet},{n} 位", n=one.at_once, outlet=said)


def minutes(n: int) -> Text:
    """«60 分钟»."""
    return tn("{n} 分钟", n=n)
