"""Purchases that were declined because their issuer's cover was used up: kept, so that they can be booked once it is back.

Such a record does not take its document. It is open until a purchase has that document, however that came to be booked — from here,
by the API, at a till or from a file —, so nobody has to close it and nothing can forget to:

    open      no purchase has the document
    booked    the purchase's entry is what the record was `booked_as`
    dropped   the merchant won't book it, because the goods came back, say; declined once more, it is open again

The same document declined again, by a retry or a second tap, is the same record. Members see theirs among their entries, after the
one that was their newest then. Records are kept for `KEPT_DAYS` after they were last declined.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning.purchases import NoSuchPurchase, bill_document
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.situation import Intended
from ledger.errors import Refusal
from ledger.merchants.merchant import Merchant
from ledger.points.commands import Moment
from ledger.values import compact

KEPT_DAYS = 90


@dataclass(eq=False)
class NoSuchDeclined(Refusal):
    """There is no such declined purchase, or it is not theirs to see, or it is no longer kept."""

    declined_id: int


@dataclass(eq=False)
class NotDeclinedAnyMore(Refusal):
    """It was booked meanwhile, or dropped."""

    document: str
    booked: bool


@dataclass(eq=False)
class PurchaseDeclined(Refusal):
    """No points were given on this purchase yet, so none can be taken back."""

    document: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Declined:
    """A declined purchase: what was reported, and what became of it. `booked_as` is the entry of the purchase that has its
    document now; `after_entry_id` what was the member's newest entry when it was declined first."""

    id: int
    merchant_id: int
    document: str
    member_id: int
    amount_minor: int
    money: str
    currency_id: int
    bill: Bill
    occurred_at: dt.datetime
    bought_on: dt.date
    channel: str
    staff_id: int | None
    actor: str
    outlet_id: int | None
    till: str | None
    after_entry_id: int
    declined_at: dt.datetime
    dropped_at: dt.datetime | None
    booked_as: int | None

    @property
    def is_open(self) -> bool:
        """Whether it can still be booked."""
        return self.booked_as is None and self.dropped_at is None

    def intended(self, merchant: Merchant) -> Intended:
        """The purchase as it was reported."""
        return Intended(
            merchant=merchant,
            document=self.document,
            member_id=self.member_id,
            bill=self.bill,
            bought_on=self.bought_on,
            occurred_at=self.occurred_at,
            actor=self.actor,
            channel=self.channel,
            staff_id=self.staff_id,
            outlet_id=self.outlet_id,
            till=self.till,
        )


class Open(NamedTuple):
    """How many a merchant could book, and what they come to in minor units."""

    purchases: int
    amount_minor: int


class Record(NamedTuple):
    """A line of the list for auditors. `state` is open, booked or dropped; `entry_id` and `points` are those of the purchase."""

    merchant: str
    document: str
    member_id: int
    amount_minor: int
    money: str
    occurred_at: dt.datetime
    declined_at: dt.datetime
    times: int
    state: str
    entry_id: int | None
    points: int | None


_COLUMNS = """
    d.id, d.merchant_id, d.document, d.member_id, d.amount_minor, d.money, d.currency_id, d.bill, d.occurred_at, d.bought_on,
    d.channel, d.staff_id, d.actor, d.outlet_id, d.till, d.after_entry_id, d.declined_at, d.dropped_at
"""
# LIMIT keeps the planner from turning the join round: a plan made while purchases were few would read all of them.
_BOOKED = (
    " LEFT JOIN LATERAL (SELECT entry_id FROM purchase WHERE merchant_id = d.merchant_id AND document = d.document LIMIT 1) p"
    " ON true "
)
_READ = f"SELECT {_COLUMNS}, p.entry_id AS booked_as FROM declined_purchase d {_BOOKED}"
_IS_OPEN = "d.dropped_at IS NULL AND p.entry_id IS NULL"
# Whose account somebody else has meanwhile: their purchases are theirs.
_WHOSE = (
    "d.member_id = ANY (ARRAY(SELECT member_id FROM succession WHERE holder_id = :member) || CAST(:member AS bigint))"
)

