"""What a redemption hands over beyond a code for the counter: a partner's code, a tier, a gift to a cause.

partner code   a code of the merchant's pool is taken for the redemption, in its transaction. Nobody sees it before its member
               asks for it (`reveal`); from then on it counts as used, for it may be used elsewhere. Until then it can be taken
               back like any voucher, and one that ends unseen goes back to the pool.
membership     the tier is granted at once, and the redemption is used at once
donation       used at once
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Fault
from ledger.members.member import Member
from ledger.members.vault import Vault
from ledger.points.commands import Moment
from ledger.redeeming import announcing, code_pools, memberships, vouchers
from ledger.redeeming.code_pools import PoolEmpty
from ledger.redeeming.may_redeem import Listed, MemberMayNotSpend, SoldOut
from ledger.redeeming.vouchers import Redemption, ended


@dataclass(frozen=True, slots=True)
class Given:
    """What was handed over: until when it is good, and whether it is used with that."""

    valid_until: dt.date
    used: bool


_REVEAL = text(
    "UPDATE redemption SET state = 'used', used_at = :now, settles_on = :today"
    " WHERE id = :id AND member_id = :member_id AND state = 'issued' AND valid_until >= :today"
)


async def give(
    tx: AsyncConnection, who: Member, listed: Listed, key: str, *, vault: Vault, at: Moment, actor: str
) -> Given:
    """Hand over what the offer's kind does, for the burn `key`.

    Raises:
        SoldOut, MembershipHeld: as it is once everything is locked.
    """
    offer = listed.offer
    if offer.pool is not None:
        try:
            code = await code_pools.take(
                tx, vault, listed.merchant_id, offer.pool, what_for=key, today=at.today, now=at.now
            )
        except PoolEmpty:
            raise SoldOut(listed.id, 1, 0) from None
        return Given(code.valid_until or offer.valid_until(at.today), used=False)
    if offer.membership is not None:
        until = await memberships.grant(tx, who.id, listed.id, offer.membership, key=key, actor=actor, at=at)
        return Given(until, used=True)
    return Given(offer.valid_until(at.today), used=offer.at_once)


async def reveal(
    tx: AsyncConnection, who: Member, redemption_id: int, *, vault: Vault, at: Moment
) -> tuple[Redemption, str]:
    """Show a member the partner's code of their redemption, which is used from then on. Again: the same code.

    Of showing and taking back at once, whoever is first.

    Raises:
        NoSuchRedemption → MemberMayNotSpend (whoever may only look) → the reasons of `vouchers.ended`, but for its being used.
    """
    voucher = await vouchers.one(tx, who.id, redemption_id)
    if voucher.offer.pool is None:
        raise Fault(f"redemption {redemption_id} has no partner's code")
    if voucher.state == "issued":
        if who.status == "viewing":
            raise MemberMayNotSpend(who.status)
        facts = {"id": redemption_id, "member_id": who.id, "now": at.now, "today": at.today}
        done = await tx.execute(_REVEAL, facts)
        voucher = await vouchers.one(tx, who.id, redemption_id)
        if done.rowcount == 1:
            await announcing.used(tx, voucher, now=at.now, till=None)
    if voucher.state != "used":
        raise ended(voucher, at.today) or Fault(f"redemption {redemption_id} could be shown, and was not")
    return voucher, await code_pools.held(tx, vault, redemption_id)
