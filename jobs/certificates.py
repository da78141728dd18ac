"""Certificates come to their end: owners are warned 60, 30 and 7 days before, and the day after issuing is suspended. Every night.
Nothing else is: points stay good at the merchant.

A warning is remembered with its certificate and a suspension with its merchant, so a repeated slot does neither again; after missed
nights only the nearest warning is given.
"""

from __future__ import annotations

import datetime as dt

from chat import desk_doors, doors, operator_doors, till
from chat.merchants import KINDS
from chat.screen import Line, Screen, screen
from chat.words import t, tn
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.members import operators
from ledger.merchants import certificates, staff, standing
from ledger.merchants import merchant as merchants
from ledger.merchants.certificates import Ending
from ledger.merchants.merchant import Merchant
from ledger.merchants.standing import NotFromThisStanding

CERTIFICATES_PER_CHUNK = 100
ACTOR = "job:certificates"


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Look at one page of certificates near their end."""
    today, after = chunk.at.today, int(chunk.progress.get("after", 0))
    found = await certificates.ending(chunk.tx, today=today, after=after, limit=CERTIFICATES_PER_CHUNK)
    known = await merchants.by_ids(chunk.tx, [each.merchant_id for each in found])
    lapsed: set[int] = set()
    for each in found:
        merchant = known[each.merchant_id]
        if each.valid_until < today:
            if each.merchant_id not in lapsed and await lapse(chunk, each):
                await tell(chunk, merchant, ended(merchant, each), key=f"certificate-ended:{each.id}")
            lapsed.add(each.merchant_id)
            continue
        days = certificates.warning_due(each, today)
        if days is not None:
            await certificates.warned(chunk.tx, each.id, days)
            left = (each.valid_until - today).days
            said = warning(merchant, each, left)
            await tell(
                chunk, merchant, said, key=f"certificate-warned:{each.id}:{days}", asks=t("把续期的文件发来就行。")
            )
    return {"after": found[-1].id} if len(found) == CERTIFICATES_PER_CHUNK else None


async def lapse(chunk: Chunk, each: Ending) -> bool:
    """Suspend issuing. False where an operator has done something with the merchant at this moment."""
    facts = {"kind": each.kind, "number": each.number}
    try:
        await standing.move(chunk.tx, each.merchant_id, "lapse", by=ACTOR, now=chunk.at.now, **facts)
    except NotFromThisStanding:
        return False
    return True


async def tell(chunk: Chunk, merchant: Merchant, lines: list[Line], *, key: str, asks: Line | None = None) -> None:
    """Tell the owners, who are asked for something, and the operators who certify."""
    to_owner = notice([*lines, asks] if asks else lines, merchant)
    to_operator = desk_notice(lines, merchant)
    for one in await staff.team(chunk.tx, merchant.id):
        if one.role == "owner":
            chunk.tell(one.member_id, to_owner, key=f"{key}:{one.member_id}")
    for admin in await operators.holders(chunk.tx, "admin"):
        chunk.tell(admin, to_operator, key=f"{key}:operator:{admin}")


def warning(merchant: Merchant, each: Ending, left: int) -> list[Line]:
    """What is said before the end."""
    facts = {"merchant": till.name_of(merchant), "kind": KINDS[each.kind], "on": each.valid_until}
    when = (
        tn("<b>{merchant}</b>的{kind}还有 {n} 天到期({on})", n=left, **facts)
        if left
        else t("<b>{merchant}</b>的{kind}今天到期", **facts)
    )
    return [when, t("过期后暂停发积分;会员照常能用手里的分。")]


def ended(merchant: Merchant, each: Ending) -> list[Line]:
    """What is said when it is over."""
    facts = {"merchant": till.name_of(merchant), "kind": KINDS[each.kind], "on": each.valid_until}
    return [
        t("<b>{merchant}</b> 暂停发积分", **facts),
        t("{kind}{on}已到期。续期后自动恢复;会员照常能用手里的分。", **facts),
    ]


def notice(lines: list[Line], merchant: Merchant) -> Screen:
    """The owner's message leads to their papers."""
    return screen(lines, [[desk_doors.papers(merchant.id, t("提交续期文件")), doors.home()]])


def desk_notice(lines: list[Line], merchant: Merchant) -> Screen:
    """The operator's leads to the merchant's certificates."""
    return screen(lines, [[operator_doors.certification(t("看证书"), merchant.id), doors.home()]])


duty = Duty("certificates", run, at=dt.time(0, 0))
