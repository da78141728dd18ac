"""Everything on the shelf, kept in the process, with what `may_redeem` says of it to each kind of member.

Its answer depends on who asks and on which day, on what this member and this offer are to each other, and on points. The first is
asked once for a kind of member and a day — of `may_redeem` itself, with points without end and nothing had before — and kept; for
most offers once and for all, because nothing in them depends on either. The rest is left to `browse`.

What is kept goes by one aggregate, read at every list, whoever changed the shelf: of the contents, so a transaction sees what it
changed itself, and a change that is rolled back leaves nothing behind.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import xor
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points.reading import run
from ledger.redeeming.fulfilments import Fulfiller
from ledger.redeeming.in_force import InForce
from ledger.redeeming.may_redeem import Facts, Listed, Yes, may_redeem
from ledger.redeeming.offers import Names, Offer, parse
from ledger.redeeming.reach import hidden
from ledger.redeeming.who import EVERYBODY, Traits, Who

PLENTY = 1 << 62
"""Points without end."""


class Found(NamedTuple):
    """An offer that a member finds: `may` they have it now; `points` the least of it costs them; `ends_on` the last day at that
    price, where one is in sight."""

    listed: Listed
    may: bool
    points: int
    ends_on: dt.date | None


class Shelved(NamedTuple):
    """What is had for points of one currency, cheapest first: as whoever has points without end finds it, and as whoever may not
    have it, whatever the reason."""

    found: list[Found]
    shut: list[Found]


def found(listed: Listed, who: Traits, today: dt.date) -> Found | None:
    """How such a member finds it who has points without end and never had it; None: not at all."""
    if hidden(listed.offer, who, today):
        return None
    verdict = may_redeem(listed, Facts(available=PLENTY, traits=who), today=today)
    price = verdict.priced.price
    ends = _ends_on(listed.offer, verdict.priced, today) if isinstance(verdict, Yes) else None
    return Found(listed, isinstance(verdict, Yes), price.quote(price.least).points, ends)


def leaves_on(offer: Offer, today: dt.date) -> dt.date | None:
    """The last day on which it can be had, as far as one is in sight, whatever its price."""
    shelf = offer.on_shelf
    return None if shelf is None else shelf.last(today) if shelf.holds(today) else shelf.until


def _ends_on(offer: Offer, priced: InForce, today: dt.date) -> dt.date | None:
    ends = (leaves_on(offer, today), priced.until)
    return min((end for end in ends if end is not None), default=None)


_VIEWS = 64
"""Kinds of members of whom the answers are kept, for each state of the shelf."""


class OnShelf:
    """What is on the shelf, in the order in which it was first published."""

    def __init__(self, offers: Iterable[Listed], before: OnShelf | None = None) -> None:
        """What `before` has of the same offers is taken over."""
        self.offers: dict[int, Listed] = {each.id: each for each in offers}
        plain = [each for each in self.offers.values() if not each.offer.restricted and not each.offer.specials]
        self._plain: dict[int, Found] = {}
        known: Mapping[int, Found] = before._plain if before else {}
        for each in plain:
            had = known.get(each.id)
            one = had if had is not None and had.listed is each else found(each, Traits(), dt.date.min)
            if one is not None:
                self._plain[each.id] = one
        self._ruled = [each for each in self.offers.values() if each.offer.restricted or each.offer.specials]
        self.pooled = [each for each in self.offers.values() if each.offer.pool is not None]
        self.memberships = [each for each in self.offers.values() if each.offer.membership is not None]
        self.of_households = frozenset(each.id for each in self.offers.values() if each.offer.limits.of_a_household)
        of_members = frozenset(each.id for each in self.offers.values() if each.offer.limits.of_a_member)
        self.own_limits = of_members | self.of_households
        whos = [who for each in self._ruled for who in _asked(each.offer)]
        self.booked = [each for each in self.offers.values() if each.offer.booking is not None]
        books_early = any(each.offer.books_early for each in self.booked)
        self.asks_who = bool(self.memberships) or books_early or any(not who.everybody for who in whos)
        self._tiers = {tier for who in whos for tier in who.tiers}
        self._regions = {region for who in whos for region in who.regions}
        self._standings = sorted({who.standing for who in whos if who.standing is not None})
        self._views: OrderedDict[tuple[object, ...], dict[int, Shelved]] = OrderedDict()

    def membership(self, tier: str) -> Listed | None:
        """The cheapest membership of a tier, where there is one."""
        of_tier = (each for each in self.memberships if each.offer.membership and each.offer.membership.tier == tier)
        return min(of_tier, key=lambda each: (each.offer.least_points, each.id), default=None)

    def found_by(self, who: Traits, today: dt.date) -> Mapping[int, Shelved]:
        """How members like this one find all of it on business date `today`, by currency; what is not for them is left out."""
        reached = bisect_right(self._standings, who.standing or 0)
        kind = Traits(
            who.tier if who.tier in self._tiers else None,
            self._standings[reached - 1] if reached else None,
            who.region if who.region in self._regions else None,
        )
        key = (today, kind.tier, kind.standing, kind.region)
        view = self._views.get(key)
        if view is None:
            ruled = (found(each, kind, today) for each in self._ruled)
            all_ = (*self._plain.values(), *(each for each in ruled if each is not None))
            view = self._views[key] = _by_currency(all_)
        self._views.move_to_end(key)
        while len(self._views) > _VIEWS:
            self._views.popitem(last=False)
        return view


def _by_currency(all_: Iterable[Found]) -> dict[int, Shelved]:
    shelves: dict[int, list[Found]] = {}
    for each in sorted(all_, key=lambda each: (each.points, each.listed.id)):
        shelves.setdefault(each.listed.currency_id, []).append(each)
    return {
        currency_id: Shelved(those, [_shut(each) if each.may else each for each in those])
        for currency_id, those in shelves.items()
    }


def _shut(each: Found) -> Found:
    return Found(each.listed, False, each.points, each.ends_on)


def _asked(offer: Offer) -> list[Who]:
    """All that it asks of members."""
    region = [Who(regions=(offer.region,))] if offer.region is not None else []
    return [
        *(each.who for each in offer.specials),
        *(each.who for each in offer.early),
        offer.who or EVERYBODY,
        *region,
    ]


_MERCHANT = "hash_record_extended((m.id, m.name_zh, m.name_en, m.status IN ('certified', 'suspended'), m.money), 0)"
_CURRENCY = "hash_record_extended((c.id, c.name_zh, c.name_en, c.issuer_id IS NULL), 0)"
_FINGERPRINT = f"""
    SELECT o.n, o.hash, m.hash, c.hash FROM
        (SELECT count(*) AS n, coalesce(bit_xor(o.contents), 0) AS hash FROM offer o WHERE o.active) o,
        (SELECT coalesce(bit_xor({_MERCHANT}), 0) AS hash FROM merchant m) m,
        (SELECT coalesce(bit_xor({_CURRENCY}), 0) AS hash FROM currency c) c
