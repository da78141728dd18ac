"""Budgets of campaigns, for a merchant's owner and for the operator: how much, used so far, opened, added to, closed.

A merchant's own are reached from its rules, the programme's from the operator's desk. «where» is the merchant's number, or 0 for
the programme. What needs another person's yes waits in `campaign_approvals`.
"""

from __future__ import annotations

from typing import Any

from chat import amounts, desk, desk_doors, doors, known, operator_doors, till
from chat import campaigns as words
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Both, Text, t, tn
from ledger.earning import campaigns
from ledger.earning.rules.documents import Budget
from ledger.merchants import authority
from ledger.merchants import merchant as merchants

feature = Feature("campaigns", order=78)

SHOWN = 8


@feature.tap("list")
async def list_(turn: Turn, where: str) -> Screen:
    """Lists the campaigns with what they have given, and what waits for approval."""
    turn.finish()
    here = number(where) or None
    may, called, money = await at(turn, here)
    found, waiting = await campaigns.of(turn.tx, here), await campaigns.waiting(turn.tx, here)
    lines: list[Line] = [t("<b>活动预算</b> · {where}", where=called)]
    if not found and not waiting:
        lines.append(t("还没有。几条规则可以共用一份活动预算,用完就停。"))
    names = await known.read(turn.tx)
    for each in found[:SHOWN]:
        lines += [BLANK, *words.about(each, money, names)]
    for change in waiting[:SHOWN]:
        lines += [BLANK, t("等批准:{change}", change=words.saying(change, money))]
    rows: list[list[Button | None]] = [
        [feature.button(t("{campaign}", campaign=words.name_of(each)), "one", here or 0, each.code)]
        for each in found[:SHOWN]
        if may
    ]
    rows += [
        [feature.button(t("撤回:{change}", change=words.saying(change, money)), "withdraw", change.id)]
        for change in waiting[:SHOWN]
        if change.made_by == turn.actor
    ]
    back = desk_doors.rules(here, t("返回")) if here else operator_doors.operator(t("返回"))
    rows.append([feature.button(t("新建活动"), "new", here or 0) if may else None, back])
    return screen(lines, rows)


@feature.tap("one")
async def one(turn: Turn, where: str, code: str) -> Screen:
    """Opens one campaign: its budget, and what can be done with it."""
    turn.finish()
    here = number(where) or None
    _, _, money = await at(turn, here, change=True)
    found = await campaigns.one(turn.tx, here, code)
    way = feature.button(t("停掉"), "close", where, code, style="danger")
    if not found.is_open:
        way = feature.button(t("重新开"), "open", where, code)
    add = feature.button(t("加预算"), "add", where, code) if found.budget is not None else None
    return screen(
        words.about(found, money, await known.read(turn.tx)), [[add, way], [feature.button(t("返回"), "list", where)]]
    )


@feature.tap("close")
async def close(turn: Turn, where: str, code: str) -> Screen:
    """Closes a campaign at once: its rules give nothing more."""
    here = number(where) or None
    await at(turn, here, change=True)
    await campaigns.switch(turn.tx, merchant_id=here, code=code, is_open=False)
    return await one(turn, where, code)


@feature.tap("open")
async def open_again(turn: Turn, where: str, code: str) -> Screen:
    """Opens a closed campaign again, with what was left of what had been approved."""
    here = number(where) or None
    await at(turn, here, change=True)
    await campaigns.switch(turn.tx, merchant_id=here, code=code, is_open=True)
    return await one(turn, where, code)


@feature.tap("new")
async def new(turn: Turn, where: str) -> Screen:
    """Asks what the campaign is to be called."""
    await at(turn, number(where) or None, change=True)
    turn.goto(feature.at("name"), where=number(where), nonce=turn.nonce())
    said = tn("活动叫什么?比如「春节」,最多 {n} 个字。", n=campaigns.NAME_LONGEST)
    return screen([said], [[feature.button(t("返回"), "list", where)]])


@feature.step("name")
async def named(turn: Turn, said: str) -> Screen:
    """Takes the name and asks for the budget."""
    data = turn.dialogue.data
    await at(turn, data["where"] or None, change=True)
    name = " ".join(said.split())
    if not 1 <= len(name) <= campaigns.NAME_LONGEST:
        raise campaigns.CampaignNameWrong(campaigns.NAME_LONGEST)
    turn.goto(feature.at("budget"), **data, what="open", name=name)
    return ask_budget(turn, t("<b>{name}</b> 一共发多少?", name=name))


@feature.tap("add")
async def add(turn: Turn, where: str, code: str) -> Screen:
    """Asks how much is to be added."""
    here = number(where) or None
    await at(turn, here, change=True)
    found = await campaigns.one(turn.tx, here, code)
    turn.goto(feature.at("budget"), where=number(where), what="add", code=code, name=found.name_zh, nonce=turn.nonce())
    return ask_budget(turn, t("<b>{name}</b> 再加多少?", name=words.name_of(found)))


