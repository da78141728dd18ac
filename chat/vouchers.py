"""Words about vouchers: the screen with the code, where one stands, what the counter hands over, and every answer to a code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import desk_doors, doors, fulfilments, handovers
from chat.offers import both, paid_for, points_of, thing
from chat.refusals import Worded, worded
from chat.screen import BLANK, QR, Button, Line, Screen, screen
from chat.settlement import run_by
from chat.turn import Tell, Turn
from chat.words import Both, Money, Text, t, tn
from ledger.errors import Refusal
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.redeeming import codes, counter, redemptions, vouchers
from ledger.redeeming.lapses import Lapsed
from ledger.redeeming.vouchers import Booked, Redemption


def minutes(booked: Booked) -> int:
    """How long a booked time is."""
    return int((booked.ends_at - booked.starts_at).total_seconds()) // 60


def what(voucher: Redemption) -> Text:
    """What the voucher is for."""
    return thing(voucher.offer, voucher.units, voucher.value_minor, voucher.money)


def where(voucher: Redemption) -> Text | Both:
    """Whose it is, and at which outlet it is booked where that is said."""
    if voucher.booked is None or voucher.booked.outlet is None:
        return both(voucher.merchant)
    return t("{merchant} · {outlet}", merchant=both(voucher.merchant), outlet=voucher.booked.outlet)


def state(voucher: Redemption, today: dt.date) -> Text:
    """Where it stands, in a word and a date."""
    if (own := handovers.state(voucher, today)) is not None:
        return own
    if voucher.state == "used":
        return t("{on} 已用", on=voucher.used_at)
    if voucher.state == "held":
        return t("待付 {cash}", cash=Money(voucher.cash_minor, voucher.money))
    if voucher.state == "taken_back":
        return t("{on} 已撤回", on=voucher.ended_at)
    if voucher.state == "let_go":
        return t("{on} 已取消", on=voucher.ended_at)
    if voucher.state == "returned":
        return t("{on} 已退货", on=voucher.ended_at)
    if voucher.state == "exchanged":
        return t("{on} 已换货", on=voucher.ended_at)
    if voucher.state == "lapsed":
        return t("{on} 没付,已取消", on=voucher.ended_at)
    if voucher.booked is not None:
        when = voucher.booked.starts_at
        if not voucher.usable(today):
            return t("{when} 没有来", when=when)
        outlet = voucher.booked.outlet
        return t("{when}", when=when) if outlet is None else t("{time} {outlet}", time=when, outlet=outlet)
    if not voucher.usable(today):
        return t("{until}已过期", until=voucher.valid_until)
    return t("有效至 {until}", until=voucher.valid_until)


def code_screen(turn: Turn, voucher: Redemption, code: str, *first: Line, left: Line | None = None) -> Screen:
    """A usable voucher: the code to read out, its QR to scan, until when. `first` stands above; `left` tells what remains."""
    undo = voucher.undoable(turn.now)
    until, booked = voucher.undo_until, voucher.booked
    change = booked is not None and voucher.changeable(turn.at.programme_now)
    lines: list[Line | None] = [
        *first,
        t("<b>{what}</b> · {merchant}", what=what(voucher), merchant=where(voucher)),
        fulfilments.everywhere(voucher),
        t("<b>{when}</b>,{n} 分钟", when=booked.starts_at, n=minutes(booked)) if booked else None,
        BLANK,
        t("<code>{code}</code>", code=codes.spaced(code)),
        t("给店员看码,扫或念都行,只能用一次。"),
        BLANK,
        left or t("换货来的,没有再扣积分")
        if voucher.origin_id
        else left or t("用掉了 {points}", points=paid_for(voucher)),
        t("有效至 {until}", until=voucher.valid_until) if booked is None else None,
        t("{until} 前可以取消或改时间", until=booked.change_until) if booked and change else None,
        t("{undo} 前可以撤回", undo=_hour(until, turn)) if undo and not change else None,
        t("改时间的期限过了,请准时来") if booked and not change and not undo else None,
    ]
    rows: list[list[Button | None]] = [
        [doors.rebook(voucher.id), doors.cancel_booking(voucher.id)] if change else [],
        [fulfilments.many(voucher, f"vouchers:shops:{voucher.id}")],
        [doors.take_back(voucher.id) if undo and not change else None, doors.vouchers()],
        [doors.home()],
    ]
    picture = QR(f"https://t.me/{turn.bot_username}?start={codes.link(code)}")
    return screen(lines, rows, picture=picture, protect=True)


def _hour(at: dt.datetime, turn: Turn) -> str:
    return f"{at.astimezone(turn.zone):%H:%M}"


def ended_screen(
    turn: Turn, voucher: Redemption, *first: Line, back: Sequence[Line] = (), ways: Sequence[Button] = ()
) -> Screen:
    """A voucher that can't be used any more, with what became of it and of its points; `back` says where cash that was paid is,
    `ways` lead to returning what was handed over."""
    lines: list[Line | None] = [
        *first,
        t("<b>{what}</b> · {merchant}", what=what(voucher), merchant=where(voucher)),
        BLANK,
    ]
    points = points_of(voucher, voucher.points)
    if voucher.state in ("used", "returned", "exchanged"):
        lines.append(t("{when} 用过了", when=voucher.used_at))
        lines.append(t("经手:{label}", label=voucher.used_label) if voucher.used_label else None)
        lines.append(t("用掉了 {points}", points=paid_for(voucher)))
        if voucher.state == "returned":
            lines.append(t("{when} 退货,{points}已原样退回", when=voucher.ended_at, points=points))
        elif voucher.state == "exchanged":
            lines.append(t("{when} 换货,换成了新券", when=voucher.ended_at))
    elif voucher.state == "let_go":
        lines.append(t("{when} 取消,{points}已原样退回", when=voucher.ended_at, points=points))
    elif voucher.state == "lapsed" or voucher.state == "held":
        lines.append(t("{until} 前没有付钱,{points}自动退回", until=voucher.held_until, points=points))
    elif voucher.state == "taken_back" and voucher.booked is not None:
        lines.append(t("预约 {when}", when=voucher.booked.starts_at))
        facts = {"when": voucher.ended_at, "points": points}
        by_merchant = voucher.booked.freed_by == "merchant"
        lines.append(
            t("{when} 商户取消,{points}已原样退回", **facts)
            if by_merchant
            else t("{when} 取消,{points}已原样退回", **facts)
        )
    elif voucher.state == "taken_back":
        lines.append(t("{when} 撤回,{points}已原样退回", when=voucher.ended_at, points=points))
    elif voucher.booked is not None:
        lines.append(t("预约 {when},没有来", when=voucher.booked.starts_at))
        lines.append(t("{points}已退回", points=points) if voucher.offer.unused == "return" else t("按约定积分不退"))
    else:
        returned = (
            t("{points}已退回", points=points) if voucher.state == "expired" else t("{points}今晚退回", points=points)
        )
        lines.append(t("{until}到期,没有用过", until=voucher.valid_until))
        lines.append(returned if voucher.offer.unused == "return" else t("按约定积分不退"))
    return screen([*lines, *back], [list(ways), [doors.vouchers(), doors.home()]])


def to_hand_over(voucher: Redemption, here: int) -> list[Line]:
    """What merchant `here`'s counter reads before it presses «used»: what to hand over, and the offer's conditions."""
    lines: list[Line] = [t("<b>{what}</b>", what=what(voucher))]
    if voucher.merchant_id != here:
        lines.append(t("{merchant}的,您这里一起兑,结算给您", merchant=both(voucher.merchant)))
    lines += [t("{condition}", condition=both(condition)) for condition in voucher.offer.conditions]
    if voucher.origin_id:
        lines.append(t("换货:不另收积分和钱"))
    lines.append(
        t(
            "{on}用 {points}换的,有效至 {until}",
            on=voucher.issued_on,
            points=paid_for(voucher),
            until=voucher.valid_until,
        )
    )
    return lines


def used_notice(voucher: Redemption) -> Screen:
    """What the member hears when a counter has used their voucher: their receipt, and their alarm."""
    lines: list[Line] = [
        t("券已用:<b>{what}</b>", what=what(voucher)),
        t("{merchant} · {when}", merchant=both(voucher.merchant), when=voucher.used_at),
        t("不是您本人?请马上联系客服。"),
    ]
    return screen(lines, [[doors.voucher(t("看这张券"), voucher.id), doors.home()]])


def lapsed_notice(lapsed: Sequence[Lapsed]) -> Screen:
    """What a member hears when vouchers ended unused: one message, a voucher a line, with what became of the points."""
    lines: list[Line] = []
    for each in lapsed:
        voucher, points = each.voucher, points_of(each.voucher, each.voucher.points)
        if voucher.booked is not None:
            lines.append(t("没等到您:<b>{what}</b> · {merchant}", what=what(voucher), merchant=where(voucher)))
            lines.append(t("约的是 {when}。", when=voucher.booked.starts_at))
        else:
            lines.append(t("券到期了:<b>{what}</b> · {merchant}", what=what(voucher), merchant=both(voucher.merchant)))
        if each.receipt is None:
            lines.append(t("按约定,{points}不退回。", points=points))
            if voucher.booked is not None:
                lines.append(t("下次来不了,提前取消,积分全退。"))
            continue
        lines.append(back(voucher))
        if voucher.cash_minor:
            lines.append(t("付的 {cash} 也退:点开券看怎么拿。", cash=Money(voucher.cash_minor, voucher.money)))
        lines += late(voucher, each.receipt.facts)
    returned = any(each.receipt is not None for each in lapsed)
    return screen(lines, [[doors.vouchers(), doors.affordable() if returned else doors.home()]])


def lapsed_for_friend(voucher: Redemption, points: int) -> Screen:
    """What somebody hears who gave their share for what a friend had the code of, when nobody used it."""
    lines: list[Line] = [
        t("和朋友一起换的没用上,到期了:<b>{what}</b>", what=what(voucher)),
        t("您出的 {points}已退回。", points=points_of(voucher, points)),
    ]
    return screen(lines, [[doors.affordable(), doors.home()]])


def back(voucher: Redemption) -> Text:
    """Where its points are again: with its member, with the two who had it together, or in the pool that had paid."""
    points = points_of(voucher, voucher.points)
    if voucher.pool_id is not None and voucher.pool_id < 0:
        return t("{points}已退回,各人回各人的。", points=points)
    if voucher.pool_id is not None:
        return t("{points}已退回家庭池。", points=points)
    return t("{points}已退回您的账户。", points=points)


def late(voucher: Redemption, facts: Mapping[str, Any]) -> list[Line]:
    """Points whose own time was over meanwhile: how long they live on, or that they don't."""
    lines: list[Line] = []
    if graced := facts.get("grace_points"):
        until = dt.date.fromisoformat(facts["grace_until"])
        lines.append(t("其中 {points}本来已到期,延到 {until}", points=points_of(voucher, graced), until=until))
    if over := facts.get("expired_on_return"):
        lines.append(t("其中 {points} 已经延过一次,这次到期了", points=points_of(voucher, over)))
    return lines


