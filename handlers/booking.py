"""Booking a time: the outlet where there are several, the day, the hour, a confirm screen while the place is held, the code; and
another time for what is booked.

The confirm button carries offer, version, price and slot, signed together with the member, as with everything that is redeemed.
Choosing another hour, or going back, gives the place that was held to others.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from chat import booking as words
from chat import doors, pools, slot_choice
from chat.arguments import date, long, number, short, spot, spot_of
from chat.cash import issued_screen
from chat.feature import Feature
from chat.offer_rules import special
from chat.offers import both, cost, joined, place, unused
from chat.screen import BLANK, Button, Line, Onward, Photo, Screen, screen
from chat.slot_choice import Way
from chat.turn import Turn
from chat.vouchers import code_screen, minutes, what
from chat.vouchers import where as whose
from chat.words import Text, t, tn
from ledger.points.commands import Owner
from ledger.redeeming import bookings, codes, redemptions, shelf, vouchers
from ledger.redeeming.booking import Diary, Slot
from ledger.redeeming.bookings import HOLD_MINUTES, Held
from ledger.redeeming.may_redeem import Listed, No, PointsShort, Yes
from ledger.redeeming.offers import Quote
from ledger.redeeming.redemptions import OfferChanged
from ledger.redeeming.shelf import Seen
from ledger.redeeming.vouchers import Redemption

feature = Feature("booking", order=31, on_account=True)

POOL = "p"
"""What a button says where the family's pool pays."""


class Wanted(NamedTuple):
    """What a confirm button stands for: an offer in this version, for these points, worth so much, at this time, there."""

    offer_id: int
    version: int
    points: int
    worth: int
    starts_at: dt.datetime
    outlet_id: int | None
    pool: bool = False

    def promise(self, turn: Turn, nonce: str) -> str:
        """What the button's signature binds: all of it, the member and the nonce."""
        paid = POOL if self.pool else ""
        said = ("book", turn.me.id, *self[:4], spot(self.starts_at, self.outlet_id), nonce, paid)
        return ":".join(map(str, said))


def _new(offer_id: int) -> Way:
    return Way(feature, "where", "days", "day", "take", offer_id)


def _other(voucher_id: int) -> Way:
    return Way(feature, "move_to", "move", "move_day", "moves", voucher_id)


@feature.tap("where")
async def where(turn: Turn, offer_id: str, page: str = "0") -> Screen:
    """Shows the outlets that have a time free; what was held before is let go."""
    turn.finish()
    await bookings.let_go(turn.tx, turn.me.id, number(offer_id))
    seen, found = await _open(turn, number(offer_id))
    free = slot_choice.free_at(found, turn.at.programme_now, seen.facts.traits.tier)
    return _outlets(seen.listed, free, page)


def _outlets(listed: Listed, free: Sequence[tuple[Diary, Slot]], page: str = "0") -> Screen:
    lines: list[Line] = [_named(listed), t("去哪家店?后面是最早能约的时间。")]
    rows = slot_choice.outlets(_new(listed.id), free, page)
    return screen(lines, [*rows, [doors.offer(t("返回"), listed.id)]])


@feature.tap("days")
async def days(turn: Turn, offer_id: str, page: str = "0", outlet: str = "") -> Screen:
    """Shows the days that can be booked, with what is free; what was held before is let go. Where several outlets have a time free,
    asks first which."""
    turn.finish()
    await bookings.let_go(turn.tx, turn.me.id, number(offer_id))
    seen, found = await _open(turn, number(offer_id))
    listed, tier = seen.listed, seen.facts.traits.tier
    free = slot_choice.free_at(found, turn.at.programme_now, tier)
    diary = _chosen(found, free, outlet)
    if diary is None:
        return _outlets(listed, free)
    head: list[Line] = [_named(listed, diary), *_asks(listed)]
    rows = slot_choice.days(turn, diary, tier, page, _new(listed.id))
    others = feature.button(t("换门店"), "where", listed.id, 0) if any(each is not diary for each, _ in free) else None
    return screen(head, [*rows, [others, doors.offer(t("返回"), listed.id)]])


def _chosen(found: tuple[Diary, ...], free: Sequence[tuple[Diary, Slot]], outlet: str) -> Diary | None:
    """The diary of the outlet that was tapped, else the only one that there is, or that has a time free; None: one of several is to
    be chosen."""
    named = bookings.diary_at(found, number(outlet) or None)
    if named is not None:
        return named
    return free[0][0] if len(free) == 1 else None


