"""Words about what is handed over in the chat: a partner's code, a tier until a day, a gift to a cause."""

from __future__ import annotations

import datetime as dt

from chat import doors, tiers
from chat.merchants import green_class
from chat.offers import both, points_of, points_spent, thing
from chat.refusals import Worded, worded
from chat.screen import BLANK, QR, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.members import tiers as ladder
from ledger.members.named import NoSuchGreenClass
from ledger.programme import Programme
from ledger.redeeming import code_pools
from ledger.redeeming.may_redeem import Facts, Listed
from ledger.redeeming.memberships import MembershipHeld, NotTheTierSeller
from ledger.redeeming.offers import Names, Offer, PerMoney, PerUnit, least_points
from ledger.redeeming.vouchers import Redemption

DRAWN_LONGEST = 64
"""A longer code, or a link, is no picture that a till would scan."""


def card(programme: Programme, listed: Listed, price: PerUnit | PerMoney) -> list[Line]:
    """What an offer's own page says of what it hands over at this price, and of its green class."""
    offer, lines = listed.offer, list[Line]()
    if offer.does is not None:
        points = points_of(listed, least_points(price))
        lines.append(t("{points} = {does}", points=points, does=both(offer.does)))
    if offer.membership is not None:
        tier = programme.tiers[ladder.place(programme.tiers, offer.membership.tier)]
        lines.append(tn("{tier},{n} 天", n=offer.membership.days, tier=tiers.name(tier)))
        lines += tiers.privileges(tier)
    if offer.green_class is not None:
        lines.append(t("绿色 · {green}", green=green_class(programme, offer.green_class)))
    return lines


async def promises(turn: Turn, listed: Listed, facts: Facts, units: int) -> list[Text] | None:
    """What a confirm screen promises of it; None where it is a voucher for the counter."""
    offer = listed.offer
    if offer.pool is not None:
        pool = (listed.merchant_id, offer.pool)
        ends = (await code_pools.free(turn.tx, [pool], today=turn.today))[pool][1]
        until = t("码最早 {on}到期", on=ends) if ends else tn("{n} 天内可以看码", n=offer.validity_days)
        if not turn.programme.undo_minutes:
            return [until, t("看了就算用掉")]
        return [until, t("看了就算用掉"), tn("没看的 {n} 分钟内可以撤回", n=turn.programme.undo_minutes)]
    if facts.climb is not None:
        until = t("马上生效,到 {until}", until=facts.climb.until)
        if (ends := facts.climb.extends_from) is not None:
            until = t("接在 {ends}之后,到 {until}", ends=ends, until=facts.climb.until)
        return [until, t("换了不退")]
    return [_done(offer.does, units), t("捐出就不能撤回")] if offer.does is not None else None


def _done(does: Names, units: int) -> Text:
    """What so many of a gift do."""
    return t("{does}", does=both(does)) if units == 1 else t("{does} ×{units}", does=both(does), units=units)


def verb(offer: Offer) -> Text:
    """What its button says."""
    return t("捐") if offer.does is not None else t("兑换")


def state(voucher: Redemption, today: dt.date) -> Text | None:
    """Where one stands, in a word and a date; None where the usual words do."""
    if voucher.state != "used":
        return None
    if voucher.offer.does is not None:
        return t("{on} 已捐", on=voucher.used_at)
    if voucher.offer.pool is not None or voucher.offer.membership is not None:
        until = voucher.valid_until
        return t("有效至 {until}", until=until) if today <= until else t("{until}已到期", until=until)
    return None


async def told(turn: Turn, voucher: Redemption, *first: Line, left: Line | None = None) -> Screen | None:
    """The screen of one that is still to be seen, or was handed over. None where it is a voucher for the counter, or ended unseen.

    `first` stands above; `left` tells what remains.
    """
    if voucher.offer.pool is not None and voucher.usable(turn.today):
        return _unseen(turn, voucher, *first, left=left)
    if voucher.state != "used":
        return None
    if voucher.offer.pool is not None:
        return code_screen(turn, voucher, await code_pools.held(turn.tx, turn.vault, voucher.id))
    if voucher.offer.membership is not None:
        return _member(turn, voucher, *first, left=left)
    return _thanks(voucher, left=left) if voucher.offer.does is not None else None


def _head(voucher: Redemption) -> Line:
    what = thing(voucher.offer, voucher.units, voucher.value_minor, voucher.money)
    return t("<b>{what}</b> · {merchant}", what=what, merchant=both(voucher.merchant))


