"""The operator arranges a merchant's terms: the return window, how long points live, what a cashier may refund, what it takes."""

from __future__ import annotations

from typing import Any

from chat import amounts, desk, desk_doors, doors, known, operator_doors, settlement, till
from chat import terms as words
from chat.arguments import number
from chat.feature import Feature
from chat.merchant_log import TERM_NAMES
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Text, t
from ledger.merchants import merchant as merchants
from ledger.merchants import terms
from ledger.merchants.merchant import Merchant
from ledger.merchants.terms import Term

feature = Feature("terms", order=91)

DECIDES = "admin"
"""The operator's role that changes terms."""

ASKS: dict[Term, Text] = {
    "return_days": t("退货期几天?发 0 到 365,0 是马上可用。"),
    "life": t("积分有效几个月?发 1 到 600,到那个月底;0 是不过期。"),
    "cashier_refund_minor": t("收银员对一笔消费最多退多少?发金额,0 是不让退。"),
}
"""What is typed; the other terms are switched."""


@feature.tap("open", audience="operator")
async def open_(turn: Turn, merchant: str) -> Screen:
    """Shows a merchant's terms, and what can be changed."""
    roles = await desk.demand(turn)
    turn.finish()
    return await about(turn, await merchants.by_id(turn.tx, number(merchant)), changes=DECIDES in roles)


async def about(turn: Turn, one: Merchant, *first: Line, changes: bool = True) -> Screen:
    """The terms; `first` stands above them."""
    lines: list[Line] = [
        *first,
        *([BLANK] if first else []),
        t("<b>条款</b> · {merchant}", merchant=till.name_of(one)),
        *words.lines(one, await known.read(turn.tx)),
        BLANK,
        t("改了只管以后的消费;已经得的分照原来的。"),
    ]
    typed = [feature.button(TERM_NAMES[each], "ask", one.id, each) for each in ASKS]
    common = t("只收自己的积分") if one.terms.accepts_common else t("也收联盟积分")
    instrument = t("不作支付渠道") if one.terms.instrument else t("作为支付渠道")
    switched = [
        feature.button(common, "switch", one.id, "accepts_common", int(not one.terms.accepts_common)),
        feature.button(instrument, "switch", one.id, "instrument", int(not one.terms.instrument)),
    ]
    rows: list[list[Button | None]] = [[*typed[:2]], [*typed[2:], switched[0]], [switched[1]]] if changes else []
    return screen(lines, [*rows, [operator_doors.merchant_desk(t("返回"), one.id), operator_doors.operator()]])


@feature.tap("ask", audience="operator")
async def ask(turn: Turn, merchant: str, term: str) -> Screen:
    """Asks for a new figure."""
    await desk.demand(turn, DECIDES)
    one = await merchants.by_id(turn.tx, number(merchant))
    wanted = next((each for each in ASKS if each == term), None)
    if wanted is None:
        return await about(turn, one)
    turn.goto(feature.at("figure"), merchant=one.id, term=wanted)
    return _asking(one, wanted)


def _asking(one: Merchant, term: Term, *first: Line) -> Screen:
    name = t("<b>{term}</b> · {merchant}", term=TERM_NAMES[term], merchant=till.name_of(one))
    return screen([*first, name, ASKS[term]], [[feature.button(t("取消"), "open", one.id)]])


@feature.step("figure")
async def figure_typed(turn: Turn, said: str) -> Screen:
    """Takes the figure; what can't be read is asked again."""
    await desk.demand(turn, DECIDES)
    data = turn.dialogue.data
    term: Term = data["term"]
    value = read(term, said)
    if value is None:
        return _asking(await merchants.by_id(turn.tx, data["merchant"]), term, t("没看懂,请再发一次。"))
    turn.finish()
    return await changed(turn, data["merchant"], term, value)


def read(term: Term, said: str) -> Any:
    """A typed figure as the document says it; None where it can't be that."""
    plain = said.strip()
    if term == "cashier_refund_minor":
        return 0 if plain == "0" else amounts.parse(plain)
    if not plain.isdecimal() or len(plain) > 3:
        return None
    figure = int(plain)
    if term == "return_days":
        return figure if figure <= 365 else None
    if figure > 600:
        return None
    return {"kind": "months_to_month_end", "months": figure} if figure else {"kind": "never"}


@feature.tap("switch", audience="operator")
async def switch(turn: Turn, merchant: str, term: str, to: str) -> Screen:
    """Switches a term on or off; a second tap shows the same."""
    await desk.demand(turn, DECIDES)
    if term == "accepts_common":
        return await changed(turn, number(merchant), "accepts_common", to == "1")
    return await changed(turn, number(merchant), "instrument", to == "1")


async def changed(turn: Turn, merchant_id: int, term: Term, value: Any) -> Screen:
    """Writes it down, tells the owners, shows the terms."""
    before = await merchants.by_id(turn.tx, merchant_id)
    one = await terms.change(turn.tx, merchant_id, term, value, by=desk.actor(turn), at=turn.at)
    if one.terms == before.terms:
        return await about(turn, one, t("本来就是这样,没有改动。"))
    lines: list[Line] = [
        t("<b>{merchant}</b>的条款改了:{term}", merchant=till.name_of(one), term=TERM_NAMES[term]),
        *words.lines(one, await known.read(turn.tx)),
        BLANK,
        t("改了只管以后的消费;已经得的分照原来的。"),
    ]
    for member_id in await settlement.run_by(turn.tx, one.id, ("owner",)):
        rows = [[desk_doors.merchant(merchant_id=one.id), doors.home()]]
        turn.tell(member_id, screen(lines, rows), key=f"terms:{turn.key}:{member_id}")
    return await about(turn, one, t("改好了,店主会收到通知。"))
