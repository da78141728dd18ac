"""Who is told of a merchant's rule that waits for approval: everybody who may decide on it, but for whoever proposed it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.ext.asyncio import AsyncConnection

from chat import desk, doors, operator_doors, till
from chat import rules as words
from chat.screen import Line, screen
from chat.turn import Tell
from chat.words import t
from ledger.earning.rules.version import RuleVersion
from ledger.merchants.merchant import Merchant
from ledger.programme import Programme


async def waiting(
    tx: AsyncConnection,
    made: RuleVersion,
    merchant: Merchant,
    programme: Programme,
    *,
    today: dt.date,
    by: int | None = None,
) -> list[Tell]:
    """What operators are told of a rule just proposed; `by` is the member who did it, if a person did."""
    lines: list[Line] = [
        t("<b>{merchant}</b>提了一条规则,等批准", merchant=till.name_of(merchant)),
        words.line(made, merchant.money, programme, today=today),
    ]
    told = screen(lines, [[operator_doors.rule_approval(t("去处理"), made.name), doors.home()]])
    return [
        Tell(member_id, told, key=f"rule-proposed:{made.name}:{member_id}")
        for member_id in await desk.holders(tx, *desk.DECIDE_RULES)
        if member_id != by
    ]