@feature.tap("day")
async def day(turn: Turn, offer_id: str, on: str, page: str = "0", outlet: str = "") -> Screen:
    """Shows the hours of a day."""
    await bookings.let_go(turn.tx, turn.me.id, number(offer_id))
    seen, found = await _open(turn, number(offer_id))
    listed, tier = seen.listed, seen.facts.traits.tier
    free = slot_choice.free_at(found, turn.at.programme_now, tier)
    diary = _chosen(found, free, outlet)
    if diary is None:
        return _outlets(listed, free)
    rows = slot_choice.hours(turn, diary, tier, date(on), page, _new(listed.id))
    lines: list[Line] = [_named(listed, diary), t("{day},几点?", day=words.day(date(on)))]
    if not rows:
        lines = [_named(listed, diary), t("这一天不能约了。")]
    back = feature.button(t("换一天"), "days", listed.id, 0, *([diary.outlet.id] if diary.outlet else []))
    return screen(lines, [*rows, [back]])


@feature.tap("take")
async def take(turn: Turn, offer_id: str, said: str, pool: str = "") -> Screen:
    """Holds a place and shows what redeeming would do; with the family's points, where those are asked for or one's own do not
    reach."""
    return await _confirm(turn, number(offer_id), *spot_of(said), pool=pool == POOL)


@feature.tap("leave")
async def leave(turn: Turn, offer_id: str) -> Onward:
    """Lets the place go, and back to the offer."""
    await bookings.let_go(turn.tx, turn.me.id, number(offer_id))
    return Onward(doors.offer(t("返回"), number(offer_id)))


@feature.tap("do")
async def do(
    turn: Turn,
    offer_id: str,
    version: str,
    points: str,
    worth: str,
    said: str,
    nonce: str,
    signature: str,
    pool: str = "",
) -> Screen:
    """Spends the points, books the time and shows the code. Again: shows what the first tap did."""
    wanted = Wanted(number(offer_id), number(version), long(points), long(worth), *spot_of(said), pool == POOL)
    if not turn.vault.signed_by_us(wanted.promise(turn, nonce), signature):
        return await _confirm(turn, wanted.offer_id, wanted.starts_at, wanted.outlet_id, changed=True, pool=wanted.pool)
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
            outlet_id=wanted.outlet_id,
            nonce=nonce,
            code=codes.mint((turn.nonce() + turn.nonce() + turn.nonce()).encode()),
            vault=turn.vault,
            undo_minutes=turn.programme.undo_minutes,
            at=turn.at,
            actor=turn.actor,
            pool_id=(await pools.payer(turn)).id if wanted.pool else None,
        )
    except OfferChanged:
        return await _confirm(turn, wanted.offer_id, wanted.starts_at, wanted.outlet_id, changed=True, pool=wanted.pool)
    turn.finish()
    return await issued_screen(turn, result, t("约好了"), t("已经约好了"))


@feature.tap("move_to")
async def move_to(turn: Turn, voucher_id: str, page: str = "0") -> Screen:
    """Shows the outlets to which a booked time can be moved; what was held before is let go."""
    turn.finish()
    voucher, listed, found = await bookings.movable(turn.tx, turn.me.id, number(voucher_id), at=turn.at)
    await bookings.let_go(turn.tx, turn.me.id, listed.id)
    tier = await bookings.tier_of(turn.tx, turn.me, listed, at=turn.at)
    return _other_outlets(voucher, slot_choice.free_at(found, turn.at.programme_now, tier), page)


def _other_outlets(voucher: Redemption, free: Sequence[tuple[Diary, Slot]], page: str = "0") -> Screen:
    rows = slot_choice.outlets(_other(voucher.id), free, page)
    asked = t("改到哪家店?选好之前,原来的时间一直留着。") if free else t("别的时间都约满了。")
    return screen([*_present(voucher), asked], [*rows, [doors.voucher(t("不改了"), voucher.id)]])


@feature.tap("move")
async def move(turn: Turn, voucher_id: str, page: str = "0", outlet: str = "") -> Screen:
    """Shows the days to which a booked time can be moved, at the outlet where it is; what was held before is let go."""
    turn.finish()
    voucher, listed, found = await bookings.movable(turn.tx, turn.me.id, number(voucher_id), at=turn.at)
    await bookings.let_go(turn.tx, turn.me.id, listed.id)
    tier = await bookings.tier_of(turn.tx, turn.me, listed, at=turn.at)
    free = slot_choice.free_at(found, turn.at.programme_now, tier)
    diary = _chosen_for(voucher, found, free, outlet)
    if diary is None:
        return _other_outlets(voucher, free)
    rows = slot_choice.days(turn, diary, tier, page, _other(voucher.id))
    lines: list[Line] = [
        *_present(voucher),
        *_there(voucher, diary),
        t("改到哪天?选好之前,原来的时间一直留着。") if rows else t("别的时间都约满了。"),
    ]
    others = (
        feature.button(t("换门店"), "move_to", voucher.id, 0) if any(each is not diary for each, _ in free) else None
    )
    return screen(lines, [*rows, [others, doors.voucher(t("不改了"), voucher.id)]])


