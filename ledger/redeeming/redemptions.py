"""Redeeming and taking back: points become a voucher, once per intention, and whole again within the undo window.

Where money is to be paid besides, the points are held and the voucher waits for it (`cash`).

Locks, in this order: the member and the offer's version (advisory) → the member's household, where the offer limits those → its
diary, where it is booked → stock rows → accounts → a partner's code, a standing. A redemption's own row is locked before stock and
accounts by whoever ends it; redeeming never waits for one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault, Refusal
from ledger.members import household, pools
from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.points import engine, statements
from ledger.points.commands import Burn, Hold, Moment, Owner, Receipt, Reinstate
from ledger.points.reading import run
from ledger.redeeming import (
    announcing,
    bookings,
    cash_refunds,
    code_pools,
    handover,
    paying,
    pool_spending,
    shelf,
    stock,
)
from ledger.redeeming.may_redeem import DayQuotaTaken, Listed, No, SoldOut, Yes
from ledger.redeeming.offers import Names, Offer, Quote, Special
from ledger.redeeming.reach import opens
from ledger.redeeming.vouchers import (
    Booked,
    Redemption,
    State,
    VoucherTakenBack,
    blind,
    ended,
    one,
    unsealed,
)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a redemption gave. `available`: the points left of its currency. `repeated`: an earlier tap had done it already."""

    redemption: Redemption
    code: str
    available: int
    repeated: bool


@dataclass(eq=False)
class OfferChanged(Refusal):
    """Price or document changed since the confirm screen was drawn: it is drawn again, nothing is charged."""

    offer_id: int
    amount: int
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class CashDue(Refusal):
    """So much is to be paid first; until then it can neither be used nor taken back, only let go."""

    redemption_id: int
    offer: Names
    minor: int
    money: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class UndoOver(Refusal):
    """The time for taking it back is over."""

    redemption_id: int
    until: dt.datetime


# The person's key never changes, so it may be read by the statement that takes the locks; all else is read by later ones.
_LOCK = (
    "SELECT pg_advisory_xact_lock(hashtextextended('redeem:' || $1::text, 0)),"
    " pg_advisory_xact_lock_shared(hashtextextended('offer:' || $2::text, 0)),"
    " (SELECT key FROM person WHERE member_id = $3::bigint)"
)
_INSERT = """
    INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, units, points, value_minor,
        code_index, code_box, entry_id, issued_at, issued_on, undo_until, valid_until, piece, state, cash_minor, hold_id,
        held_until, used_at, settles_on, fulfillers, pool_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
    RETURNING id
"""
_TAKE_BACK = text(
    "UPDATE redemption SET state = 'taken_back', ended_at = :now"
    " WHERE id = :id AND member_id = :member_id AND state = 'issued' AND (undo_until > :now OR EXISTS ("
    "SELECT FROM booking b WHERE b.redemption_id = redemption.id AND b.change_until > :programme_now)) RETURNING id"
)


