"""What points cost between merchants, to the fen.

An amount is rounded down once per redemption and then split by largest remainder, so the parts of a redemption add up to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from ledger.apportion import split
from ledger.points.commands import UnitValue
from ledger.programme import Programme

BP = 10_000
"""Basis points in a whole."""


class Prices(BaseModel):
    """By what a week is derived: the programme's prices, and each currency's published value. Stored with the close."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issue_bp: int
    redemption_bp: int
    fee_bp: int
    values: dict[int, UnitValue]


class Amounts(NamedTuple):
    """What one issuer's part of a redemption moves, in minor units."""

    issuer_minor: int = 0
    redeemer_minor: int = 0
    fee_minor: int = 0


def prices_of(programme: Programme, values: dict[int, UnitValue]) -> Prices:
    """The programme's prices as they are now."""
    return Prices(
        issue_bp=programme.issue_price_bp,
        redemption_bp=programme.redemption_price_bp,
        fee_bp=programme.clearing_fee_bp,
        values=values,
    )


def priced(parts: Sequence[tuple[int, int]], redeemer_id: int, currency_id: int, prices: Prices) -> list[Amounts]:
    """What each part of a redemption moves.

    Args:
        parts: (issuer, points), one per issuer. The redeemer's own points cost nobody anything.
    """
    value = prices.values[currency_id]
    foreign = [points for issuer, points in parts if issuer != redeemer_id]
    if not foreign:
        return [Amounts()] * len(parts)

    def cost(bp: int) -> int:
        return sum(foreign) * value.minor * bp // (value.points * BP)

    gets = cost(prices.redemption_bp)
    columns = (split(each, foreign) for each in (cost(prices.issue_bp), gets, gets * prices.fee_bp // BP))
    found = iter([Amounts(*each) for each in zip(*columns, strict=True)])
    return [Amounts() if issuer == redeemer_id else next(found) for issuer, _ in parts]
