"""Words about the lots that redeeming would use up."""

from __future__ import annotations

from chat.offers import points_of
from chat.words import Text, t
from ledger.points.statements import LotPart
from ledger.redeeming.may_redeem import Listed

LOTS_SHOWN = 3


def would_use(listed: Listed, lots: list[LotPart]) -> Text:
    """«320 分(11月30日到期)+ 80 分(12月31日到期)»: by day, the first few, then how much more."""
    by_day: dict[object, int] = {}
    for lot in lots:
        by_day[lot.expires_on] = by_day.get(lot.expires_on, 0) + lot.points
    days = list(by_day.items())
    shown = days[:LOTS_SHOWN] if len(days) > LOTS_SHOWN + 1 else days
    parts = [
        t("{points}({on}到期)", points=points_of(listed, points), on=on)
        if on is not None
        else t("{points}(不过期)", points=points_of(listed, points))
        for on, points in shown
    ]
    if rest := sum(points for _, points in days[len(shown) :]):
        parts.append(t("更晚到期的 {points}", points=points_of(listed, rest)))
    first, *others = parts
    for other in others:
        first = t("{one}+ {other}", one=first, other=other)
    return first
