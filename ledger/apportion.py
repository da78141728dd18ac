"""Sharing a whole number out so that nothing is lost to rounding: the one way in which points and money are split pro rata."""

from __future__ import annotations

from collections.abc import Sequence


def split(whole: int, weights: Sequence[int]) -> list[int]:
    """`whole` in parts proportional to `weights` (not all of them zero), adding up to it: largest remainder, ties to the
    first."""
    total = sum(weights)
    parts = [whole * weight // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
    for i in order[: whole - sum(parts)]:
        parts[i] += 1
    return parts
