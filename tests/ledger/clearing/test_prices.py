"""What a redemption costs whom, to the fen: one table, one check."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.apportion import split
from ledger.clearing.prices import Amounts, Prices, priced
from ledger.points.commands import UnitValue

COMMON, RAIL, ODD = 1, 2, 3
VALUES = {COMMON: UnitValue(2, 1), RAIL: UnitValue(1, 1), ODD: UnitValue(1, 3)}


def check(parts: str, *, currency: int = COMMON, bp: tuple[int, int, int] = (10_000, 10_000, 100)) -> str:
    """«5:300 6:200» at redeemer 9 → «5 pays 600 gets 600 fee 6 · …»."""
    given_ = [(int(issuer), int(points)) for issuer, points in (part.split(":") for part in parts.split())]
    prices = Prices(issue_bp=bp[0], redemption_bp=bp[1], fee_bp=bp[2], values=VALUES)
    found = zip(given_, priced(given_, 9, currency, prices), strict=True)
    return " · ".join(f"{i} {a.issuer_minor}/{a.redeemer_minor}/{a.fee_minor}" for (i, _), a in found)


@pytest.mark.parametrize(
    ("parts", "currency", "bp", "pays_gets_fee"),
    [
        ("5:500", COMMON, (10_000, 10_000, 100), "5 1000/1000/10"),
        ("5:500", RAIL, (10_000, 10_000, 100), "5 500/500/5"),
        ("5:300 6:200", COMMON, (10_000, 10_000, 100), "5 600/600/6 · 6 400/400/4"),
        ("5:300 9:200", COMMON, (10_000, 10_000, 100), "5 600/600/6 · 9 0/0/0"),  # its own cost nobody anything
        ("9:200", COMMON, (10_000, 10_000, 100), "9 0/0/0"),
        ("5:500", COMMON, (10_000, 9_500, 0), "5 1000/950/0"),  # the operator keeps the difference
        ("5:333 6:333 7:334", COMMON, (10_000, 10_000, 100), "5 666/666/7 · 6 666/666/6 · 7 668/668/7"),
        (
            "5:1 6:1 7:1",
            ODD,
            (10_000, 10_000, 0),
            "5 1/1/0 · 6 0/0/0 · 7 0/0/0",
        ),  # one fen for three points: to the first
        ("5:2", ODD, (10_000, 10_000, 0), "5 0/0/0"),  # rounded down, once
        ("5:7 6:1", ODD, (10_000, 10_000, 0), "5 2/2/0 · 6 0/0/0"),
        ("5:99", COMMON, (10_000, 10_000, 100), "5 198/198/1"),
    ],
)
def test_what_each_issuer_pays_and_the_redeemer_gets(
    parts: str, currency: int, bp: tuple[int, int, int], pays_gets_fee: str
) -> None:
    assert check(parts, currency=currency, bp=bp) == pays_gets_fee


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
def test_parts_add_up_and_differ_from_their_share_by_less_than_one(whole: int, weights: list[int]) -> None:
    parts = split(whole, weights)
    assert sum(parts) == whole
    assert all(
        abs(part * sum(weights) - whole * weight) < sum(weights) for part, weight in zip(parts, weights, strict=True)
    )


def test_an_amount_of_nothing_is_nothing() -> None:
    assert Amounts() == (0, 0, 0)
