"""Returns of redeemed goods in the morning: who has to answer by tomorrow is reminded, and what nobody answered in time is granted.

A claim is granted once, whoever comes again; a reminder's key is its claim and person, so a repeated slot reminds nobody again.
"""

from __future__ import annotations

import datetime as dt

from chat import returns, settlement
from chat.words import t
from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.redeeming import return_answers, return_claims
from ledger.redeeming import vouchers as issued

CLAIMS_PER_CHUNK = 50


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Grant a page of what is overdue; when nothing is, remind a page of what is due tomorrow."""
    if not chunk.progress.get("granted"):
        more = await _grant(chunk)
        return {"granted": not more}
    after, tomorrow = int(chunk.progress.get("after", 0)), chunk.at.today + dt.timedelta(days=1)
    due = await return_claims.due_on(chunk.tx, tomorrow, after=after, limit=CLAIMS_PER_CHUNK)
    for each in due:
        said = returns.to_staff(each, t("退换明天到期,请答复"))
        for member_id in await settlement.run_by(chunk.tx, each.merchant_id):
            chunk.tell(member_id, said, key=f"return-due:{each.id}:{member_id}")
    return {"granted": True, "after": due[-1].id} if len(due) == CLAIMS_PER_CHUNK else None


async def _grant(chunk: Chunk) -> bool:
    """Give back what nobody answered, and tell both sides; whether more may be left."""
    done, more = await return_answers.silence(
        chunk.tx, at=chunk.at, grace_days=chunk.programme.grace_days, limit=CLAIMS_PER_CHUNK
    )
    for each, receipt in done:
        voucher = await issued.one(chunk.tx, each.member_id, each.redemption_id)
        coming = returns.coming(voucher, each.state, receipt.facts)
        chunk.tell(each.member_id, returns.to_member(each, voucher, *coming), key=f"return-silent:{each.id}")
        said = returns.to_staff(each, t("没有按时答复,退换自动退了"))
        for member_id in await settlement.run_by(chunk.tx, each.merchant_id):
            chunk.tell(member_id, said, key=f"return-silent:{each.id}:{member_id}")
    return more


duty = Duty("returns", run, at=dt.time(9, 0))
