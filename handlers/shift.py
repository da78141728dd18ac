"""A shift at a till: opening one, seeing how it stands, closing it with its totals; and what the shifts of a shop came to."""

from __future__ import annotations

from chat import desk_doors, doors, known, till
from chat import shifts as words
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import t
from ledger.merchants import authority, outlets, shifts, staff
from ledger.merchants.shifts import NoShiftOpen, Shift

feature = Feature("shift", order=74)

PER_PAGE = 8


@feature.tap("home")
async def home(turn: Turn, merchant: str = "0", page: str = "0") -> Screen:
    """Shows one's shift as it stands, or the tills at which one may be opened."""
    turn.finish()
    post = await till.place(turn, number(merchant))
    if isinstance(post, list):
        return till.choose(post, lambda label, at: feature.button(label, "home", at))
    post.staff.demand("work_shift")
    mine = await till.shift(turn, post)
    return await standing(turn, post, mine) if mine is not None else await tills(turn, post, number(page))


async def standing(turn: Turn, post: Post, mine: Shift) -> Screen:
    """An open shift and what was done in it so far."""
    done = await words.totals(turn.tx, mine, until=turn.now)
    lines: list[Line] = [
        t("<b>{where}</b> · {merchant}", where=words.where(mine), merchant=post.where),
        t("{label} · {when} 开班", label=post.staff.label, when=mine.opened_at),
        BLANK,
        *words.figures(done, post.merchant, await known.read(turn.tx)),
    ]
    return screen(lines, [[feature.button(t("交班"), "ask", mine.id), desk_doors.counter()]])


async def tills(turn: Turn, post: Post, at: int) -> Screen:
    """The tills of the shop, and who works at which."""
    found = [(each, outlet) for outlet in await outlets.of(turn.tx, post.merchant.id) for each in outlet.tills]
    since, _ = till.today(turn)
    working = {
        each.till_id: each for each in await shifts.open_at(turn.tx, post.merchant.id) if each.opened_at >= since
    }
    people = {one.id: one.label for one in await staff.team(turn.tx, post.merchant.id)}
    lines: list[Line] = [t("<b>开班</b> · {merchant}", merchant=post.where)]
    if found:
        lines.append(t("在哪个收银台?小票会写上它;有人在班的,会先替他交班。"))
    else:
        lines.append(t("店里还没有设收银台。不开班也能记积分和验券。"))
    rows: list[list[Button | None]] = []
    for each, outlet in found[at * PER_PAGE : (at + 1) * PER_PAGE]:
        label = t("{till} · {outlet}", till=each.label, outlet=outlet.name)
        if (taken := working.get(each.id)) is not None:
            label = t(
                "{till} · {outlet} · {who} 在班",
                till=each.label,
                outlet=outlet.name,
                who=people.get(taken.staff_id, ""),
            )
        rows.append([feature.button(label, "open", post.merchant.id, each.id)])
    runs = authority.may(post.staff.role, "run_outlets")
    rows += [
        [
            feature.button(t("上一页"), "home", post.merchant.id, at - 1) if at else None,
            feature.button(t("下一页"), "home", post.merchant.id, at + 1) if len(found) > (at + 1) * PER_PAGE else None,
        ],
        [desk_doors.outlets(post.merchant.id, t("设收银台")) if runs and not found else None, desk_doors.counter()],
    ]
    return screen(lines, rows)


