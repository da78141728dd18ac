"""The weeks that were closed, as the operator sees them: everybody's net, the whole file, and deriving one again."""

from __future__ import annotations

from chat import desk, doors, known, operator_doors, settlement
from chat.arguments import number
from chat.feature import Feature
from chat.screen import BLANK, Button, File, Line, Screen, screen
from chat.turn import Turn
from chat.words import Money, t, tn
from ledger.clearing import close, file, positions

feature = Feature("closes", order=92)

WEEKS_SHOWN = 6
MERCHANTS_SHOWN = 12


@feature.tap("list", audience="operator")
async def list_(turn: Turn, page: str = "0") -> Screen:
    """Lists the closed weeks."""
    await desk.demand(turn)
    at = number(page)
    weeks = await positions.weeks(turn.tx, limit=(at + 1) * WEEKS_SHOWN + 1)
    shown = weeks[at * WEEKS_SHOWN : (at + 1) * WEEKS_SHOWN]
    lines: list[Line] = [
        t("<b>周结算</b>"),
        t("每周一零点过后结上一周;点开看各家的净额。") if weeks else t("每周一结上一周,还没有结过。"),
    ]
    rows: list[list[Button | None]] = [[feature.button(settlement.period(week), "open", week, 0)] for week in shown]
    rows += [
        [
            feature.button(t("上一页"), "list", at - 1) if at else None,
            feature.button(t("下一页"), "list", at + 1) if len(weeks) > (at + 1) * WEEKS_SHOWN else None,
        ],
        [operator_doors.operator(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("open", audience="operator")
async def open_(turn: Turn, week: str, page: str = "0") -> Screen:
    """Shows everybody's net of a week, and what is left with the programme: together zero."""
    await desk.demand(turn)
    day, at = settlement.week_of(week), number(page)
    made = await close.one(turn.tx, day)
    names = await known.read(turn.tx)
    found = await positions.positions(turn.tx, day)
    parties = sorted({(each.merchant_id, each.money) for each in found})
    shown = parties[at * MERCHANTS_SHOWN : (at + 1) * MERCHANTS_SHOWN]
    left = await positions.operator_minor(turn.tx, day)
    lines: list[Line] = [
        t("<b>周结算</b> · {week}", week=settlement.period(day)),
        tn("{n} 笔,{when} 结", n=made.line_count, when=made.closed_at),
        BLANK,
    ]
    for merchant_id, code in shown:
        minor = sum(p.net_minor for p in found if (p.merchant_id, p.money) == (merchant_id, code))
        lines.append(t("{merchant}:{net}", merchant=names.merchant(merchant_id), net=settlement.net(minor, code)))
    lines += [t("积分计划留下 {amount};合计为 0", amount=Money(minor, code)) for code, minor in left.items()]
    rows: list[list[Button | None]] = [
        [feature.button(t("重算核对"), "check", day), feature.button(t("整周文件"), "whole", day)],
        [
            feature.button(t("上一页"), "open", day, at - 1) if at else None,
            feature.button(t("下一页"), "open", day, at + 1) if len(parties) > (at + 1) * MERCHANTS_SHOWN else None,
        ],
        [operator_doors.closes(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


@feature.tap("check", audience="operator")
async def check(turn: Turn, week: str) -> Screen:
    """Derives a week again from the ledger and compares it with what was written, byte for byte."""
    await desk.demand(turn)
    day = settlement.week_of(week)
    made = await close.one(turn.tx, day)
    holds = await close.agrees(turn.tx, day)
    lines: list[Line] = [
        t("<b>一致</b> · {week}", week=settlement.period(day))
        if holds
        else t("<b>不一致</b> · {week}", week=settlement.period(day)),
        t("从账本重算的文件和结算时的一字不差。")
        if holds
        else t("从账本重算的文件和结算时的不同:有行被改过。请停下付款并查明。"),
        BLANK,
        t("文件指纹(SHA-256):"),
        t("<code>{digest}</code>", digest=made.digest.hex()),
    ]
    return screen(lines, [[feature.button(t("返回"), "open", day, 0), doors.home()]])


@feature.tap("whole", audience="operator")
async def whole(turn: Turn, week: str) -> Screen:
    """Hands a whole week over as the file whose digest was kept."""
    await desk.demand(turn)
    day = settlement.week_of(week)
    made = await close.one(turn.tx, day)
    content = file.written(await close.lines_of(turn.tx, day))
    lines: list[Line] = [
        t("{week}的全部结算行", week=settlement.period(day)),
        t("文件指纹(SHA-256):"),
        t("<code>{digest}</code>", digest=made.digest.hex()),
    ]
    back = feature.button(t("返回"), "open", day, 0)
    return screen(lines, [[back]], file=File(f"clearing-{day}.csv", content), fresh=True)
