"""Credit standing: the member's switch, and the operator's desk for what assessors send.

The operator sees the numbers that members handed out, and never whose they are.
"""

from __future__ import annotations

from chat import dates, desk, doors, operator_doors
from chat.arguments import number
from chat.feature import Feature
from chat.refusals import Worded, worded, wording
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import t, tn
from ledger.errors import Refusal
from ledger.members import credit_standing
from ledger.members.credit_standing import Said

feature = Feature("standing", order=82)

EXAMPLE = "AbCdEfGhIjKlMnOpQrStUv 720 2027-06-30"

ENTERS = ("admin", "support")
"""The operator's roles that enter what assessors send."""


@feature.tap("mine")
async def mine(turn: Turn) -> Screen:
    """The switch, what is kept, and the number to give to an assessor."""
    if not await credit_standing.agreed(turn.tx, turn.me.id):
        lines: list[Line] = [
            t("<b>使用信用评级</b>:关"),
            t("开了以后,您可以请评估机构把评级告诉我们。有的规则对评级好的会员多给分,从不少给。"),
            t("只存分数、哪家机构、有效期;商户看不到;随时能删能关。"),
        ]
        return screen(lines, [[feature.button(t("同意使用"), "on", style="primary")], [doors.settings(t("返回"))]])
    found = await credit_standing.of(turn.tx, turn.me.id, turn.today)
    code = credit_standing.number(turn.vault, turn.me.id)
    lines = [t("<b>使用信用评级</b>:开"), BLANK]
    if found is None:
        lines.append(t("现在没有您的评级。"))
    else:
        lines += [
            t("评级 <b>{standing}</b>", standing=found.standing),
            t("来源:{source}", source=found.source),
            t("有效至 {until} · {on} 录入", until=found.valid_until, on=found.entered_at.astimezone(turn.zone).date()),
        ]
    lines += [BLANK, t("把这个编号交给评估机构,它只用来对上您的评级:"), t("<code>{code}</code>", code=code)]
    remove = feature.button(t("删掉评级"), "remove", style="danger") if found else None
    return screen(lines, [[remove, feature.button(t("关掉"), "off", style="danger")], [doors.settings(t("返回"))]])


@feature.tap("on")
async def on(turn: Turn) -> Screen:
    """Lets it be used from now on."""
    await credit_standing.agree(turn.tx, turn.me.id, now=turn.now)
    return await mine(turn)


@feature.tap("off")
async def off(turn: Turn) -> Screen:
    """Uses it no more, and deletes it."""
    await credit_standing.refuse(turn.tx, turn.me.id, now=turn.now)
    return await mine(turn)


@feature.tap("remove")
async def remove(turn: Turn) -> Screen:
    """Deletes what is kept; another may come."""
    await credit_standing.remove(turn.tx, turn.me.id)
    return await mine(turn)


# -- the operator's side


@feature.tap("desk", audience="operator")
async def begin(turn: Turn) -> Screen:
    """Asks which assessor it is."""
    await desk.demand(turn, *ENTERS)
    turn.goto(feature.at("source"))
    lines: list[Line] = [t("<b>信用评级</b>"), t("哪家评估机构给的?写机构和文号,会员会看到。")]
    return screen(lines, [[operator_doors.operator(t("返回"))]])


@feature.step("source")
async def source_typed(turn: Turn, said: str) -> Screen:
    """Takes the assessor and asks for the lines."""
    await desk.demand(turn, *ENTERS)
    source = " ".join(said.split())
    if not 1 <= len(source) <= credit_standing.SOURCE_LONGEST:
        raise credit_standing.StandingSourceWrong(credit_standing.SOURCE_LONGEST)
    turn.goto(feature.at("lines"), source=source)
    return ask_lines()


def ask_lines(*first: Line) -> Screen:
    """Asks for one line per member."""
    lines: list[Line] = [
        *first,
        tn("一行一位:编号 评级 有效期。最多 {n} 行,比如:", n=credit_standing.LINES_MOST),
        t("<code>{code}</code>", code=EXAMPLE),
    ]
    return screen(lines, [[operator_doors.operator(t("返回"))]])


@feature.step("lines")
async def lines_typed(turn: Turn, said: str) -> Screen:
    """Keeps what can be kept, tells those members, and says what was not taken."""
    await desk.demand(turn, *ENTERS)
    rows = [row for row in said.splitlines() if row.strip()]
    if not 1 <= len(rows) <= credit_standing.LINES_MOST:
        return ask_lines(t("没看懂。"))
    read = [read_line(row) for row in rows]
    wrong = [place for place, line in enumerate(read, 1) if line is None]
    if wrong:
        return ask_lines(t("第 {row} 行没看懂,什么都没有录入。", row=wrong[0]))
    source = turn.dialogue.data["source"]
    known = [line for line in read if line is not None]
    done = await credit_standing.enter(turn.tx, turn.vault, known, source=source, by=desk.actor(turn), at=turn.at)
    turn.finish()
    kept = [(line, outcome) for line, outcome in done if not isinstance(outcome, Refusal)]
    for line, member_id in kept:
        lines: list[Line] = [
            t("您的信用评级:<b>{standing}</b>", standing=line.standing),
            t("来源:{source}", source=source),
            t("有效至 {until}", until=line.valid_until),
        ]
        turn.tell(member_id, screen(lines, [[feature.button(t("看评级"), "mine"), doors.home()]]))
    shown: list[Line] = [tn("录入了 {n} 位", n=len(kept))]
    for place, (_, outcome) in enumerate(done, 1):
        if isinstance(outcome, Refusal):
            worded_ = wording(outcome)
            shown.append(t("第 {row} 行:{why}", row=place, why=worded_.headline))
    rows_: list[list[Button | None]] = [[feature.button(t("再录一份"), "desk"), operator_doors.operator()]]
    return screen(shown, rows_)


def read_line(row: str) -> Said | None:
    """A line of an assessor's; None where it is none."""
    parts = row.replace(",", " ").replace(",", " ").split()
    if len(parts) != 3:
        return None
    until = dates.parse(parts[2])
    return None if until is None or not number(parts[1]) else Said(parts[0], number(parts[1]), until)


@worded(credit_standing.StandingSourceWrong)
def _(no: credit_standing.StandingSourceWrong) -> Worded:
    return Worded(t("机构名称不合适"), tn("写 1 到 {n} 个字。", n=no.longest))


@worded(credit_standing.StandingOutOfRange)
def _(no: credit_standing.StandingOutOfRange) -> Worded:
    return Worded(
        t("评级是 {lowest} 到 {highest},有效期从今天到 {until}", lowest=no.lowest, highest=no.highest, until=no.until)
    )


@worded(credit_standing.StandingNotWanted)
def _(no: credit_standing.StandingNotWanted) -> Worded:
    return Worded(t("没有同意使用评级的会员是这个编号"))
