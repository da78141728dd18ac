"""An offer as one member sees it: the card that the catalog shows, and that whoever writes the offer looks at beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chat import booking, fulfilments, handovers, returns
from chat.offer_rules import days, special
from chat.offers import both, joined, points_of, price, terms
from chat.refusals import wording
from chat.screen import BLANK, Line, Photo
from chat.turn import Turn
from chat.words import Money, Text, t
from ledger.redeeming.may_redeem import Yes
from ledger.redeeming.offers import Offer
from ledger.redeeming.shelf import Seen

CAPTION_ROOM = 600
"""Characters of a caption that names, prices, limits and reasons leave to texts and rules."""


class Card(NamedTuple):
    """The words of a card, and its picture where all of them go below one."""

    lines: list[Line]
    picture: Photo | None


def card(turn: Turn, seen: Seen) -> Card:
    """What it is, what it costs this member, whether they may have it or which rules say no, and its rules."""
    listed, document, priced = seen.listed, seen.listed.offer, seen.verdict.priced
    lines: list[Line | None] = [
        t("<b>{name}</b> · {merchant}", name=both(document.name), merchant=both(listed.merchant)),
        fulfilments.everywhere(listed),
        t("<b>{price}</b>", price=price(listed, priced.price)),
        special(listed, priced),
        t("{about}", about=both(document.about)) if document.about else None,
        *(own := handovers.card(turn.programme, listed, priced.price)),
        BLANK,
    ]
    ruled = days(listed, seen.facts, priced, turn.today)
    if isinstance(seen.verdict, Yes):
        lines += [_within_reach(seen, seen.verdict), booking.soonest(seen.facts)]
    else:
        first, *others = (wording(no) for no in seen.verdict.reasons)
        lines += [first.headline, first.detail, *(other.headline for other in others)]
    lines += [
        BLANK,
        t("规则:{rules}", rules=joined([*terms(listed, seen.facts), *booking.rules(listed)])),
        *ruled,
        *(t("{condition}", condition=both(condition)) for condition in document.conditions),
        returns.promise(document),
    ]
    picture = Photo(document.photo) if document.photo and fits(document, [*ruled, *own]) else None
    return Card([line for line in lines if line is not None], picture)


def fits(document: Offer, ruled: Sequence[Line]) -> bool:
    """Whether all of it goes below a picture. The document's own texts always do; each line of its days and prices takes room."""
    texts = [document.name, *([document.about] if document.about else []), *document.conditions]
    return not ruled or sum(max(len(each.zh), len(each.en)) for each in texts) + 80 * len(ruled) <= CAPTION_ROOM


def _within_reach(seen: Seen, yes: Yes) -> Text:
    listed, available = seen.listed, points_of(seen.listed, seen.facts.available)
    if yes.priced.price.kind == "per_money":
        most = Money(yes.most, listed.money)
        return t("您可用 {available},最多换 {most}", available=available, most=most)
    left = points_of(listed, seen.facts.available - yes.quote.points)
    return t("您可用 {available},换后剩 {left}", available=available, left=left)
