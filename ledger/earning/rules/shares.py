"""Whole points by rule: what caps and budgets count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

Number = int | Fraction


def whole(
    exact: Sequence[Number], points: int, unit: int, budgets: Sequence[tuple[str, ...]], left: Mapping[str, int]
) -> list[int]:
    """Share `points`, the sum of what rules give rounded down, among them: by largest remainder, ties to the first.

    No share is above its exact figure rounded up, and those of one budget never exceed what is `left` of it. There is always a
    place for the last point: budgets hold disjoint sets of rules, a rule's own within its campaign's, so the greedy choice is a
    largest one, and the exact figures show that all points fit.

    Args:
        exact: what each rule gives, in 1/unit points.
        budgets: what each rule draws on.
    """
    floors = [figure // unit for figure in exact]
    missing = points - sum(floors)
    if not missing:
        return floors
    remainders = [figure % unit for figure in exact]
    order = sorted(range(len(exact)), key=remainders.__getitem__, reverse=True)
    if not any(budgets):
        for place in order[:missing]:
            floors[place] += 1
        return floors
    room = dict(left)
    for keys, floor in zip(budgets, floors, strict=True):
        for key in keys:
            if key in room:
                room[key] -= floor
    for place in order:
        drawn = [key for key in budgets[place] if key in room]
        if missing and remainders[place] and all(room[key] > 0 for key in drawn):
            floors[place] += 1
            missing -= 1
            for key in drawn:
                room[key] -= 1
    return floors
