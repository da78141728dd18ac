"""A merchant's terms: when points become available, how long they live, what a document may say."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import (
    Life,
    MonthsToMonthEnd,
    Never,
    NoSuchMerchant,
    Terms,
    Years,
    available_on,
    expires_on,
)
from tests.conftest import Database


@pytest.mark.parametrize(
    ("life", "available", "last_good_day"),
    [
        (MonthsToMonthEnd(months=12), "2026-11-18", "2027-11-30"),
        (MonthsToMonthEnd(months=12), "2027-02-01", "2028-02-29"),
        (MonthsToMonthEnd(months=1), "2026-12-31", "2027-01-31"),
        (MonthsToMonthEnd(months=0), "2026-11-30", "2026-11-30"),
        (Years(years=5), "2026-11-18", "2031-11-18"),
        (Years(years=1), "2028-02-29", "2029-02-28"),
        (Years(years=4), "2028-02-29", "2032-02-29"),
        (Never(), "2026-11-18", None),
    ],
)
def test_the_last_good_day_of_a_lot(life: Life, available: str, last_good_day: str | None) -> None:
    ends = expires_on(Terms(life=life), dt.date.fromisoformat(available))
    assert ends == (dt.date.fromisoformat(last_good_day) if last_good_day else None)


def test_points_become_available_when_the_return_window_has_passed() -> None:
    assert available_on(Terms(return_days=7), dt.date(2026, 11, 11)) == dt.date(2026, 11, 18)
    assert available_on(Terms(return_days=0), dt.date(2026, 11, 11)) == dt.date(2026, 11, 11)


def test_terms_read_back_as_written_and_refuse_what_they_do_not_know() -> None:
    terms = Terms(currency=2, life=Years(years=5), return_days=30)
    assert Terms.model_validate_json(terms.model_dump_json()) == terms
    for wrong in ({"cash_out": True}, {"return_days": -1}, {"life": {"kind": "weeks", "weeks": 3}}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Terms.model_validate(wrong)


async def test_merchants_are_found_by_code_and_id(database: Database) -> None:
    async with database.engine.begin() as tx:
        made = await merchants.create(
            tx, code="gem", name_zh="周记珠宝", name_en="Zhou Jewels", category="jeweller", terms=Terms(currency=2)
        )
        assert await merchants.by_code(tx, "gem") == await merchants.by_id(tx, made.id) == made
        assert await merchants.by_ids(tx, [made.id, 99]) == {made.id: made}
        assert await merchants.by_ids(tx, []) == {}
        assert await merchants.everyone(tx) == [made]
        with pytest.raises(NoSuchMerchant):
            await merchants.by_code(tx, "nobody")
        with pytest.raises(NoSuchMerchant):
            await merchants.by_id(tx, 99)
