"""The shelf: reading offers, and judging a page of them for one member in two reads, three where they ask who it is.

All of a shelf at once is `browse`'s.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import consent, household
from ledger.members.member import Member
from ledger.points import statements
from ledger.points.commands import Owner
from ledger.points.reading import fetch
from ledger.redeeming import code_pools, diaries, memberships
from ledger.redeeming.booking import openings
from ledger.redeeming.fulfilments import SERVES, fulfillers_of
from ledger.redeeming.may_redeem import Facts, Listed, No, Yes, may_redeem
from ledger.redeeming.offers import Names, parse
from ledger.redeeming.reach import hidden
from ledger.redeeming.stock import WHOLE
from ledger.redeeming.who import NOBODY, Traits


@dataclass(eq=False)
class NoSuchOffer(Refusal):
    """No offer goes by this id."""

    offer_id: int


@dataclass(frozen=True, slots=True)
class Seen:
    """An offer as one member sees it."""

    listed: Listed
    facts: Facts
    verdict: Yes | No


_LISTED = f"""
    SELECT o.id, o.version, o.active, o.merchant_id, m.name_zh AS merchant_zh, m.name_en AS merchant_en,
           m.status IN ('certified', 'suspended') AS serves, m.money, o.currency_id, c.name_zh, c.name_en,
           c.issuer_id IS NULL AS common, o.document::text AS document, f.ids, f.names_zh, f.names_en
    FROM offer o JOIN merchant m ON m.id = o.merchant_id JOIN currency c ON c.id = o.currency_id
    LEFT JOIN LATERAL (
        SELECT array_agg(id ORDER BY id) AS ids, array_agg(name_zh ORDER BY id) AS names_zh,
               array_agg(name_en ORDER BY id) AS names_en
        FROM merchant WHERE id = ANY (o.fulfillers) AND {SERVES}) f ON o.fulfillers <> '{{}}'
"""
_ON_SHELF = "o.active AND m.status IN ('certified', 'suspended')"


def listed(row: Sequence[Any]) -> Listed:
    """A row of `_LISTED`'s columns as an offer on the shelf."""
    (
        offer_id, version, active, merchant_id, merchant_zh, merchant_en, serves, money, currency_id, name_zh, name_en,
        common, document, ids, names_zh, names_en,
    ) = row  # fmt: skip
    return Listed(
        offer_id,
        version,
        active,
        merchant_id,
        Names(zh=merchant_zh, en=merchant_en),
        serves,
        money,
        currency_id,
        Names(zh=name_zh, en=name_en),
        common,
        parse(document),
        fulfillers_of(ids, names_zh, names_en),
    )


async def one(tx: AsyncConnection, offer_id: int) -> Listed:
    """One offer, also when it is paused. `NoSuchOffer`."""
    found = await fetch(tx, f"{_LISTED} WHERE o.id = $1", offer_id)
    if not found:
        raise NoSuchOffer(offer_id)
    return listed(found[0])


async def by_ids(tx: AsyncConnection, ids: list[int]) -> list[Listed]:
    """The offers of these ids that are on the shelf, in the order of `ids`."""
    rows = await tx.execute(text(f"{_LISTED} WHERE {_ON_SHELF} AND o.id = ANY(:ids)"), {"ids": ids})
    found = {row.id: listed(row) for row in rows}
    return [found[i] for i in ids if i in found]


async def of_merchant(tx: AsyncConnection, merchant_id: int) -> list[Listed]:
    """Everything that one merchant offers or offered, paused ones too, in the order in which it came."""
    return [listed(row) for row in await fetch(tx, f"{_LISTED} WHERE o.merchant_id = $1 ORDER BY o.id", merchant_id)]


_TRAITS = text(
    """
    SELECT coalesce(m.tier, p.document #>> '{tiers,0,code}') AS tier, m.region, s.standing,
           coalesce(p.document -> 'tiers', '[]') AS tiers, coalesce(p.document -> 'regions', '[]') AS regions
    FROM member m LEFT JOIN programme p ON p.one = 1
    LEFT JOIN credit_standing s ON s.member_id = m.id AND s.valid_until >= :today AND EXISTS (
        SELECT FROM consent c WHERE c.member_id = m.id AND c.purpose = :purpose AND c.withdrawn_at IS NULL)
    WHERE m.id = :member
    """
)


async def traits(tx: AsyncConnection, member_id: int, *, today: dt.date) -> Traits:
    """What offers may ask of a member, as it is now, in one read."""
    row = (await tx.execute(_TRAITS, {"member": member_id, "today": today, "purpose": consent.STANDING})).one()
    tiers, regions = ({r["code"]: (r["name_zh"], r["name_en"]) for r in said} for said in (row.tiers, row.regions))
    return Traits(row.tier, row.standing, row.region, tiers, regions)


