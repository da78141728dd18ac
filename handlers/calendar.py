"""A merchant's booked days: today's list for whoever serves, and the calendar, in which days close and open, for its managers."""

from __future__ import annotations

import datetime as dt

from chat import booking as words
from chat import doors, till
from chat.arguments import date, number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.till import Post
from chat.turn import Turn
from chat.vouchers import what
from chat.words import Text, t, tn
from ledger.merchants import authority
from ledger.redeeming import closures
from ledger.redeeming.closures import DayBooked
from ledger.redeeming.vouchers import Redemption

feature = Feature("calendar", order=79)

DAYS_PER_PAGE = 14
PER_PAGE = 10
_DAY = dt.timedelta(days=1)


@feature.tap("today", audience="staff")
async def today(turn: Turn, merchant: str = "0") -> Screen:
    """Shows what is booked today."""
    return await show(turn, merchant, turn.today.isoformat())


@feature.tap("home", audience="staff")
async def home(turn: Turn, merchant: str = "0", page: str = "0") -> Screen:
    """Shows the days to come, with what is booked on each and which are closed."""
    turn.finish()
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_calendar")
    here = post.merchant.id
    at = min(number(page), closures.DAYS_MOST // DAYS_PER_PAGE - 1)
    near = await closures.days(turn.tx, here, turn.today, 2)
    found = await closures.days(turn.tx, here, turn.today + at * DAYS_PER_PAGE * _DAY, DAYS_PER_PAGE)
    lines: list[Line] = [
        t("<b>预约日历</b> · {merchant}", merchant=post.where),
        t("今天 {today} 个,明天 {tomorrow} 个", today=near[0].booked, tomorrow=near[1].booked),
        BLANK,
        t("点一天看预约,或者关掉这一天。"),
    ]
    buttons = [feature.button(_label(each), "day", here, each.day.isoformat()) for each in found]
    more = (at + 1) * DAYS_PER_PAGE < closures.DAYS_MOST
    rows = grid(buttons, 2)
    rows += [
        [
            feature.button(t("更早"), "home", here, at - 1) if at else None,
            feature.button(t("更晚"), "home", here, at + 1) if more else None,
        ],
        [doors.merchant(t("返回"), here), doors.counter()],
    ]
    return screen(lines, rows)


def _label(each: DayBooked) -> Text:
    if each.closed:
        return t("{day} · 关", day=words.day(each.day))
    return t("{day} · {n} 个", day=words.day(each.day), n=each.booked) if each.booked else words.day(each.day)


@feature.tap("day", audience="staff")
async def show(turn: Turn, merchant: str, on: str, page: str = "0") -> Screen:
    """Shows what is booked on one day, and closes or opens it for those who may."""
    turn.finish()
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("verify")
    return await _day(turn, post, date(on), number(page))


async def _day(turn: Turn, post: Post, on: dt.date, at: int = 0, *first: Line) -> Screen:
    here, runs = post.merchant.id, authority.may(post.staff.role, "run_calendar")
    [day] = await closures.days(turn.tx, here, on, 1)
    found = await closures.on(turn.tx, here, on, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    lines: list[Line | None] = [
        *first,
        t("<b>{day}的预约</b> · {merchant}", day=words.day(on), merchant=post.where),
        t("这天关了,不接受新预约。") if day.closed else None,
        tn("一共 {n} 个", n=day.booked) if day.booked else None if day.closed else t("还没有预约。"),
        BLANK if found else None,
    ]
    lines += [await _line(turn, each) for each in found[:PER_PAGE]]
    turns: list[Button | None] = [
        feature.button(t("上一页"), "day", here, on.isoformat(), at - 1) if at else None,
        feature.button(t("下一页"), "day", here, on.isoformat(), at + 1) if len(found) > PER_PAGE else None,
    ]
    change = None
    if runs and on >= turn.today:
        change = (
            feature.button(t("重新开放"), "reopen", here, on.isoformat())
            if day.closed
            else feature.button(t("关掉这一天"), "close", here, on.isoformat())
        )
    rows: list[list[Button | None]] = [
        turns,
        [doors.verify(merchant_id=here), change],
        [feature.button(t("预约日历"), "home", here, 0) if runs else None, doors.counter()],
    ]
    return screen(lines, rows)


async def _line(turn: Turn, each: Redemption) -> Text:
    assert each.booked is not None
    time = f"{each.booked.starts_at.astimezone(turn.zone):%H:%M}"
    facts = {"time": time, "what": what(each), "name": await till.customer(turn, each.member_id)}
    if each.booked.state == "attended":
        return t("{time} {what} · {name} · 来了", **facts)
    if each.booked.state == "missed":
        return t("{time} {what} · {name} · 没来", **facts)
    return t("{time} {what} · {name}", **facts)


@feature.tap("close", audience="staff")
async def close(turn: Turn, merchant: str, on: str) -> Screen:
    """Asks before a day is closed: who has booked on it gets everything back."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("run_calendar")
    day, here = date(on), post.merchant.id
    booked = await closures.to_come(turn.tx, here, day, at=turn.at)
    lines: list[Line] = [t("关掉 <b>{day}</b>?", day=words.day(day)), BLANK]
    if booked:
        lines += [
            tn("这天有 <b>{n} 个</b>预约,关了就都取消。", n=booked),
            t("会员马上收到通知,积分原样退回。"),
        ]
    else:
        lines.append(t("这天还没有预约,关了就不能约。"))
    yes = feature.button(t("确认关掉"), "closed", here, day.isoformat(), booked, style="danger")
    return screen(lines, [[yes, feature.button(t("不关"), "day", here, day.isoformat())]])


@feature.tap("closed", audience="staff")
async def closed(turn: Turn, merchant: str, on: str, seen: str) -> Screen:
    """Closes the day and tells those who had booked on it. Again: shows that it is closed."""
    post = await till.post_at(turn, number(merchant))
    ended = await closures.close(
        turn.tx, post.staff, date(on), seen=number(seen), grace_days=turn.programme.grace_days, at=turn.at
    )
    for each in ended:
        turn.tell(each.member_id, words.closed_notice(each), key=f"booking-closed:{each.id}")
    said = tn("关了,{n} 位会员已收到通知,积分已退。", n=len(ended)) if ended else t("关了。")
    return await _day(turn, post, date(on), 0, said, BLANK)


@feature.tap("reopen", audience="staff")
async def reopen(turn: Turn, merchant: str, on: str) -> Screen:
    """Lets a day be booked again."""
    post = await till.post_at(turn, number(merchant))
    await closures.reopen(turn.tx, post.staff, date(on), at=turn.at)
    return await _day(turn, post, date(on), 0, t("重新开放了。"), BLANK)
