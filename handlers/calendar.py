"""A merchant's booked days, everywhere or at one outlet: today's list for whoever serves, and the calendar, in which days close and
open, for its managers.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from chat import booking as words
from chat import desk_doors, till
from chat.arguments import date, number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, grid, screen
from chat.till import Post
from chat.turn import Turn
from chat.vouchers import what
from chat.words import Both, Text, t, tn
from ledger.merchants import authority
from ledger.merchants.authority import Action
from ledger.redeeming import closures
from ledger.redeeming.booking import Outlet
from ledger.redeeming.closures import DayBooked
from ledger.redeeming.vouchers import Redemption

feature = Feature("calendar", order=79)

DAYS_PER_PAGE = 14
PER_PAGE = 10
ALL_DAYS = "-"
_DAY = dt.timedelta(days=1)


class View(NamedTuple):
    """What somebody looks at: a merchant's calendar, everywhere (`outlet` None) or at one of the `outlets` that have their own."""

    post: Post
    outlet: Outlet | None
    outlets: list[Outlet]

    @property
    def id(self) -> int:
        """The outlet as closing and reading take it."""
        return self.outlet.id if self.outlet is not None else 0

    @property
    def args(self) -> tuple[int, ...]:
        """What buttons add to stay there."""
        return () if self.outlet is None else (self.outlet.id,)

    @property
    def where(self) -> Text | Both:
        """Whose calendar it is."""
        if self.outlet is None:
            return self.post.where
        return t("{merchant} · {outlet}", merchant=self.post.where, outlet=self.outlet.name)


