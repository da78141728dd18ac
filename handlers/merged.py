"""Somebody with two accounts: the number of each for the desk, what they see where one was merged, and the way to object."""

from __future__ import annotations

from chat import desk, doors, operator_doors
from chat.arguments import number
from chat.feature import Feature
from chat.merging import object_button, until
from chat.screen import Line, Screen, screen
from chat.turn import Turn
from chat.words import t
from ledger.redeeming import merging

feature = Feature("merged", order=83)

DESK = ("admin", "support")
"""Whoever hears of an objection."""


@feature.tap("number")
async def account_number(turn: Turn) -> Screen:
    """The account's number, and what to do with two of them."""
    lines: list[Line] = [
        t("<b>两个账户合成一个</b>"),
        t("在两个账户里都打开这一页,把两个编号发给客服。积分、券都过去,一分不少,有效期不变。"),
        t("这个账户的编号:"),
        t("<code>{code}</code>", code=merging.number(turn.vault, turn.me.id)),
    ]
    return screen(lines, [[doors.claim(t("返回")), doors.home()]])


@feature.tap("show")
async def show(turn: Turn) -> Screen:
    """What a Telegram account shows whose account went into another."""
    made = await merging.of(turn.tx, turn.programme, turn.me.id)
    if made is None:
        return screen([t("您的账户在用,没有并到别处。")], [[doors.home()]])
    lines: list[Line] = [t("<b>这个账户并进了您的另一个账户</b>"), t("{on}起,请在那边用。", on=made.made_on)]
    if made.undo_until < turn.today:
        return screen([*lines, t("原因:{reason}", reason=made.reason)])
    if made.objected_by is not None:
        return screen([*lines, *until(made)[:1], t("已经告诉客服这不对,正在看。")])
    return screen([*lines, *until(made)], [[object_button(made)]])


@feature.tap("object")
async def object_(turn: Turn, merge_id: str) -> Screen:
    """Tells the desk, once, that the two are not one person's."""
    made = await merging.object_to(turn.tx, turn.programme, number(merge_id), turn.me.id, today=turn.today)
    if made.objected_by is None:
        said = screen([t("有会员说合并不对。")], [[operator_doors.merge(t("看这次合并"), made.id)]])
        for each in await desk.holders(turn.tx, *DESK):
            turn.tell(each, said, key=f"merge-objected:{made.id}:{each}")
    rows = [] if turn.me.status == "merged" else [[doors.home()]]
    return screen([t("收到,客服会看。"), t("分开以后,两边都会收到消息。")], rows)
