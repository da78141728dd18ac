"""Purchases for the tests of intake and refunds: what a shop reports, its rules, and what is counted afterwards."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import intake, rulebook
from ledger.earning.intake import Intended
from ledger.earning.purchases import Booked
from ledger.earning.rules.bill import Bill, Part
from ledger.earning.rules.documents import RULE, Budget
from ledger.errors import Refusal
from ledger.members.person import Person, keep
from ledger.merchants.merchant import Merchant
from tests.ledger.earning.shop import NOON, VAULT, ZONE, Shop, moment

LONG_AGO = dt.date(2026, 1, 1)


async def write_rule(tx: AsyncConnection, shop: Shop | None, code: str, **document: Any) -> None:
    """A rule of the shop's, or (None) of the programme's, in force since the beginning of the year."""
    named = {"name_zh": code, "name_en": code}
    await rulebook.publish(
        tx,
        code=code,
        merchant_id=shop.merchant.id if shop else None,
        rule=RULE.validate_python({**named, **document}),
        valid_from=LONG_AGO,
        made_by="test",
        at=NOON,
    )


async def open_campaign(tx: AsyncConnection, code: str, **budget: int) -> None:
    """A campaign of the programme's, with a budget."""
    await rulebook.open_campaign(
        tx, code=code, merchant_id=None, name_zh=code, name_en=code, budget=Budget.model_validate(budget)
    )


def bill(*minor: int, otherwise: int = 0, **line: Any) -> Bill:
    """A bill with a line for each amount."""
    return Bill(tuple(Part(amount, **line) for amount in minor), "CNY", otherwise)


def bought(shop: Shop | Merchant, document: str, minor: int = 10000, *, days: int = 0, **said: Any) -> Intended:
    """What a shop reports: by its customer unless said otherwise."""
    when = moment(days)
    if isinstance(shop, Shop):
        said.setdefault("member_id", shop.customer)
        shop = shop.merchant
    facts = {"bill": bill(minor), "bought_on": when.today, "occurred_at": when.now, "actor": "api", "channel": "api"}
    return Intended(merchant=shop, document=document, **{**facts, **said})


async def book(tx: AsyncConnection, *batch: Intended, days: int = 0, **how: Any) -> list[Booked | Refusal]:
    """Books a batch, at noon of a day."""
    return await intake.book_many(tx, batch, at=moment(days), zone=ZONE, vault=VAULT, **how)


def points(outcomes: Sequence[Booked | Refusal]) -> list[int | str]:
    """What each earned, or the code of its refusal."""
    return [no.code if isinstance(no, Refusal) else no.purchase.points for no in outcomes]


async def caps(tx: AsyncConnection) -> dict[tuple[str, str], int]:
    """What is counted under caps: (rule, period) → points, of all members together."""
    rows = await tx.execute(
        text("SELECT rule, period, sum(points)::bigint FROM cap_usage WHERE rule <> '(first)' GROUP BY rule, period")
    )
    return {(rule, period): given for rule, period, given in rows}


async def budgets(tx: AsyncConnection) -> dict[str, int]:
    """What is counted under budgets: scope → points of the common currency."""
    rows = await tx.execute(text("SELECT scope, coalesce((points->>'1')::bigint, 0) FROM budget_usage"))
    return {scope: given for scope, given in rows}


async def recounted(tx: AsyncConnection) -> tuple[dict[tuple[int, str, str], int], dict[str, int]]:
    """What should be counted under caps and budgets, from the purchases and refunds alone: without what comes to nothing."""
    of_caps, of_budgets = Counter[tuple[int, str, str]](), Counter[str]()
    campaigns = dict(
        (await tx.execute(text("SELECT code, max(document->>'campaign') FROM accrual_rule GROUP BY code"))).all()
    )
    backs: dict[int, list[dict[str, int]]] = {}
    for id_, shares in await tx.execute(text("SELECT purchase_id, shares FROM refund")):
        backs.setdefault(id_, []).append(shares)
    for id_, who, facts, shares in await tx.execute(text("SELECT id, member_id, facts, shares FROM purchase")):
        given = Counter(shares)
        for back in backs.get(id_, []):
            given.subtract(back)
        for rule, some in given.items():
            assert some >= 0
            for per, length in (("day", 10), ("month", 7), ("ever", 0)):
                if f"{rule}:{per}" in facts.get("used", {}):
                    of_caps[who, rule, facts["bought_at"][:length] or "ever"] += some
            for scope in (f"rule:{rule}", f"campaign:{campaigns[rule]}"):
                if scope in facts.get("left", {}):
                    of_budgets[scope] += some
    return dict(+of_caps), dict(+of_budgets)


async def counted(tx: AsyncConnection) -> tuple[dict[tuple[int, str, str], int], dict[str, int]]:
    """What is counted, as `recounted` has it."""
    rows = await tx.execute(text("SELECT member_id, rule, period, points FROM cap_usage WHERE points > 0"))
    used = await budgets(tx)
    return {(who, rule, period): some for who, rule, period, some in rows}, {
        k: some for k, some in used.items() if some
    }


async def born(tx: AsyncConnection, member_id: int, day: dt.date) -> None:
    """The member has told a birthday, long ago."""
    assert await keep(tx, VAULT, member_id, Person(member_id, member_id, "小明", day.year))
    await tx.execute(
        text("UPDATE member SET birth_month = :month, birth_day = :day, birth_told_on = '2020-01-01' WHERE id = :id"),
        {"month": day.month, "day": day.day, "id": member_id},
    )
