"""The demo's accrual rules beside the base rates, as merchants.toml tells them: in force, over, to come, and one that waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.demo import story
from ledger.earning import rulebook
from ledger.earning.rules.documents import Rule
from ledger.members.member import Member
from ledger.merchants.merchant import Merchant
from ledger.points.commands import Moment


class RuleTold(BaseModel):
    """A rule of a merchant, from `since` days before the day of loading to `until` days before it (below zero: after).

    With `proposed_by`, somebody of people.toml proposed it on the day of loading, and it waits for approval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    merchant: str
    since: int
    until: int | None = None
    proposed_by: str | None = None
    rule: Rule


async def publish(tx: AsyncConnection, merchants: Mapping[str, Merchant], *, today: dt.date, at: dt.datetime) -> None:
    """Write the rules that are the programme's business, as if they had been written at the start."""
    for told in story.read("merchants", RuleTold, "rules"):
        if told.proposed_by is None:
            first, last = _days(told, today)
            await rulebook.publish(
                tx,
                code=told.code,
                merchant_id=merchants[told.merchant].id,
                rule=told.rule,
                valid_from=first,
                valid_to=last,
                made_by="demo",
                at=at,
            )


async def propose(
    tx: AsyncConnection, merchants: Mapping[str, Merchant], members: Mapping[str, Member], *, at: Moment
) -> None:
    """Propose those that somebody proposes, where they have joined."""
    for told in story.read("merchants", RuleTold, "rules"):
        if told.proposed_by is not None and told.proposed_by in members:
            first, last = _days(told, at.today)
            await rulebook.propose(
                tx,
                code=told.code,
                merchant_id=merchants[told.merchant].id,
                rule=told.rule,
                valid_from=first,
                valid_to=last,
                made_by=f"member:{members[told.proposed_by].id}",
                at=at.now,
                today=at.today,
                needs_approval=True,
            )


def _days(told: RuleTold, today: dt.date) -> tuple[dt.date, dt.date | None]:
    first = today - dt.timedelta(days=told.since)
    return first, today - dt.timedelta(days=told.until) if told.until is not None else None
