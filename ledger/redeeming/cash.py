"""The cash part of a redemption: points and pieces wait for it, and it is captured last.

    held ── the counter takes it, or an invoice is paid ──▶ issued (and used in the same step, where the counter hands over)
    held ── its member lets it go ──▶ let_go
    held ── nobody paid in time ──▶ lapsed

Whoever moves a held redemption locks its row first, then stock, then accounts, so of all who come at once one decides and the
others find what became of it. Money that arrives for a redemption that is not held any more is written down as a payment that
captured nothing, and goes back (`cash_refunds`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members.vault import Vault
from ledger.merchants.staff import Staff
from ledger.points import engine
from ledger.points.commands import Burn, Moment, Void
from ledger.redeeming import cash_refunds, counter, paying, stock
from ledger.redeeming.cash_refunds import Why
from ledger.redeeming.offers import Names, Quote
from ledger.redeeming.redemptions import spent_on
from ledger.redeeming.vouchers import (
    COLUMNS,
    TABLES,
    HoldOver,
    NoSuchRedemption,
    Redemption,
    VoucherLetGo,
    VoucherUsed,
    ended,
    of_row,
)

CHECKOUT_MINUTES = 5
"""So long a hold lasts at least once the payment of its invoice has been let begin."""


@dataclass(eq=False)
class CashPaid(Refusal):
    """Its cash part has been paid already."""

    redemption_id: int
    offer: Names
    paid_at: dt.datetime


@dataclass(eq=False)
class OtherAmount(Refusal):
    """The invoice asks for another amount than the redemption does."""

    redemption_id: int
    minor: int
    money: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What the counter's confirmation did. `repeated`: this till had confirmed it already."""

    redemption: Redemption
    repeated: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """What an invoice's payment did: it captured, or goes back because of `back`. `repeated`: it was heard of before."""

    redemption: Redemption
    back: Why | None
    repeated: bool


_LOCK = text(f"SELECT {COLUMNS} FROM {TABLES} WHERE r.id = :id FOR UPDATE OF r")
_HELD = text(
    "SELECT id FROM redemption WHERE state = 'held' AND held_until <= :now ORDER BY held_until, id LIMIT :limit"
    " FOR UPDATE SKIP LOCKED"
)
_ISSUE = text(
    "UPDATE redemption SET state = 'issued', entry_id = :entry, paid_at = :now, undo_until = :undo_until,"
    " valid_until = :valid_until WHERE id = :id"
)
# Whoever has the cash hands over what it was paid for.
_TAKEN_AT = text("UPDATE redemption SET merchant_id = :merchant, fulfillers = NULL WHERE id = :id")
_HAND_OVER = text(
    "UPDATE redemption SET state = 'used', used_at = :now, used_by = :staff, settles_on = :today WHERE id = :id"
)
_END = text("UPDATE redemption SET state = :state, ended_at = :now WHERE id = :id")
_EXTEND = text("UPDATE redemption SET held_until = greatest(held_until, :until) WHERE id = :id")
_PAY = text(
    """
    INSERT INTO cash_payment (redemption_id, merchant_id, way, minor, money, at, staff_id, telegram_charge, provider_charge,
        captured)
    VALUES (:id, :merchant, :way, :minor, :money, :now, :staff, :telegram, :provider, :captured) RETURNING id
    """
)
_TAKEN_BY = text("SELECT staff_id FROM cash_payment WHERE redemption_id = :id AND captured")
_HEARD = text(
    "SELECT p.redemption_id, c.why FROM cash_payment p LEFT JOIN cash_refund c ON c.payment_id = p.id AND NOT p.captured"
    " WHERE p.telegram_charge = :telegram OR p.provider_charge = :provider"
)


async def locked(tx: AsyncConnection, redemption_id: int) -> Redemption:
    """A redemption as it is now, nobody else's to move until the end of this transaction. `NoSuchRedemption`."""
    row = (await tx.execute(_LOCK, {"id": redemption_id})).first()
    if row is None:
        raise NoSuchRedemption(redemption_id)
    return of_row(row)


