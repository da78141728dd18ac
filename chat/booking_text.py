"""What an offer's document says of booking, part by part, as whoever writes it reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from chat import opening_hours
from chat.offers import listing
from chat.words import Both, Text, t, tn
from ledger.redeeming.booking import Booking

PARTS: dict[str, Text] = {
    "hours": t("预约时间"),
    "slot": t("每次多久"),
    "places": t("同时几位"),
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


def minutes(n: int) -> Text:
    """«60 分钟»."""
    return tn("{n} 分钟", n=n)
