"""Points with the name of their currency: one of them is said as one, where the currency has a word for it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from chat.known import Known
from chat.words import Speaker
from ledger.points.statements import Currency

RAIL = Currency(2, "rail", 7, "铁路积分", "Rail points", 1, 1, "CNY", "Rail point")


def said(points: int, currency: Currency, language: str = "en") -> str:
    return Speaker(language, dt.date(2026, 11, 22)).plain(Known({2: currency}, {}).points(2, points))


def test_one_point_of_a_merchants_currency_is_singular_in_english() -> None:
    assert [said(n, RAIL) for n in (0, 1, -1, 2)] == ["0 Rail points", "1 Rail point", "-1 Rail point", "2 Rail points"]
    assert said(1, RAIL, "zh") == "1 铁路积分"


def test_a_currency_without_a_word_for_one_says_it_as_several() -> None:
    assert said(1, replace(RAIL, name_en_one=None)) == "1 Rail points"
    assert said(1, replace(RAIL, issuer_id=None)) == "1 pt"