async def collect(
    tx: AsyncConnection,
    staff: Staff,
    code: str,
    *,
    hand_over: bool,
    undo_minutes: int,
    vault: Vault,
    at: Moment,
) -> Collected | Refusal:
    """The counter has the cash: the held points are spent, the voucher is issued, and used up where it is handed over at once.

    Refusals as in `counter.verify`, and `CashPaid`. Of any number of tills at the same moment exactly one takes it.
    """
    shown = await counter.verify(tx, staff, code, vault=vault, at=at)
    if isinstance(shown, Refusal):
        return await _mine_already(tx, staff, shown) or shown
    held = await locked(tx, shown.id)
    if held.state != "held":
        over = ended(held, at.today) or _paid(held)
        return await _mine_already(tx, staff, over) or over
    if not held.waits(at.programme_now):
        return _too_late(held)
    await tx.execute(_TAKEN_AT, {"id": held.id, "merchant": staff.merchant_id})
    issued = await _capture(tx, held, undo_minutes=undo_minutes, at=at, actor=staff.actor)
    await _pay(tx, _Payment(held.id, staff.merchant_id, held.cash_minor, held.money, at.now, staff=staff.id))
    if hand_over:
        await tx.execute(_HAND_OVER, {"id": held.id, "now": at.now, "staff": staff.id, "today": at.today})
        issued = await locked(tx, held.id)
        await counter.announce(tx, staff, issued, at=at)
    return Collected(issued, repeated=False)


async def _mine_already(tx: AsyncConnection, staff: Staff, no: Refusal) -> Collected | None:
    """A second tap of the till that took it is answered as the first."""
    if not isinstance(no, VoucherUsed | CashPaid):
        return None
    taken_by = await tx.scalar(_TAKEN_BY, {"id": no.redemption_id})
    return Collected(await locked(tx, no.redemption_id), repeated=True) if taken_by == staff.id else None


async def checkout(
    tx: AsyncConnection, member_id: int, redemption_id: int, *, minor: int, money: str, at: Moment
) -> Redemption:
    """Whether an invoice may be paid now, by this member and for this amount; then the hold outlasts the payment.

    Raises:
        NoSuchRedemption → VoucherUsed → VoucherTakenBack → VoucherLetGo → HoldOver → VoucherExpired → CashPaid → OtherAmount.
    """
    held = await locked(tx, redemption_id)
    if held.member_id != member_id:
        raise NoSuchRedemption(redemption_id)
    if held.state != "held":
        raise ended(held, at.today) or _paid(held)
    if not held.waits(at.programme_now):
        raise _too_late(held)
    if (minor, money) != (held.cash_minor, held.money):
        raise OtherAmount(held.id, held.cash_minor, held.money)
    until = at.programme_now + dt.timedelta(minutes=CHECKOUT_MINUTES)
    await tx.execute(_EXTEND, {"id": held.id, "until": until})
    return held


async def arrived(
    tx: AsyncConnection,
    redemption_id: int,
    *,
    minor: int,
    money: str,
    telegram_charge: str,
    provider_charge: str,
    undo_minutes: int,
    at: Moment,
    actor: str,
) -> Arrived:
    """An invoice has been paid. The money is there whatever we think of it: it captures what is held still, else it goes back.

    Heard of again under either of its numbers, nothing more happens. `NoSuchRedemption`.
    """
    held = await locked(tx, redemption_id)
    charges = {"telegram": telegram_charge, "provider": provider_charge}
    if (heard := (await tx.execute(_HEARD, charges)).first()) is not None:
        if heard.redemption_id != held.id:
            raise Fault(f"payment {telegram_charge} came for redemption {heard.redemption_id}, and now for {held.id}")
        return Arrived(held, heard.why, repeated=True)
    back = _goes_back(held, minor, money)
    payment = await _pay(
        tx,
        _Payment(held.id, held.merchant_id, minor, money, at.now, None, telegram_charge, provider_charge, back is None),
    )
    if back is None:
        issued = await _capture(tx, held, undo_minutes=undo_minutes, at=at, actor=actor)
        return Arrived(issued, None, repeated=False)
    await cash_refunds.owe(tx, [held.id], back, now=at.now, payment_id=payment)
    return Arrived(held, back, repeated=False)


def _goes_back(held: Redemption, minor: int, money: str) -> Why | None:
    """Why this money is not what the redemption waits for. Past its time but held still it is: the points are there."""
    if held.state == "let_go" or held.state == "lapsed":
        return held.state
    if held.state != "held":
        return "paid_already"
    return None if (minor, money) == (held.cash_minor, held.money) else "other_amount"


