"""The counter: what staff do there, one tap away, and how the day stands."""

from __future__ import annotations

from chat import cash, desk_doors, doors, known, shifts, till
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import t, tn
from ledger.earning import awards
from ledger.merchants import authority, outlets, staff
from ledger.redeeming import cash_refunds, closures, drawer
from ledger.redeeming import counter as vouchers

feature = Feature("counter", order=70)


@feature.command("counter", t("收银台"), audience="staff", said="收银")
async def command(turn: Turn, words: str = "") -> Screen:
    """Shows the counter."""
    return await home(turn)


@feature.tap("home")
async def home(turn: Turn, merchant: str = "0") -> Screen:
    """Shows the counter of one merchant; asks which, where there are several."""
    turn.finish()
    found = await till.place(turn, number(merchant))
    if isinstance(found, list):
        return till.choose(found, lambda label, at: feature.button(label, "home", at))
    return await at_counter(turn, found)


@feature.tap("elsewhere")
async def elsewhere(turn: Turn) -> Screen:
    """Asks at which counter, of those that somebody with several posts works at."""
    await staff.forget_choice(turn.tx, turn.me.id)
    return await home(turn)


async def at_counter(turn: Turn, post: Post) -> Screen:
    """The counter's screen: where, who, on which till, how the day stands."""
    here = post.merchant.id
    names = await known.read(turn.tx)
    since, until = till.today(turn)
    whole = authority.may(post.staff.role, "see_whole_day")
    mine = None if whole else post.staff.id
    totals = await awards.totals(turn.tx, here, since=since, until=until, staff_id=mine)
    used = await vouchers.used_count(turn.tx, here, since=since, staff_id=mine)
    working = await till.shift(turn, post)
    money = post.merchant.money
    tills = working is not None or any(each.tills for each in await outlets.of(turn.tx, here))
    lines: list[Line | None] = [
        t("<b>收银台</b> · {merchant}", merchant=post.where),
        till.titled(post.staff.label, post.staff.role),
        t("在班:{where}", where=shifts.where(working)) if working else None,
        BLANK,
        t("今天全店:") if whole else t("今天您记的:"),
        tn("积分 {n} 笔,共 {points}", n=totals.awards, points=names.points(post.merchant.terms.currency, totals.points))
        if totals.awards
        else t("积分还没有记过"),
        tn("验券 {n} 张", n=used) if used else t("券还没有验过"),
        *cash.counted(await drawer.counted(turn.tx, here, since=since, staff=None if whole else post.staff), money),
    ]
    ways = [
        desk_doors.day(here),
        desk_doors.refund(here) if awards.may_refund(post.merchant, post.staff) else None,
        desk_doors.staff(here) if authority.may(post.staff.role, "see_staff") else None,
        desk_doors.shift(here, t("班次") if working else t("开班")) if tills else None,
        desk_doors.merchant(merchant_id=here) if authority.may(post.staff.role, "see_merchant") else None,
    ]
    owed = await cash_refunds.waiting(turn.tx, here)
    open_ways = [way for way in ways if way is not None]
    rows: list[list[Button | None]] = [
        [desk_doors.award(merchant_id=here), desk_doors.verify(merchant_id=here)],
        [*open_ways[:3]],
        [*open_ways[3:]],
        [desk_doors.bookings_today(here) if await closures.books(turn.tx, here) else None],
        [desk_doors.cash_back(here, t("要退的钱({n})", n=owed)) if owed else None],
        [feature.button(t("换一家店"), "elsewhere") if len(turn.me.staff_of) > 1 else None, doors.home()],
    ]
    return screen(lines, rows)
