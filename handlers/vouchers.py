"""My vouchers: every code again while it can be used, what became of the others, and taking one back (R15, R16)."""

from __future__ import annotations

from chat import doors, fulfilments, handovers
from chat.arguments import number
from chat.cash import due, ended_screen, held_screen
from chat.feature import Feature
from chat.offers import both, points_spent
from chat.returns import STATES
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.vouchers import code_screen, state, what, where
from chat.words import t
from ledger.redeeming import handover, redemptions, return_claims, vouchers

feature = Feature("vouchers", order=32, on_account=True)

PER_PAGE = 8


@feature.command("vouchers", t("我的券"), said="优惠券,卡券,券码,兑换码,voucher,vouchers,coupon,coupons")
async def command(turn: Turn, words: str = "") -> Screen:
    """Lists the vouchers, usable ones first."""
    return await list_(turn)


@feature.tap("list", reads_only=True)
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists a page of vouchers, usable ones first, by their last day."""
    at = number(page)
    found = await vouchers.page(turn.tx, turn.me.id, today=turn.today, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    shown = found[:PER_PAGE]
    lines: list[Line] = [t("<b>我的券</b>")]
    if not shown:
        lines.append(t("没有更早的了。") if at else t("还没有券。换到的券会在这里,要用时给店员看码。"))
    used = [v.id for v in shown if v.state == "used" and v.offer.takes_back is not None]
    claimed = await return_claims.standing(turn.tx, used)
    said = [STATES[claimed[v.id]] if v.id in claimed else state(v, turn.today) for v in shown]
    rows: list[list[Button | None]] = [
        [feature.button(t("{what} · {state}", what=what(v), state=now), "show", v.id)]
        for v, now in zip(shown, said, strict=True)
    ]
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if len(found) > PER_PAGE else None,
        ],
        [doors.catalog(), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("show")
async def show(turn: Turn, voucher_id: str) -> Screen:
    """Opens one voucher: its code while it can be used, else what became of it."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    if voucher.waits(turn.at.programme_now):
        return held_screen(turn, voucher, await vouchers.reveal(turn.tx, voucher, turn.vault))
    if (told := await handovers.told(turn, voucher)) is not None:
        return told
    if not voucher.usable(turn.today):
        return await ended_screen(turn, voucher)
    return code_screen(turn, voucher, await vouchers.reveal(turn.tx, voucher, turn.vault))


@feature.tap("reveal")
async def reveal(turn: Turn, voucher_id: str) -> Screen:
    """Shows a partner's code, which counts as used from then on. Again: the same."""
    voucher, code = await handover.reveal(turn.tx, turn.me, number(voucher_id), vault=turn.vault, at=turn.at)
    return handovers.code_screen(turn, voucher, code)


@feature.tap("shops")
async def shops(turn: Turn, voucher_id: str) -> Screen:
    """Lists all merchants at which one voucher is good."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    return fulfilments.places(voucher, doors.voucher(t("返回"), voucher.id))


@feature.tap("undo")
async def undo(turn: Turn, voucher_id: str) -> Screen:
    """Asks before a redemption is taken back."""
    voucher = await vouchers.one(turn.tx, turn.me.id, number(voucher_id))
    if not voucher.usable(turn.today):
        return await handovers.told(turn, voucher) or await ended_screen(turn, voucher)
    booked = voucher.booked
    if not voucher.undoable(turn.now) and not voucher.changeable(turn.at.programme_now):
        raise redemptions.too_late(voucher)
    if booked is not None:
        asked: list[Line] = [
            t("取消 <b>{when}</b> 的预约?", when=booked.starts_at),
            t("{what} · {merchant}", what=what(voucher), merchant=where(voucher)),
            BLANK,
            t("{points}会原样退回,到期日不变;这个时间会放给别人。", points=points_spent(voucher)),
        ]
        sure = feature.button(t("确认取消"), "undone", voucher.id, style="danger")
        return screen(asked, [[sure, doors.rebook(voucher.id)], [feature.button(t("留着"), "show", voucher.id)]])
    lines: list[Line] = [
        t("撤回 <b>{what}</b> · {merchant}?", what=what(voucher), merchant=both(voucher.merchant)),
        BLANK,
        t("{points}会原样退回,到期日不变;券码作废。", points=points_spent(voucher))
        if voucher.offer.pool is None
        else t("{points}会原样退回,到期日不变;码不再给您留。", points=points_spent(voucher)),
        *([t("付的 {cash} 也退给您。", cash=due(voucher))] if voucher.cash_minor else []),
    ]
    yes = feature.button(t("确认撤回"), "undone", voucher.id, style="danger")
    return screen(lines, [[yes, feature.button(t("留着"), "show", voucher.id)]])


@feature.tap("undone")
async def undone(turn: Turn, voucher_id: str) -> Screen:
    """Takes the redemption back. Again: shows that it is."""
    voucher = await redemptions.undo(
        turn.tx,
        turn.me.id,
        number(voucher_id),
        grace_days=turn.programme.grace_days,
        at=turn.at,
        actor=turn.actor,
    )
    return await ended_screen(turn, voucher)
