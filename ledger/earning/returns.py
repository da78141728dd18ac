"""What remains of a bill when some of it comes back. Pure.

Lines come back by pieces, each with its share of the price; an amount without lines makes whatever is left smaller alike. Which
came first does not matter: what remains follows from the pieces that came back and the money that is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ledger.earning.rules.bill import Bill, Part
from ledger.errors import Refusal


class Back(NamedTuple):
    """So many pieces of the line at `place` (from 0) of a bill."""

    place: int
    pieces: int


class Returned(NamedTuple):
    """So many pieces of an item, bought with whichever line."""

    item: str
    pieces: int


@dataclass(eq=False)
class NoSuchLine(Refusal):
    """The purchase has no such line, or not so many pieces of it left; `place` counts from 0."""

    document: str
    place: int
    asked: int
    left: int


def total(backs: Iterable[Back]) -> Counter[int]:
    """Pieces by place."""
    found: Counter[int] = Counter()
    for back in backs:
        found[back.place] += back.pieces
    return found


def check(document: str, bill: Bill, returned: Mapping[int, int], backs: Sequence[Back]) -> None:
    """`NoSuchLine` unless the bill has that much left to come back."""
    for place, pieces in total(backs).items():
        left = bill.parts[place].pieces - returned.get(place, 0) if 0 <= place < len(bill.parts) else 0
        if not all(back.pieces > 0 for back in backs) or pieces > left:
            raise NoSuchLine(document, place, pieces, left)


def without(bill: Bill, returned: Mapping[int, int]) -> Bill:
    """The bill without the pieces that came back. What was paid otherwise leaves with them, in proportion."""
    parts = tuple(_fewer(part, returned.get(place, 0)) for place, part in enumerate(bill.parts))
    gross, whole = sum(part.amount_minor for part in parts), bill.gross_minor
    return Bill(parts, bill.money, bill.paid_otherwise_minor * gross // whole if whole else 0)


def left_after(bill: Bill, returned: Mapping[int, int], left_minor: int, backs: Sequence[Back]) -> int:
    """What is left of the money once these lines come back too, of which `left_minor` was left before."""
    before = without(bill, returned).net_minor
    after = without(bill, total([*(Back(*each) for each in returned.items()), *backs])).net_minor
    return after * left_minor // before if before else 0


def remaining(bill: Bill, returned: Mapping[int, int], left_minor: int) -> Bill:
    """The bill of which pieces came back and `left_minor` of the money is left.

    A piece that was paid back in part is still there; one wholly paid back is not.
    """
    bill = without(bill, returned)
    whole = bill.net_minor
    if left_minor == whole:
        return bill
    amounts = _shrunk([part.amount_minor for part in bill.parts], left_minor, whole)
    parts = tuple(
        replace(part, amount_minor=amount, pieces=-(-part.pieces * left_minor // whole))
        for amount, part in zip(amounts, bill.parts, strict=True)
    )
    return Bill(parts, bill.money, bill.paid_otherwise_minor * left_minor // whole)


def of_item(bill: Bill, returned: Mapping[int, int], item: str, pieces: int) -> list[Back]:
    """Lines of an item that so many pieces come back of, the later line first; fewer where there are not so many."""
    found = []
    for place in reversed(range(len(bill.parts))):
        part = bill.parts[place]
        if part.item == item and (some := min(pieces, part.pieces - returned.get(place, 0))) > 0:
            found.append(Back(place, some))
            pieces -= some
    return found


def shares_back(before: Mapping[str, int], after: Mapping[str, int], points: int) -> dict[str, int]:
    """How many of the `points` taken back each rule had given: none less than none, together exactly `points`.

    What remains is shared out anew, so that a rule may come out a point ahead; that point stays with the others.
    """
    back = {rule: max(0, had - after.get(rule, 0)) for rule, had in before.items()}
    extra = sum(back.values()) - points
    for rule in sorted(back, key=lambda rule: (-back[rule], rule)):
        less = min(back[rule], max(0, extra))
        back[rule] -= less
        extra -= less
    return {rule: some for rule, some in back.items() if some}


def _fewer(part: Part, gone: int) -> Part:
    if not gone:
        return part
    left = part.pieces - gone
    return replace(part, amount_minor=part.amount_minor * left // part.pieces, pieces=left)


def _shrunk(amounts: Sequence[int], left: int, whole: int) -> list[int]:
    """Each amount × left ÷ whole, rounded so that their sum is rounded down once: largest remainder, ties to the first."""
    floors = [amount * left // whole for amount in amounts]
    missing = sum(amounts) * left // whole - sum(floors)
    order = sorted(range(len(amounts)), key=lambda i: (-(amounts[i] * left % whole), i))
    for i in order[:missing]:
        floors[i] += 1
    return floors
