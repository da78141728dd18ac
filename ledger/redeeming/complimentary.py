"""A voucher given for nothing: its price is issued to whoever gets it, under the giver's cover, and redeemed for it at once.

So it is a voucher like any other: the same code, counter, settlement, statement; and the points behind it have an issuer who pays.
It can't be taken back, which would turn it into points.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.joining import month_end
from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.merchants import cover
from ledger.merchants import merchant as merchants
from ledger.merchants.cover import Asked
from ledger.points.commands import Accrue, Moment, member
from ledger.points.engine import post
from ledger.programme import Programme
from ledger.redeeming import redemptions, shelf
from ledger.redeeming.may_redeem import Listed
from ledger.redeeming.offers import AmountNotOffered, Quote
from ledger.redeeming.vouchers import Redemption

_OFFER = text("SELECT id FROM offer WHERE code = :code")


class Gift(NamedTuple):
    """So much of an offer, who issues the points for it, and how long those live."""

    listed: Listed
    amount: int
    quote: Quote
    funder: str
    life_months: int


async def first_order(tx: AsyncConnection, programme: Programme) -> Gift | None:
    """What an invited friend is given at once (`Referrals.first_order`); None where the programme gives nothing, or names what
    can't be given: unknown, for another currency, with money besides, at a time to be chosen, an amount that is not sold."""
    rules = programme.referrals
    if rules is None or rules.first_order is None:
        return None
    wanted = rules.first_order
    offer_id = await tx.scalar(_OFFER, {"code": wanted.offer})
    if offer_id is None:
        return None
    listed = await shelf.one(tx, offer_id)
    try:
        quote = listed.offer.price.quote(wanted.amount)
    except AmountNotOffered:
        return None
    if listed.currency_id != programme.common_currency or quote.cash_minor or listed.offer.booking is not None:
        return None
    return Gift(listed, wanted.amount, quote, rules.issuer, rules.life_months)


async def give(
    tx: AsyncConnection, programme: Programme, who: Member, *, code: str, vault: Vault, at: Moment
) -> Redemption | None:
    """Give a friend who has just joined their first-order voucher, with `code` (from `codes.mint`); once ever.

    None, and nothing done, where there is none to give today: sold out, paused, not for this member, or its funder's cover is used
    up. Joining does not wait for it.
    """
    gift = await first_order(tx, programme)
    if gift is None:
        return None
    try:
        async with tx.begin_nested():
            return await _given(tx, gift, who, code=code, vault=vault, at=at)
    except Refusal:
        return None


async def _given(tx: AsyncConnection, gift: Gift, who: Member, *, code: str, vault: Vault, at: Moment) -> Redemption:
    funder = await merchants.by_code(tx, gift.funder)
    if funder.status_on(at.today) != "certified":
        raise cover.exhausted(funder)
    taken = await cover.admit(tx, [Asked(funder.id, gift.quote.points)], None, at)
    if not taken.covered[0]:
        raise cover.exhausted(funder)
    issued = Accrue(
        key=f"referral:{who.id}:first_order",
        owner=member(who.id),
        currency=gift.listed.currency_id,
        at=at,
        actor="programme",
        issuer_id=funder.id,
        merchant_id=funder.id,
        points=gift.quote.points,
        available_on=at.today,
        expires_on=month_end(at.today, gift.life_months),
        rule="first_order",
        facts={"what": "first_order"},
        transferable=False,
    )
    await post(tx, issued)
    done = await redemptions.redeem(
        tx,
        who,
        gift.listed.id,
        amount=gift.amount,
        version=gift.listed.version,
        points=gift.quote.points,
        nonce="first-order",
        code=code,
        vault=vault,
        undo_minutes=0,
        at=at,
        actor="programme",
    )
    return done.redemption