def _chosen_for(
    voucher: Redemption, found: tuple[Diary, ...], free: Sequence[tuple[Diary, Slot]], outlet: str
) -> Diary | None:
    """As `_chosen`; the outlet at which the voucher is booked needs no choosing."""
    assert voucher.booked is not None
    return _chosen(found, free, outlet or str(voucher.booked.outlet_id or ""))


def _there(voucher: Redemption, diary: Diary) -> list[Line]:
    """That it is another outlet's days that are shown."""
    assert voucher.booked is not None
    if diary.outlet is None or diary.outlet.id == voucher.booked.outlet_id:
        return []
    return [t("改到<b>{outlet}</b>", outlet=diary.outlet.name)]


@feature.tap("move_day")
async def move_day(turn: Turn, voucher_id: str, on: str, page: str = "0", outlet: str = "") -> Screen:
    """Shows the hours of a day to which it can be moved."""
    voucher, listed, found = await bookings.movable(turn.tx, turn.me.id, number(voucher_id), at=turn.at)
    await bookings.let_go(turn.tx, turn.me.id, listed.id)
    tier = await bookings.tier_of(turn.tx, turn.me, listed, at=turn.at)
    free = slot_choice.free_at(found, turn.at.programme_now, tier)
    diary = _chosen_for(voucher, found, free, outlet)
    if diary is None:
        return _other_outlets(voucher, free)
    rows = slot_choice.hours(turn, diary, tier, date(on), page, _other(voucher.id))
    head = [*_present(voucher), *_there(voucher, diary)]
    lines: list[Line] = [*head, t("{day},几点?", day=words.day(date(on))) if rows else t("这一天不能约了。")]
    other = feature.button(t("换一天"), "move", voucher.id, 0, *([diary.outlet.id] if diary.outlet else []))
    return screen(lines, [*rows, [other, doors.voucher(t("不改了"), voucher.id)]])


@feature.tap("moves")
async def moves(turn: Turn, voucher_id: str, said: str) -> Screen:
    """Holds a place and asks before the time is changed: the old one goes to others."""
    starts_at, outlet_id = spot_of(said)
    voucher, held, to = await bookings.hold_for_move(
        turn.tx, turn.me, number(voucher_id), starts_at, outlet_id=outlet_id, at=turn.at
    )
    assert voucher.booked is not None
    lines: list[Line | None] = [
        t("改到 <b>{when}</b>?", when=to.slot.starts_at),
        tn("位子给您留 {n} 分钟", n=HOLD_MINUTES) if held is not None else None,
        t("{what} · {merchant}", what=what(voucher), merchant=place(voucher.merchant, to.outlet)),
        BLANK,
        t("原来的 {when} 会放给别人。", when=voucher.booked.starts_at)
        if voucher.booked.outlet is None or to.outlet is None or to.outlet.id == voucher.booked.outlet_id
        else t("原来{outlet}的 {when} 会放给别人。", outlet=voucher.booked.outlet, when=voucher.booked.starts_at),
    ]
    yes = feature.button(t("确认改"), "moved", voucher.id, said, style="primary")
    again = feature.button(t("换个时间"), "move", voucher.id, 0, *([to.outlet.id] if to.outlet else []))
    return screen(lines, [[yes, again], [feature.button(t("不改了"), "stay", voucher.id)]])


@feature.tap("stay")
async def stay(turn: Turn, voucher_id: str) -> Onward:
    """Lets the place go, and back to the voucher as it is booked."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    await bookings.let_go(turn.tx, turn.me.id, voucher.offer_id)
    return Onward(doors.voucher(t("不改了"), voucher.id))


@feature.tap("moved")
async def moved(turn: Turn, voucher_id: str, said: str) -> Screen:
    """Changes the time. Again: shows that it is so."""
    starts_at, outlet_id = spot_of(said)
    voucher, new = await bookings.move(turn.tx, turn.me, number(voucher_id), starts_at, outlet_id=outlet_id, at=turn.at)
    code = await vouchers.reveal(turn.tx, voucher, turn.vault)
    return code_screen(turn, voucher, code, t("改好了") if new else t("已经是这个时间"))


async def _open(turn: Turn, offer_id: int) -> tuple[Seen, tuple[Diary, ...]]:
    """An offer that this member may have at some time, for their own points or the family's, and its diaries; why not is raised."""
    seen, _ = await _judged(turn, offer_id)
    found = await bookings.all_diaries(turn.tx, seen.listed, member_id=turn.me.id, at=turn.at)
    if not found:
        raise OfferChanged(offer_id, 1)
    return seen, found


