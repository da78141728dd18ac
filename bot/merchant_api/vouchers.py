"""Vouchers at a till: what a code is good for, using it up once, and what may be taken while the network is gone. A wrong code
counts against the key that sent it."""

from __future__ import annotations

from bot.merchant_api.calls import Call, Refused
from bot.merchant_api.models import OfflineOut, OfflineVoucherOut, VoucherIn, VoucherOut
from chat import vouchers
from chat.turn import Tell
from chat.words import Both
from ledger.errors import Refusal
from ledger.redeeming import counter, offline
from ledger.redeeming.vouchers import Redemption


async def check(call: Call, asked: VoucherIn) -> VoucherOut | Refused:
    """What a code is good for. Refusals as in `counter.verify`."""
    found = await counter.verify(call.tx, call.staff, asked.code, vault=call.vault, at=call.at)
    await _reported(call, found)
    return _said(call, found)


async def use(call: Call, asked: VoucherIn) -> VoucherOut | Refused:
    """Use a voucher up. Refusals as in `counter.use`."""
    used = await counter.use(call.tx, call.staff, asked.code, vault=call.vault, at=call.at)
    if isinstance(used, Redemption):
        call.tells.append(Tell(used.member_id, vouchers.used_notice(used), key=f"voucher-used:{used.id}"))
    await _reported(call, used)
    return _said(call, used)


async def listed(call: Call, asked: None) -> OfflineOut:
    """What a till without network may take meanwhile. It is brought as a file afterwards (`imports`)."""
    made = await offline.listed(call.tx, call.vault, call.staff, at=call.at)
    lines = [
        OfflineVoucherOut(
            tail=line.tail,
            check=line.check,
            offer=line.voucher.offer.code,
            name=_named(call, line.voucher),
            units=line.voucher.units,
            value_minor=line.voucher.value_minor,
            money=line.voucher.money,
            valid_until=line.voucher.valid_until,
        )
        for line in made.lines
    ]
    return OfflineOut(key=made.key, made_at=call.at.now, until=made.until, left_out=made.left_out, vouchers=lines)


async def _reported(call: Call, found: Redemption | Refusal) -> None:
    """Whoever runs the merchant hears that a key guesses."""
    where = Both(call.merchant.name_zh, call.merchant.name_en)
    call.tells += await vouchers.guesses(call.tx, call.staff, found, where, at=call.at, key=call.key.shown)


def _named(call: Call, voucher: Redemption) -> str:
    return call.speaker.plain(Both(voucher.offer.name.zh, voucher.offer.name.en))


def _said(call: Call, found: Redemption | Refusal) -> VoucherOut | Refused:
    if isinstance(found, Refusal):
        return Refused(found)
    return VoucherOut(
        id=found.id,
        offer=found.offer.code,
        name=_named(call, found),
        units=found.units,
        value_minor=found.value_minor,
        money=found.money,
        valid_until=found.valid_until,
        state=found.state,
        cash_minor=found.cash_minor,
        used_at=found.used_at,
        booked_at=found.booked.starts_at if found.booked is not None else None,
        outlet=found.booked.outlet if found.booked is not None else None,
    )
