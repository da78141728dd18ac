"""Card codes: once, for seconds, at one till."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import text

from ledger.members import card
from ledger.members.card import CardExpired, CardUnknown, CardUsed
from tests.conftest import Database
from tests.turns import NOW

SECOND = dt.timedelta(seconds=1)


async def test_a_fresh_code_gives_its_member_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        issued = await card.issue(tx, 7, seed="a", seconds=30, now=NOW)
        assert await card.present(tx, issued.code, staff_id=1, now=NOW + 29 * SECOND) == 7
        with pytest.raises(CardUsed) as no:
            await card.present(tx, issued.code, staff_id=2, now=NOW + 29 * SECOND)
        assert no.value.used_at == NOW + 29 * SECOND


async def test_a_screenshot_is_worthless_when_the_seconds_are_over(database: Database) -> None:
    async with database.engine.begin() as tx:
        issued = await card.issue(tx, 7, seed="a", seconds=30, now=NOW)
        with pytest.raises(CardExpired):
            await card.present(tx, issued.code, staff_id=1, now=NOW + 30 * SECOND)
        with pytest.raises(CardUnknown):
            await card.present(tx, "00000000", staff_id=1, now=NOW)


async def test_of_two_tills_at_once_one_gets_the_member(database: Database) -> None:
    async with database.engine.begin() as tx:
        issued = await card.issue(tx, 7, seed="a", seconds=30, now=NOW)

    async def scan(staff_id: int) -> int | None:
        async with database.engine.begin() as tx:
            try:
                return await card.present(tx, issued.code, staff_id=staff_id, now=NOW)
            except CardUsed:
                return None

    assert sorted(await asyncio.gather(*(scan(i) for i in range(8))), key=str) == [7, *[None] * 7]


async def test_a_code_that_is_still_good_is_never_given_to_another(database: Database) -> None:
    async with database.engine.begin() as tx:
        first = await card.issue(tx, 7, seed="same", seconds=30, now=NOW)
        second = await card.issue(tx, 8, seed="same", seconds=30, now=NOW)
        assert first.code != second.code
        third = await card.issue(tx, 9, seed="same", seconds=30, now=NOW + 31 * SECOND)
        assert third.code == first.code, "an ended code is free again"
        assert await card.present(tx, third.code, staff_id=1, now=NOW + 40 * SECOND) == 9


async def test_a_members_old_codes_are_forgotten_after_a_day(database: Database) -> None:
    async with database.engine.begin() as tx:
        await card.issue(tx, 7, seed="a", seconds=30, now=NOW)
        await card.issue(tx, 7, seed="b", seconds=30, now=NOW + dt.timedelta(days=2))
        assert await tx.scalar(text("SELECT count(*) FROM card_code")) == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("12345678", "12345678"),
        (" 1234 5678 ", "12345678"),
        ("1234-5678", "12345678"),
        ("https://t.me/jifen_bot?start=c_12345678", "12345678"),
        ("c_12345678", "12345678"),
        ("1234567", None),
        ("123456789", None),
        ("1234567a", None),
        ("١٢٣٤٥٦٧٨", None),
        ("", None),
    ],
)
def test_a_code_is_read_as_typed_or_scanned(said: str, code: str | None) -> None:
    assert card.typed(said) == code