_NOTE = text(
    """
    INSERT INTO declined_purchase AS d (merchant_id, document, member_id, amount_minor, money, currency_id, bill, occurred_at,
        bought_on, channel, staff_id, actor, outlet_id, till, reason, after_entry_id, declined_at, last_at)
    VALUES (:merchant_id, :document, :member_id, :amount_minor, :money, :currency_id, CAST(:bill AS jsonb), :occurred_at,
        :bought_on, :channel, :staff_id, :actor, :outlet_id, :till, 'cover_exhausted',
        coalesce((SELECT max(e.id) FROM entry e WHERE e.owner_kind = 'member' AND e.owner_id = :member_id), 0), :now, :now)
    ON CONFLICT (merchant_id, document) DO UPDATE SET
        member_id = excluded.member_id, amount_minor = excluded.amount_minor, money = excluded.money,
        currency_id = excluded.currency_id, bill = excluded.bill, occurred_at = excluded.occurred_at,
        bought_on = excluded.bought_on, channel = excluded.channel, staff_id = excluded.staff_id, actor = excluded.actor,
        outlet_id = excluded.outlet_id, till = excluded.till, times = d.times + 1, last_at = excluded.last_at,
        dropped_at = NULL, dropped_by = NULL,
        told_at = CASE WHEN d.member_id = excluded.member_id THEN d.told_at END,
        after_entry_id = CASE WHEN d.member_id = excluded.member_id THEN d.after_entry_id ELSE excluded.after_entry_id END
    """
)
_TELL = text(
    f"""
    WITH told AS (
        UPDATE declined_purchase SET told_at = :now
        WHERE told_at IS NULL AND id IN (
            SELECT found.id FROM unnest(CAST(:merchants AS bigint[]), CAST(:documents AS text[])) AS w(merchant_id, document)
            CROSS JOIN LATERAL (SELECT id FROM declined_purchase
                                 WHERE merchant_id = w.merchant_id AND document = w.document LIMIT 1) found)
        RETURNING *)
    SELECT {_COLUMNS}, NULL::bigint AS booked_as FROM told d ORDER BY d.id
    """
)
_SUM = text(
    f"SELECT count(*), coalesce(sum(d.amount_minor), 0)::bigint FROM declined_purchase d {_BOOKED}"
    f" WHERE d.merchant_id = :merchant_id AND {_IS_OPEN}"
)
_PAGE = text(
    f"{_READ} WHERE d.merchant_id = :merchant_id AND {_IS_OPEN} ORDER BY d.occurred_at, d.id OFFSET :offset LIMIT :limit"
)
_ONE = text(f"{_READ} WHERE d.id = :id")
_OF_DOCUMENT = text(f"{_READ} WHERE d.merchant_id = :merchant_id AND d.document = :document AND {_IS_OPEN}")
_OF_MEMBER = text(
    f"{_READ} WHERE {_WHOSE} AND p.entry_id IS NULL AND d.after_entry_id >= :since"
    " AND (CAST(:before AS bigint) IS NULL OR d.after_entry_id < :before)"
    " AND (CAST(:currency_id AS integer) IS NULL OR d.currency_id = :currency_id) ORDER BY d.after_entry_id DESC, d.id DESC"
)
_IS_THEIRS = text(f"SELECT 1 FROM declined_purchase d WHERE d.id = :id AND {_WHOSE}")
_EVERYONE = text(
    """
    SELECT m.code, d.document, d.member_id, d.amount_minor, d.money, d.occurred_at, d.declined_at, d.times,
           CASE WHEN p.entry_id IS NOT NULL THEN 'booked' WHEN d.dropped_at IS NOT NULL THEN 'dropped' ELSE 'open' END,
           p.entry_id, p.points
    FROM declined_purchase d JOIN merchant m ON m.id = d.merchant_id
    LEFT JOIN LATERAL (SELECT entry_id, points FROM purchase WHERE merchant_id = d.merchant_id AND document = d.document
                        LIMIT 1) p ON true
    WHERE CAST(:code AS text) IS NULL OR m.code = :code ORDER BY m.code, d.occurred_at, d.id
    """
)
_DROP = text("UPDATE declined_purchase SET dropped_at = :now, dropped_by = :by WHERE id = :id")


