"""Lists of offers: the orders they may be put in, why an offer stands where it does, and how it is told in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chat.fulfilments import where
from chat.merchants import green_class
from chat.offer_rules import special
from chat.offers import both, price, short_reason
from chat.screen import Line
from chat.turn import Turn
from chat.words import Text, t, tn
from ledger.earning import green_rating
from ledger.redeeming.browse import ORDERS, POPULAR_DAYS, SOON, Order, in_order, popularity
from ledger.redeeming.may_redeem import No
from ledger.redeeming.on_shelf import Found, leaves_on
from ledger.redeeming.shelf import Seen

BY: dict[Order, Text] = {
    "near": t("够换"),
    "ending": t("快结束"),
    "new": t("新上架"),
    "popular": t("热门"),
    "green": t("绿色"),
}
"""The orders of a list, as its buttons say them."""

_MERCHANT_MOST = 1001
"""A merchant's rating is at most 1,000 per mille, so it only decides between offers of equal classes."""
NOTHING_ENDS = t("{days} 天内没有要结束的。", days=SOON)


class Ordered(NamedTuple):
    """A list in an order, with what made each offer's place, by offer id, where that is worth a line."""

    found: list[Found]
    because: Mapping[int, Text]


def order_of(said: object) -> Order:
    """What is meant by an order's name; what may be had first, where it is none."""
    return said if said in ORDERS else "near"


async def ordered(turn: Turn, found: Sequence[Found], order: Order) -> Ordered:
    """Offers in an order."""
    because: dict[int, Text] = {}
    weights: dict[int, int] = {}
    if order == "popular":
        weights = await popularity(turn.tx, today=turn.today)
        because = {id_: tn("{days} 天里换出 {n} 份", n=units, days=POPULAR_DAYS) for id_, units in weights.items()}
    elif order == "green":
        sellers = {each.listed.merchant_id for each in found}
        rated = await green_rating.ratings(turn.tx, sellers, turn.programme.green_scale)
        for each in found:
            rating, its = rated[each.listed.merchant_id], each.listed.offer.green_class
            counts = 0 if its is None else turn.programme.green_scale.weights.get(its, 100)
            if its is not None or rating.letter is not None:
                weights[each.listed.id] = counts * _MERCHANT_MOST + (
                    rating.per_mille if rating.letter is not None else 0
                )
            if its is not None:
                because[each.listed.id] = t("绿色 · {green}", green=green_class(turn.programme, its))
            elif rating.letter is not None:
                because[each.listed.id] = t("绿色 {letter}", letter=rating.letter)
    elif order == "ending":
        because = {  # of a special price, its own line says so
            each.listed.id: t("今天最后一天") if each.ends_on == turn.today else t("最后一天 {on}", on=each.ends_on)
            for each in found
            if each.ends_on is not None and each.ends_on == leaves_on(each.listed.offer, turn.today)
        }
    return Ordered(in_order(found, order, today=turn.today, weights=weights), because)


def in_full(seen: Seen, *, merchant: bool, because: Text | None = None) -> list[Line]:
    """An offer of a list: what it is, what it costs or why it can't be had, its special price, and why it stands here."""
    listed, verdict = seen.listed, seen.verdict
    facts = {"name": both(listed.offer.name), "merchant": where(listed)}
    paid, offered = price(listed, verdict.priced.price), special(listed, verdict.priced)
    reason = short_reason(seen) if isinstance(verdict, No) else None
    return [
        t("{name} · {merchant}", **facts) if merchant else t("{name}", **facts),
        t("{price} · {reason}", price=paid, reason=reason) if reason else t("<b>{price}</b>", price=paid),
        *([offered] if offered is not None else []),
        *([because] if because is not None else []),
    ]
