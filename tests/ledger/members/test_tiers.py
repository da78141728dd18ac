"""The ladder as a table: where a member goes on a day, what is missing, and when visits count as sped up."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from pydantic import ValidationError

from ledger.members import tiers
from ledger.members.tiers import Qualifying, Standing
from ledger.programme import Acceleration, Programme, Tier, TierPrice
from tests.turns import PROGRAMME

LADDER = (
    Tier(code="plain", name_zh="普卡", name_en="Plain"),
    Tier(code="silver", name_zh="银卡", name_en="Silver", spend_minor=200_000, visits=6),
    Tier(code="gold", name_zh="金卡", name_en="Gold", spend_minor=800_000, visits=24),
)
PROG = PROGRAMME.model_copy(update={"tiers": LADDER})
TODAY = dt.date(2026, 11, 22)
NEXT = dt.date(2027, 11, 30)


def standing(tier: str, until: str | None) -> Standing:
    return Standing(tier, dt.date(2025, 11, 1), dt.date.fromisoformat(until) if until else None)


# stands on, period ends, yuan and visits now, yuan and visits at the period's end → goes to, why, until
MOVES = [
    ("", None, (0, 0), (0, 0), None),
    ("", None, (1999, 60), (0, 0), None),  # spend alone is missing a yuan
    ("", None, (9000, 5), (0, 0), None),  # visits alone are missing one
    ("", None, (2000, 6), (0, 0), ("silver", "earned", "2027-11-30")),
    ("", None, (8000, 24), (0, 0), ("gold", "earned", "2027-11-30")),  # two steps at once
    ("silver", "2027-01-31", (8000, 24), (0, 0), ("gold", "earned", "2027-11-30")),
    ("gold", "2027-01-31", (0, 0), (0, 0), None),  # held whatever follows
    ("gold", "2026-11-22", (0, 0), (0, 0), None),  # the last day is still good
    ("gold", "2026-11-21", (0, 0), (0, 0), ("silver", "landed", "2027-11-30")),  # one step, not two
    ("gold", "2026-11-21", (7999, 24), (8000, 24), ("gold", "kept", "2027-11-30")),  # it counted on the last day
    ("gold", "2026-11-21", (8000, 24), (7999, 24), ("gold", "kept", "2027-11-30")),  # late, but there by now
    ("gold", "2026-11-21", (2000, 6), (2000, 6), ("silver", "landed", "2027-11-30")),
    ("silver", "2026-11-21", (0, 0), (0, 0), ("plain", "landed", None)),
    ("silver", "2026-11-21", (9000, 30), (0, 0), ("gold", "earned", "2027-11-30")),
    ("plain", None, (0, 0), (0, 0), None),
    ("abolished", None, (2000, 6), (0, 0), ("silver", "earned", "2027-11-30")),
]


@pytest.mark.parametrize(("tier", "until", "now", "at_end", "goes"), MOVES)
def test_a_member_moves_as_the_ladder_says(
    tier: str,
    until: str | None,
    now: tuple[int, int],
    at_end: tuple[int, int],
    goes: tuple[str, str, str | None] | None,
) -> None:
    stands = standing(tier, until) if tier else None
    done = tiers.move(PROG, stands, Qualifying(now[0] * 100, now[1]), Qualifying(at_end[0] * 100, at_end[1]), TODAY)
    if done is None:
        assert goes is None
    else:
        ends = done.standing.until
        assert (done.standing.tier, done.why, ends.isoformat() if ends else None) == goes


def test_what_is_missing_is_said_of_both_figures_and_never_below_nothing() -> None:
    assert tiers.missing(LADDER[2], Qualifying(768_000, 22)) == tiers.Missing(32_000, 2)
    assert tiers.missing(LADDER[2], Qualifying(900_000, 22)) == tiers.Missing(0, 2)
    assert tiers.missing(LADDER[1], Qualifying(900_000, 22)).nothing


@pytest.mark.parametrize(
    ("day", "opens", "ends"),
    [
        ("2026-11-22", "2025-11-22", "2027-11-30"),
        ("2028-02-29", "2027-02-28", "2029-02-28"),
        ("2027-02-28", "2026-02-28", "2028-02-29"),
        ("2026-12-31", "2025-12-31", "2027-12-31"),
    ],
)
def test_windows_and_periods_know_the_calendar(day: str, opens: str, ends: str) -> None:
    on = dt.date.fromisoformat(day)
    assert tiers.window_opens(on, 12) == dt.date.fromisoformat(opens)
    assert tiers.period_ends(on, 12) == dt.date.fromisoformat(ends)


@pytest.mark.parametrize(
    ("visits", "before", "spotted"),
    [(5, 7, True), (5, 8, False), (4, 3, False), (9, 2, False), (9, 0, False), (8, 12, True), (8, 13, False)],
)
def test_sped_up_is_against_ones_own_pace_and_above_minimum_figures(visits: int, before: int, spotted: bool) -> None:
    rule = Acceleration(visits_min=5, before_min=3, factor=Decimal(2))
    assert tiers.accelerating(rule, visits, before) is spotted


def test_a_ladder_that_is_none_is_no_programme() -> None:
    def programme(*steps: Tier) -> Programme:
        return Programme.model_validate({**PROGRAMME.model_dump(), "tiers": [each.model_dump() for each in steps]})

    assert programme(*LADDER).tiers == LADDER
    for wrong, why in [
        (LADDER[1:], "lowest tier needs nothing"),
        ((LADDER[0], LADDER[2], LADDER[1]), "needs less than"),
        ((LADDER[0], LADDER[0]), "one code"),
        ((LADDER[0].model_copy(update={"price": TierPrice(points=1, days=1)}),), "not for sale"),
        ((LADDER[0], LADDER[1].model_copy(update={"price": TierPrice(points=1, days=1)})), "tier_seller"),
    ]:
        with pytest.raises(ValidationError, match=why):
            programme(*wrong)
