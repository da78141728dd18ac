"""What a member finds on the shelf: every offer decided, counted and put in order; a page of it told in full.

What a kind of member finds on a day is known (`on_shelf`). Of the offers where more than points matters now — gone or nearly gone,
limited and had by this member or their household before, or booked and nearly full — each is judged on its own. For all others one
law holds, and a test holds it to `may_redeem`: who may spend, has what is open to them as soon as their points reach.

Deciding puts an offer in its place; whatever is then shown of it, price, refusal and remedy, is `may_redeem`'s own answer (`told`).
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from itertools import chain, compress
from operator import attrgetter, not_
from typing import Literal, get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.members import household
from ledger.members.member import Member
from ledger.points.reading import run
from ledger.points.statements import Holding
from ledger.redeeming import code_pools, diaries, shelf
from ledger.redeeming.may_redeem import Listed, Yes
from ledger.redeeming.offers import Names
from ledger.redeeming.on_shelf import Found, OnShelf, Shelved, on_shelf
from ledger.redeeming.shelf import Seen
from ledger.redeeming.stock import WHOLE
from ledger.redeeming.who import NOBODY, Traits

Order = Literal["near", "ending", "new", "popular", "green"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""What may be had first; what ends within `SOON` days, the soonest first; newest; most redeemed; greenest: by what
its green class counts, and of equals by its merchant."""
SOON = 30
POPULAR_DAYS = 30
_POINTS = attrgetter("points")
NO_WEIGHTS: Mapping[int, int] = {}


def in_order(
    found: Iterable[Found], order: Order, *, today: dt.date, weights: Mapping[int, int] = NO_WEIGHTS
) -> list[Found]:
    """Sorted. `found` comes as `Browse` has it, nearest first, and stays so among equals. `weights` are by offer id, of what is
    popular or green: the heavier the earlier, what has none last."""
    near = list(found)
    if order == "ending":
        until = today + dt.timedelta(days=SOON)
        ending = ((each.ends_on, each) for each in near if each.ends_on is not None and each.ends_on <= until)
        return [each for _, each in sorted(ending, key=lambda pair: pair[0])]
    keys: dict[Order, Callable[[Found], int]] = {
        "new": lambda each: -each.listed.id,
        "popular": lambda each: -weights.get(each.listed.id, -1),
        "green": lambda each: -weights.get(each.listed.id, -1),
    }
    return sorted(near, key=keys[order]) if order in keys else near


@dataclass(frozen=True, slots=True)
class Browse:
    """All that a member finds at one moment: what they may have, cheapest first, and the rest, by how many points are lacking."""

    can: list[Found]
    cannot: list[Found]
    member: Member
    today: dt.date
    held: list[Holding]
    who: Traits
    now: dt.datetime | None

    @property
    def found(self) -> list[Found]:
        """All of it, nearest first."""
        return self.can + self.cannot

    def affordable(self) -> list[Found]:
        """Everything that this member may have now, dearest first in each currency, the common one first."""
        return sorted(self.can, key=lambda each: (each.listed.currency_id, -each.points, each.listed.id))

    def of_category(self, category: str) -> list[Found]:
        """What is on one shelf."""
        return [each for each in self.found if each.listed.offer.category == category]

    def of_merchant(self, merchant_id: int) -> list[Found]:
        """What one merchant hands over."""
        return [each for each in self.found if any(shop.id == merchant_id for shop in each.listed.shops)]

    def categories(self) -> dict[str, int]:
        """How many offers of each category; empty ones are left out."""
        return dict(Counter(each.listed.offer.category for each in self.found))

    def shops(self) -> list[tuple[int, Names, int]]:
        """Merchants that hand over something of what is found: id, name, how many; by id."""
        shops = [shop for each in self.found for shop in each.listed.shops]
        counts, names = Counter(shop.id for shop in shops), dict(shops)
        return [(id_, names[id_], counts[id_]) for id_ in sorted(counts)]

    async def told(self, tx: AsyncConnection, page: Iterable[Found]) -> list[Seen]:
        """These judged, in the order given."""
        offers = [each.listed for each in page]
        return await shelf.look(tx, self.member, offers, today=self.today, held=self.held, who=self.who, now=self.now)


_APART = """
    SELECT offer_id, NULL::int AS taken FROM offer_stock WHERE day = $2 AND taken >= limit_to
    UNION ALL SELECT offer_id, taken FROM offer_stock WHERE day = $3 AND taken > 0
    UNION ALL SELECT DISTINCT offer_id, -1 FROM redemption WHERE member_id = $1 AND state IN ('held', 'issued', 'used')
"""


