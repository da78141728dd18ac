"""Shifts in words and figures: what was done in one, closing it, and what is in the way of the next.

Handlers and the nightly duty close shifts alike, so the sums are made here, where purchases and vouchers are both known.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import cash, paid_tiers, privileges
from chat.known import Known
from chat.words import Money, Text, t, tn
from ledger.earning import shift_totals
from ledger.merchants import paid_tier_sales, shifts, staff
from ledger.merchants.merchant import Merchant
from ledger.merchants.paid_tier_sales import Taken
from ledger.merchants.shifts import ClosedBy, Shift, Totals
from ledger.redeeming import counter, drawer, privilege_uses
from ledger.redeeming.drawer import Drawer
from ledger.redeeming.privilege_uses import Used


async def totals(tx: AsyncConnection, shift: Shift, *, until: dt.datetime) -> Totals:
    """What its person did from its begin until an instant."""
    since, who = shift.opened_at, shift.staff_id
    given, back = await shift_totals.totals(tx, shift.merchant_id, since=since, until=until, staff_id=who)
    used = await counter.used_count(tx, shift.merchant_id, since=since, until=until, staff_id=who)
    tiers = await paid_tier_sales.taken(tx, shift.merchant_id, since=since, until=until, staff_id=who)
    worker = await staff.by_id(tx, who)
    money = await drawer.counted(tx, shift.merchant_id, since=since, until=until, staff=worker)
    free = await privilege_uses.count(tx, shift.merchant_id, since=since, until=until, staff_id=who)
    return Totals(
        given.awards,
        given.amount_minor,
        given.points,
        given.taken_back,
        used,
        back.refunds,
        back.amount_minor,
        tiers.sold,
        tiers.sold_minor,
        tiers.back,
        tiers.back_minor,
        money.taken,
        money.taken_minor,
        money.back,
        money.back_minor,
        free.uses,
        free.off_minor,
    )


def end_of_day(shift: Shift, zone: dt.tzinfo) -> dt.datetime:
    """The midnight after a shift's begin, on the till's wall."""
    day = shift.opened_at.astimezone(zone).date() + dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


async def close(
    tx: AsyncConnection, shift: Shift, *, by: ClosedBy, who: str, now: dt.datetime, zone: dt.tzinfo
) -> Shift:
    """Close a shift with its totals; one of an earlier day as of that day's end."""
    midnight = end_of_day(shift, zone)
    over = midnight <= now
    until = midnight if over else now
    done = await totals(tx, shift, until=until)
    return await shifts.close(tx, shift, done, by="day" if over else by, who=who, at=until)


def where(shift: Shift) -> Text:
    """«1号台 · 南京路店»."""
    return t("{till} · {outlet}", till=shift.till, outlet=shift.outlet)


def figures(done: Totals, merchant: Merchant, names: Known) -> list[Text]:
    """What was done, a fact a line; what did not happen is left out."""
    money = merchant.money
    points = names.points(merchant.terms.currency, done.points)
    found = [
        tn("{n} 笔,收 {amount},得 {points}", n=done.awards, amount=Money(done.amount_minor, money), points=points)
        if done.awards
        else t("积分还没有记过"),
        tn("已撤回 {n} 笔", n=done.taken_back) if done.taken_back else None,
        tn("验券 {n} 张", n=done.vouchers) if done.vouchers else None,
        tn("退款 {n} 笔,{amount}", n=done.refunds, amount=Money(done.refunded_minor, money)) if done.refunds else None,
        *cash.counted(Drawer(done.cash_parts, done.cash_parts_minor, done.cash_back, done.cash_back_minor), money),
        *privileges.counted(Used(done.privileges, done.privileges_off_minor, 0), money),
        *paid_tiers.taken(Taken(done.tiers, done.tiers_minor, done.tiers_back, done.tiers_back_minor), money),
    ]
    return [line for line in found if line is not None]


ENDS: dict[str, Text] = {"cashier": t("已交班"), "next": t("已由下一班接走"), "day": t("当天结束时交班")}
"""How a shift ended."""
