"""Booking a time: the day, the hour, a confirm screen while the place is held, the code; and another time for what is booked.

The confirm button carries offer, version, price and slot, signed together with the member, as with everything that is redeemed.
Choosing another hour, or going back, gives the place that was held to others.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from chat import booking as words
from chat import doors
from chat.arguments import date, instant, long, minute, number, short
from chat.cash import issued_screen
from chat.feature import Feature
from chat.lots import would_use
from chat.offer_rules import special
from chat.offers import both, cost, joined, points_of, unused
from chat.screen import BLANK, Button, Line, Onward, Photo, Screen, grid, screen
from chat.turn import Turn
from chat.vouchers import code_screen, minutes, what
from chat.words import Text, t, tn
from ledger.points import statements
from ledger.redeeming import bookings, codes, redemptions, shelf, vouchers
from ledger.redeeming.booking import Diary
from ledger.redeeming.bookings import HOLD_MINUTES, Held
from ledger.redeeming.may_redeem import Listed, No
from ledger.redeeming.offers import Quote
from ledger.redeeming.redemptions import OfferChanged
from ledger.redeeming.shelf import Seen
from ledger.redeeming.vouchers import Redemption

feature = Feature("booking", order=31, on_account=True)

DAYS_PER_PAGE = 14
HOURS_PER_PAGE = 24


class Wanted(NamedTuple):
    """What a confirm button stands for: an offer in this version, for these points, worth so much, at this time."""

    offer_id: int
    version: int
    points: int
    worth: int
    starts_at: dt.datetime

    def promise(self, turn: Turn, nonce: str) -> str:
        """What the button's signature binds: all of it, the member and the nonce."""
        return ":".join(map(str, ("book", turn.me.id, *self[:4], minute(self.starts_at), nonce)))


@feature.tap("days")
async def days(turn: Turn, offer_id: str, page: str = "0") -> Screen:
    """Shows the days that can be booked, with what is free; what was held before is let go."""
    turn.finish()
    await bookings.let_go(turn.tx, turn.me.id, number(offer_id))
    seen, diary = await _open(turn, number(offer_id))
    head: list[Line] = [_named(seen.listed), *_asks(seen.listed)]
    tier = seen.facts.traits.tier
    rows = _days(turn, diary, tier, page, "days", "day", seen.listed.id)
    return screen(head, [*rows, [doors.offer(t("返回"), seen.listed.id)]])


@feature.tap("day")
async def day(turn: Turn, offer_id: str, on: str, page: str = "0") -> Screen:
    """Shows the hours of a day."""
    await bookings.let_go(turn.tx, turn.me.id, number(offer_id))
    seen, diary = await _open(turn, number(offer_id))
    rows = _hours(turn, diary, seen.facts.traits.tier, date(on), page, ("day", "take"), seen.listed.id)
    lines: list[Line] = [_named(seen.listed), t("{day},几点?", day=words.day(date(on)))]
    if not rows:
        lines = [_named(seen.listed), t("这一天不能约了。")]
    return screen(lines, [*rows, [feature.button(t("换一天"), "days", seen.listed.id, 0)]])


@feature.tap("take")
async def take(turn: Turn, offer_id: str, starts: str) -> Screen:
    """Holds a place and shows what redeeming would do."""
    return await _confirm(turn, number(offer_id), instant(starts))


@feature.tap("leave")
async def leave(turn: Turn, offer_id: str) -> Onward:
    """Lets the place go, and back to the offer."""
    await bookings.let_go(turn.tx, turn.me.id, number(offer_id))
    return Onward(doors.offer(t("返回"), number(offer_id)))


@feature.tap("do")
async def do(
    turn: Turn, offer_id: str, version: str, points: str, worth: str, starts: str, nonce: str, signature: str
) -> Screen:
    """Spends the points, books the time and shows the code. Again: shows what the first tap did."""
    wanted = Wanted(number(offer_id), number(version), long(points), long(worth), instant(starts))
    if not turn.vault.signed_by_us(wanted.promise(turn, nonce), signature):
        return await _confirm(turn, wanted.offer_id, wanted.starts_at, changed=True)
    try:
        result = await redemptions.redeem(
            turn.tx,
            turn.me,
            wanted.offer_id,
            amount=1,
            version=wanted.version,
            points=wanted.points,
            value_minor=wanted.worth,
            slot=wanted.starts_at,
            nonce=nonce,
            code=codes.mint((turn.nonce() + turn.nonce() + turn.nonce()).encode()),
            vault=turn.vault,
            undo_minutes=turn.programme.undo_minutes,
            at=turn.at,
            actor=turn.actor,
        )
    except OfferChanged:
        return await _confirm(turn, wanted.offer_id, wanted.starts_at, changed=True)
    turn.finish()
    return await issued_screen(turn, result, t("约好了"), t("已经约好了"))


