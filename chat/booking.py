"""Words about booking: days and hours, what may be changed until when, reminders, the merchant's day, and every refusal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from chat import desk_doors, doors
from chat.arguments import spot
from chat.offer_rules import WEEKDAYS
from chat.offers import points_spent, unused
from chat.refusals import Worded, worded
from chat.screen import BLANK, Line, Screen, screen
from chat.vouchers import minutes, what, where
from chat.words import Both, Text, t, tn
from ledger.redeeming import bookings, closures
from ledger.redeeming.booking import Diary
from ledger.redeeming.may_redeem import Facts, Listed, NoSlotFree
from ledger.redeeming.vouchers import Redemption

DAYS_SHOWN = TIMES_SHOWN = 3
"""Days and times of each that are named to whoever sets up what can be booked."""
OUTLETS_SHOWN = 6
"""Outlets that are named to them, and in the morning's notice."""


def weekday(day: dt.date) -> Both:
    """Its name, short."""
    return Both(*WEEKDAYS[day.isoweekday() - 1])


def day(on: dt.date) -> Text:
    """«11月25日 周三»."""
    return t("{on} {weekday}", on=on, weekday=weekday(on))


def short_day(on: dt.date, today: dt.date) -> Text:
    """«25日 周三», for a button beside another; days of other months, today and tomorrow are said whole."""
    if on <= today + dt.timedelta(days=1) or (on.year, on.month) != (today.year, today.month):
        return day(on)
    return t("{number}日 {weekday}", number=on.day, weekday=weekday(on))


def rules(listed: Listed) -> list[Text]:
    """What an offer's booking asks, one short fact each."""
    booking = listed.offer.booking
    if booking is None:
        return []
    return [
        t("要预约,每次 {n} 分钟", n=booking.slot_minutes),
        *([tn("{n} 家门店可约", n=len(booking.outlets))] if len(booking.outlets) > 1 else []),
        tn("提前 {n} 小时以上可以取消,积分全退", n=booking.cut_off_hours)
        if booking.cut_off_hours
        else t("开始前都可以取消,积分全退"),
        unused(listed.offer),
    ]


def soonest(facts: Facts) -> Text | None:
    """The first time that is free, and where."""
    if facts.soonest is None:
        return None
    first = t("最早 {when}", when=facts.soonest)
    where = facts.openings.outlet if facts.openings is not None else None
    return first if where is None else t("{first} · {outlet}", first=first, outlet=where.name)


def first_days(diaries: Sequence[Diary], now: dt.datetime) -> list[Text]:
    """The first days on which something is free, a line each: how many times, and the first of them. Of several outlets: what is
    first free at each, a line each, as far as they have room."""
    if len(diaries) > 1:
        found = [(each.outlet, first) for each in diaries if (first := next(each.free(now, None), None)) is not None]
        said = [
            t("{outlet} 最早 {when}", outlet=outlet.name, when=first.starts_at)
            for outlet, first in found[:OUTLETS_SHOWN]
            if outlet is not None
        ]
        more = len(found) - OUTLETS_SHOWN
        return [*said, tn("还有 {n} 家", n=more)] if more > 0 else said
    return [line for each in diaries for line in _first_days(each, now)]


def _first_days(diary: Diary, now: dt.datetime) -> list[Text]:
    lines: list[Text] = []
    for on in diary.days(now, None):
        slots = [slot for slot, left in diary.of_day(on, now, None) if left]
        if not slots:
            continue
        times = [f"{each.starts_at.astimezone(diary.zone):%H:%M}" for each in slots[:TIMES_SHOWN]]
        more = "…" if len(slots) > TIMES_SHOWN else ""
        lines.append(tn("{day} {n} 个:{times}", n=len(slots), day=day(on), times=" ".join(times) + more))
        if len(lines) == DAYS_SHOWN:
            break
    return lines


def until(voucher: Redemption, programme_now: dt.datetime) -> Text | None:
    """Until when it may be cancelled or moved."""
    if voucher.booked is None or not voucher.changeable(programme_now):
        return None
    return t("{until} 前可以取消或改时间", until=voucher.booked.change_until)


def arrival(voucher: Redemption, now: dt.datetime, zone: dt.tzinfo, here: int | None = None) -> list[Line]:
    """What the counter reads of the time: when and where it is booked for, and whether its member is early or late. `here`: the
    outlet at which they stand, as far as that is known."""
    if voucher.booked is None:
        return []
    starts, ends = voucher.booked.starts_at, voucher.booked.ends_at
    lines: list[Line] = [t("预约 <b>{when}</b>,{n} 分钟", when=starts, n=minutes(voucher.booked))]
    if (outlet := voucher.booked.outlet) is not None:
        elsewhere = here is not None and here != voucher.booked.outlet_id
        lines.append(
            t("约在<b>{outlet}</b>,不是这家店", outlet=outlet) if elsewhere else t("约在{outlet}", outlet=outlet)
        )
    if starts.astimezone(zone).date() != now.astimezone(zone).date():
        lines.append(t("不是今天:现在做就用掉了这次预约"))
    elif now >= ends:
        lines.append(t("这个时段已经过了"))
    elif now > starts:
        lines.append(tn("晚到 {n} 分钟", n=max(1, round((now - starts).total_seconds() / 60))))
    elif (starts - now) >= dt.timedelta(minutes=60):
        lines.append(tn("早到 {n} 小时", n=round((starts - now).total_seconds() / 3600)))
    elif (starts - now) > dt.timedelta(minutes=1):
        lines.append(tn("早到 {n} 分钟", n=round((starts - now).total_seconds() / 60)))
    else:
        lines.append(t("准时到"))
    return lines


