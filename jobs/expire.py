"""Points end after their last day: every night, and each member hears of it once, however many lots it was.

A repeated slot finds nothing due and tells nobody; a verb that came first has expired them already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from chat import doors, known
from chat.known import Known
from chat.screen import Line, Screen, screen
from chat.words import t
from jobs import due
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.points.commands import Expire, Receipt
from ledger.points.engine import apply


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Expire one page of owners and tell the members among them."""
    owners, then = await due.page(chunk.tx, "available", chunk.at.today, chunk.progress)
    outcomes = await apply(
        chunk.tx,
        [
            Expire(
                key=f"{slot.key}:{each.owner.kind}:{each.owner.id}:{each.currency}",
                owner=each.owner,
                currency=each.currency,
                at=chunk.at,
                actor="job:expire",
            )
            for each in owners
        ],
    )
    ended: dict[int, list[Receipt]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Receipt) and outcome.owner.kind == "member" and outcome.points and not outcome.repeated:
            ended.setdefault(outcome.owner.id, []).append(outcome)
    if ended:
        names = await known.read(chunk.tx)
        for member_id, receipts in ended.items():
            chunk.tell(member_id, notice(receipts, names), key=f"{slot.key}:{member_id}:{receipts[0].entry_id}")
    return then


def notice(receipts: Sequence[Receipt], names: Known) -> Screen:
    """What ended, a currency a line."""
    lines: list[Line] = [
        t("{points}已到期", points=names.points(receipt.currency, receipt.points)) for receipt in receipts
    ]
    return screen(lines, [[doors.why(t("看来由"), receipts[0].entry_id), doors.home()]])


duty = Duty("expire", run, at=dt.time(0, 5))