async def _judged(turn: Turn, offer_id: int, *, pool: bool = False) -> tuple[Seen, Owner | None]:
    """The offer judged, and the pool where that pays: because it is asked for, or because one's own points do not reach. The first
    reason why not is raised."""
    today, now = turn.today, turn.at.programme_now
    seen = await shelf.judged(turn.tx, turn.me, offer_id, today=today, now=now)
    short = isinstance(seen.verdict, No) and [type(each) for each in seen.verdict.reasons] == [PointsShort]
    quote, payer = seen.verdict.quote, None
    if (pool or short) and quote is not None and await pools.could_pay(turn, seen.listed, quote):
        payer = await pools.payer(turn)
        seen = await shelf.judged(turn.tx, turn.me, offer_id, today=today, now=now, payer=payer)
    if isinstance(seen.verdict, No):
        raise seen.verdict.reasons[0]
    return seen, payer


async def _confirm(
    turn: Turn,
    offer_id: int,
    starts_at: dt.datetime,
    outlet_id: int | None,
    *,
    changed: bool = False,
    pool: bool = False,
) -> Screen:
    seen, payer = await _judged(turn, offer_id, pool=pool)
    listed, verdict = seen.listed, seen.verdict
    assert isinstance(verdict, Yes), "else its reason was raised"
    quote = verdict.quote
    if payer is not None and (no := await pools.needs_head(turn, listed, quote)) is not None:
        return no
    held = await bookings.hold(turn.tx, turn.me, offer_id, starts_at, outlet_id=outlet_id, payer=payer, at=turn.at)
    turn.finish()
    slot_minutes = int((held.slot.ends_at - held.slot.starts_at).total_seconds()) // 60
    lines: list[Line | None] = [
        t("<b>{name}</b> · {merchant}", name=both(listed.offer.name), merchant=place(listed.merchant, held.outlet)),
        t("<b>{when}</b>,{n} 分钟", when=held.slot.starts_at, n=slot_minutes),
        t("<b>{cost}</b>", cost=cost(listed, quote)),
        special(listed, verdict.priced, quote),
        BLANK,
        *(await pools.goes(turn, listed, quote, seen.facts.available - quote.points, pool=payer is not None)),
        BLANK,
        tn("位子给您留 {n} 分钟", n=HOLD_MINUTES),
        joined(_promises(turn, listed, held)),
    ]
    if changed:
        lines = [t("价格或内容刚刚变了,还没有扣分。"), BLANK, *lines]
    again = feature.button(t("换个时间"), "days", listed.id, 0, *([held.outlet.id] if held.outlet else []))
    may_pool = payer is None and await pools.could_pay(turn, listed, quote)
    where_ = spot(held.slot.starts_at, held.outlet.id if held.outlet else None)
    other = feature.button(t("改用家庭池"), "take", listed.id, where_, POOL) if may_pool else None
    rows: list[list[Button | None]] = [
        [_yes(turn, listed, quote, held, pool=payer is not None), again],
        [other],
        [feature.button(t("返回"), "leave", listed.id)],
    ]
    return screen(lines, rows, picture=Photo(listed.offer.photo) if listed.offer.photo else None)


def _yes(turn: Turn, listed: Listed, quote: Quote, held: Held, *, pool: bool) -> Button:
    nonce = turn.nonce()
    there = held.outlet.id if held.outlet else None
    wanted = Wanted(listed.id, listed.version, quote.points, quote.value_minor, held.slot.starts_at, there, pool)
    signature = turn.vault.sign(wanted.promise(turn, nonce))
    said = [short(wanted.points), short(wanted.worth), spot(wanted.starts_at, there), nonce, signature]
    if pool:
        said.append(POOL)
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


def _named(listed: Listed, diary: Diary | None = None) -> Text:
    at = place(listed.merchant, diary.outlet if diary is not None else None)
    return t("<b>{name}</b> · {merchant}", name=both(listed.offer.name), merchant=at)


def _asks(listed: Listed) -> list[Line]:
    rule = listed.offer.booking
    return [] if rule is None else [t("哪天来?每次 {n} 分钟。", n=rule.slot_minutes)]


def _present(voucher: Redemption) -> list[Line]:
    assert voucher.booked is not None
    return [
        t("<b>{what}</b> · {merchant}", what=what(voucher), merchant=whose(voucher)),
        t("原来约的:{when},{n} 分钟", when=voucher.booked.starts_at, n=minutes(voucher.booked)),
    ]
