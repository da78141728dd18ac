"""When points end: the whole schedule, by day and issuer (W2)."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from chat import doors, known
from chat.arguments import number
from chat.feature import Feature
from chat.known import Known
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.wallet import COUNTED_DAYS
from chat.words import t, tn
from ledger.points import statements
from ledger.points.statements import Due

feature = Feature("expiry", order=50, on_account=True)

DAYS_PER_PAGE = 6


@feature.command("expiry", t("到期日"), reads_only=True, said="到期,过期,有效期,失效,expire,expires,expiry")
async def expiry(turn: Turn, words: str = "") -> Screen:
    """Shows the schedule from its beginning."""
    return await show(turn)


@feature.tap("show", reads_only=True)
async def show(turn: Turn, page: str = "0") -> Screen:
    """Shows one page of the schedule: so many days, each whole."""
    names = await known.read(turn.tx)
    due = await statements.schedule(turn.tx, turn.me.owner, today=turn.today)
    if not due:
        return screen([t("<b>到期日</b>"), BLANK, t("现在没有可用的积分,也就没有到期的。")], [[doors.home()]])
    days = [(on, list(parts)) for on, parts in groupby(due, key=lambda part: part.expires_on)]
    last = (len(days) - 1) // DAYS_PER_PAGE
    at = min(number(page), last)
    lines: list[Line] = [t("<b>到期日</b> · 先到期的先用")]
    for on, parts in days[at * DAYS_PER_PAGE : (at + 1) * DAYS_PER_PAGE]:
        lines += [BLANK, _day(on, turn.today), *(_part(part, names) for part in parts)]
    rows: list[list[Button | None]] = [
        [
            feature.button(t("更早"), "show", at - 1) if at > 0 else None,
            feature.button(t("更晚"), "show", at + 1) if at < last else None,
        ],
        [doors.affordable(), doors.home()],
    ]
    return screen(lines, rows)


def _day(on: dt.date | None, today: dt.date) -> Line:
    if on is None:
        return t("<b>不过期</b>")
    days = (on - today).days
    if days <= 1 or days > COUNTED_DAYS:
        return t("<b>{on}</b>", on=on)
    return tn("<b>{on}</b>(还有 {n} 天)", n=days, on=on)


def _part(part: Due, names: Known) -> Line:
    amount = names.points(part.currency_id, part.points)
    return t("{points} · {issuer}", points=amount, issuer=names.merchant(part.issuer_id))