@worded(vouchers.NoSuchRedemption)
def _(no: vouchers.NoSuchRedemption) -> Worded:
    return Worded(t("没有这张券"), None, (doors.vouchers(),))


@worded(redemptions.UndoOver)
def _(no: redemptions.UndoOver) -> Worded:
    return Worded(
        t("撤回的时间过了"),
        t("{until} 以前可以撤回。券还在,照样能用。", until=no.until),
        (doors.voucher(t("看这张券"), no.redemption_id),),
    )


@worded(vouchers.VoucherUsed)
def _(no: vouchers.VoucherUsed) -> Worded:
    facts = {"offer": both(no.offer), "when": no.used_at, "merchant": both(no.merchant), "label": no.label}
    if no.label:
        return Worded(t("这张券已经用过了"), t("{offer}:{when},{merchant} {label}。", **facts))
    return Worded(t("这张券已经用过了"), t("{offer}:{when},{merchant}。", **facts))


@worded(vouchers.VoucherTakenBack)
def _(no: vouchers.VoucherTakenBack) -> Worded:
    return Worded(t("这张券已经撤回了"), t("{offer}:{when} 撤回,积分已退。", offer=both(no.offer), when=no.at))


@worded(vouchers.VoucherExpired)
def _(no: vouchers.VoucherExpired) -> Worded:
    facts = {"offer": both(no.offer), "until": no.valid_until, "when": no.booked_for}
    if no.booked_for is not None:
        said = t("{offer}:约的是 {when}。积分退回给会员。", **facts)
        return Worded(
            t("预约的时间过了"), said if no.returned else t("{offer}:约的是 {when}。按约定积分不退。", **facts)
        )
    if no.returned:
        return Worded(t("这张券过期了"), t("{offer}:有效至 {until}。积分退回给会员。", **facts))
    return Worded(t("这张券过期了"), t("{offer}:有效至 {until}。按约定积分不退。", **facts))


