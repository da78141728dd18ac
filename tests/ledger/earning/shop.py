"""A small shop for the tests of earning: a merchant with one point per yuan, its till, a member, and a clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook
from ledger.earning.rules.documents import Base
from ledger.members.vault import Vault
from ledger.merchants import merchant as merchants
from ledger.merchants import staff as counter
from ledger.merchants.merchant import Merchant, Terms
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment

ZONE = ZoneInfo("Asia/Shanghai")
VAULT = Vault("a secret for tests", lambda n: bytes(range(n)))

NOON = dt.datetime(2026, 11, 11, 4, 0, tzinfo=dt.UTC)
"""Noon of 11 November 2026 in Shanghai."""


def moment(days: int = 0, minutes: int = 0) -> Moment:
    """Noon, so many days and minutes later."""
    now = NOON + dt.timedelta(days=days, minutes=minutes)
    return Moment(now, (now + dt.timedelta(hours=8)).date())


@dataclass(frozen=True)
class Shop:
    """A merchant and the people at its till."""

    merchant: Merchant
    owner: Staff
    manager: Staff
    cashier: Staff
    colleague: Staff
    customer: int


async def new_member(tx: AsyncConnection) -> int:
    """A member without a person."""
    made = await tx.scalar(text("INSERT INTO member (status, joined_on) VALUES ('active', '2026-01-01') RETURNING id"))
    return int(made)


async def open_shop(tx: AsyncConnection, *, rate: str = "1", terms: Terms | None = None, code: str = "yunshan") -> Shop:
    """A certified supermarket with an owner, a manager, two cashiers and one customer."""
    await tx.execute(
        text(
            "INSERT INTO currency (id, code, name_zh, name_en, value_minor, value_points)"
            " VALUES (1, 'common', '积分', 'points', 2, 1) ON CONFLICT DO NOTHING"
        )
    )
    merchant = await merchants.create(
        tx, code=code, name_zh="云山超市", name_en="Cloudhill Market", category="grocery", terms=terms or Terms()
    )
    await rulebook.publish(
        tx,
        code=f"{code}-base",
        merchant_id=merchant.id,
        rule=Base(rate=Decimal(rate), category_rates={"green": Decimal("1.5")}),
        valid_from=dt.date(2026, 1, 1),
        made_by="test",
        at=NOON,
    )
    team = []
    for role, label in [("owner", "店主"), ("manager", "店长"), ("cashier", "3号台"), ("cashier", "4号台")]:
        who = await new_member(tx)
        team.append(
            await counter.add(tx, merchant_id=merchant.id, member_id=who, role=role, label=label, by="test", now=NOON)
        )
    return Shop(merchant, *team, await new_member(tx))