async def _view(turn: Turn, merchant: str, outlet: str, needs: Action, *, own: bool = False) -> View:
    """What a button is of. `own`: where it names no outlet, the one at which this person works now."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand(needs)
    found = await closures.outlets(turn.tx, post.merchant.id, turn.today)
    wanted = number(outlet)
    if own and not outlet and found and (shift := await till.shift(turn, post)) is not None:
        wanted = shift.outlet_id
    return View(post, next((each for each in found if each.id == wanted), None), found)


@feature.tap("today", audience="staff")
async def today(turn: Turn, merchant: str = "0") -> Screen:
    """Shows what is booked today, at the outlet where this person works now."""
    turn.finish()
    return await _day(turn, await _view(turn, merchant, "", "verify", own=True), turn.today)


@feature.tap("outlets", audience="staff")
async def outlets(turn: Turn, merchant: str, on: str, page: str = "0") -> Screen:
    """Asks whose calendar, or whose list of one day, is to be seen: an outlet's, or that of all."""
    turn.finish()
    view = await _view(turn, merchant, "", "verify")
    here, day = view.post.merchant.id, date(on)
    one_day = on != ALL_DAYS
    action, args = ("day", (here, day.isoformat(), 0)) if one_day else ("home", (here, 0))
    at = min(number(page), max(0, (len(view.outlets) - 1) // PER_PAGE))
    shown = view.outlets[at * PER_PAGE : (at + 1) * PER_PAGE]
    buttons = [feature.button(t("{outlet}", outlet=each.name), action, *args, each.id) for each in shown]
    turns: list[Button | None] = [
        feature.button(t("上一页"), "outlets", here, on, at - 1) if at else None,
        feature.button(t("下一页"), "outlets", here, on, at + 1) if (at + 1) * PER_PAGE < len(view.outlets) else None,
    ]
    everywhere = feature.button(t("全部门店"), action, *args, 0)
    return screen([t("看哪家店的预约?")], [[everywhere], *grid(buttons, 2), turns, [desk_doors.counter()]])


@feature.tap("home", audience="staff")
async def home(turn: Turn, merchant: str = "0", page: str = "0", outlet: str = "") -> Screen:
    """Shows the days to come, with what is booked on each and which are closed."""
    turn.finish()
    view = await _view(turn, merchant, outlet, "run_calendar")
    here = view.post.merchant.id
    at = min(number(page), closures.DAYS_MOST // DAYS_PER_PAGE - 1)
    near = await closures.days(turn.tx, here, turn.today, 2, outlet_id=view.id)
    first = turn.today + at * DAYS_PER_PAGE * _DAY
    found = await closures.days(turn.tx, here, first, DAYS_PER_PAGE, outlet_id=view.id)
    lines: list[Line] = [
        t("<b>预约日历</b> · {merchant}", merchant=view.where),
        t("今天 {today} 个,明天 {tomorrow} 个", today=near[0].booked, tomorrow=near[1].booked),
        BLANK,
        t("点一天看预约,或者关掉这一天。"),
    ]
    more_args = ("0", *view.args) if view.args else ()
    buttons = [feature.button(_label(each), "day", here, each.day.isoformat(), *more_args) for each in found]
    more = (at + 1) * DAYS_PER_PAGE < closures.DAYS_MOST
    rows = grid(buttons, 2)
    rows += [
        [
            feature.button(t("更早"), "home", here, at - 1, *view.args) if at else None,
            feature.button(t("更晚"), "home", here, at + 1, *view.args) if more else None,
        ],
        [feature.button(t("换门店"), "outlets", here, ALL_DAYS) if view.outlets else None],
        [desk_doors.merchant(t("返回"), here), desk_doors.counter()],
    ]
    return screen(lines, rows)


def _label(each: DayBooked) -> Text:
    if each.closed:
        return t("{day} · 关", day=words.day(each.day))
    return t("{day} · {n} 个", day=words.day(each.day), n=each.booked) if each.booked else words.day(each.day)


@feature.tap("day", audience="staff")
async def show(turn: Turn, merchant: str, on: str, page: str = "0", outlet: str = "") -> Screen:
    """Shows what is booked on one day, and closes or opens it for those who may."""
    turn.finish()
    return await _day(turn, await _view(turn, merchant, outlet, "verify"), date(on), number(page))


async def _day(turn: Turn, view: View, on: dt.date, at: int = 0, *first: Line) -> Screen:
    here, runs = view.post.merchant.id, authority.may(view.post.staff.role, "run_calendar")
    [day] = await closures.days(turn.tx, here, on, 1, outlet_id=view.id)
    found = await closures.on(turn.tx, here, on, outlet_id=view.id, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    lines: list[Line | None] = [
        *first,
        t("<b>{day}的预约</b> · {merchant}", day=words.day(on), merchant=view.where),
        None
        if not day.closed
        else t("这天所有门店都关了,不接受新预约。")
        if day.everywhere and view.outlet is not None
        else t("这天关了,不接受新预约。"),
        tn("一共 {n} 个", n=day.booked) if day.booked else None if day.closed else t("还没有预约。"),
        BLANK if found else None,
    ]
    lines += [await _line(turn, each, view) for each in found[:PER_PAGE]]
    turns: list[Button | None] = [
        feature.button(t("上一页"), "day", here, on.isoformat(), at - 1, *view.args) if at else None,
        feature.button(t("下一页"), "day", here, on.isoformat(), at + 1, *view.args) if len(found) > PER_PAGE else None,
    ]
    change = None
    if runs and on >= turn.today and not (day.everywhere and view.outlet is not None):
        change = (
            feature.button(t("重新开放"), "reopen", here, on.isoformat(), *view.args)
            if day.closed
            else feature.button(t("关掉这一天"), "close", here, on.isoformat(), *view.args)
        )
    rows: list[list[Button | None]] = [
        turns,
        [desk_doors.verify(merchant_id=here), change],
        [feature.button(t("换门店"), "outlets", here, on.isoformat()) if view.outlets else None],
        [feature.button(t("预约日历"), "home", here, 0, *view.args) if runs else None, desk_doors.counter()],
    ]
    return screen(lines, rows)


async def _line(turn: Turn, each: Redemption, view: View) -> Text:
    assert each.booked is not None
    time: Text | str = f"{each.booked.starts_at.astimezone(turn.zone):%H:%M}"
    if view.outlet is None and each.booked.outlet is not None:
        time = t("{time} {outlet}", time=time, outlet=each.booked.outlet)
    facts = {"time": time, "what": what(each), "name": await till.customer(turn, each.member_id)}
    if each.booked.state == "attended":
        return t("{time} {what} · {name} · 来了", **facts)
    if each.booked.state == "missed":
        return t("{time} {what} · {name} · 没来", **facts)
    return t("{time} {what} · {name}", **facts)


@feature.tap("close", audience="staff")
async def close(turn: Turn, merchant: str, on: str, outlet: str = "") -> Screen:
    """Asks before a day is closed: who has booked on it gets everything back."""
    view = await _view(turn, merchant, outlet, "run_calendar")
    day, here = date(on), view.post.merchant.id
    booked = await closures.to_come(turn.tx, here, day, outlet_id=view.id, at=turn.at)
    asked = (
        t("关掉 <b>{day}</b>?", day=words.day(day))
        if not view.outlets
        else t("关掉<b>所有门店</b>的 <b>{day}</b>?", day=words.day(day))
        if view.outlet is None
        else t("关掉<b>{outlet}</b>的 <b>{day}</b>?别的门店照常。", outlet=view.outlet.name, day=words.day(day))
    )
    lines: list[Line] = [asked, BLANK]
    if booked:
        lines += [
            tn("这天有 <b>{n} 个</b>预约,关了就都取消。", n=booked),
            t("会员马上收到通知,积分原样退回。"),
        ]
    else:
        lines.append(t("这天还没有预约,关了就不能约。"))
    yes = feature.button(t("确认关掉"), "closed", here, day.isoformat(), booked, *view.args, style="danger")
    back = feature.button(t("不关"), "day", here, day.isoformat(), *(("0", *view.args) if view.args else ()))
    return screen(lines, [[yes, back]])


@feature.tap("closed", audience="staff")
async def closed(turn: Turn, merchant: str, on: str, seen: str, outlet: str = "") -> Screen:
    """Closes the day and tells those who had booked on it. Again: shows that it is closed."""
    view = await _view(turn, merchant, outlet, "run_calendar")
    ended = await closures.close(
        turn.tx,
        view.post.staff,
        date(on),
        outlet_id=number(outlet),
        seen=number(seen),
        grace_days=turn.programme.grace_days,
        at=turn.at,
    )
    for each in ended:
        turn.tell(each.member_id, words.closed_notice(each), key=f"booking-closed:{each.id}")
    said = tn("关了,{n} 位会员已收到通知,积分已退。", n=len(ended)) if ended else t("关了。")
    return await _day(turn, view, date(on), 0, said, BLANK)


@feature.tap("reopen", audience="staff")
async def reopen(turn: Turn, merchant: str, on: str, outlet: str = "") -> Screen:
    """Lets a day be booked again."""
    view = await _view(turn, merchant, outlet, "run_calendar")
    await closures.reopen(turn.tx, view.post.staff, date(on), outlet_id=number(outlet), at=turn.at)
    return await _day(turn, view, date(on), 0, t("重新开放了。"), BLANK)