"""
_HASHES = "SELECT o.id, o.contents FROM offer o WHERE o.active ORDER BY o.id"
_OFFERS = """
    SELECT o.id, o.contents, o.version, o.merchant_id, o.currency_id, o.document::text, o.fulfillers
    FROM offer o WHERE o.active AND o.id = ANY($1::bigint[])
"""
_MERCHANTS = (
    f"SELECT m.id, {_MERCHANT}, m.name_zh, m.name_en, m.status IN ('certified', 'suspended'), m.money FROM merchant m"
)
_CURRENCIES = f"SELECT c.id, {_CURRENCY}, c.name_zh, c.name_en, c.issuer_id IS NULL FROM currency c"

Key = tuple[int, int, int, int]


class _Read(NamedTuple):
    """The rows that a shelf was made of: by id, each with its hash first."""

    offers: dict[int, tuple[Any, ...]]
    merchants: dict[int, tuple[Any, ...]]
    currencies: dict[int, tuple[Any, ...]]

    @property
    def key(self) -> Key:
        hashes = (reduce(xor, (row[0] for row in rows.values()), 0) for rows in self)
        return (len(self.offers), *hashes)  # type: ignore[return-value]


_KEPT = 4
_shelves: OrderedDict[Key, tuple[_Read, OnShelf]] = OrderedDict()
"""The shelves used last. More than one: a transaction that changes the shelf sees its own until it commits."""


async def on_shelf(tx: AsyncConnection) -> OnShelf:
    """The shelf as `tx` sees it."""
    key = tuple((await run(tx, _FINGERPRINT))[0])
    if key not in _shelves:
        before = next(reversed(_shelves.values())) if _shelves else None
        read = await _read(tx, before[0] if before else _Read({}, {}, {}))
        # Somebody may have committed since the fingerprint was taken, so a shelf goes by the fingerprint of what it holds.
        key = read.key
        _shelves[key] = read, OnShelf(_listed(read, before), before[1] if before else None)
    _shelves.move_to_end(key)
    while len(_shelves) > _KEPT:
        _shelves.popitem(last=False)
    return _shelves[key][1]


async def _read(tx: AsyncConnection, before: _Read) -> _Read:
    """What is on the shelf now; documents only of what `before` did not have."""
    hashes = [(row[0], row[1]) for row in await run(tx, _HASHES)]
    had = before.offers
    same = {id_: had[id_] for id_, hash_ in hashes if id_ in had and had[id_][0] == hash_}
    new = [id_ for id_, _ in hashes if id_ not in same]
    rows = same | ({row[0]: tuple(row)[1:] for row in await run(tx, _OFFERS, new)} if new else {})
    merchants, currencies = await run(tx, _MERCHANTS), await run(tx, _CURRENCIES)
    return _Read(
        {id_: rows[id_] for id_, _ in hashes if id_ in rows},
        {row[0]: tuple(row)[1:] for row in merchants},
        {row[0]: tuple(row)[1:] for row in currencies},
    )


def _listed(read: _Read, before: tuple[_Read, OnShelf] | None) -> Iterable[Listed]:
    """The offers of merchants who serve; the very ones of `before`, as far as nothing about them is different."""
    had, known = before or (_Read({}, {}, {}), None)
    for id_, row in read.offers.items():
        _, version, merchant_id, currency_id, document, others = row
        merchant, currency = read.merchants[merchant_id], read.currencies[currency_id]
        _, merchant_zh, merchant_en, serves, money = merchant
        if not serves:
            continue
        shops = (merchant_id, *others)
        same = row is had.offers.get(id_) and all(read.merchants[m] == had.merchants.get(m) for m in shops)
        if known is not None and same and currency == had.currencies.get(currency_id) and id_ in known.offers:
            yield known.offers[id_]
            continue
        _, name_zh, name_en, common = currency
        yield Listed(
            id_, version, True, merchant_id, Names(zh=merchant_zh, en=merchant_en), serves, money,
            currency_id, Names(zh=name_zh, en=name_en), common, parse(document),
            tuple(_fulfillers(read, others)),
        )  # fmt: skip


def _fulfillers(read: _Read, ids: Iterable[int]) -> Iterable[Fulfiller]:
    for id_ in ids:
        _, name_zh, name_en, serves, _ = read.merchants[id_]
        if serves:
            yield Fulfiller(id_, Names(zh=name_zh, en=name_en))