def _spent(voucher: Redemption) -> Line:
    return t("用掉了 {points}", points=points_spent(voucher))


def _unseen(turn: Turn, voucher: Redemption, *first: Line, left: Line | None) -> Screen:
    undo = voucher.undoable(turn.now)
    hour = f"{voucher.undo_until.astimezone(turn.zone):%H:%M}"
    lines: list[Line | None] = [
        *first,
        _head(voucher),
        BLANK,
        t("码给您留好了,点「查看码」就显示。"),
        t("看了就算用掉,不能再撤回。"),
        BLANK,
        left or _spent(voucher),
        t("有效至 {until}", until=voucher.valid_until),
        t("{undo} 前没看可以撤回", undo=hour) if undo else None,
    ]
    rows: list[list[Button | None]] = [
        [doors.reveal(voucher.id)],
        [doors.take_back(voucher.id) if undo else None, doors.vouchers()],
        [doors.home()],
    ]
    return screen(lines, rows)


def code_screen(turn: Turn, voucher: Redemption, code: str) -> Screen:
    """A partner's code that its member has looked at: to copy, to scan, until when, and how it is used."""
    link = code.startswith(("https://", "http://"))
    over = voucher.valid_until < turn.today
    lines: list[Line] = [
        _head(voucher),
        BLANK,
        t("{code}", code=code) if link else t("<code>{code}</code>", code=code),
        *(t("{condition}", condition=both(condition)) for condition in voucher.offer.conditions),
        BLANK,
        t("{until}已到期", until=voucher.valid_until) if over else t("有效至 {until}", until=voucher.valid_until),
        t("{when} 看的码,不能撤回", when=voucher.used_at),
        _spent(voucher),
    ]
    copy = Button(t("复制码"), copy=code)
    drawn = not link and not over and len(code) <= DRAWN_LONGEST
    rows: list[list[Button | None]] = [[copy, doors.vouchers()], [doors.home()]]
    return screen(lines, rows, picture=QR(code) if drawn else None, protect=True)


def _member(turn: Turn, voucher: Redemption, *first: Line, left: Line | None) -> Screen:
    offered = voucher.offer.membership
    assert offered is not None
    tier = turn.programme.tiers[ladder.place(turn.programme.tiers, offered.tier)]
    over = voucher.valid_until < turn.today
    lines: list[Line] = [
        *first,
        _head(voucher),
        BLANK,
        t("{until}已到期", until=voucher.valid_until)
        if over
        else t("<b>{tier}</b>,有效至 {until}", tier=tiers.name(tier), until=voucher.valid_until),
        *([] if over else tiers.privileges(tier)),
        BLANK,
        left or _spent(voucher),
    ]
    return screen(lines, [[doors.tier(t("看等级")), doors.privileges()], [doors.vouchers(), doors.home()]])


def _thanks(voucher: Redemption, *, left: Line | None) -> Screen:
    does = voucher.offer.does
    assert does is not None
    lines: list[Line] = [
        t("谢谢您!<b>{done}</b>", done=_done(does, voucher.units)),
        _head(voucher),
        BLANK,
        left or t("捐了 {points}", points=points_of(voucher, voucher.points)),
        t("{when} 捐出 · 证书 {number} 号", when=voucher.used_at, number=voucher.id),
    ]
    return screen(lines, [[doors.vouchers(), doors.home()]])


@worded(MembershipHeld)
def _(no: MembershipHeld) -> Worded:
    if not no.personal:
        return Worded(t("企业账户没有等级"), t("请换到您自己的账户再换。"), (doors.business(),))
    return Worded(t("不用换了,没有扣分"), t("您已经有这个等级或更高的。"), (doors.tier(),))


@worded(NotTheTierSeller)
def _(no: NotTheTierSeller) -> Worded:
    return Worded(t("{merchant} 不能卖等级", merchant=no.merchant), t("等级是计划的,由计划指定的商户来卖。"))


@worded(code_pools.NoSuchPool)
def _(no: code_pools.NoSuchPool) -> Worded:
    return Worded(t("没有券码池「{pool}」", pool=no.pool), t("先把券码导入到这个池子,再上架。"))


@worded(NoSuchGreenClass)
def _(no: NoSuchGreenClass) -> Worded:
    return Worded(t("没有绿色类别「{name}」", name=no.green_class), t("请用计划里有的类别。"))
