"""A payment instrument (E9): a bank reports what was spent with its card, members earn for it, and for nothing else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from ledger.earning import activities
from ledger.earning.purchases import Booked
from ledger.merchants.merchant import SpendingNeeded, Terms
from tests.conftest import Database
from tests.ledger.earning.purchasing import book, bought, points, write_rule
from tests.ledger.earning.shop import moment, open_shop
from tests.ledger.earning.test_activities import begin

BANK = Terms(instrument=True)


async def test_spending_by_card_earns_and_is_told_apart_from_spending_at_a_till(database: Database) -> None:
    async with database.engine.begin() as tx:
        bank, shop = await open_shop(tx, code="bank", terms=BANK), await open_shop(tx)
        await write_rule(tx, bank, "bank-base", kind="base", rate="1", when={"channels": ["card"]})
        await write_rule(tx, shop, "at-till", kind="bonus", points=7, when={"channels": ["till"]})
        reports = bought(bank, "card-1", member_id=shop.customer, channel="api"), bought(shop, "a", channel="till")
        spent, at_till = await book(tx, *reports)
    assert isinstance(spent, Booked) and isinstance(at_till, Booked)
    assert (spent.purchase.channel, spent.purchase.points) == ("card", 100)
    assert (at_till.purchase.channel, at_till.purchase.points) == ("till", 107)


async def test_opening_a_card_earns_nothing_however_it_is_reported(database: Database) -> None:
    async with database.engine.begin() as tx:
        bank = await open_shop(tx, code="bank", terms=BANK)
        await write_rule(tx, bank, "hello", kind="bonus", points=500, when={"first_purchase": "here"})
        done = await book(tx, bought(bank, "opened", 0))
        with pytest.raises(SpendingNeeded):
            await begin(tx, bank)
        entries = await tx.scalar(text("SELECT count(*) FROM entry"))
    assert (points(done), entries) == (["amount_must_be_positive"], 0)


async def test_an_activity_from_before_it_became_an_instrument_gives_nothing_any_more(database: Database) -> None:
    async with database.engine.begin() as tx:
        bank = await open_shop(tx, code="bank")
        activity = await begin(tx, bank)
        await tx.execute(text("UPDATE merchant SET terms = terms || '{\"instrument\": true}'"))
        with pytest.raises(SpendingNeeded) as no:
            await activities.take_part(tx, activity.id, bank.customer, at=moment(minutes=5), actor="api")
    assert no.value.facts["merchant_id"] == bank.merchant.id


def test_terms_of_an_instrument_cannot_fund_a_welcome() -> None:
    with pytest.raises(ValidationError, match="spending"):
        Terms(instrument=True, funds_welcome=True)
