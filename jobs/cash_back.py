"""Every morning, while a payment provider still has money of members to send back: whoever runs the money hears how much, and since
when. What a counter owes is not told: its member comes for it."""

from __future__ import annotations

import datetime as dt

from chat import desk, desk_doors, doors
from chat.screen import Line, Screen, screen
from chat.words import Money, t, tn
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import cash_refunds
from ledger.redeeming.cash_refunds import Owed

ROLES = ("finance", "admin")


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Tell what is open; nothing where nothing is."""
    owed = await cash_refunds.owed_by_provider(chunk.tx)
    if owed:
        told = notice(owed, chunk.at.now)
        for member_id in await desk.holders(chunk.tx, *ROLES):
            chunk.tell(member_id, told, key=f"{slot.key}:{member_id}")
    return None


def notice(owed: list[Owed], now: dt.datetime) -> Screen:
    """How much, and for how long somebody has been waiting."""
    waited = max((now - each.since).days for each in owed)
    lines: list[Line] = [
        tn("<b>{money}</b> 要退给会员,{n} 笔", n=each.refunds, money=Money(each.minor, each.money)) for each in owed
    ]
    lines.append(tn("最早的等了 {n} 天", n=waited) if waited else t("都是这一天里的"))
    return screen(lines, [[desk_doors.cash_back(0, t("去退"))], [doors.home()]])


duty = Duty("cash_back", run, at=dt.time(10, 0))