_HAD = """
    SELECT coalesce(sum(r.units) FILTER (WHERE r.issued_on = $2::date), 0)::int AS today,
           coalesce(sum(r.units) FILTER (WHERE r.issued_on >= $3::date), 0)::int AS month,
           coalesce(sum(r.units), 0)::int AS ever,
           (SELECT limit_to - taken FROM offer_stock s WHERE s.offer_id = o.id AND s.day = $4::date) AS stock_left,
           (SELECT taken FROM offer_stock s WHERE s.offer_id = o.id AND s.day = $2::date) AS day_taken
    FROM redemption r WHERE r.member_id = $1 AND r.offer_id = o.id AND r.state IN ('held', 'issued', 'used')
"""
"""What member $1 had of the offer `o` on day $2, since day $3 and ever; what is left of row $4 of its stock, taken of row $2."""

_COUNTS = f"SELECT o.id, had.* FROM unnest($5::bigint[]) AS o(id) CROSS JOIN LATERAL ({_HAD}) had"

_PURSE = statements.WALLET.format(owner="$8", kind="$7", today="$2")

# Who redeems what is gone as a whole is not asked what comes later: in a rush that is nearly everybody.
_LOOK = f"""
    SELECT (SELECT id FROM redemption WHERE member_id = $1 AND nonce = $6) AS done, gone.it IS TRUE AS gone,
           CASE WHEN gone.it THEN NULL ELSE (SELECT ROW(had.*) FROM ({_HAD}) had) END AS had,
           CASE WHEN gone.it THEN NULL ELSE ARRAY(SELECT ROW(w.*) FROM ({_PURSE}) w) END AS held,
           o.*
    FROM ({_LISTED} WHERE o.id = $5::bigint) o
    LEFT JOIN LATERAL (
        SELECT taken >= limit_to AND $6::text IS NOT NULL AS it FROM offer_stock s WHERE s.offer_id = o.id AND s.day = $4::date
    ) gone ON true
"""


_HOUSE_COUNTS = f"""
    SELECT r.offer_id, sum(r.units) FILTER (WHERE r.issued_on = $2::date), sum(r.units) FILTER (WHERE r.issued_on >= $4::date),
           sum(r.units)
    FROM ({household.OF_MEMBER}) home JOIN redemption r ON r.member_id = home.member_id
    WHERE r.offer_id = ANY($3::bigint[]) AND r.state IN ('held', 'issued', 'used') GROUP BY r.offer_id
"""
NO_PIECES = (0, 0, 0)


async def _house_counts(
    tx: AsyncConnection, member_id: int, offer_ids: list[int], *, today: dt.date
) -> dict[int, tuple[int, int, int]]:
    """The pieces of each of these offers that the member's household had today, this month and ever."""
    rows = await fetch(tx, _HOUSE_COUNTS, member_id, today, offer_ids, today.replace(day=1))
    return {offer_id: (day or 0, month or 0, ever) for offer_id, day, month, ever in rows}


async def facts(
    tx: AsyncConnection,
    member: Member,
    offers: Iterable[Listed],
    *,
    today: dt.date,
    held: list[statements.Holding],
    who: Traits | None = None,
    now: dt.datetime | None = None,
    counts: Sequence[Sequence[Any]] | None = None,
) -> dict[int, Facts]:
    """What these offers and this member are to each other, by offer id, in one read, or a few. `held` is the member's wallet; `who`
    they are is read where any of the offers asks for it, unless it is known already; so are the `counts`, rows of `_COUNTS`. `now`
    is the instant on the programme's clock: what is booked for a time can't be judged without it."""
    asked = {one.id: one for one in offers}
    if who is None:
        asks_who = any(one.offer.asks_who for one in asked.values())
        who = await traits(tx, member.id, today=today) if asks_who else NOBODY
    wallet = {h.currency.id: h for h in held}
    pools = {(one.merchant_id, one.offer.pool) for one in asked.values() if one.offer.pool is not None}
    free = await code_pools.free(tx, pools, today=today) if pools else {}
    tiers = {one.id: one.offer.membership for one in asked.values() if one.offer.membership is not None}
    climbs = await memberships.ahead(tx, member.id, tiers, today=today) if tiers else {}
    booked = await diaries.read(tx, asked.values(), now=now, member_id=member.id)
    of_household = [one.id for one in asked.values() if one.offer.limits.of_a_household]
    house = await _house_counts(tx, member.id, of_household, today=today) if of_household else {}
    result: dict[int, Facts] = {}
    if counts is None:
        counts = await fetch(tx, _COUNTS, member.id, today, today.replace(day=1), WHOLE, list(asked))
    for offer_id, had_today, had_month, had_ever, stock_left, day_taken in counts:
        this = asked[offer_id]
        limits, purse = this.offer.limits, wallet.get(this.currency_id)
        house_today, house_month, house_ever = house.get(offer_id, NO_PIECES)
        result[offer_id] = Facts(
            spending=member.status == "active",
            available=purse.available if purse else 0,
            pending=purse.pending if purse else 0,
            next_release=purse.next_release if purse else None,
            had_today=had_today,
            had_month=had_month,
            had_ever=had_ever,
            house_today=house_today,
            house_month=house_month,
            house_ever=house_ever,
            stock_left=_codes_left(this, free)
            if this.offer.pool is not None
            else stock_left
            if limits.stock is not None
            else None,
            day_left=limits.day - (day_taken or 0) if limits.day is not None else None,
            traits=who,
            climb=climbs.get(offer_id),
            openings=openings(booked[offer_id], now, who.tier) if now is not None and offer_id in booked else None,
        )
    return result