@feature.tap("move")
async def move(turn: Turn, voucher_id: str, page: str = "0") -> Screen:
    """Shows the days to which a booked time can be moved; what was held before is let go."""
    turn.finish()
    voucher, listed, diary = await bookings.movable(turn.tx, turn.me.id, number(voucher_id), at=turn.at)
    await bookings.let_go(turn.tx, turn.me.id, listed.id)
    tier = await bookings.tier_of(turn.tx, turn.me, listed, at=turn.at)
    rows = _days(turn, diary, tier, page, "move", "move_day", voucher.id)
    lines: list[Line] = [
        *_present(voucher),
        t("改到哪天?选好之前,原来的时间一直留着。") if rows else t("别的时间都约满了。"),
    ]
    return screen(lines, [*rows, [doors.voucher(t("不改了"), voucher.id)]])


@feature.tap("move_day")
async def move_day(turn: Turn, voucher_id: str, on: str, page: str = "0") -> Screen:
    """Shows the hours of a day to which it can be moved."""
    voucher, listed, diary = await bookings.movable(turn.tx, turn.me.id, number(voucher_id), at=turn.at)
    await bookings.let_go(turn.tx, turn.me.id, listed.id)
    tier = await bookings.tier_of(turn.tx, turn.me, listed, at=turn.at)
    rows = _hours(turn, diary, tier, date(on), page, ("move_day", "moves"), voucher.id)
    lines: list[Line] = [*_present(voucher), t("{day},几点?", day=words.day(date(on)))]
    if not rows:
        lines = [*_present(voucher), t("这一天不能约了。")]
    back = [feature.button(t("换一天"), "move", voucher.id, 0), doors.voucher(t("不改了"), voucher.id)]
    return screen(lines, [*rows, back])


@feature.tap("moves")
async def moves(turn: Turn, voucher_id: str, starts: str) -> Screen:
    """Holds a place and asks before the time is changed: the old one goes to others."""
    voucher, slot, held = await bookings.hold_for_move(
        turn.tx, turn.me, number(voucher_id), instant(starts), at=turn.at
    )
    assert voucher.booked is not None
    lines: list[Line | None] = [
        t("改到 <b>{when}</b>?", when=slot.starts_at),
        tn("位子给您留 {n} 分钟", n=HOLD_MINUTES) if held else None,
        t("{what} · {merchant}", what=what(voucher), merchant=both(voucher.merchant)),
        BLANK,
        t("原来的 {when} 会放给别人。", when=voucher.booked.starts_at),
    ]
    yes = feature.button(t("确认改"), "moved", voucher.id, starts, style="primary")
    again = feature.button(t("换个时间"), "move", voucher.id, 0)
    return screen(lines, [[yes, again], [feature.button(t("不改了"), "stay", voucher.id)]])


