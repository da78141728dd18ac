"""The demo's guarantees and settled weeks: covers as merchants.toml tells them, all weeks closed up to now, one dispute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.demo import story
from ledger.clearing import close, disputes, positions
from ledger.merchants import guarantee
from ledger.merchants.merchant import Merchant
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.programme import Programme

REASON = "会员说没有领到礼盒"


class CoverTold(BaseModel):
    """What stands behind a merchant's points, in yuan: paid in beforehand, and how far it may go beyond that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    merchant: str
    float: Decimal = Decimal(0)
    reference: str = ""
    limit: Decimal = Decimal(0)


async def settle(
    tx: AsyncConnection,
    programme: Programme,
    merchants: Mapping[str, Merchant],
    tills: Mapping[int, Staff],
    *,
    at: Moment,
) -> None:
    """Set the covers, close every week that is over, and let the supermarket's owner dispute a line of the last one."""
    for told in story.read("merchants", CoverTold, "covers"):
        await _cover(tx, told, merchants[told.merchant].id, at)
    while await close.close_next(tx, programme, at=at) is not None:
        pass
    market = merchants["market"]
    for week in await positions.weeks(tx, limit=2):
        for shown in await positions.page(tx, market.id, week):
            if "礼盒" in (shown.offer_zh or "") and shown.line.issuer_id == market.id:
                days = programme.dispute_days
                await disputes.dispute(tx, tills[market.id], shown.line.place, REASON, days=days, at=at)
                return


async def _cover(tx: AsyncConnection, told: CoverTold, merchant_id: int, at: Moment) -> None:
    entered = Moment(at.now - dt.timedelta(days=60), at.today - dt.timedelta(days=60))
    if told.float:
        await guarantee.pay(tx, merchant_id, int(told.float * 100), told.reference, actor="operator:demo", at=entered)
    if told.limit:
        await guarantee.set_limit(tx, merchant_id, int(told.limit * 100), actor="operator:demo", at=entered)
    await guarantee.count(tx, at=at, merchant_id=merchant_id)
