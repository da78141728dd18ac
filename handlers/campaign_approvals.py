"""Budgets of campaigns that wait for the operator's yes, and what became of them."""

from __future__ import annotations

from chat import campaigns as words
from chat import desk, desk_doors, doors, known, operator_doors, settlement
from chat.arguments import number
from chat.feature import Feature
from chat.rules import STATES
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.earning import campaigns
from ledger.earning.campaigns import Change

feature = Feature("campaign_approvals", order=92)

SHOWN = 8


@feature.tap("list", audience="operator")
async def approvals(turn: Turn) -> Screen:
    """Lists what waits for a yes, whoever asked."""
    await desk.demand(turn)
    turn.finish()
    waiting = await campaigns.waiting(turn.tx, everybody=True)
    lines: list[Line] = [t("<b>活动预算审批</b>"), tn("{n} 条在等", n=len(waiting)) if waiting else t("没有在等的。")]
    rows: list[list[Button | None]] = []
    for change in waiting[:SHOWN]:
        where, money = await words.place(turn, change.merchant_id)
        label = t("{where} · {change}", where=where, change=words.saying(change, money))
        rows.append([feature.button(label, "open", change.id)])
    return screen(lines, [*rows, [desk_doors.campaigns(0, t("计划的活动"))], [operator_doors.operator(t("返回"))]])


@feature.tap("open", audience="operator")
async def open_(turn: Turn, change_id: str) -> Screen:
    """Opens what waits: who wants what, and what the campaign has used."""
    roles = await desk.demand(turn)
    turn.finish()
    change = await campaigns.find(turn.tx, number(change_id))
    where, money = await words.place(turn, change.merchant_id)
    lines: list[Line] = [
        t("<b>{where}</b> · {state}", where=where, state=STATES[change.state]),
        words.saying(change, money),
    ]
    if change.what == "add":
        found = await campaigns.one(turn.tx, change.merchant_id, change.code)
        lines += [BLANK, *words.about(found, money, await known.read(turn.tx))]
    own = change.made_by == turn.actor
    if own and change.state == "proposed":
        lines += [BLANK, t("这是您自己提的,要别人来批。")]
    open_ = change.state == "proposed" and not own and bool(roles & set(desk.DECIDE_RULES))
    yes = feature.button(t("批准"), "approve", change.id, style="primary")
    rows = [[yes, feature.button(t("不批准"), "reject", change.id)] if open_ else []]
    return screen(lines, [*rows, [operator_doors.campaign_desk(t("返回"))]])


@feature.tap("approve", audience="operator")
async def approve(turn: Turn, change_id: str) -> Screen:
    """Lets it happen and tells who asked; a second tap shows the same."""
    await desk.demand(turn, *desk.DECIDE_RULES)
    change = await campaigns.find(turn.tx, number(change_id))
    if change.state != "approved":
        await settled(turn, await campaigns.approve(turn.tx, change.id, by=turn.actor, now=turn.now))
    return await open_(turn, change_id)


@feature.tap("reject", audience="operator")
async def reject(turn: Turn, change_id: str) -> Screen:
    """Asks for the reason."""
    await desk.demand(turn, *desk.DECIDE_RULES)
    turn.goto(feature.at("why"), change=number(change_id))
    return screen([t("为什么不批准?写下来发给我,提的人会看到。")], [[feature.button(t("返回"), "open", change_id)]])


@feature.step("why")
async def why_typed(turn: Turn, said: str) -> Screen:
    """Says no with these words, and tells who asked."""
    await desk.demand(turn, *desk.DECIDE_RULES)
    change_id = turn.dialogue.data["change"]
    await settled(turn, await campaigns.reject(turn.tx, change_id, by=turn.actor, now=turn.now, why=said))
    return await open_(turn, str(change_id))


async def settled(turn: Turn, change: Change) -> None:
    """Tells who asked what became of it."""
    where, money = await words.place(turn, change.merchant_id)
    lines: list[Line | None] = [
        t("{where} · {state}", where=where, state=STATES[change.state]),
        words.saying(change, money),
        t("原因:{reason}", reason=change.why) if change.why else None,
    ]
    kind, _, maker = change.made_by.partition(":")
    makers = [int(maker)] if kind == "member" else await settlement.run_by(turn.tx, change.merchant_id or 0, ("owner",))
    told = screen(lines, [[desk_doors.campaigns(change.merchant_id or 0), doors.home()]])
    for each in makers:
        turn.tell(each, told, key=f"campaign-decided:{change.id}:{each}")