async def let_go(
    tx: AsyncConnection, member_id: int, redemption_id: int, *, grace_days: int, at: Moment, actor: str
) -> Redemption:
    """Its member does not want it any more: points and pieces are free. Again: nothing more happens.

    `NoSuchRedemption` → `VoucherUsed` → `VoucherTakenBack` → `HoldOver` → `VoucherExpired` → `CashPaid`.
    """
    held = await locked(tx, redemption_id)
    if held.member_id != member_id:
        raise NoSuchRedemption(redemption_id)
    if held.state != "held":
        over = ended(held, at.today) or _paid(held)
        if isinstance(over, VoucherLetGo):
            return held
        raise over
    await _give_back(tx, [held], "let_go", grace_days=grace_days, at=at, actor=actor)
    return await locked(tx, held.id)


async def lapse_unpaid(
    tx: AsyncConnection, *, at: Moment, grace_days: int, limit: int = 200, actor: str = "job:lapse_unpaid"
) -> list[Redemption]:
    """End at most `limit` holds that nobody paid in time; fewer than `limit` means that none is left.

    What is in somebody's hands this moment is left for the next call.
    """
    ids = list(await tx.scalars(_HELD, {"now": at.programme_now, "limit": limit}))
    held = [await locked(tx, each) for each in ids]
    await _give_back(tx, held, "lapsed", grace_days=grace_days, at=at, actor=actor)
    return [await locked(tx, each) for each in ids]


async def _give_back(
    tx: AsyncConnection, held: list[Redemption], state: Why, *, grace_days: int, at: Moment, actor: str
) -> None:
    """Held points to their own lots, pieces to the stock."""
    if not held:
        return
    await stock.give_back(
        tx, [(each.offer_id, day, each.units) for each in held for day in (stock.WHOLE, each.issued_on)]
    )
    voids = [
        Void(
            key=f"redemption:{each.id}:{state}",
            owner=each.payer,
            currency=each.currency_id,
            at=at,
            actor=actor,
            merchant_id=each.merchant_id,
            hold_id=_hold_of(each),
            grace_days=grace_days,
            facts={"redemption_id": each.id},
        )
        for each in held
    ]
    await paying.give_back(tx, held, voids)
    for each in held:
        await tx.execute(_END, {"id": each.id, "state": state, "now": at.now})


async def _capture(tx: AsyncConnection, held: Redemption, *, undo_minutes: int, at: Moment, actor: str) -> Redemption:
    """Spend what is held, and issue the voucher from today on."""
    offer = held.offer
    quote = Quote(held.units, held.units, held.points, held.value_minor, held.cash_minor)
    receipt = await engine.post(
        tx,
        Burn(
            key=f"redemption:{held.id}:paid",
            owner=held.payer,
            currency=held.currency_id,
            at=at,
            actor=actor,
            merchant_id=held.merchant_id,
            hold_id=_hold_of(held),
            facts=spent_on(held.offer_id, held.offer_version, offer, quote, held.money),
        ),
    )
    issued = {"id": held.id, "entry": receipt.entry_id, "now": at.now, "valid_until": offer.valid_until(at.today)}
    await tx.execute(_ISSUE, {**issued, "undo_until": at.now + dt.timedelta(minutes=undo_minutes)})
    return await locked(tx, held.id)


@dataclass(frozen=True, slots=True)
class _Payment:
    """What is written of a payment: by whom it was taken, or its numbers at Telegram and the provider."""

    id: int
    merchant: int
    minor: int
    money: str
    now: dt.datetime
    staff: int | None = None
    telegram: str | None = None
    provider: str | None = None
    captured: bool = True


async def _pay(tx: AsyncConnection, paid: _Payment) -> int:
    way = "invoice" if paid.staff is None else "counter"
    return int(await tx.scalar(_PAY, {**asdict(paid), "way": way}) or 0)


def _hold_of(held: Redemption) -> int:
    if held.hold_id is None:
        raise Fault(f"redemption {held.id} is held without a hold")
    return held.hold_id


def _paid(voucher: Redemption) -> CashPaid:
    return CashPaid(voucher.id, voucher.offer.name, voucher.paid_at or voucher.issued_at)


def _too_late(held: Redemption) -> HoldOver:
    return HoldOver(held.id, held.offer.name, held.held_until or held.issued_at)