def reminder(voucher: Redemption, *, changeable: bool) -> Screen:
    """What a member hears before their time."""
    assert voucher.booked is not None
    lines: list[Line | None] = [
        t("<b>{when}</b> 有预约", when=voucher.booked.starts_at),
        t("{what} · {merchant}", what=what(voucher), merchant=where(voucher)),
        t("{until} 前可以取消或改时间", until=voucher.booked.change_until) if changeable else None,
    ]
    move = doors.rebook(voucher.id) if changeable else None
    return screen(lines, [[doors.voucher(t("看这张券"), voucher.id), move], [doors.home()]])


def closed_notice(voucher: Redemption) -> Screen:
    """What a member hears when the merchant has closed the day that they booked."""
    assert voucher.booked is not None
    lines: list[Line] = [
        t("商户取消了 <b>{when}</b> 的预约", when=voucher.booked.starts_at),
        t("{what} · {merchant}", what=what(voucher), merchant=where(voucher)),
        BLANK,
        t("这天不营业,抱歉。{points}已原样退回。", points=points_spent(voucher)),
    ]
    return screen(lines, [[doors.book(voucher.offer_id, t("约别的时间"))], [doors.vouchers(), doors.home()]])


def morning(
    merchant: Both, merchant_id: int, booked: int, first: dt.datetime, outlets: Sequence[tuple[str, int]] = ()
) -> Screen:
    """What a counter hears in the morning; `outlets`: how many at which, where that is known."""
    lines: list[Line] = [
        tn("今天有 <b>{n} 个</b>预约 · {merchant}", n=booked, merchant=merchant),
        t("第一个 {when}", when=first),
        *(tn("{outlet} {n} 个", n=n, outlet=name) for name, n in outlets[:OUTLETS_SHOWN]),
    ]
    if len(outlets) > OUTLETS_SHOWN:
        lines.append(tn("别的门店 {n} 个", n=sum(n for _, n in outlets[OUTLETS_SHOWN:])))
    return screen(lines, [[desk_doors.bookings_today(merchant_id), doors.home()]])


@worded(NoSlotFree)
def _(no: NoSlotFree) -> Worded:
    others = (doors.merchant_offers(t("这家的其他"), no.merchant_id), doors.offer(t("返回"), no.offer_id))
    if no.opens_on is None:
        return Worded(t("时间都约满了"), t("有人取消就会空出来,可以先收藏。"), others)
    return Worded(t("时间都约满了"), t("{on}零点再放新的一天;有人取消也会空出来。", on=no.opens_on), others)


@worded(bookings.SlotTaken)
def _(no: bookings.SlotTaken) -> Worded:
    if no.redemption_id is not None:
        times = [
            doors.rebook_slot(t("{when}", when=each), no.redemption_id, spot(each, no.outlet_id)) for each in no.others
        ]
        kept = t("您原来的预约没有动。离它最近的空位:") if times else t("您原来的预约没有动,别的时间也都满了。")
        return Worded(t("{when} 约不上了", when=no.starts_at), kept, (*times, doors.rebook(no.redemption_id)))
    times = [doors.book_slot(t("{when}", when=each), no.offer_id, spot(each, no.outlet_id)) for each in no.others]
    free = t("没有扣分。离它最近的空位:") if times else t("没有扣分,别的时间也都满了。")
    return Worded(t("{when} 约不上了", when=no.starts_at), free, (*times, doors.book(no.offer_id)))


@worded(bookings.SlotNeeded)
def _(no: bookings.SlotNeeded) -> Worded:
    if no.redemption_id is not None:
        return Worded(t("要先选时间"), t("您原来的预约没有动。"), (doors.rebook(no.redemption_id),))
    return Worded(t("要先选时间"), t("没有扣分。"), (doors.book(no.offer_id),))


@worded(bookings.ChangeOver)
def _(no: bookings.ChangeOver) -> Worded:
    return Worded(
        t("改时间的期限过了"),
        t("{until} 以前可以取消或改时间。券还在,按原来的时间来就行。", until=no.until),
        (doors.voucher(t("看这张券"), no.redemption_id),),
    )


@worded(bookings.NotBooked)
def _(no: bookings.NotBooked) -> Worded:
    return Worded(t("这张券不用改时间"), None, (doors.voucher(t("看这张券"), no.redemption_id),))


@worded(closures.DayNotOpen)
def _(no: closures.DayNotOpen) -> Worded:
    return Worded(t("这一天改不了"), t("可以改今天到 {last}的。", last=no.last))


@worded(closures.MoreBooked)
def _(no: closures.MoreBooked) -> Worded:
    return Worded(t("刚刚又有人约了"), tn("现在这天有 {n} 个预约,还没有关。请再看一遍。", n=no.booked))
