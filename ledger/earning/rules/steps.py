"""How figures and lines are written into a trace."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.earning.rules.bill import Part
from ledger.earning.rules.ruleset import MINOR, Ready, plain
from ledger.earning.rules.shares import Number

Step = dict[str, Any]

_POWERS_OF_TEN = frozenset(10**places for places in range(1, 19))


def of_line(ready: Ready, part: Part, amount_minor: int, money: str, figure: Number, unit: int) -> Step:
    """What a rule gives for a line, or for what is left of one."""
    step = {**ready.step(part), "points": exact(figure, unit)}
    if ready.per_piece:
        step["pieces"] = part.pieces
    else:
        step["amount_minor"], step["money"] = amount_minor, money
    if ready.grams:
        units = part.pieces if ready.per_piece else Decimal(amount_minor) / MINOR
        step["grams"] = plain(ready.grams * units)
    if part.category is not None:
        step["category"] = part.category
    if part.item is not None:
        step["item"] = part.item
    return step


def exact(figure: Number, unit: int) -> str:
    """So many 1/unit points: a decimal where one ends within six places or the unit is one, else the fraction itself."""
    if type(figure) is int:
        points, rest = divmod(figure, unit)
        if not rest:
            return str(points)
        if unit in _POWERS_OF_TEN:
            return f"{points}.{str(unit + rest)[1:].rstrip('0')}"
    written = Fraction(figure) / unit
    scaled = written * 10**6
    if scaled.denominator != 1:
        return str(written)
    return plain(Decimal(scaled.numerator).scaleb(-6))
