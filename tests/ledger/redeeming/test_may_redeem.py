"""The one predicate, as a table of words; then: what lifts a refusal lifts it, and whatever is listed can be had at that price."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Refusal
from ledger.redeeming.may_redeem import (
    DayQuotaTaken,
    Facts,
    HouseholdHadAll,
    Listed,
    MemberHadAll,
    MemberMayNotSpend,
    MerchantNotServing,
    No,
    OfferPaused,
    PointsShort,
    SoldOut,
    Yes,
    may_redeem,
)
from ledger.redeeming.offers import AmountNotOffered, Limits, Names, Offer, PerMoney, PerUnit
from tests.ledger.redeeming.stage import offer, per_unit, per_yuan

TODAY = dt.date(2026, 11, 22)
RICH = Facts(available=1_000_000)


def on_shelf(document: Offer, **more: object) -> Listed:
    facts = {
        "id": 7, "version": 1, "active": True, "merchant_id": 3, "merchant": Names(zh="鲜果時光", en="Fresh Fruit Time"),
        "serves": True, "money": "CNY", "currency_id": 1, "currency": Names(zh="联盟积分", en="common points"), "common": True,
        "offer": document,
    }  # fmt: skip
    return Listed(**{**facts, **more})  # type: ignore[arg-type]


def box(**limits: int) -> Listed:
    return on_shelf(offer("box", "礼盒", "Box", "fruit", per_unit(500, 2500, most=5), limits=Limits(**limits)))


VOUCHER = on_shelf(offer("voucher", "券", "Voucher", "market", per_yuan(50, 20, 4, 100)))


def check(listed: Listed, facts: Facts, amount: int | None, said: str) -> None:
    """`said`: «500 up to 3», or the names of the refusals."""
    verdict = may_redeem(listed, facts, today=TODAY, amount=amount, status="frozen")
    if isinstance(verdict, Yes):
        assert f"{verdict.quote.points} up to {verdict.most}" == said
    else:
        assert " ".join(type(no).__name__ for no in verdict.reasons) == said


@pytest.mark.parametrize(
    ("listed", "facts", "amount", "said"),
    [
        (box(), Facts(available=499), 1, "PointsShort"),
        (box(), Facts(available=500), 1, "500 up to 1"),
        (box(), Facts(available=1700), None, "500 up to 3"),
        (box(), RICH, 5, "2500 up to 5"),
        (box(), RICH, 6, "AmountNotOffered"),
        (box(), RICH, 0, "AmountNotOffered"),
        (box(stock=9), replace(RICH, stock_left=2), 2, "1000 up to 2"),
        (box(stock=9), replace(RICH, stock_left=2), 3, "SoldOut"),
        (box(day=9), replace(RICH, day_left=0), 1, "DayQuotaTaken"),
        (box(member_day=2), replace(RICH, had_today=1), 1, "500 up to 1"),
        (box(member_day=2), replace(RICH, had_today=1), 2, "MemberHadAll"),
        (box(member_month=2), replace(RICH, had_month=2), 1, "MemberHadAll"),
        (box(member_ever=2), replace(RICH, had_ever=1), 1, "500 up to 1"),
        (box(member_ever=1), replace(RICH, had_ever=1), 1, "MemberHadAll"),
        (box(household_day=2), replace(RICH, house_today=1), 1, "500 up to 1"),
        (box(household_day=2), replace(RICH, house_today=1), 2, "HouseholdHadAll"),
        (box(household_month=2), replace(RICH, house_month=2, had_month=0), 1, "HouseholdHadAll"),
        (box(household_ever=4, member_ever=3), replace(RICH, house_ever=2), None, "500 up to 2"),
        (box(household_ever=1), replace(RICH, had_ever=1), 1, "500 up to 1"),
        (box(), replace(RICH, spending=False), 1, "MemberMayNotSpend"),
        (replace(box(), active=False), RICH, 1, "OfferPaused"),
        (replace(box(), serves=False), RICH, 1, "MerchantNotServing"),
        (VOUCHER, Facts(available=999), None, "PointsShort"),
        (VOUCHER, Facts(available=1000), None, "1000 up to 2000"),
        (VOUCHER, Facts(available=1200), 2400, "1200 up to 2400"),
        (VOUCHER, Facts(available=1399), 2000, "1000 up to 2400"),
        (VOUCHER, RICH, 10000, "5000 up to 10000"),
        (VOUCHER, RICH, 2200, "AmountNotOffered"),
        (VOUCHER, RICH, 10400, "AmountNotOffered"),
        (
            replace(box(stock=1, day=1, member_ever=1, member_month=1, member_day=1), active=False, serves=False),
            Facts(spending=False, had_ever=1, had_month=1, had_today=1, stock_left=0, day_left=0),
            1,
            "MemberMayNotSpend OfferPaused MerchantNotServing SoldOut MemberHadAll MemberHadAll MemberHadAll DayQuotaTaken"
            " PointsShort",
        ),
        (
            box(day=1, member_ever=1, household_ever=1, household_month=1, household_day=1),
            Facts(had_ever=1, house_ever=1, house_month=1, house_today=1, day_left=0),
            1,
            "MemberHadAll HouseholdHadAll HouseholdHadAll HouseholdHadAll DayQuotaTaken PointsShort",
        ),
    ],
)
def test_the_rules_and_their_order(listed: Listed, facts: Facts, amount: int | None, said: str) -> None:
    check(listed, facts, amount, said)


def only(verdict: Yes | No) -> Refusal:
    assert isinstance(verdict, No)
    [no] = verdict.reasons
    return no


def test_a_shortage_says_how_much_is_on_its_way() -> None:
    facts = Facts(available=880, pending=100, next_release=(dt.date(2026, 11, 29), 100))
    no = only(may_redeem(VOUCHER, facts, today=TODAY))
    assert isinstance(no, PointsShort)
    assert (no.needed, no.available, no.pending, no.next_release_on) == (1000, 880, 100, dt.date(2026, 11, 29))


@pytest.mark.parametrize(
    ("limits", "had", "again"),
    [
        ({"member_day": 1}, {"had_today": 1}, "2026-11-23"),
        ({"member_month": 1}, {"had_month": 1}, "2026-12-01"),
        ({"member_ever": 1}, {"had_ever": 1}, None),
        ({"household_day": 1}, {"house_today": 1}, "2026-11-23"),
        ({"household_month": 1}, {"house_month": 1}, "2026-12-01"),
        ({"household_ever": 1}, {"house_ever": 1}, None),
    ],
)
def test_an_own_limit_says_when_it_opens_again(limits: dict[str, int], had: dict[str, int], again: str | None) -> None:
    no = only(may_redeem(box(**limits), replace(RICH, **had), today=TODAY))
    assert isinstance(no, MemberHadAll)
    assert isinstance(no, HouseholdHadAll) == any(name.startswith("household") for name in limits)
    assert no.again_on == (again and dt.date.fromisoformat(again))


@pytest.mark.parametrize(
    ("limits", "had", "may"),
    [
        ({}, {}, True),
        ({"member_day": 1}, {"had_today": 1}, True),
        ({"member_month": 2}, {"had_month": 2, "had_today": 0}, False),
        ({"member_ever": 1}, {"had_ever": 1}, False),
        ({"household_day": 1}, {"house_today": 1}, True),
        ({"household_month": 1}, {"house_month": 1}, False),
    ],
)
def test_an_empty_day_tells_whether_tomorrow_is_open_to_this_member(
    limits: dict[str, int], had: dict[str, int], may: bool
) -> None:
    verdict = may_redeem(box(day=50, **limits), replace(RICH, day_left=0, **had), today=TODAY)
    assert isinstance(verdict, No)
    [no] = [reason for reason in verdict.reasons if isinstance(reason, DayQuotaTaken)]
    assert (no.per_day, no.reopens_on, no.may_tomorrow) == (50, dt.date(2026, 11, 23), may)


def lift(no: Refusal, listed: Listed, facts: Facts, today: dt.date, amount: int) -> tuple[Listed, Facts, dt.date, int]:
    """Do what the refusal says would help."""
    match no:
        case MemberMayNotSpend():
            return listed, replace(facts, spending=True), today, amount
        case OfferPaused():
            return replace(listed, active=True), facts, today, amount
        case MerchantNotServing():
            return replace(listed, serves=True), facts, today, amount
        case AmountNotOffered():
            return (
                listed,
                facts,
                today,
                min(no.most, max(no.least, no.least + (amount - no.least) // no.step * no.step)),
            )
        case SoldOut():
            return (
                (listed, facts, today, no.left)
                if no.left
                else (listed, replace(facts, stock_left=amount), today, amount)
            )
        case HouseholdHadAll(period="ever") if not no.left:
            return listed, replace(facts, house_ever=0, house_month=0, house_today=0), today, amount
        case MemberHadAll(period="ever") if not no.left:
            return listed, replace(facts, had_ever=0, had_month=0, had_today=0), today, amount
        case MemberHadAll(again_on=dt.date() as on):
            new = replace(facts, had_today=0, house_today=0)
            return listed, replace(new, had_month=0, house_month=0) if on.day == 1 else new, on, amount
        case MemberHadAll() if no.left:
            return listed, facts, today, no.left
        case MemberHadAll():
            return listed, replace(facts, had_month=0, had_today=0, house_month=0, house_today=0), today, 1
        case DayQuotaTaken():
            day = listed.offer.limits.day or 0
            return listed, replace(facts, day_left=day, had_today=0, house_today=0), no.reopens_on, min(amount, day)
        case PointsShort():
            return listed, replace(facts, available=no.needed), today, amount
    raise AssertionError(f"nothing is said to lift {no}")


@st.composite
def situations(draw: st.DrawFn) -> tuple[Listed, Facts, int]:
    """Any offer with any limits, any member in any state, any amount."""
    piece = st.none() | st.integers(1, 4)
    price: PerUnit | PerMoney = draw(
        st.one_of(
            st.builds(per_unit, st.integers(1, 900), most=st.integers(1, 6)),
            st.builds(lambda p, a, s, n: per_yuan(p, a, s, a + s * n), st.integers(1, 60), st.integers(1, 30),
                      st.integers(1, 7), st.integers(0, 9)),
        )
    )  # fmt: skip
    limits = Limits(
        member_day=draw(piece), member_month=draw(piece), member_ever=draw(piece), household_day=draw(piece),
        household_month=draw(piece), household_ever=draw(piece), day=draw(piece), stock=draw(piece),
    )  # fmt: skip
    listed = on_shelf(offer("any", "物", "Thing", "fruit", price, limits=limits))
    listed = replace(listed, active=draw(st.booleans()), serves=draw(st.booleans()))
    today = draw(st.integers(0, 4))
    month = today + draw(st.integers(0, 2))
    ever = month + draw(st.integers(0, 2))
    home = [draw(st.integers(0, 2)) for _ in range(3)]  # what the others of the household had
    facts = Facts(
        spending=draw(st.booleans()),
        available=draw(st.integers(0, 3000)),
        had_today=today,
        had_month=month,
        had_ever=ever,
        house_today=today + home[0],
        house_month=month + sum(home[:2]),
        house_ever=ever + sum(home),
        stock_left=None if limits.stock is None else draw(st.integers(0, limits.stock)),
        day_left=None if limits.day is None else draw(st.integers(0, limits.day)),
    )
    return listed, facts, draw(st.integers(-1, 6)) if isinstance(price, PerUnit) else draw(st.integers(0, 120)) * 100


@given(situations())
def test_doing_what_each_refusal_says_lifts_it_and_ends_in_a_yes(situation: tuple[Listed, Facts, int]) -> None:
    listed, facts, amount = situation
    today, seen = TODAY, []
    for _ in range(20):
        verdict = may_redeem(listed, facts, today=today, amount=amount, status="frozen")
        if isinstance(verdict, Yes):
            return
        no = verdict.reasons[0]
        seen.append(no)
        listed, facts, today, amount = lift(no, listed, facts, today, amount)
        after = may_redeem(listed, facts, today=today, amount=amount, status="frozen")
        if isinstance(after, No):
            same = [
                r for r in after.reasons if type(r) is type(no) and getattr(r, "period", 0) == getattr(no, "period", 0)
            ]
            assert not same or isinstance(no, SoldOut | MemberHadAll | DayQuotaTaken), (no, same)
    raise AssertionError(f"never lifted: {seen}")


@given(situations())
def test_every_amount_up_to_the_most_may_be_had_and_the_next_may_not(situation: tuple[Listed, Facts, int]) -> None:
    listed, facts, _ = situation
    verdict = may_redeem(listed, facts, today=TODAY)
    if isinstance(verdict, No):
        return
    price = listed.offer.price
    for amount in range(price.least, price.most + 1, price.step):
        judged = may_redeem(listed, facts, today=TODAY, amount=amount)
        assert isinstance(judged, Yes) == (amount <= verdict.most), amount