def ask_budget(turn: Turn, first: Line) -> Screen:
    """Asks for points, money, or both."""
    lines: list[Line] = [first, t("发分数,比如 100000;按金额就带 ¥,比如 ¥2000;两样都限,用空格隔开。")]
    return screen(lines, [[feature.button(t("取消"), "list", turn.dialogue.data["where"])]])


@feature.step("budget")
async def budget_typed(turn: Turn, said: str) -> Screen:
    """Takes the budget and shows what is asked for."""
    data = turn.dialogue.data
    here = data["where"] or None
    _, _, money = await at(turn, here, change=True)
    budget = read_budget(said)
    if budget is None:
        return ask_budget(turn, t("没看懂。"))
    campaigns.check(budget)
    if data["what"] == "add":
        had = (await campaigns.one(turn.tx, here, data["code"])).budget
        if had is not None and any(
            more is not None and limit is None
            for more, limit in ((budget.points, had.points), (budget.minor, had.minor))
        ):
            return ask_budget(turn, t("它没有限这一样,加不上。"))
    turn.goto(feature.at("send"), **{**data, "points": budget.points, "minor": budget.minor})
    needs = turn.programme.rules_need_approval
    lines: list[Line] = [
        t("<b>{name}</b>", name=data["name"]),
        t("预算 {budget}", budget=words.amount(budget, money))
        if data["what"] == "open"
        else t("加 {budget}", budget=words.amount(budget, money)),
        t("提交后要另一个人批准,批准前不生效。") if needs else t("确认后马上生效。"),
    ]
    yes = feature.button(t("提交") if needs else t("确认"), "send", data["nonce"], style="primary")
    return screen(lines, [[yes, feature.button(t("取消"), "list", data["where"])]])


@feature.step("send")
async def typed_instead(turn: Turn, said: str) -> Screen:
    """Takes another budget in place of the one that waits for its tap."""
    return await budget_typed(turn, said)


@feature.tap("send")
async def send(turn: Turn, nonce: str) -> Screen:
    """Asks for it; a second tap finds it asked."""
    data: dict[str, Any] = turn.dialogue.data
    if turn.dialogue.state != feature.at("send") or data.get("nonce") != nonce:
        return Screen(alert=t("这一步已经办过,或者取消了。"))
    here = data["where"] or None
    _, called, money = await at(turn, here, change=True)
    owner = "programme" if here is None else (await merchants.by_id(turn.tx, here)).code
    change = await campaigns.ask(
        turn.tx,
        data["what"],
        code=data.get("code") or f"{owner}-{nonce}",
        merchant_id=here,
        name=data["name"],
        budget=Budget(points=data["points"], minor=data["minor"]),
        by=turn.actor,
        now=turn.now,
        needs_approval=turn.programme.rules_need_approval,
    )
    if change.state == "proposed":
        lines: list[Line] = [t("{where}的活动预算等批准", where=called), words.saying(change, money)]
        told = screen(lines, [[operator_doors.campaign_desk(t("去处理")), doors.home()]])
        for operator in await desk.holders(turn.tx, *desk.DECIDE_RULES):
            if operator != turn.me.id:
                turn.tell(operator, told, key=f"campaign-asked:{change.id}:{operator}")
    return await list_(turn, str(data["where"]))


@feature.tap("withdraw")
async def withdraw(turn: Turn, change_id: str) -> Screen:
    """Takes back what waits."""
    change = await campaigns.find(turn.tx, number(change_id))
    await at(turn, change.merchant_id, change=True)
    await campaigns.withdraw(turn.tx, change.id, by=turn.actor, now=turn.now)
    return await list_(turn, str(change.merchant_id or 0))


async def at(turn: Turn, merchant_id: int | None, *, change: bool = False) -> tuple[bool, Text | Both, str]:
    """Whether this person changes budgets here, whose they are, in which money. `NotAllowed`, `NotOperator`."""
    if merchant_id is None:
        roles = await desk.demand(turn, *(desk.DECIDE_RULES if change else ()))
        return bool(roles & set(desk.DECIDE_RULES)), t("整个计划"), turn.programme.money
    post = await till.post_at(turn, merchant_id)
    post.staff.demand("change_rules" if change else "see_rules")
    return authority.may(post.staff.role, "change_rules"), post.where, post.merchant.money


def read_budget(said: str) -> Budget | None:
    """«100000», «¥2000», «100000 ¥2000»; None where it is no budget, or says one of the two twice."""
    points = minor = None
    for word in said.replace(",", "").replace(",", "").split():
        if word[0] in "¥¥" or word.endswith("元"):
            if minor is not None or (minor := amounts.parse(word, largest_minor=campaigns.MINOR_MOST)) is None:
                return None
        elif points is not None or not (points := number(word.removesuffix("分"))):
            return None
    return None if points is None and minor is None else Budget(points=points, minor=minor)
