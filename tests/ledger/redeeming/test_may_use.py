"""The predicate of privileges as a table: what is asked, what is known, what comes of it; and that remedies lift what they say."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.errors import Refusal
from ledger.redeeming import may_use as m
from ledger.redeeming.may_use import Facts, Here, Listed, No, Yes, may_use
from ledger.redeeming.offers import Names
from ledger.redeeming.privilege import Free, Gives, Held, PercentOff, Privilege, parse
from ledger.redeeming.windows import When

TODAY = dt.date(2026, 11, 22)
CAFE, HALL = (1, "南京路店"), (2, "人民广场店")
REGIONS = {"hz": ("杭州", "Hangzhou"), "sh": ("上海", "Shanghai")}
TIERS = {"plain": ("普卡", "Plain"), "silver": ("银卡", "Silver"), "gold": ("金卡", "Gold")}


def said(gives: Gives | None = None, **more: Any) -> Privilege:
    given_ = {"holds": Held(points=5000), **more}
    return Privilege(
        code="fresh",
        merchant="market",
        name=Names(zh="鲜食", en="Fresh food"),
        gives=gives or PercentOff(percent=10),
        **given_,
    )


def listed(privilege: Privilege, **more: Any) -> Listed:
    holds = privilege.holds is not None
    one = Listed(
        1, 1, True, 7, Names(zh="云山超市", en="Yunshan"), True, "CNY", 1 if holds else None,
        Names(zh="积分", en="points") if holds else None, True, (), privilege,
    )  # fmt: skip
    return replace(one, **more)


def facts(**more: Any) -> Facts:
    return Facts(**{"tier": "plain", "tiers": TIERS, "regions": REGIONS, "available": 6000, **more})


def codes(verdict: Yes | No) -> list[str]:
    return [] if isinstance(verdict, Yes) else [each.code for each in verdict.reasons]


@pytest.mark.parametrize(
    ("gives", "before", "after"),
    [
        (PercentOff(percent=10), 10_000, 9_000),  # ¥100 of fresh food
        (PercentOff(percent=10), 1_000_000, 900_000),  # ¥10,000 of custom work
        (PercentOff(percent=15), 9_999, 8_499),  # 8,499.15: the broken fen is the member's
        (PercentOff(percent=10), 1, 0),
        (PercentOff(percent=99), 100, 1),
        (PercentOff(percent=50, most_off_minor=3_000), 10_000, 7_000),
        (PercentOff(percent=50, most_off_minor=3_000), 4_000, 2_000),
    ],
)
def test_what_is_left_to_pay(gives: PercentOff, before: int, after: int) -> None:
    verdict = may_use(listed(said(gives)), facts(), today=TODAY, amount_minor=before)
    assert isinstance(verdict, Yes) and verdict.after_minor == after


@pytest.mark.parametrize(
    ("privilege", "known", "expected"),
    [
        (said(), {"available": 5000}, []),
        (said(), {"available": 4999}, ["holding_short"]),
        (said(holds=None, tiers=("gold",)), {"available": 0, "tier": "gold"}, []),
        (said(holds=None, tiers=("silver", "gold")), {"tier": "gold"}, []),
        (said(holds=None, tiers=("gold",)), {"tier": "silver"}, ["tier_needed"]),
        (said(holds=None, tiers=("plain",)), {"tier": None}, ["tier_needed"]),  # a company has none
        (said(tiers=("gold",)), {"available": 10}, ["tier_needed", "holding_short"]),
        (said(region="hz"), {"region": "hz"}, []),
        (said(region="hz"), {"region": "sh"}, ["region_needed"]),
        (said(region="hz"), {}, ["region_needed"]),
        (said(region="hz", tiers=("gold",)), {"available": 1}, ["tier_needed", "region_needed", "holding_short"]),
        (said(), {"status": "frozen"}, ["member_may_not_use"]),
        (said(), {"status": "unclaimed"}, []),
        (said(per_month=4), {"used_month": 3, "used_today": 3}, []),
        (said(per_month=4), {"used_month": 4}, ["used_up"]),
        (said(per_month=4), {"used_month": 9}, ["used_up"]),  # the limit was lowered
        (said(per_day=1), {"used_month": 3, "used_today": 1}, ["used_up"]),
        (said(per_day=1, per_month=3), {"used_month": 3, "used_today": 1}, ["used_up"]),
        (said(when=When(from_on=TODAY, until=TODAY)), {}, []),
        (said(when=When(from_on=dt.date(2026, 11, 23))), {}, ["privilege_not_yet"]),
        (said(when=When(until=dt.date(2026, 11, 21))), {}, ["privilege_over"]),
    ],
)
def test_reasons_in_their_order(privilege: Privilege, known: dict[str, Any], expected: list[str]) -> None:
    assert codes(may_use(listed(privilege), facts(**known), today=TODAY)) == expected


def test_a_till_says_where_it_is() -> None:
    there = listed(said(), outlets=(CAFE,))
    assert codes(may_use(there, facts(), today=TODAY)) == []  # a member asks, wherever they will be
    assert codes(may_use(there, facts(), today=TODAY, here=Here(1))) == []
    for elsewhere, known in ((Here(2), True), (Here(), False)):
        verdict = may_use(there, facts(), today=TODAY, here=elsewhere)
        assert isinstance(verdict, No)
        assert [each.facts for each in verdict.reasons] == [
            {"merchant_id": 7, "outlets": ("南京路店",), "known": known}
        ]
    assert codes(may_use(listed(said()), facts(), today=TODAY, here=Here())) == []


def test_a_merchant_that_left_and_a_privilege_switched_off() -> None:
    gone = listed(said(), active=False, serves=False)
    assert codes(may_use(gone, facts(), today=TODAY)) == ["privilege_paused", "giver_not_serving"]


def test_a_small_amount_is_refused_once_it_is_known() -> None:
    large = listed(said(PercentOff(percent=10, least_minor=5_000)))
    assert codes(may_use(large, facts(), today=TODAY)) == []
    assert codes(may_use(large, facts(), today=TODAY, amount_minor=4_999)) == ["amount_too_small"]
    assert codes(may_use(large, facts(), today=TODAY, amount_minor=5_000)) == []


def test_what_is_left_this_month_counts_the_use_at_hand() -> None:
    verdict = may_use(listed(said(Free(), per_month=4, per_day=1)), facts(used_month=2), today=TODAY)
    assert verdict == Yes(None, 2, 1)


def test_the_next_use_comes_on_a_day_on_which_it_holds() -> None:
    tuesdays = said(per_month=1, when=When(weekdays=(2,), until=dt.date(2026, 12, 3)))
    verdict = may_use(listed(tuesdays), facts(used_month=1), today=dt.date(2026, 11, 24))
    assert isinstance(verdict, No) and verdict.reasons[0].facts["again_on"] == dt.date(2026, 12, 1)
    last = said(per_month=1, when=When(until=dt.date(2026, 11, 30)))
    verdict = may_use(listed(last), facts(used_month=1), today=TODAY)
    assert isinstance(verdict, No) and verdict.reasons[0].facts["again_on"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"holds": None},
        {"name": Names(zh="很" * 25, en="Long")},
        {"conditions": (Names(zh="短", en="x" * 61),)},
        {"gives": {"kind": "percent_off", "percent": 100}},
        {"per_month": 0},
        {"code": "Not A Code"},
    ],
)
def test_what_is_no_privilege(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Privilege.model_validate({**said().model_dump(), **wrong})


def test_a_document_comes_back_as_it_was() -> None:
    one = said(Free(), tiers=("gold",), when=When(weekdays=(1, 7)), outlets=("南京路店",), per_month=4)
    assert parse(one.model_dump_json(exclude_none=True)) == one


# -- each remedy lifts its refusal

DAYS = st.dates(dt.date(2026, 11, 1), dt.date(2027, 2, 10))


@st.composite
def asked(draw: st.DrawFn) -> Listed:
    """Any privilege."""
    points = draw(st.none() | st.integers(1, 6000))
    tiers = tuple(draw(st.lists(st.sampled_from(sorted(TIERS)), unique=True, max_size=2)))
    assume(points is not None or tiers)
    first, last = draw(st.none() | DAYS), draw(st.none() | DAYS)
    assume(first is None or last is None or first <= last)
    try:
        when = When(
            from_on=first, until=last, weekdays=tuple(draw(st.lists(st.integers(1, 7), unique=True, max_size=2)))
        )
    except ValidationError:
        assume(False)
    gives = draw(
        st.just(Free()) | st.builds(PercentOff, percent=st.integers(1, 99), least_minor=st.none() | st.integers(1, 500))
    )
    privilege = said(
        gives, holds=None if points is None else Held(points=points), tiers=tiers, when=when,
        region=draw(st.sampled_from([None, *REGIONS])), per_day=draw(st.none() | st.integers(1, 3)),
        per_month=draw(st.none() | st.integers(1, 5)),
    )  # fmt: skip
    places = draw(st.sampled_from([(), (CAFE,), (CAFE, HALL)]))
    return listed(privilege, active=draw(st.booleans()), serves=draw(st.booleans()), outlets=places)


KNOWN = st.builds(
    lambda status, tier, region, available, today, earlier: facts(
        status=status, tier=tier, region=region, available=available, used_today=today, used_month=today + earlier
    ),
    st.sampled_from(["active", "unclaimed", "frozen"]), st.sampled_from([None, *TIERS]),
    st.sampled_from([None, *REGIONS]), st.integers(0, 7000), st.integers(0, 3), st.integers(0, 4),
)  # fmt: skip


class Case:
    """What was asked: everything that a remedy may change."""

    def __init__(self, this: Listed, known: Facts, today: dt.date, here: Here, amount: int) -> None:
        self.this, self.known, self.today, self.here, self.amount = this, known, today, here, amount

    def ask(self) -> Yes | No:
        return may_use(self.this, self.known, today=self.today, here=self.here, amount_minor=self.amount)

    def later(self, day: dt.date) -> None:
        """Another day: what was used today was used before it, and a month begins with nothing used."""
        month = self.known.used_month if (day.year, day.month) == (self.today.year, self.today.month) else 0
        self.known = replace(self.known, used_today=0 if day > self.today else self.known.used_today, used_month=month)
        self.today = day

    def apply(self, no: Refusal) -> bool:
        """Do what the refusal says would lift it. False: it says that nothing will."""
        match no:
            case m.MemberMayNotUse():
                self.known = replace(self.known, status="active")
            case m.PrivilegePaused():
                self.this = replace(self.this, active=True)
            case m.GiverNotServing():
                self.this = replace(self.this, serves=True)
            case m.PrivilegeOver():
                return False
            case m.PrivilegeNotYet(opens_on=day):
                self.later(day)
            case m.TierNeeded(tiers=tiers):
                self.known = replace(self.known, tier=next(c for c, (zh, _) in TIERS.items() if zh == tiers[0].zh))
            case m.RegionNeeded(region=region, told=told):
                assert told == (self.known.region is not None)
                self.known = replace(self.known, region=next(c for c, (zh, _) in REGIONS.items() if zh == region.zh))
            case m.HoldingShort() as short:
                self.known = replace(self.known, available=self.known.available + short.lacking)
            case m.UsedUp(again_on=day):
                if day is None:
                    return False
                self.later(day)
            case m.NotAtThisOutlet(outlets=outlets):
                self.here = Here(next(i for i, name in self.this.outlets if name == outlets[0]))
            case m.AmountTooSmall(least_minor=least):
                self.amount = least
            case _:
                raise AssertionError(no)
        return True


@given(asked(), KNOWN, DAYS, st.sampled_from([Here(), Here(1), Here(3)]), st.integers(1, 600))
def test_each_remedy_lifts_its_refusal_and_all_of_them_lead_to_yes(
    this: Listed, known: Facts, today: dt.date, here: Here, amount: int
) -> None:
    case = Case(this, known, today, here, amount)
    verdict = case.ask()
    for _ in range(12):
        if isinstance(verdict, Yes):
            break
        first = verdict.reasons[0]
        same_period = first.facts.get("period")
        if not case.apply(first):
            return
        verdict = case.ask()
        left = [] if isinstance(verdict, Yes) else [(type(each), each.facts.get("period")) for each in verdict.reasons]
        assert (type(first), same_period) not in left, f"{first} came again"
    assert isinstance(verdict, Yes)
