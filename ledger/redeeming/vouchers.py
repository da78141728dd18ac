"""A voucher: what a redemption gave, where it stands, and its code, which only its member can see again.

The code is stored as a keyed index, to be found by, and sealed with the member's own key, to be shown again: forgetting the member
forgets the code.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members import pools
from ledger.members.vault import Vault
from ledger.points.commands import Owner, member
from ledger.redeeming.fulfilments import Fulfiller, fulfillers_of
from ledger.redeeming.offers import Names, Offer, parse

State = Literal["held", "issued", "used", "taken_back", "expired", "let_go", "lapsed", "returned", "exchanged"]
"""Held: the points are set aside until the cash part is paid. It is let go by its member, or lapses, or is issued. What was used
may be returned, for the points, or exchanged, for a voucher that stands in its place."""


class Booked(NamedTuple):
    """The time that a voucher is for, on the programme's clock. Until `change_until` it may be cancelled or moved; `freed_by` whom
    its place was given back by. `outlet`: the name of where it is booked, None where that is not said."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    change_until: dt.datetime
    state: Literal["booked", "attended", "missed", "freed"]
    freed_by: Literal["member", "merchant"] | None
    outlet_id: int | None = None
    outlet: str | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """A voucher: what it is for, what it cost, and where it stands. `offer` is the document under which it was issued.

    `units` pieces, worth `value_minor` of `money` in all; `valid_until` is its last good day. `used_by` is the staff member who
    took it (below zero: the API key), and `used_label` how they are named. `cash_minor` is paid besides, at `paid_at`; the points
    and pieces wait for it as hold `hold_id` until `held_until`, on the programme's clock.

    `used_on` is the business date of its use. `origin_id` names the redemption whose points (`entry_id`) and cash paid for this
    one, where it came in exchange: nothing was paid again, so nothing of it is counted again.

    `merchant` is whose offer it is, and `fulfillers` hand it over too; once it was handed over, or its cash was taken at a counter,
    `merchant` is who did.
    """

    id: int
    member_id: int
    offer_id: int
    offer_version: int
    offer: Offer
    merchant_id: int
    merchant: Names
    money: str
    currency_id: int
    currency: Names
    common: bool
    units: int
    points: int
    value_minor: int
    state: State
    entry_id: int
    issued_at: dt.datetime
    issued_on: dt.date
    undo_until: dt.datetime
    valid_until: dt.date
    used_at: dt.datetime | None
    used_by: int | None
    used_label: str | None
    ended_at: dt.datetime | None
    code_box: bytes | None
    cash_minor: int = 0
    hold_id: int | None = None
    held_until: dt.datetime | None = None
    paid_at: dt.datetime | None = None
    used_on: dt.date | None = None
    origin_id: int | None = None
    booked: Booked | None = None
    fulfillers: tuple[Fulfiller, ...] = ()
    pool_id: int | None = None
    paid_by: int | None = None

    @property
    def payer(self) -> Owner:
        """Whose points paid for it: its member's, those of an account that was merged into theirs since (`paid_by`), or those of
        the pool of family `pool_id`."""
        return member(self.paid_by or self.member_id) if self.pool_id is None else pools.owner(self.pool_id)

    @property
    def purse(self) -> Owner:
        """Where what comes back of it ends up: with its member, or in the pool that paid."""
        return member(self.member_id) if self.pool_id is None else self.payer

    @property
    def shops(self) -> tuple[Fulfiller, ...]:
        """All that hand it over, its own merchant first."""
        return (Fulfiller(self.merchant_id, self.merchant), *self.fulfillers)

    def at(self, merchant_id: int) -> bool:
        """Whether this merchant's counters hand it over."""
        return any(shop.id == merchant_id for shop in self.shops)

    @property
    def paid_as(self) -> int:
        """The redemption that its points and its cash were paid for."""
        return self.origin_id or self.id

    def waits(self, programme_now: dt.datetime) -> bool:
        """Whether its cash part can be paid still."""
        return self.state == "held" and self.held_until is not None and programme_now < self.held_until

    def usable(self, today: dt.date) -> bool:
        """Whether the counter would take it on business date `today`."""
        return self.state == "issued" and today <= self.valid_until

    def undoable(self, now: dt.datetime) -> bool:
        """Whether it can still be taken back whole."""
        return self.state == "issued" and now < self.undo_until

    def changeable(self, programme_now: dt.datetime) -> bool:
        """Whether the time it is for can still be cancelled or moved."""
        return self.state == "issued" and self.booked is not None and programme_now < self.booked.change_until


