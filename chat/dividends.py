"""A dividend in words: the receipt that discloses pool, share and how it was computed."""

from __future__ import annotations

from chat import arithmetic, doors
from chat.known import Known
from chat.screen import Line, Screen, screen
from chat.words import Points, t
from ledger.earning.dividends import Paid
from ledger.points.commands import member


def notice(paid: Paid, names: Known) -> Screen:
    """What a member is told of their share: the number, the pool and the arithmetic, until when, the new balance.

    It is written from the receipt alone: a page of shares is told without reading each account again.
    """
    dividend, receipt = paid.dividend, paid.receipt
    step = {
        "what": "dividend",
        "pool": dividend.pool,
        "since": dividend.since.isoformat(),
        "until": dividend.until.isoformat(),
        "earned": paid.earned,
        "members": dividend.members,
        "total": dividend.earned,
    }
    points = names.points(receipt.currency, paid.points)
    lines: list[Line | None] = [
        t("<b>+{points}</b> · 分红 · {merchant}", points=points, merchant=names.merchant(dividend.merchant_id)),
        *arithmetic.steps([step]),
        t(
            "{pool} × {earned} ÷ {total},零头按余数大小分,合计不多不少",
            pool=dividend.pool,
            earned=paid.earned,
            total=dividend.earned,
        ),
        t("有效至 {until}", until=dividend.expires_on) if dividend.expires_on else t("不过期"),
    ]
    balance = receipt.balance("available", member(paid.member_id))
    if balance is not None:
        lines.append(t("可用 {points}", points=names.points(receipt.currency, balance)))
    return screen(lines, [[doors.why(t("看来由"), receipt.entry_id), doors.home()]])


def worth(names: Known, currency_id: int, points: int) -> Line | None:
    """What a pool costs at the published value; None where the currency has none."""
    value = names.worth(currency_id, points)
    return t("{points} ≈ {worth}", points=Points(points), worth=value) if value else None
