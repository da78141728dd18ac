"""What became of favourites, in words: the notice of a morning, whatever changed on one message."""

from __future__ import annotations

from chat import doors
from chat.offers import both, short_price, short_reason
from chat.screen import BLANK, Button, Line, Screen, screen
from chat.words import Text, t, tn
from ledger.redeeming.shelf import Seen
from ledger.redeeming.watching import News

SHOWN = 4
"""So many of a kind are named; the others are on the list."""


def notice(news: News) -> Screen:
    """What can be had now, then what is back, each with the way to it."""
    lines: list[Line] = []
    if news.within_reach:
        lines.append(tn("收藏里有 <b>{n} 样</b>现在能换", n=len(news.within_reach)))
        lines += [_line(each) for each in news.within_reach[:SHOWN]]
    if news.back:
        lines += [BLANK] if lines else []
        lines.append(tn("收藏里有 <b>{n} 样</b>又有货了", n=len(news.back)))
        lines += [_line(each) for each in news.back[:SHOWN]]
    rows: list[list[Button | None]] = [
        [doors.offer(t("{name}", name=both(each.listed.offer.name)), each.listed.id)]
        for each in (*news.within_reach[:SHOWN], *news.back[:SHOWN])
    ]
    return screen(lines, [*rows, [doors.favourites(t("看收藏")), doors.quiet_favourites()], [doors.home()]])


def _line(seen: Seen) -> Text:
    facts = {"name": both(seen.listed.offer.name), "price": short_price(seen.listed, seen.verdict.priced.price)}
    if (reason := short_reason(seen)) is not None:
        return t("{name} · {price} · {reason}", reason=reason, **facts)
    return t("{name} · {price}", **facts)
