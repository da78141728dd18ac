"""What was bought: a bill and its lines."""

from __future__ import annotations

from dataclasses import field

from ledger.values import value


@value(frozen=True, slots=True)
class Part:
    """A line of a purchase in minor units of the bill's money. What is not known of it is None."""

    amount_minor: int
    category: str | None = None
    green_class: str | None = None
    pieces: int = 1
    item: str | None = None


@value(frozen=True, slots=True)
class Bill:
    """Lines in minor units of `money`, and how much of their sum was paid with points or vouchers, which earns nothing and is
    taken off every line alike. `gross_minor` is the sum of the lines."""

    parts: tuple[Part, ...]
    money: str
    paid_otherwise_minor: int = 0
    gross_minor: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gross_minor", sum([part.amount_minor for part in self.parts]))

    @property
    def net_minor(self) -> int:
        """What was paid with money."""
        return max(0, self.gross_minor - self.paid_otherwise_minor)