@feature.tap("open")
async def open_(turn: Turn, merchant: str, till_id: str) -> Screen:
    """Opens a shift; what was left open at that till, or elsewhere by this person, is closed by it."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("work_shift")
    for before in await shifts.in_the_way(turn.tx, staff=post.staff, till_id=number(till_id)):
        if before.staff_id == post.staff.id and before.till_id == number(till_id) and await still(turn, before):
            return await standing(turn, post, before)
        closed = await words.close(turn.tx, before, by="next", who=post.staff.actor, now=turn.now, zone=turn.zone)
        if before.staff_id != post.staff.id:
            await tell_closed(turn, post, closed)
    begun = await shifts.begin(turn.tx, staff=post.staff, till_id=number(till_id), now=turn.now)
    if len(turn.me.staff_of) > 1:
        await staff.choose(turn.tx, turn.me.id, post.merchant.id, now=turn.now)
    return await standing(turn, post, begun)


async def still(turn: Turn, shift: Shift) -> bool:
    """Whether a shift is of today."""
    return shift.opened_at >= till.today(turn)[0]


async def tell_closed(turn: Turn, post: Post, closed: Shift) -> None:
    """Tells somebody that their shift was closed for them."""
    who = await staff.by_id(turn.tx, closed.staff_id)
    if who is None or closed.totals is None:
        return
    lines: list[Line] = [
        t("{where}的班已由 {label} 接走", where=words.where(closed), label=post.staff.label),
        *words.figures(closed.totals, post.merchant, await known.read(turn.tx)),
    ]
    turn.tell(who.member_id, screen(lines, [[desk_doors.counter(), doors.home()]]), key=f"shift-closed:{closed.id}")


@feature.tap("ask")
async def ask(turn: Turn, shift_id: str) -> Screen:
    """Shows what a shift came to, before it is closed."""
    mine, post = await own(turn, shift_id)
    if mine.closed_at is not None:
        return await about(turn, post, mine)
    done = await words.totals(turn.tx, mine, until=turn.now)
    lines: list[Line] = [
        t("交班:{where}?", where=words.where(mine)),
        BLANK,
        *words.figures(done, post.merchant, await known.read(turn.tx)),
    ]
    yes = feature.button(t("确认交班"), "close", mine.id, style="primary")
    return screen(lines, [[yes, feature.button(t("再等等"), "home", post.merchant.id)]])


@feature.tap("close")
async def close(turn: Turn, shift_id: str) -> Screen:
    """Closes one's shift; a second tap shows the same."""
    mine, post = await own(turn, shift_id)
    if mine.closed_at is None:
        mine = await words.close(turn.tx, mine, by="cashier", who=post.staff.actor, now=turn.now, zone=turn.zone)
        await staff.forget_choice(turn.tx, turn.me.id)
    return await about(turn, post, mine)


async def own(turn: Turn, shift_id: str) -> tuple[Shift, Post]:
    """A shift of this person, and where it is. `NoShiftOpen` for anything else."""
    found = await shifts.by_id(turn.tx, number(shift_id))
    if found is None or turn.me.role_at(found.merchant_id) is None:
        raise NoShiftOpen(0)
    post = await till.post_at(turn, found.merchant_id)
    if found.staff_id != post.staff.id:
        raise NoShiftOpen(post.merchant.id)
    return found, post


async def about(turn: Turn, post: Post, shift: Shift) -> Screen:
    """A closed shift."""
    who = await staff.by_id(turn.tx, shift.staff_id)
    lines: list[Line | None] = [
        t("<b>{where}</b> · {merchant}", where=words.where(shift), merchant=post.where),
        t("{label} · {start} 开班", label=who.label if who else "", start=shift.opened_at),
        t("{how} · {when}", when=shift.closed_at, how=words.ENDS[shift.closed_by])
        if shift.closed_at and shift.closed_by
        else t("还在班"),
        BLANK,
    ]
    done = shift.totals or await words.totals(turn.tx, shift, until=turn.now)
    lines += words.figures(done, post.merchant, await known.read(turn.tx))
    whole = authority.may(post.staff.role, "see_whole_day")
    rows: list[list[Button | None]] = [
        [desk_doors.day(post.merchant.id), desk_doors.shifts(post.merchant.id) if whole else None],
        [desk_doors.counter()],
    ]
    return screen(lines, rows)


@feature.tap("list")
async def list_(turn: Turn, merchant: str, page: str = "0") -> Screen:
    """Lists a shop's shifts, newest first."""
    post = await till.post_at(turn, number(merchant))
    post.staff.demand("see_whole_day")
    at = number(page)
    found = await shifts.recent(turn.tx, post.merchant.id, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    people = {who: one for who in {s.staff_id for s in found} if (one := await staff.by_id(turn.tx, who)) is not None}
    lines: list[Line] = [t("<b>各班记录</b> · {merchant}", merchant=post.where)]
    if not found:
        lines.append(t("还没有人开过班。"))
    rows: list[list[Button | None]] = []
    for each in found[:PER_PAGE]:
        facts = {"when": each.opened_at, "till": each.till, "who": people[each.staff_id].label}
        label = t("{when} · {till} · {who}", **facts)
        if each.closed_at is None:
            label = t("{when} · {till} · {who} · 在班", **facts)
        rows.append([feature.button(label, "one", each.id)])
    rows += [
        [
            feature.button(t("上一页"), "list", post.merchant.id, at - 1) if at else None,
            feature.button(t("下一页"), "list", post.merchant.id, at + 1) if len(found) > PER_PAGE else None,
        ],
        [desk_doors.merchant(t("返回"), post.merchant.id), desk_doors.counter()],
    ]
    return screen(lines, rows)


@feature.tap("one")
async def one(turn: Turn, shift_id: str) -> Screen:
    """Opens one shift of a shop."""
    found = await shifts.by_id(turn.tx, number(shift_id))
    if found is None or turn.me.role_at(found.merchant_id) is None:
        raise NoShiftOpen(0)
    post = await till.post_at(turn, found.merchant_id)
    if found.staff_id != post.staff.id:
        post.staff.demand("see_whole_day")
    return await about(turn, post, found)