@dataclass(eq=False)
class NoSuchRedemption(Refusal):
    """The member has no such voucher."""

    redemption_id: int


@dataclass(eq=False)
class VoucherUsed(Refusal):
    """It has been used: when, and by whom where."""

    redemption_id: int
    offer: Names
    used_at: dt.datetime
    merchant: Names
    staff_id: int | None
    label: str | None


@dataclass(eq=False)
class VoucherTakenBack(Refusal):
    """The member took it back; the points have returned."""

    redemption_id: int
    offer: Names
    at: dt.datetime


@dataclass(eq=False)
class VoucherReturned(Refusal):
    """What it was for was handed over, and came back: for the points, or (`exchanged`) for another voucher. Cash was paid for
    redemption `paid_as`."""

    redemption_id: int
    offer: Names
    at: dt.datetime
    exchanged: bool
    paid_as: int


@dataclass(eq=False)
class VoucherExpired(Refusal):
    """Its last day has passed, or the time that it was `booked_for`; `returned`: the points went back to the member (or do
    tonight)."""

    redemption_id: int
    offer: Names
    valid_until: dt.date
    returned: bool
    booked_for: dt.datetime | None = None


@dataclass(eq=False)
class VoucherLetGo(Refusal):
    """The member let it go before its cash part was paid; points and pieces are free again."""

    redemption_id: int
    offer: Names
    at: dt.datetime


@dataclass(eq=False)
class HoldOver(Refusal):
    """Nobody paid the cash part in time; points and pieces are free again (or are within the minute)."""

    redemption_id: int
    offer: Names
    until: dt.datetime


COLUMNS = """
    r.id, r.member_id, r.offer_id, r.offer_version, v.document::text AS document, r.merchant_id, m.name_zh AS merchant_zh,
    m.name_en AS merchant_en, m.money, r.currency_id, c.name_zh, c.name_en, c.issuer_id IS NULL AS common, r.units, r.points,
    r.value_minor, r.state, r.entry_id, r.issued_at, r.issued_on, r.undo_until, r.valid_until, r.used_at, r.used_by,
    coalesce(s.label, k.label) AS used_label, r.ended_at, r.code_box, r.cash_minor, r.hold_id, r.held_until, r.paid_at,
    CASE WHEN r.used_at IS NOT NULL THEN r.settles_on END AS used_on, r.origin_id,
    b.starts_at, b.ends_at, b.change_until, b.state AS booking, b.freed_by, b.outlet_id, there.name AS outlet,
    f.ids AS fulfillers, f.names_zh AS fulfillers_zh, f.names_en AS fulfillers_en, r.pool_id, r.paid_by
"""
TABLES = """
    redemption r
    JOIN offer_version v ON v.offer_id = r.offer_id AND v.version = r.offer_version
    JOIN merchant m ON m.id = r.merchant_id
    JOIN currency c ON c.id = r.currency_id
    LEFT JOIN staff s ON s.id = r.used_by
    LEFT JOIN api_key k ON k.id = -r.used_by
    LEFT JOIN booking b ON b.redemption_id = r.id
    LEFT JOIN outlet there ON there.id = b.outlet_id
    LEFT JOIN LATERAL (
        SELECT array_agg(id ORDER BY id) AS ids, array_agg(name_zh ORDER BY id) AS names_zh,
               array_agg(name_en ORDER BY id) AS names_en
        FROM merchant WHERE id = ANY (r.fulfillers)) f ON r.fulfillers IS NOT NULL
"""
HANDED_OVER = """
    merchant_id = :merchant, fulfillers = CASE WHEN merchant_id = :merchant THEN fulfillers
        ELSE array_append(array_remove(fulfillers, :merchant), merchant_id) END
"""
"""What using a voucher at a merchant's counter writes: it is this merchant's now. The others still know it as one of theirs."""