async def redeem(
    tx: AsyncConnection,
    who: Member,
    offer_id: int,
    *,
    amount: int,
    version: int,
    points: int,
    value_minor: int | None = None,
    cash_minor: int | None = None,
    slot: dt.datetime | None = None,
    outlet_id: int | None = None,
    nonce: str,
    code: str,
    vault: Vault,
    undo_minutes: int,
    at: Moment,
    actor: str,
    pool_id: int | None = None,
) -> Redeemed:
    """Spend points on an offer and issue its voucher, with `code` (from `codes.mint`) as its code; or hold them, and the voucher
    with its pieces, where cash is to be paid besides.

    Args:
        amount: pieces, or minor units of money, as `Price.quote` takes it.
        version, points, value_minor, cash_minor: what the confirm screen showed. Anything else now is `OfferChanged`: a special
            price that ended at midnight may have had the same points for more. What is None was not shown.
        slot: when the one begins that was chosen, where the offer is booked for a time; `outlet_id` at which outlet, where that is
            chosen too.
        pool_id: the family whose pool pays; below zero: what two have put together for it (`together`); None: the member does.
        nonce: of the confirm button. The same nonce again gives what the first one did, with its code.
    Raises:
        NoSuchOffer → OfferChanged → the first reason of `may_redeem` → refusals of `pool_spending.admit` → SlotNeeded → SlotTaken
        → the engine's refusals.
    """
    [[_, _, person_key]] = await run(tx, _LOCK, str(who.id), str(offer_id), who.id)
    if person_key is None:
        raise Fault(f"member {who.id} redeems without a person behind it")
    # A new statement sees what was committed before it began: where the whole stock is gone then, no piece is free.
    payer = who.owner if pool_id is None else pools.owner(pool_id)
    looked = await shelf.look_at(tx, who, offer_id, today=at.today, nonce=nonce, payer=payer)
    if looked.done is not None:
        done = await one(tx, who.id, looked.done)
        left = await _left(tx, done, today=at.today)
        return Redeemed(done, unsealed(done, vault, person_key), left, repeated=True)
    if looked.listed.offer.limits.of_a_household and not looked.gone:
        await household.hold(tx, who.id)
        looked = await shelf.look_at(tx, who, offer_id, today=at.today, payer=payer)
    seen = await looked.judged(tx, who, today=at.today, amount=amount, now=at.programme_now)
    listed, verdict = seen.listed, seen.verdict
    if (now := verdict.quote) is not None:
        worth = now.value_minor if value_minor is None else value_minor
        cash = now.cash_minor if cash_minor is None else cash_minor
        if (listed.version, now.points, now.value_minor, now.cash_minor) != (version, points, worth, cash):
            raise OfferChanged(offer_id, amount)
    if isinstance(verdict, No):
        raise verdict.reasons[0]
    quote, offer, allowed = verdict.quote, listed.offer, None
    if pool_id is not None and pool_id > 0:
        allowed = await pool_spending.admit(tx, pool_id, who.id, offer_id, amount, quote.points, at=at)
    place = await bookings.claim(tx, listed, who.id, seen.facts.traits.tier, slot, outlet_id=outlet_id, at=at)
    short, piece = await stock.take(tx, offer_id, offer.limits, quote.units, today=at.today)
    if short == stock.WHOLE:
        raise SoldOut(offer_id, quote.units, 0)
    if short is not None:
        reopens = at.today + dt.timedelta(days=1)
        again = opens(offer, seen.facts.traits, reopens) == reopens
        raise DayQuotaTaken(offer_id, offer.limits.day or 0, quote.units, 0, reopens, may_tomorrow=again)
    key = f"redeem:{who.id}:{nonce}"
    receipt = await _take_points(tx, who, payer, listed, verdict, key, at=at, actor=actor)
    given = await handover.give(tx, who, listed, key, vault=vault, at=at, actor=actor)
    held_until = offer.held_until(at.programme_now) if quote.cash_minor else None
    box = vault.seal(person_key, {"code": code})
    undo_until = at.now if given.used else at.now + dt.timedelta(minutes=undo_minutes)
    valid_until = given.valid_until
    if place is not None:
        begins = place.slot.starts_at - dt.timedelta(days=at.ahead_days)
        undo_until, valid_until = min(undo_until, begins), place.slot.day
    state: State = "held" if held_until is not None else "used" if given.used else "issued"
    used_at = at.now if given.used else None
    [[redemption_id]] = await run(
        tx,
        _INSERT,
        who.id,
        nonce,
        offer_id,
        version,
        listed.merchant_id,
        listed.currency_id,
        quote.units,
        quote.points,
        quote.value_minor,
        blind(vault, code),
        box,
        receipt.entry_id,
        at.now,
        at.today,
        undo_until,
        valid_until,
        piece,
        state,
        quote.cash_minor,
        None if held_until is None else receipt.entry_id,
        held_until,
        used_at,
        at.today if given.used else None,
        [each.id for each in listed.fulfillers] or None,
        pool_id,
    )
    if allowed is not None:
        await pool_spending.used(tx, allowed, redemption_id)
    issued = Redemption(
        id=redemption_id,
        member_id=who.id,
        offer_id=offer_id,
        offer_version=version,
        offer=offer,
        merchant_id=listed.merchant_id,
        merchant=listed.merchant,
        money=listed.money,
        currency_id=listed.currency_id,
        currency=listed.currency,
        common=listed.common,
        units=quote.units,
        points=quote.points,
        value_minor=quote.value_minor,
        state=state,
        entry_id=receipt.entry_id,
        issued_at=at.now,
        issued_on=at.today,
        undo_until=undo_until,
        valid_until=valid_until,
        used_at=used_at,
        used_by=None,
        used_label=None,
        ended_at=None,
        code_box=box,
        cash_minor=quote.cash_minor,
        hold_id=None if held_until is None else receipt.entry_id,
        held_until=held_until,
        fulfillers=listed.fulfillers,
        pool_id=pool_id,
    )
    if given.used:
        await announcing.used(tx, issued, now=at.now, till=None)
    if place is not None:
        await bookings.book(tx, listed, who.id, issued.id, place, at=at)
        where = place.outlet or (None, None)
        booked = Booked(place.slot.starts_at, place.slot.ends_at, place.change_until, "booked", None, *where)
        issued = replace(issued, booked=booked)
    return Redeemed(issued, code, receipt.balance() or 0, repeated=False)


