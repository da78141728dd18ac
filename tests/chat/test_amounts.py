"""Amounts as cashiers type them."""

from __future__ import annotations

import pytest

from chat.amounts import parse


@pytest.mark.parametrize(
    ("said", "minor"),
    [
        ("300", 30000),
        ("300.5", 30050),
        ("300.55", 30055),
        ("0.01", 1),
        (" ¥300 ", 30000),
        ("¥300.5", 30050),
        ("300.5", 30050),
        ("300元", 30000),
        ("300块钱", 30000),
        ("£12.30", 1230),
        ("1,280.00", 128000),
        ("12,345,678", None),
        ("999999.99", 99999999),
        ("1000000", None),
        ("12345678", None),
        ("0", None),
        ("0.00", None),
        ("-5", None),
        ("1.234", None),
        ("1,28", None),
        ("1,5", None),
        ("3e2", None),
        ("三百", None),
        ("三百块", None),
        ("٣٠٠", None),
        ("300 yuan", None),
        ("", None),
        ("¥", None),
        ("/award", None),
        ("1" * 5000, None),
    ],
)
def test_an_amount_is_read_or_refused(said: str, minor: int | None) -> None:
    assert parse(said) == minor
