"""Privileges that were used today: the list, one of them, and undoing it with a reason."""

from __future__ import annotations

from chat import desk_doors, privilege_words, privileges, reasons, till
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.till import Post
from chat.turn import Turn
from chat.words import Text, t
from ledger.merchants import authority
from ledger.redeeming import privilege_uses
from ledger.redeeming.privilege_uses import NoSuchUse, Use

feature = Feature("privilege_uses", order=73)

PER_PAGE = 8


@feature.tap("list")
async def list_(turn: Turn, merchant: str, page: str = "0") -> Screen:
    """Shows a page of today's uses, newest first: a cashier's own, a manager's whole shop."""
    turn.finish()
    post = await till.post_at(turn, number(merchant))
    at, here = number(page), post.merchant.id
    whole = authority.may(post.staff.role, "see_whole_day")
    since, until = till.today(turn)
    span = {"since": since, "until": until}
    mine = None if whole else post.staff.id
    found = await privilege_uses.listed(turn.tx, here, **span, staff_id=mine, offset=at * PER_PAGE, limit=PER_PAGE + 1)
    done = privileges.counted(await privilege_uses.count(turn.tx, here, **span, staff_id=mine), post.merchant.money)
    lines: list[Line] = [
        t("<b>今天用过的权益</b> · {merchant} · 全店", merchant=post.where)
        if whole
        else t("<b>今天用过的权益</b> · {merchant} · 我办的", merchant=post.where),
        *(done or [t("今天还没有用过。")]),
    ]
    rows: list[list[Button | None]] = [[feature.button(row(turn, use), "open", use.id)] for use in found[:PER_PAGE]]
    rows += [
        [
            feature.button(t("上一页"), "list", here, at - 1) if at else None,
            feature.button(t("下一页"), "list", here, at + 1) if len(found) > PER_PAGE else None,
        ],
        [desk_doors.day(here), desk_doors.counter()],
    ]
    return screen(lines, rows)


@feature.tap("open")
async def open_(turn: Turn, use_id: str) -> Screen:
    """Opens one use, with the way to undo it while there is one."""
    turn.finish()
    use, post = await reached(turn, use_id)
    may = privilege_uses.may_undo(use, post.staff, minutes=turn.programme.take_back_minutes, at=turn.at)
    rows: list[list[Button | None]] = [
        [feature.button(t("撤回这次"), "back", use.id, style="danger") if may else None],
        [feature.button(t("返回"), "list", post.merchant.id, 0), desk_doors.counter()],
    ]
    return screen(await about(turn, use), rows)


@feature.tap("back")
async def back(turn: Turn, use_id: str) -> Screen:
    """Asks why a use is to be undone: the usual reasons, or one typed."""
    use, post = await reached(turn, use_id)
    privilege_uses.check_undo(use, post.staff, minutes=turn.programme.take_back_minutes, at=turn.at)
    turn.goto(feature.at("reason"), use=use.id)
    lines: list[Line] = [*await about(turn, use), BLANK]
    if use.after_minor is not None:
        lines.append(t("差价和按它记的积分,请另外处理。"))
    lines.append(t("为什么?点一个,或把原因发给我。会员会看到。"))
    rows: list[list[Button | None]] = [
        [feature.button(words, "because", use.id, reason, style="danger")]
        for reason, words in reasons.PRIVILEGE.items()
    ]
    return screen(lines, [*rows, [feature.button(t("不撤了"), "open", use.id)]])


@feature.tap("because")
async def because(turn: Turn, use_id: str, reason: str) -> Screen:
    """Undoes the use for a usual reason; a second tap shows that it is done."""
    return await undo(turn, use_id, reason if reason in reasons.PRIVILEGE else "")


@feature.step("reason")
async def reason_typed(turn: Turn, said: str) -> Screen:
    """Undoes the use for the reason typed."""
    return await undo(turn, str(turn.dialogue.data["use"]), said)


async def undo(turn: Turn, use_id: str, reason: str) -> Screen:
    """Undoes a use, tells the member, and shows what was done."""
    use, post = await reached(turn, use_id)
    if use.undone_at is None:
        minutes = turn.programme.take_back_minutes
        use = await privilege_uses.undo(turn.tx, post.staff, use.id, reason, minutes=minutes, at=turn.at)
        turn.tell(use.member_id, privileges.undone_notice(use, post.merchant), key=f"{use.key}:back")
    turn.finish()
    lines: list[Line] = [
        t("撤回好了,这次不算用过"),
        await till.told(turn, use.member_id),
        BLANK,
        *await about(turn, use),
    ]
    back_ = feature.button(t("用过的权益"), "list", post.merchant.id, 0)
    return screen(lines, [[back_, desk_doors.counter()]])


async def reached(turn: Turn, use_id: str) -> tuple[Use, Post]:
    """A use that this person may look at: their own, or any of the shop for a manager. Others are like none."""
    use = await privilege_uses.by_id(turn.tx, number(use_id))
    if turn.me.role_at(use.merchant_id) is None:
        raise NoSuchUse(use.id)
    post = await till.post_at(turn, use.merchant_id)
    if use.staff_id != post.staff.id:
        post.staff.demand("see_whole_day")
    return use, post


async def about(turn: Turn, use: Use) -> list[Line]:
    """What there is to say of a use."""
    facts = {
        "what": privilege_words.label(use.privilege),
        "paid": privileges.paid(use),
        "name": await till.customer(turn, use.member_id),
        "number": str(use.id),
        "when": use.used_at,
        "label": use.label,
        "till": use.till or "",
        "back": use.undone_at,
        "reason": reasons.said(use.reason or ""),
    }
    found: list[Line | None] = [
        t("<b>{paid}</b> · 会员 {name}", **facts),
        privilege_words.label(use.privilege) if use.after_minor is not None else None,
        t("权益单 {number} · {when}", **facts),
        t("经手:{label} · {till}", **facts) if use.till else t("经手:{label}", **facts),
        t("{back} 撤回:{reason}", **facts) if use.undone_at else None,
    ]
    return [line for line in found if line is not None]


def row(turn: Turn, use: Use) -> Text:
    """One use on a button."""
    facts = {"when": f"{use.used_at.astimezone(turn.zone):%H:%M}", "what": privilege_words.label(use.privilege)}
    if use.undone_at is not None:
        return t("{when} · {what} · 已撤回", **facts)
    if use.after_minor is None:
        return t("{when} · {what}", **facts)
    return t("{when} · {what} · {paid}", **facts, paid=privileges.paid(use))
