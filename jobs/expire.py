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
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.members import pools
from ledger.points import expiry
from ledger.points.expiry import Ended, Place


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Expire one page of lots and tell the members among their owners."""
    after = expiry.START
    if "after" in chunk.progress:
        day, account = chunk.progress["after"]
        after = Place(dt.date.fromisoformat(day), account)
    found, then = await expiry.page(
        chunk.tx, key=slot.key, actor="job:expire", at=chunk.at, after=after, lots=expiry.LOTS_PER_PAGE
    )
    ended: dict[int, list[Ended]] = {}
    pooled: dict[int, list[Ended]] = {}
    for each in found:
        if each.owner.kind == "member":
            ended.setdefault(each.owner.id, []).append(each)
        elif each.owner.kind == "pool":
            pooled.setdefault(each.owner.id, []).append(each)
    if pooled:
        names, people = await known.read(chunk.tx), await pools.people(chunk.tx, pooled)
        for family_id, parts in pooled.items():
            for member_id in people.get(family_id, ()):
                key = f"{slot.key}:pool:{member_id}:{parts[0].entry_id}"
                chunk.tell(member_id, of_pool(parts, names), key=key)
    if ended:
        names = await known.read(chunk.tx)
        for member_id, parts in ended.items():
            chunk.tell(member_id, notice(parts, names), key=f"{slot.key}:{member_id}:{parts[0].entry_id}")
    return None if then is None else {"after": (then.due_on.isoformat(), then.account_id)}


def notice(ended: Sequence[Ended], names: Known) -> Screen:
    """What ended, a currency a line."""
    lines: list[Line] = [t("{points}已到期", points=names.points(each.currency, each.points)) for each in ended]
    return screen(lines, [[doors.why(t("看来由"), ended[0].entry_id), doors.home()]])


def of_pool(ended: Sequence[Ended], names: Known) -> Screen:
    """What ended of a family's pool, a currency a line."""
    lines: list[Line] = [
        t("家庭池的 {points}已到期", points=names.points(each.currency, each.points)) for each in ended
    ]
    return screen(lines, [[doors.pool(), doors.home()]])


duty = Duty("expire", run, at=dt.time(0, 5))
