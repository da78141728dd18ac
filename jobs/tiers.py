"""Tiers move every night: up where purchases brought somebody there, softly down at a period's end, with a warning before it; and
one that was bought or given is spoken of before it ends.

A page of members a chunk; the last tells the operator how many upgrades were proposed. Each look does what is due and nothing
twice, so a repeated or late slot is calm.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text

from chat import tiers
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.earning import qualifying
from ledger.members import ending, operators
from ledger.redeeming.on_shelf import on_shelf

MEMBERS_PER_CHUNK = 500

_PAGE = text(
    "SELECT id FROM member WHERE id > :after AND kind = 'person' AND status IN ('active', 'frozen') ORDER BY id LIMIT :limit"
)


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Look at one page of members and tell those whose tier changed or is about to."""
    if not chunk.programme.tiers:
        return None
    page = {"after": chunk.progress.get("after", 0), "limit": MEMBERS_PER_CHUNK}
    members = list(await chunk.tx.scalars(_PAGE, page))
    seen = await qualifying.look(chunk.tx, chunk.programme, members, chunk.at)
    for change in seen.changes:
        chunk.tell(change.member_id, tiers.changed(chunk.programme, change), key=tiers.key(change))
    for warning in seen.warnings:
        told = tiers.warned(chunk.programme, warning)
        chunk.tell(warning.member_id, told, key=f"tier-ends:{warning.member_id}:{warning.until}")
    for ends in await ending.ending(chunk.tx, chunk.programme, members, today=chunk.at.today):
        key = f"tier-bought-ends:{ends.member_id}:{ends.until}:{ends.notice}"
        sold = (await on_shelf(chunk.tx)).membership(ends.tier)
        chunk.tell(ends.member_id, tiers.ends_soon(chunk.programme, ends, chunk.at.today, sold), key=key)
    proposed = int(chunk.progress.get("proposed", 0)) + seen.proposed
    if len(members) == MEMBERS_PER_CHUNK:
        return {"after": members[-1], "proposed": proposed}
    if proposed:
        for admin in await operators.holders(chunk.tx, "admin"):
            chunk.tell(admin, tiers.proposed(proposed), key=f"{slot.key}:proposed:{admin}")
    return None


duty = Duty("tiers", run, at=dt.time(0, 20))