def _declined(row: Row[Any]) -> Declined:
    fields = dict(row._mapping)
    stored = fields["bill"]
    fields["bill"] = Bill(tuple(Part(*part) for part in stored["parts"]), row.money, stored["paid_otherwise_minor"])
    return Declined(**fields)


async def note(tx: AsyncConnection, declined: Iterable[Intended], at: Moment) -> None:
    """Keep purchases that were declined, in the transaction that declined them; each document once."""
    latest = {one.key: one for one in declined}
    if not latest:
        return
    rows = [
        {
            "merchant_id": one.merchant.id,
            "document": one.document,
            "member_id": one.member_id,
            "amount_minor": one.bill.net_minor,
            "money": one.bill.money,
            "currency_id": one.merchant.terms.currency,
            "bill": compact(bill_document(one.bill)),
            "occurred_at": one.occurred_at,
            "bought_on": one.bought_on,
            "channel": one.channel,
            "staff_id": one.staff_id,
            "actor": one.actor,
            "outlet_id": one.outlet_id,
            "till": one.till,
            "now": at.now,
        }
        # In one order, so that two transactions that decline the same ones don't wait for each other.
        for _, one in sorted(latest.items())
    ]
    await tx.execute(_NOTE, rows)


async def to_tell(tx: AsyncConnection, keys: Sequence[tuple[int, str]], *, now: dt.datetime) -> list[Declined]:
    """Of these (merchant, document), the declined ones that their members have not been told of. They are, from now on."""
    if not keys:
        return []
    columns = {"merchants": [merchant for merchant, _ in keys], "documents": [document for _, document in keys]}
    return [_declined(row) for row in await tx.execute(_TELL, {**columns, "now": now})]


async def waiting(tx: AsyncConnection, merchant_id: int) -> Open:
    """What a merchant could book."""
    return Open(*(await tx.execute(_SUM, {"merchant_id": merchant_id})).one())


async def page(tx: AsyncConnection, merchant_id: int, *, offset: int = 0, limit: int) -> list[Declined]:
    """What a merchant could book, in the order in which it was bought."""
    facts = {"merchant_id": merchant_id, "offset": offset, "limit": limit}
    return [_declined(row) for row in await tx.execute(_PAGE, facts)]


async def by_id(tx: AsyncConnection, declined_id: int) -> Declined:
    """One of them, whatever became of it. `NoSuchDeclined`."""
    row = (await tx.execute(_ONE, {"id": declined_id})).first()
    if row is None:
        raise NoSuchDeclined(declined_id)
    return _declined(row)


async def is_of(tx: AsyncConnection, declined_id: int, member_id: int) -> bool:
    """Whether it was this member's purchase, or that of an account which they have claimed."""
    return await tx.scalar(_IS_THEIRS, {"id": declined_id, "member": member_id}) is not None


async def of_member(
    tx: AsyncConnection, member_id: int, *, since: int, before: int | None = None, currency_id: int | None = None
) -> list[Declined]:
    """A member's declined purchases that were not booked, newest first: after an entry from `since` on, before `before`."""
    facts = {"member": member_id, "since": since, "before": before, "currency_id": currency_id}
    return [_declined(row) for row in await tx.execute(_OF_MEMBER, facts)]


async def everyone(tx: AsyncConnection, code: str | None = None) -> AsyncIterator[Record]:
    """Every record that is kept, for auditors; of one merchant where its code is given."""
    async with tx.stream(_EVERYONE, {"code": code}) as rows:
        async for row in rows:
            yield Record(*row)


async def missing(tx: AsyncConnection, merchant_id: int, document: str) -> Refusal:
    """Why a document that has no purchase can't be refunded."""
    found = (await tx.execute(_OF_DOCUMENT, {"merchant_id": merchant_id, "document": document})).first()
    return NoSuchPurchase(document) if found is None else PurchaseDeclined(document)


async def drop(tx: AsyncConnection, one: Declined, *, by: str, at: Moment) -> None:
    """Let it not be booked from here. Refused: NotDeclinedAnyMore."""
    if not one.is_open:
        raise NotDeclinedAnyMore(one.document, one.booked_as is not None)
    await tx.execute(_DROP, {"id": one.id, "by": by, "now": at.now})