@worded(counter.CodeMistyped)
def _(no: counter.CodeMistyped) -> Worded:
    return Worded(t("这个码不对"), t("可能错了或少了一个字。券码共 14 位,没有 0、1、O、I、L。"))


@worded(counter.CodeUnknown)
def _(no: counter.CodeUnknown) -> Worded:
    if no.tries_left:
        return Worded(t("没有这张券"), tn("请核对券码。再错 {n} 次就要等一会儿。", n=no.tries_left))
    return Worded(t("没有这张券"), t("错得太多,下一个码要等一会儿才能查。"))


async def guesses(
    tx: AsyncConnection, by: Staff, answer: Redemption | Refusal, where: Both, *, at: Moment, key: str | None = None
) -> list[Tell]:
    """What those who run a merchant hear when a till, or a `key` of the HTTP API, named so many codes that are nobody's that it
    has to wait: once, however long it goes on."""
    since = await counter.guesses_since(tx, by, answer, at=at)
    if since is None:
        return []
    wrong, here = counter.WRONG_CODES_MOST, by.merchant_id
    lines: list[Line] = [
        tn("<b>{till} 报错了 {n} 个券码</b>", n=wrong, till=by.label)
        if key is None
        else tn("<b>密钥「{till}」报错了 {n} 个券码</b>", n=wrong, till=by.label),
        t("{merchant} · 都不是任何人的券,可能有人在猜", merchant=where),
        tn("这个收银台先停 {n} 分钟,别的照常。问问码是谁给的。", n=counter.GUESSING_MINUTES)
        if key is None
        else tn("{key} 先停 {n} 分钟,别的照常", n=counter.GUESSING_MINUTES, key=key),
        *([] if key is None else [t("不是自己的系统,就换密钥")]),
    ]
    told = screen(lines, [[desk_doors.staff(here) if key is None else desk_doors.api_keys(here), doors.home()]])
    once = f"guessing:{by.id}:{int(since.timestamp())}"
    return [Tell(who, told, key=f"{once}:{who}") for who in await run_by(tx, here)]


@worded(counter.GuessingPaused)
def _(no: counter.GuessingPaused) -> Worded:
    return Worded(t("错的码太多,先停一停"), t("{until} 以后可以再查。", until=no.until))


@worded(counter.VoucherOfAnother)
def _(no: counter.VoucherOfAnother) -> Worded:
    return Worded(t("这不是本店的券"), t("它要在{merchant}用。", merchant=fulfilments.some(no.merchants)))
