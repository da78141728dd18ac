"""What is typed as an amount, and which amounts are offered as buttons."""

from __future__ import annotations

import pytest

from chat.offers import likely_amounts
from handlers.redeem import read_amount
from ledger.redeeming.offers import PerMoney, PerUnit

VOUCHER = PerMoney(points=50, least_minor=2000, step_minor=400, most_minor=20000)


@pytest.mark.parametrize(
    ("said", "minor"),
    [
        ("24", 2400), ("¥24", 2400), ("24元", 2400), (" 24.50 ", 2450), ("2４", 2400), ("24块", 2400), ("¥ 24", 2400), ("0", None),
        ("-4", None), ("24.005", None), ("1e9", None), ("NaN", None), ("Infinity", None), ("", None), ("二十", None), ("2 4", 2400),
        ("9" * 400, None),
    ],
)  # fmt: skip
def test_money_as_typed(said: str, minor: int | None) -> None:
    assert read_amount(said, of_money=True) == minor


@pytest.mark.parametrize(("said", "pieces"), [("2", 2), ("2份", 2), ("2.5", None), ("３", 3), ("two", None)])
def test_pieces_as_typed(said: str, pieces: int | None) -> None:
    assert read_amount(said, of_money=False) == pieces


@pytest.mark.parametrize(
    ("price", "most", "count", "amounts"),
    [
        (VOUCHER, 2000, 4, [2000]),
        (VOUCHER, 2400, 4, [2000, 2400]),
        (VOUCHER, 3200, 4, [2000, 2400, 2800, 3200]),
        (VOUCHER, 20000, 4, [2000, 8000, 14000, 20000]),
        (PerUnit(points=1, most_units=9), 9, 4, [1, 4, 6, 9]),
        (PerUnit(points=1, most_units=3), 3, 8, [1, 2, 3]),
    ],
)
def test_the_likely_amounts_are_few_even_and_sold(
    price: PerUnit | PerMoney, most: int, count: int, amounts: list[int]
) -> None:
    assert likely_amounts(price, most, count) == amounts
    assert [price.quote(amount).amount for amount in amounts] == amounts
