"""Vouchers at a till: what a code is good for, and using it up once. A wrong code counts against the key that sent it."""

from __future__ import annotations

from bot.merchant_api.calls import Call, Refused
from bot.merchant_api.models import VoucherIn, VoucherOut
from chat import vouchers
from chat.turn import Tell
from chat.words import Both
from ledger.errors import Refusal
from ledger.redeeming import counter
from ledger.redeeming.vouchers import Redemption


async def check(call: Call, asked: VoucherIn) -> VoucherOut | Refused:
    """What a code is good for. Refusals as in `counter.verify`."""
    return _said(call, await counter.verify(call.tx, call.staff, asked.code, vault=call.vault, at=call.at))


async def use(call: Call, asked: VoucherIn) -> VoucherOut | Refused:
    """Use a voucher up. Refusals as in `counter.use`."""
    used = await counter.use(call.tx, call.staff, asked.code, vault=call.vault, at=call.at)
    if isinstance(used, Redemption):
        call.tells.append(Tell(used.member_id, vouchers.used_notice(used), key=f"voucher-used:{used.id}"))
    return _said(call, used)


def _said(call: Call, found: Redemption | Refusal) -> VoucherOut | Refused:
    if isinstance(found, Refusal):
        return Refused(found)
    return VoucherOut(
        id=found.id,
        offer=found.offer.code,
        name=call.speaker.plain(Both(found.offer.name.zh, found.offer.name.en)),
        units=found.units,
        value_minor=found.value_minor,
        money=found.money,
        valid_until=found.valid_until,
        state=found.state,
        cash_minor=found.cash_minor,
        used_at=found.used_at,
    )