def _codes_left(this: Listed, free: Mapping[tuple[int, str], tuple[int, dt.date | None]]) -> int | None:
    """Codes of its pool; None where they are plenty."""
    left, _ = free[this.merchant_id, this.offer.pool or ""]
    return left if left < code_pools.COUNTED else None


async def purse(tx: AsyncConnection, member: Member, *, today: dt.date) -> list[statements.Holding]:
    """The member's wallet, as `look` takes it."""
    return await statements.wallet(tx, member.owner, today=today)


async def look(
    tx: AsyncConnection,
    member: Member,
    offers: list[Listed],
    *,
    today: dt.date,
    held: list[statements.Holding],
    who: Traits | None = None,
    now: dt.datetime | None = None,
) -> list[Seen]:
    """Judge these offers for this member, each at the least amount that is sold; in the order given. `who` and `now` as in
    `facts`."""
    known = await facts(tx, member, offers, today=today, held=held, who=who, now=now)
    return [Seen(o, known[o.id], may_redeem(o, known[o.id], today=today, status=member.status)) for o in offers]


async def judged(
    tx: AsyncConnection,
    member: Member,
    offer_id: int,
    *,
    today: dt.date,
    amount: int | None = None,
    now: dt.datetime | None = None,
    payer: Owner | None = None,
) -> Seen:
    """One offer judged for this member, at `amount` or the least that is sold; `now` as in `facts`, `payer` as in `look_at`.
    `NoSuchOffer`."""
    looked = await look_at(tx, member, offer_id, today=today, payer=payer)
    return await looked.judged(tx, member, today=today, amount=amount, now=now)


@dataclass(frozen=True, slots=True)
class Looked:
    """An offer and what this member is to it, of one statement. `done`: their redemption under the nonce that was asked for.

    `gone`: somebody redeems, and of its whole stock nothing is left; then `had` and `held` are not read.
    """

    listed: Listed
    done: int | None
    gone: bool
    had: Sequence[Any]
    held: list[statements.Holding]

    async def judged(
        self, tx: AsyncConnection, member: Member, *, today: dt.date, amount: int | None, now: dt.datetime | None
    ) -> Seen:
        """As `shelf.judged`; what only few offers ask for is read now. Where all are gone, the same first reason is found without
        what only later ones ask for: nobody waits there for the row that the others take from, nor reads purse and limits."""
        this = self.listed
        if self.gone:
            known = Facts(spending=member.status == "active", stock_left=0)
            if this.offer.asks_who:
                known = replace(known, traits=await traits(tx, member.id, today=today))
        else:
            counts = [(this.id, *self.had)]
            known = (await facts(tx, member, [this], today=today, held=self.held, now=now, counts=counts))[this.id]
        return Seen(this, known, may_redeem(this, known, today=today, amount=amount, status=member.status))


async def look_at(
    tx: AsyncConnection,
    member: Member,
    offer_id: int,
    *,
    today: dt.date,
    nonce: str | None = None,
    payer: Owner | None = None,
) -> Looked:
    """One offer, and what everybody asks of it first; `nonce` is of the button tapped to redeem it, `payer` whose points pay (the
    member's own). `NoSuchOffer`."""
    purse = payer or member.owner
    found = await fetch(tx, _LOOK, member.id, today, today.replace(day=1), WHOLE, offer_id, nonce, *purse)
    if not found:
        raise NoSuchOffer(offer_id)
    done, gone, had, held, *about = found[0]
    return Looked(listed(about), done, gone, had or (), statements.holdings(held or ()))


def shown(seen: Iterable[Seen], today: dt.date) -> list[Seen]:
    """Without what lists leave out for this member: what is for others only, and what is over."""
    return [each for each in seen if not hidden(each.listed.offer, each.facts.traits, today)]


def nearest_first(seen: Iterable[Seen]) -> list[Seen]:
    """What may be had first, cheapest first; then the rest, by how many points are lacking."""

    def order(s: Seen) -> tuple[bool, int, int, int]:
        lacking = max(0, _cost(s) - s.facts.available)
        return (isinstance(s.verdict, No), lacking, _cost(s), s.listed.id)

    return sorted(seen, key=order)


def _cost(seen: Seen) -> int:
    price = seen.verdict.priced.price
    return price.quote(price.least).points