_HOUSE_HAD = f"""
    SELECT DISTINCT r.offer_id FROM ({household.OF_MEMBER}) home JOIN redemption r ON r.member_id = home.member_id
    WHERE home.member_id <> $1 AND r.state IN ('held', 'issued', 'used')
"""
"""What the others of the household had; what the member had is read anyway."""


async def browse(
    tx: AsyncConnection, member: Member, *, today: dt.date, held: list[Holding], now: dt.datetime | None = None
) -> Browse:
    """Everything on the shelf as this member finds it on business date `today`. `held`: their wallet, `now` as in `shelf.facts`."""
    stands = await on_shelf(tx)
    who = await shelf.traits(tx, member.id, today=today) if stands.asks_who else NOBODY
    apart = await _apart(tx, stands, member, today)
    apart |= {each.id: each for each in await diaries.scarce(tx, stands.booked, now=now, tier=who.tier)}
    judged = (
        await shelf.look(tx, member, list(apart.values()), today=today, held=held, who=who, now=now) if apart else []
    )
    barred = {each.listed.id for each in judged if not isinstance(each.verdict, Yes)}
    available = {h.currency.id: h.available for h in held}
    spending = member.status == "active"
    can, cannot = decided(stands.found_by(who, today), available, spending=spending, barred=barred)
    return Browse(can, cannot, member, today, held, who, now)


def decided(
    shelves: Mapping[int, Shelved], available: Mapping[int, int], *, spending: bool, barred: Set[int]
) -> tuple[list[Found], list[Found]]:
    """The decision on every offer: what may be had, cheapest first, and the rest, by how many points are lacking. `available` is by
    currency; `barred` are the offers to which more matters now, and says no."""
    can, cannot = [], []
    for currency_id, (found, shut) in shelves.items():
        reach = bisect_right(found, available.get(currency_id, 0), key=_POINTS)
        may = [spending and each.may and each.listed.id not in barred for each in found[:reach]]
        can.append(list(compress(found, may)))
        cannot.append([*compress(shut, map(not_, may)), *shut[reach:]])

    def lacking(each: Found) -> int:
        return max(0, each.points - available.get(each.listed.currency_id, 0))

    return (
        _together(can, lambda each: (each.points, each.listed.id)),
        _together(cannot, lambda each: (lacking(each), each.points, each.listed.id)),
    )


def _together(lists: Iterable[list[Found]], key: Callable[[Found], tuple[int, ...]]) -> list[Found]:
    """One list in order of several that are: most programmes have one currency, where nothing is left to sort."""
    some = [each for each in lists if each]
    return some[0] if len(some) == 1 else sorted(chain.from_iterable(some), key=key)


async def _apart(tx: AsyncConnection, stands: OnShelf, member: Member, today: dt.date) -> dict[int, Listed]:
    """The offers where more than points matters: gone, today's pieces gone, no code left, or limited and had by this member
    or their household before; and memberships, which are few."""
    apart: dict[int, Listed] = {}
    for offer_id, taken in await run(tx, _APART, member.id, WHOLE, today):
        listed = stands.offers.get(offer_id)
        if listed is None:
            continue
        gone = taken is None
        had = taken == -1 and offer_id in stands.own_limits
        day = listed.offer.limits.day
        if gone or had or (day is not None and taken is not None and taken >= day):
            apart[offer_id] = listed
    if stands.pooled:
        pools = {(each.merchant_id, each.offer.pool or "") for each in stands.pooled}
        free = await code_pools.free(tx, pools, today=today, most=1)
        apart |= {each.id: each for each in stands.pooled if not free[each.merchant_id, each.offer.pool or ""][0]}
    if stands.of_households:
        had_there = {offer_id for (offer_id,) in await run(tx, _HOUSE_HAD, member.id, today)}
        apart |= {offer_id: stands.offers[offer_id] for offer_id in had_there & stands.of_households}
    return apart | {each.id: each for each in stands.memberships}


_POPULAR = text(
    "SELECT offer_id, sum(units)::bigint AS units FROM redemption"
    " WHERE issued_on > :since AND issued_on <= :today AND state IN ('held', 'issued', 'used') GROUP BY offer_id"
)


async def popularity(tx: AsyncConnection, *, today: dt.date) -> dict[int, int]:
    """Pieces that members had of each offer in the last `POPULAR_DAYS` days, by offer id; what came back does not count."""
    values = {"since": today - dt.timedelta(days=POPULAR_DAYS), "today": today}
    return {row.offer_id: row.units for row in await tx.execute(_POPULAR, values)}