async def _take_points(
    tx: AsyncConnection, who: Member, owner: Owner, listed: Listed, yes: Yes, key: str, *, at: Moment, actor: str
) -> Receipt:
    """Burn the price, or hold it where cash is to be paid besides.

    A hold has no end of its own: whoever ends the redemption gives it back, with the pieces.
    """
    quote = yes.quote
    facts = spent_on(listed.id, listed.version, listed.offer, quote, listed.money, yes.priced.special)
    if owner != who.owner:
        facts["by"] = who.id
    currency, here = listed.currency_id, listed.merchant_id
    take: Burn | Hold
    if quote.cash_minor:
        take = Hold(
            key=key,
            owner=owner,
            currency=currency,
            at=at,
            actor=actor,
            merchant_id=here,
            points=quote.points,
            facts=facts,
        )
    else:
        take = Burn(
            key=key,
            owner=owner,
            currency=currency,
            at=at,
            actor=actor,
            merchant_id=here,
            points=quote.points,
            facts=facts,
        )
    return await engine.post(tx, take)


def spent_on(
    offer_id: int, version: int, offer: Offer, quote: Quote, money: str, special: Special | None = None
) -> dict[str, Any]:
    """What the entry of a burn or a hold remembers."""
    facts: dict[str, Any] = {
        "offer": _named(offer_id, version, offer, special),
        "units": quote.units,
        "value_minor": quote.value_minor,
        "money": money,
    }
    return {**facts, "cash_minor": quote.cash_minor} if quote.cash_minor else facts


async def _left(tx: AsyncConnection, done: Redemption, *, today: dt.date) -> int:
    held = await statements.wallet(tx, done.purse, today=today)
    return next((h.available for h in held if h.currency.id == done.currency_id), 0)


async def undo(
    tx: AsyncConnection, member_id: int, redemption_id: int, *, grace_days: int, at: Moment, actor: str
) -> Redemption:
    """Take an unused redemption back whole, within the undo window, or before the cut-off of the time that it is booked for: points
    to their own lots, pieces to the stock, its place to the diary; a cash part that was paid is owed to the
    member from now on (`cash_refunds`). Again: nothing more happens.

    `NoSuchRedemption` → `VoucherUsed` → `VoucherLetGo` → `HoldOver` → `VoucherExpired` → `CashDue` → `UndoOver`. Using and undoing
    at once: whoever is first.
    """
    taken = await tx.scalar(
        _TAKE_BACK, {"id": redemption_id, "member_id": member_id, "now": at.now, "programme_now": at.programme_now}
    )
    voucher = await one(tx, member_id, redemption_id)
    if taken is None:
        over = ended(voucher, at.today)
        if isinstance(over, VoucherTakenBack):
            return voucher
        raise over or due(voucher) or too_late(voucher)
    await bookings.end(tx, [voucher.id], "freed", "member")
    await stock.give_back(tx, [(voucher.offer_id, day, voucher.units) for day in (stock.WHOLE, voucher.issued_on)])
    back = returning(voucher, f"redemption:{voucher.id}:undo", grace_days=grace_days, at=at, actor=actor)
    await paying.give_back(tx, [voucher], [back])
    if voucher.offer.pool is not None:
        await code_pools.let_go(tx, [voucher.id])
    if voucher.cash_minor:
        await cash_refunds.owe(tx, [voucher.id], "taken_back", now=at.now)
    return voucher


def too_late(voucher: Redemption) -> UndoOver:
    """It can't be taken back any more; until when it could be."""
    booked = voucher.booked
    return UndoOver(voucher.id, voucher.undo_until if booked is None else max(voucher.undo_until, booked.change_until))


def due(voucher: Redemption) -> CashDue | None:
    """What has to be paid for it first."""
    if voucher.state != "held":
        return None
    return CashDue(voucher.id, voucher.offer.name, voucher.cash_minor, voucher.money)


def returning(voucher: Redemption, key: str, *, grace_days: int, at: Moment, actor: str, **why: Any) -> Reinstate:
    """The command that returns a voucher's points to their own lots; `why` is what its entry remembers besides."""
    return Reinstate(
        key=key,
        owner=voucher.payer,
        currency=voucher.currency_id,
        at=at,
        actor=actor,
        merchant_id=voucher.merchant_id,
        entry_id=voucher.entry_id,
        grace_days=grace_days,
        facts={
            "offer": _named(voucher.offer_id, voucher.offer_version, voucher.offer),
            "redemption_id": voucher.id,
            **why,
        },
    )


def _named(offer_id: int, version: int, offer: Offer, special: Special | None = None) -> dict[str, int | str]:
    """How an entry remembers its offer: the history shows it under the name it had then, with the special price's."""
    named: dict[str, int | str] = {
        "id": offer_id,
        "version": version,
        "name_zh": offer.name.zh,
        "name_en": offer.name.en,
    }
    return named if special is None else {**named, "special_zh": special.name.zh, "special_en": special.name.en}
