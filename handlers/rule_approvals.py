"""Rules that merchants propose, for the operator: what each would change, and yes or no with a reason."""

from __future__ import annotations

from chat import desk, desk_doors, doors, merchant_log, operator_doors, settlement, till, trial
from chat import rules as words
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Both, Text, t, tn
from ledger.earning import rulebook
from ledger.earning.rulebook import Proposal
from ledger.members import operators
from ledger.merchants import log
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant

feature = Feature("rule_approvals", order=92)

PER_PAGE = 8


@feature.tap("list", audience="operator")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists what waits, oldest first."""
    await overseen(turn)
    turn.finish()
    waiting, at = await rulebook.proposals(turn.tx), number(page)
    shown = waiting[at * PER_PAGE : (at + 1) * PER_PAGE]
    known = await merchants.by_ids(turn.tx, {w.version.merchant_id for w in shown if w.version.merchant_id})
    lines: list[Line] = [
        t("<b>规则审批</b>"),
        tn("{n} 条在等", n=len(waiting)) if waiting else t("没有在等的。"),
    ]
    rows: list[list[Button | None]] = []
    for each in shown:
        assert each.version.merchant_id is not None  # the programme's own are published, not proposed
        where = known[each.version.merchant_id]
        said = words.headline(each.version.rule, where.money, turn.programme)
        rows.append(
            [
                feature.button(
                    t("{merchant} · {rule}", merchant=till.name_of(where), rule=said), "open", each.version.name
                )
            ]
        )
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if len(waiting) > (at + 1) * PER_PAGE else None,
        ],
        [operator_doors.operator(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("open", audience="operator")
async def open_(turn: Turn, rule: str) -> Screen:
    """Opens a proposal: the rule, who proposes it, what it would have changed."""
    may = await overseen(turn)
    turn.finish()
    found, merchant = await _found(turn, rule)
    lines: list[Line] = [*about(turn, found, merchant), BLANK, *await trial.lines(turn, merchant, found.version)]
    own = found.made_by == turn.actor
    if own and found.state == "proposed":
        lines += [BLANK, t("这是您自己提的,要别人来批。")]
    rows: list[list[Button | None]] = [
        [feature.button(t("批准"), "approve", rule, style="primary"), feature.button(t("不批准"), "reject", rule)]
        if may and found.state == "proposed" and not own
        else [],
        [operator_doors.rule_approvals(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


def about(turn: Turn, found: Proposal, merchant: Merchant) -> list[Line]:
    """A proposal in words: whose, what, since when it waits, and what was decided."""
    lines: list[Line | None] = [
        t("<b>{merchant}</b> · {state}", merchant=till.name_of(merchant), state=words.STATES[found.state]),
        words.line(found.version, merchant.money, turn.programme, today=turn.today),
        t("{when} 提的", when=found.made_at),
        t("原因:{reason}", reason=found.why) if found.why else None,
    ]
    return [line for line in lines if line is not None]


@feature.tap("approve", audience="operator")
async def approve(turn: Turn, rule: str) -> Screen:
    """Puts the rule in force and tells who proposed it; a second tap shows the same."""
    await decides(turn)
    found, merchant = await _found(turn, rule)
    if found.state != "approved":
        found = await rulebook.approve(turn.tx, rule, by=turn.actor, at=turn.now, today=turn.today)
        await _settled(turn, found, merchant, "rule_approved")
    return _decided(turn, found, merchant)


@feature.tap("reject", audience="operator")
async def reject(turn: Turn, rule: str) -> Screen:
    """Asks for the reason."""
    await decides(turn)
    found, merchant = await _found(turn, rule)
    turn.goto(feature.at("why"), rule=rule)
    lines: list[Line] = [*about(turn, found, merchant), BLANK, t("为什么不批准?写下来发给我,店主会看到。")]
    return screen(lines, [[feature.button(t("返回"), "open", rule)]])


@feature.step("why")
async def why_typed(turn: Turn, said: str) -> Screen:
    """Rejects with these words and tells who proposed it."""
    await decides(turn)
    found, merchant = await _found(turn, turn.dialogue.data["rule"])
    found = await rulebook.reject(turn.tx, found.version.name, by=turn.actor, at=turn.now, why=said)
    turn.finish()
    await _settled(turn, found, merchant, "rule_rejected")
    return _decided(turn, found, merchant)


async def _settled(turn: Turn, found: Proposal, merchant: Merchant, what: log.What) -> None:
    """Notes the decision down and tells who proposed the rule; the owners, where a program did."""
    rule = found.version.rule
    who = f"operator:{turn.me.id}"
    await log.write(turn.tx, merchant.id, what, who=who, at=turn.now, **merchant_log.rule_facts(found.version))
    kind, _, member_id = found.made_by.partition(":")
    if kind == "member" and member_id.isdigit():
        makers = [int(member_id)]
    else:
        makers = await settlement.run_by(turn.tx, merchant.id, ("owner",))
    called = Both(rule.name_zh, rule.name_en)
    first: Text = t("规则「{rule}」批准了", rule=called)
    if found.state == "rejected":
        first = t("规则「{rule}」没有批准", rule=called)
    lines: list[Line] = [first, *about(turn, found, merchant)[1:]]
    told = screen(lines, [[desk_doors.rules(merchant.id), doors.home()]])
    for maker in makers:
        turn.tell(maker, told, key=f"rule-decided:{found.version.name}:{maker}")


def _decided(turn: Turn, found: Proposal, merchant: Merchant) -> Screen:
    lines: list[Line] = [*about(turn, found, merchant), BLANK, t("提的人会收到通知。")]
    return screen(lines, [[operator_doors.rule_approvals(), operator_doors.operator()]])


async def _found(turn: Turn, rule: str) -> tuple[Proposal, Merchant]:
    found = await rulebook.find(turn.tx, rule)
    if found is None or found.version.merchant_id is None:
        raise rulebook.NotProposed(rule, None)
    return found, await merchants.by_id(turn.tx, found.version.merchant_id)


async def overseen(turn: Turn) -> bool:
    """Whether this operator decides; `NotOperator` where they are none."""
    roles = await operators.roles(turn.tx, turn.me.id)
    if not roles:
        raise operators.NotOperator(None)
    return bool(roles & set(desk.DECIDE_RULES))


async def decides(turn: Turn) -> None:
    """`NotOperator` unless this operator decides."""
    if not await overseen(turn):
        raise operators.NotOperator(desk.DECIDE_RULES[0])
