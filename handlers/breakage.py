"""What members let run out, as the operator sees it: a month, issuer by issuer."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from chat import desk, doors, known, operator_doors
from chat.arguments import number
from chat.feature import Feature
from chat.known import Known
from chat.offers import joined
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.turn import Turn
from chat.words import Money, Text, t
from ledger.merchants import breakage
from ledger.merchants.breakage import Broken

feature = Feature("breakage", order=92)

ISSUERS_PER_PAGE = 10


@feature.tap("open", reads_only=True, audience="operator")
async def open_(turn: Turn, month: str = "0", page: str = "0") -> Screen:
    """Shows a month's breakage, the largest first; «202611», or this month."""
    await desk.demand(turn)
    first, at = _month_of(number(month), turn.today), number(page)
    before, after = _begins(first, -1), _begins(first, 1)
    names = await known.read(turn.tx)
    found = sorted(await breakage.by_month(turn.tx, first, after), key=lambda one: -one.points)
    shown = found[at * ISSUERS_PER_PAGE : (at + 1) * ISSUERS_PER_PAGE]
    lines: list[Line | None] = [t("<b>过期积分</b> · {month}", month=_named(first)), *_worth(found, names)]
    for one in shown:
        points = names.points(one.currency_id, one.points)
        lines += [
            BLANK,
            t("{merchant}:{points}", merchant=names.merchant(one.issuer_id), points=points),
            _made_of(one),
        ]
    if not found:
        lines.append(t("这个月没有积分过期。"))
    rows: list[list[Button | None]] = [
        [
            feature.button(t("上一页"), "open", _said(first), at - 1) if at else None,
            feature.button(t("下一页"), "open", _said(first), at + 1)
            if len(found) > (at + 1) * ISSUERS_PER_PAGE
            else None,
        ],
        [
            feature.button(_named(before), "open", _said(before), 0),
            feature.button(_named(after), "open", _said(after), 0) if after <= turn.today else None,
        ],
        [operator_doors.extensions()],
        [operator_doors.operator(t("返回")), doors.home()],
    ]
    return screen(lines, rows)


def _worth(found: list[Broken], names: Known) -> list[Line]:
    """What the month comes to in money, at the values published now."""
    minor: Counter[str] = Counter()
    for one in found:
        currency = names.currencies[one.currency_id]
        minor[currency.money] += currency.worth(one.points)
    return [t("共值 {worth}", worth=Money(each, code)) for code, each in sorted(minor.items())]


def _made_of(one: Broken) -> Line | None:
    """What the figure is made of, where more than one thing made it."""
    back: list[Text] = []
    if one.restored:
        back.append(t("恢复 {n}", n=one.restored))
    if one.clawed_back:
        back.append(t("随退货收回 {n}", n=one.clawed_back))
    return joined([t("到期 {n}", n=one.expired), *back]) if back else None


def _month_of(said: int, today: dt.date) -> dt.date:
    """The first day of the month that a button says; of this one where it says none, or one to come."""
    year, month = divmod(said, 100)
    this = today.replace(day=1)
    return min(dt.date(year, month, 1), this) if 2000 <= year < 10_000 and 1 <= month <= 12 else this


def _begins(first: dt.date, months: int) -> dt.date:
    """The first day of the month so many months on."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return dt.date(year, month + 1, 1)


def _said(first: dt.date) -> str:
    return f"{first:%Y%m}"


def _named(first: dt.date) -> Text:
    return t("{year} 年 {month} 月", year=str(first.year), month=first.month)