@feature.tap("stay")
async def stay(turn: Turn, voucher_id: str) -> Onward:
    """Lets the place go, and back to the voucher as it is booked."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    await bookings.let_go(turn.tx, turn.me.id, voucher.offer_id)
    return Onward(doors.voucher(t("不改了"), voucher.id))


@feature.tap("moved")
async def moved(turn: Turn, voucher_id: str, starts: str) -> Screen:
    """Changes the time. Again: shows that it is so."""
    voucher, new = await bookings.move(turn.tx, turn.me, number(voucher_id), instant(starts), at=turn.at)
    code = await vouchers.reveal(turn.tx, voucher, turn.vault)
    return code_screen(turn, voucher, code, t("改好了") if new else t("已经是这个时间"))


async def _open(turn: Turn, offer_id: int) -> tuple[Seen, Diary]:
    """An offer that this member may have at some time, and its diary; why not is raised."""
    seen = await shelf.judged(turn.tx, turn.me, offer_id, today=turn.today, now=turn.at.programme_now)
    if isinstance(seen.verdict, No):
        raise seen.verdict.reasons[0]
    diary = await bookings.diary(turn.tx, seen.listed, member_id=turn.me.id, at=turn.at)
    if diary is None:
        raise OfferChanged(offer_id, 1)
    return seen, diary


async def _confirm(turn: Turn, offer_id: int, starts_at: dt.datetime, *, changed: bool = False) -> Screen:
    held = await bookings.hold(turn.tx, turn.me, offer_id, starts_at, at=turn.at)
    seen = await shelf.judged(turn.tx, turn.me, offer_id, today=turn.today, now=turn.at.programme_now)
    if isinstance(seen.verdict, No):
        raise seen.verdict.reasons[0]
    turn.finish()
    listed, quote = seen.listed, seen.verdict.quote
    lots = await statements.would_burn(turn.tx, turn.me.owner, listed.currency_id, quote.points, today=turn.today)
    slot_minutes = int((held.slot.ends_at - held.slot.starts_at).total_seconds()) // 60
    lines: list[Line | None] = [
        _named(listed),
        t("<b>{when}</b>,{n} 分钟", when=held.slot.starts_at, n=slot_minutes),
        t("<b>{cost}</b>", cost=cost(listed, quote)),
        special(listed, seen.verdict.priced, quote),
        BLANK,
        t("将用掉:{lots}", lots=would_use(listed, lots)),
        t("兑换后剩 {left}", left=points_of(listed, seen.facts.available - quote.points)),
        BLANK,
        tn("位子给您留 {n} 分钟", n=HOLD_MINUTES),
        joined(_promises(turn, listed, held)),
    ]
    if changed:
        lines = [t("价格或内容刚刚变了,还没有扣分。"), BLANK, *lines]
    again = feature.button(t("换个时间"), "days", listed.id, 0)
    rows: list[list[Button | None]] = [
        [_yes(turn, listed, quote, held), again],
        [feature.button(t("返回"), "leave", listed.id)],
    ]
    return screen(lines, rows, picture=Photo(listed.offer.photo) if listed.offer.photo else None)


def _yes(turn: Turn, listed: Listed, quote: Quote, held: Held) -> Button:
    nonce = turn.nonce()
    wanted = Wanted(listed.id, listed.version, quote.points, quote.value_minor, held.slot.starts_at)
    signature = turn.vault.sign(wanted.promise(turn, nonce))
    said = (short(wanted.points), short(wanted.worth), minute(wanted.starts_at), nonce, signature)
    return feature.button(t("确认预约"), "do", listed.id, listed.version, *said, style="primary")


def _promises(turn: Turn, listed: Listed, held: Held) -> list[Text]:
    """Until when it can be given back or moved, and what becomes of the points where nobody comes."""
    rule = listed.offer.booking
    assert rule is not None
    change_until = held.slot.starts_at - dt.timedelta(hours=rule.cut_off_hours)
    said = []
    if turn.at.programme_now < change_until:
        said.append(t("{until} 前可以取消或改时间", until=change_until))
    elif turn.programme.undo_minutes:
        said.append(tn("只有 {n} 分钟内可以撤回", n=turn.programme.undo_minutes))
    else:
        said.append(t("不能取消"))
    return [*said, unused(listed.offer)]


def _named(listed: Listed) -> Text:
    return t("<b>{name}</b> · {merchant}", name=both(listed.offer.name), merchant=both(listed.merchant))


def _asks(listed: Listed) -> list[Line]:
    rule = listed.offer.booking
    return [] if rule is None else [t("哪天来?每次 {n} 分钟。", n=rule.slot_minutes)]


def _present(voucher: Redemption) -> list[Line]:
    assert voucher.booked is not None
    return [
        t("<b>{what}</b> · {merchant}", what=what(voucher), merchant=both(voucher.merchant)),
        t("原来约的:{when},{n} 分钟", when=voucher.booked.starts_at, n=minutes(voucher.booked)),
    ]


def _days(
    turn: Turn, diary: Diary, tier: str | None, page: str, here: str, next_: str, id_: int
) -> list[list[Button | None]]:
    """A button for each day that has hours at all, with what is free; full ones say so."""
    now = turn.at.programme_now
    found = [(on, slots) for on in diary.days(now, tier) if (slots := diary.of_day(on, now, tier))]
    at = min(number(page), max(0, (len(found) - 1) // DAYS_PER_PAGE))
    buttons = []
    for on, slots in found[at * DAYS_PER_PAGE : (at + 1) * DAYS_PER_PAGE]:
        free = sum(left for _, left in slots)
        day = words.short_day(on, turn.today)
        label = tn("{day} · 余 {n}", n=free, day=day) if free else t("{day} · 满", day=day)
        buttons.append(feature.button(label, next_, id_, on.isoformat()))
    return [*grid(buttons, 2), _arrows(at, len(found), DAYS_PER_PAGE, here, id_)]


def _hours(
    turn: Turn, diary: Diary, tier: str | None, on: dt.date, page: str, actions: tuple[str, str], id_: int
) -> list[list[Button | None]]:
    """A button for each hour of a day; how many are left is said where more than one can come."""
    here, next_ = actions
    now = turn.at.programme_now
    found = diary.of_day(on, now, tier) if on in diary.days(now, tier) else []
    at = min(number(page), max(0, (len(found) - 1) // HOURS_PER_PAGE))
    buttons = []
    for slot, left in found[at * HOURS_PER_PAGE : (at + 1) * HOURS_PER_PAGE]:
        time = f"{slot.starts_at.astimezone(turn.zone):%H:%M}"
        if not left:
            label = t("{time} 满", time=time)
        else:
            label = t("{time}", time=time) if diary.booking.at_once == 1 else tn("{time} · 余 {n}", n=left, time=time)
        buttons.append(feature.button(label, next_, id_, minute(slot.starts_at)))
    rows = grid(buttons, 3 if diary.booking.at_once == 1 else 2)
    return [*rows, _arrows(at, len(found), HOURS_PER_PAGE, here, id_, on.isoformat())] if rows else []


def _arrows(at: int, total: int, size: int, action: str, *args: object) -> list[Button | None]:
    return [
        feature.button(t("更早"), action, *args, at - 1) if at else None,
        feature.button(t("更晚"), action, *args, at + 1) if (at + 1) * size < total else None,
    ]