_KEY = text("SELECT key FROM person WHERE member_id = :id")
_ONE = text(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.id = :id AND r.member_id = :member_id")
_LIST = text(
    f"SELECT {COLUMNS} FROM {TABLES} WHERE r.member_id = :member_id"
    " ORDER BY (r.state = 'held') DESC, (r.state = 'issued' AND r.valid_until >= :today) DESC,"
    " CASE WHEN r.state = 'issued' THEN r.valid_until END, r.id DESC LIMIT :limit OFFSET :offset"
)


def of_row(row: Row[Any]) -> Redemption:
    """A row of `COLUMNS`."""
    return Redemption(
        row.id,
        row.member_id,
        row.offer_id,
        row.offer_version,
        parse(row.document),
        row.merchant_id,
        Names(zh=row.merchant_zh, en=row.merchant_en),
        row.money,
        row.currency_id,
        Names(zh=row.name_zh, en=row.name_en),
        row.common,
        row.units,
        row.points,
        row.value_minor,
        row.state,
        row.entry_id,
        row.issued_at,
        row.issued_on,
        row.undo_until,
        row.valid_until,
        row.used_at,
        row.used_by,
        row.used_label,
        row.ended_at,
        row.code_box,
        row.cash_minor,
        row.hold_id,
        row.held_until,
        row.paid_at,
        row.used_on,
        row.origin_id,
        None
        if row.starts_at is None
        else Booked(row.starts_at, row.ends_at, row.change_until, row.booking, row.freed_by, row.outlet_id, row.outlet),
        fulfillers_of(row.fulfillers, row.fulfillers_zh, row.fulfillers_en),
        row.pool_id,
        row.paid_by,
    )


def blind(vault: Vault, code: str) -> bytes:
    """The index by which a code is found."""
    return vault.blind("voucher", code)


async def reveal(tx: AsyncConnection, redemption: Redemption, vault: Vault) -> str:
    """The code of a member's own voucher, to show it again."""
    key = await tx.scalar(_KEY, {"id": redemption.member_id})
    if key is None:
        raise Fault(f"redemption {redemption.id} has lost its person")
    return unsealed(redemption, vault, key)


def unsealed(redemption: Redemption, vault: Vault, key: bytes) -> str:
    """Its code, opened with the member's (wrapped) key."""
    if redemption.code_box is None:
        raise Fault(f"redemption {redemption.id} has lost its code")
    return str(vault.open(key, redemption.code_box)["code"])


async def one(tx: AsyncConnection, member_id: int, redemption_id: int) -> Redemption:
    """One voucher of this member. `NoSuchRedemption` for anybody else's."""
    row = (await tx.execute(_ONE, {"id": redemption_id, "member_id": member_id})).first()
    if row is None:
        raise NoSuchRedemption(redemption_id)
    return of_row(row)


async def page(
    tx: AsyncConnection, member_id: int, *, today: dt.date, offset: int = 0, limit: int = 8
) -> list[Redemption]:
    """A member's vouchers: what waits for cash first, then usable ones, by their last day; then the others, newest first."""
    rows = await tx.execute(_LIST, {"member_id": member_id, "today": today, "offset": offset, "limit": limit})
    return [of_row(row) for row in rows]


def ended(voucher: Redemption, today: dt.date) -> Refusal | None:
    """Why this voucher can't be used any more on business date `today`; None while it can, or waits for its cash part.

    `VoucherUsed` → `VoucherReturned` → `VoucherTakenBack` → `VoucherLetGo` → `HoldOver` → `VoucherExpired`.
    """
    name = voucher.offer.name
    if voucher.state == "used" and voucher.used_at is not None:
        return VoucherUsed(voucher.id, name, voucher.used_at, voucher.merchant, voucher.used_by, voucher.used_label)
    if voucher.state in ("returned", "exchanged") and voucher.ended_at is not None:
        exchanged = voucher.state == "exchanged"
        return VoucherReturned(voucher.id, name, voucher.ended_at, exchanged, voucher.paid_as)
    if voucher.state == "taken_back" and voucher.ended_at is not None:
        return VoucherTakenBack(voucher.id, name, voucher.ended_at)
    if voucher.state == "let_go" and voucher.ended_at is not None:
        return VoucherLetGo(voucher.id, name, voucher.ended_at)
    if voucher.state == "lapsed" and voucher.held_until is not None:
        return HoldOver(voucher.id, name, voucher.held_until)
    if voucher.state == "expired" or (voucher.state == "issued" and voucher.valid_until < today):
        booked_for = voucher.booked.starts_at if voucher.booked is not None else None
        return VoucherExpired(voucher.id, name, voucher.valid_until, voucher.offer.unused == "return", booked_for)
    return None
