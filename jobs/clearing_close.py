"""The weekly close: after Monday's midnight the week that is over is closed, and whoever runs a merchant hears what it came to.

A chunk closes one week, so missed weeks are caught up one after the other; a repeated slot finds all closed. Statements of weeks
long gone are written and not announced.
"""

from __future__ import annotations

import datetime as dt

from chat import known, settlement
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.clearing import close, positions
from ledger.merchants import webhooks

ANNOUNCED_DAYS = 14
"""So old may a week be that is still announced, counted from its Monday."""


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Close one week and tell the merchants that have lines in it."""
    done = await close.close_next(chunk.tx, chunk.programme, at=chunk.at)
    if done is None:
        return None
    made, lines = done
    found = positions.summed(lines)
    if made.week >= chunk.at.today - dt.timedelta(days=ANNOUNCED_DAYS):
        names = await known.read(chunk.tx)
        here = sorted({each.merchant_id for each in found} & names.merchants.keys())
        for merchant_id in here:
            mine = [each for each in found if each.merchant_id == merchant_id]
            notice = settlement.ready(made.week, merchant_id, mine, names)
            for member_id in await settlement.run_by(chunk.tx, merchant_id):
                chunk.tell(member_id, notice, key=f"statement:{made.week}:{merchant_id}:{member_id}")
            await webhooks.emit(
                chunk.tx,
                merchant_id,
                "statement.ready",
                key=f"statement:{made.week}",
                facts={
                    "week": made.week,
                    "net_minor": dict(settlement.nets(mine)),
                },
                now=chunk.at.now,
            )
    return {"closed": int(chunk.progress.get("closed", 0)) + 1}


duty = Duty("clearing_close", run, at=dt.time(0, 30))
