"""Who, when, at which price: the promised figures through the one predicate, and that doing what a refusal says lifts it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.errors import Refusal
from ledger.redeeming.in_force import in_force
from ledger.redeeming.may_redeem import (
    DayQuotaTaken,
    Facts,
    Listed,
    MemberHadAll,
    No,
    PointsShort,
    SoldOut,
    Yes,
    may_redeem,
)
from ledger.redeeming.offers import AmountNotOffered, Early, Limits, Offer, Special, parse
from ledger.redeeming.reach import (
    BlackedOut,
    NotYetOnShelf,
    OfferOver,
    OnlyForStanding,
    OnlyForTiers,
    OnlyInRegions,
    hidden,
)
from ledger.redeeming.who import Traits, Who
from ledger.redeeming.windows import Span, When
from tests.ledger.redeeming.stage import offer, per_unit, per_yuan
from tests.ledger.redeeming.test_may_redeem import on_shelf

PLAIN, GOLD = Traits(tier="plain", region="sh"), Traits(tier="gold", region="hz", standing=700)


def day(said: str) -> dt.date:
    return dt.date.fromisoformat(said)


def special(name: str, price: Any, *, who: dict[str, Any] | None = None, **when: object) -> Special:
    said = {"name": {"zh": name, "en": name}, "when": when, "who": who or {}, "price": price}
    return Special.model_validate(said)


FESTIVAL = {"from_on": "2026-09-21", "until": "2026-09-27"}
SEASON = {"from_on": "2026-07-01", "until": "2026-08-31"}
CAMPAIGN = {"from_on": "2026-11-01", "until": "2026-12-31"}

CASH = offer(
    "cash", "代金券", "Voucher", "market", per_unit(1000, 2000), kind="voucher",
    specials=(special("中秋价", per_unit(1000, 3000), **FESTIVAL),),
)  # fmt: skip
VARIABLE = offer("variable", "超市券", "Market voucher", "market", per_yuan(50, 20, 2, 200))
BOX = offer(
    "box", "礼盒", "Box", "fruit", per_unit(500, 2500), specials=(special("旺季价", per_unit(400, 2500), **SEASON),)
)
JEWEL = offer(
    "jewel", "珠宝券", "Jewellery", "market", per_yuan(10, 1000, 200, 5000),
    specials=(special("答谢", per_yuan(10, 800, 200, 5000), **CAMPAIGN),),
)  # fmt: skip
PEAK = offer(
    "peak",
    "券",
    "Voucher",
    "market",
    per_unit(1000, 2000),
    specials=(special("多两成", per_unit(1000, 2400), **SEASON),),
)
GOLDEN = offer("gold", "围巾", "Scarf", "market", per_unit(3400, 6800),
               specials=(special("金卡价", per_unit(2800, 6800), who={"tiers": ["gold"]}),))  # fmt: skip
TRUSTED = offer("gym", "健身", "Gym", "market", per_unit(1500, 3000),
                specials=(special("信用价", per_unit(1200, 3000), who={"standing": 650}),))  # fmt: skip
DAY28 = offer("corn", "爆米花", "Popcorn", "market", per_unit(900, 1800),
              specials=(special("兑换日价", per_unit(700, 1800), days_of_month=[28]),))  # fmt: skip
LOCAL = offer(
    "local", "茶", "Tea", "market", per_unit(300), specials=(special("本地价", per_unit(250), who={"regions": ["hz"]}),)
)
COAT = offer(
    "coat", "外套", "Coat", "market", per_unit(6000, 12000), on_shelf=When(from_on=day("2026-11-28"), until=day("2027-01-20")),
    early=(Early(who=Who(tiers=("gold",)), from_on=day("2026-11-22")), Early(who=Who(standing=800), from_on=day("2026-11-25"))),
)  # fmt: skip
FILM = offer("film", "电影票", "Ticket", "market", per_unit(2000, 4000),
             blackout=(Span(from_on=day("2026-12-25"), until=day("2027-01-03")),))  # fmt: skip
LAKE = offer("lake", "湖畔电影", "Lake", "market", per_unit(800, 3000), region="hz")
CLUB = offer("club", "下午茶", "Tea", "market", per_unit(600, 4800), who=Who(tiers=("gold",)))
TRUST_ONLY = offer("trust", "租借", "Loan", "market", per_unit(100), who=Who(standing=650))


def told(document: Offer, on: str, who: Traits, amount: int | None = None) -> str:
    """«1000 → 3000, usually 1000 → 2000, 中秋价 to 2026-09-27», or the refusals."""
    verdict = may_redeem(
        on_shelf(document), Facts(available=1_000_000, traits=who), today=day(on), amount=amount, status="active"
    )
    if isinstance(verdict, No):
        return " ".join(type(no).__name__ for no in verdict.reasons)
    quote, priced = verdict.quote, verdict.priced
    said = [f"{quote.points} → {quote.value_minor}"]
    if (usual := priced.usually(quote)) is not None:
        said.append(f"usually {usual.points} → {usual.value_minor}")
    if priced.special is not None:
        said.append(f"{priced.special.name.zh} to {priced.until}")
    return ", ".join(said)


@pytest.mark.parametrize(
    ("document", "on", "who", "amount", "said"),
    [
        (CASH, "2026-09-20", PLAIN, 1, "1000 → 2000"),
        (CASH, "2026-09-21", PLAIN, 1, "1000 → 3000, usually 1000 → 2000, 中秋价 to 2026-09-27"),
        (CASH, "2026-09-27", PLAIN, 1, "1000 → 3000, usually 1000 → 2000, 中秋价 to 2026-09-27"),
        (CASH, "2026-09-28", PLAIN, 1, "1000 → 2000"),
        (VARIABLE, "2026-11-22", PLAIN, 2400, "1200 → 2400"),
        (BOX, "2026-08-31", PLAIN, 1, "400 → 2500, usually 500 → 2500, 旺季价 to 2026-08-31"),
        (BOX, "2026-09-01", PLAIN, 1, "500 → 2500"),
        (JEWEL, "2026-11-22", PLAIN, None, "8000 → 80000, 答谢 to 2026-12-31"),
        (JEWEL, "2026-11-22", PLAIN, 100_000, "10000 → 100000, 答谢 to 2026-12-31"),
        (JEWEL, "2027-01-01", PLAIN, None, "10000 → 100000"),
        (JEWEL, "2027-01-01", PLAIN, 80_000, "AmountNotOffered"),
        (PEAK, "2026-07-01", PLAIN, 1, "1000 → 2400, usually 1000 → 2000, 多两成 to 2026-08-31"),
        (GOLDEN, "2026-11-22", PLAIN, 1, "3400 → 6800"),
        (GOLDEN, "2026-11-22", GOLD, 1, "2800 → 6800, usually 3400 → 6800, 金卡价 to None"),
        (TRUSTED, "2026-11-22", PLAIN, 1, "1500 → 3000"),
        (TRUSTED, "2026-11-22", replace(PLAIN, standing=649), 1, "1500 → 3000"),
        (TRUSTED, "2026-11-22", replace(PLAIN, standing=650), 1, "1200 → 3000, usually 1500 → 3000, 信用价 to None"),
        (DAY28, "2026-11-27", PLAIN, 1, "900 → 1800"),
        (DAY28, "2026-11-28", PLAIN, 1, "700 → 1800, usually 900 → 1800, 兑换日价 to 2026-11-28"),
        (LOCAL, "2026-11-22", PLAIN, 1, "300 → 0"),
        (LOCAL, "2026-11-22", GOLD, 1, "250 → 0, usually 300 → 0, 本地价 to None"),
        (COAT, "2026-11-22", PLAIN, 1, "NotYetOnShelf"),
        (COAT, "2026-11-21", GOLD, 1, "NotYetOnShelf"),
        (COAT, "2026-11-22", GOLD, 1, "6000 → 12000"),
        (COAT, "2026-11-28", PLAIN, 1, "6000 → 12000"),
        (COAT, "2027-01-21", GOLD, 1, "OfferOver"),
        (FILM, "2026-12-24", PLAIN, 1, "2000 → 4000"),
        (FILM, "2026-12-25", PLAIN, 1, "BlackedOut"),
        (FILM, "2027-01-04", PLAIN, 1, "2000 → 4000"),
        (LAKE, "2026-11-22", PLAIN, 1, "OnlyInRegions"),
        (LAKE, "2026-11-22", GOLD, 1, "800 → 3000"),
        (CLUB, "2026-11-22", PLAIN, 1, "OnlyForTiers"),
        (CLUB, "2026-11-22", GOLD, 1, "600 → 4800"),
        (TRUST_ONLY, "2026-11-22", PLAIN, 1, "OnlyForStanding"),
        (TRUST_ONLY, "2026-11-22", GOLD, 1, "100 → 0"),
    ],
)  # fmt: skip
def test_the_figures_that_must_come_out(document: Offer, on: str, who: Traits, amount: int | None, said: str) -> None:
    assert told(document, on, who, amount) == said


def test_the_best_price_that_holds_is_in_force_and_the_first_of_equals() -> None:
    both = offer(
        "box", "礼盒", "Box", "fruit", per_unit(500, 2500),
        specials=(
            special("旺季价", per_unit(400, 2500), **SEASON),
            special("金卡价", per_unit(380, 2500), who={"tiers": ["gold"]}),
            special("银发价", per_unit(380, 2500), who={"tiers": ["gold"]}),
        ),
    )  # fmt: skip
    names = [in_force(both, who, day("2026-07-01")).special for who in (PLAIN, GOLD)]
    assert [each and each.name.zh for each in names] == ["旺季价", "金卡价"]


def test_refusals_say_when_and_for_whom() -> None:
    names = (
        {"plain": ("普卡", "Plain"), "gold": ("金卡", "Gold")},
        {"sh": ("上海", "Shanghai"), "hz": ("杭州", "Hangzhou")},
    )
    who = replace(PLAIN, tiers=names[0], regions=names[1])

    def no(document: Offer, on: str) -> Any:
        verdict = may_redeem(on_shelf(document), Facts(available=9000, traits=who), today=day(on))
        assert isinstance(verdict, No)
        return verdict.reasons[0]

    coat = no(COAT, "2026-11-22")
    assert coat.opens_on == day("2026-11-28") and [tiers[0].zh for tiers, _ in coat.early] == ["金卡"]
    assert (no(FILM, "2026-12-25").until, no(FILM, "2026-12-25").opens_on) == (day("2027-01-03"), day("2027-01-04"))
    assert [each.en for each in no(LAKE, "2026-11-22").regions] == ["Hangzhou"]
    assert [each.zh for each in no(CLUB, "2026-11-22").tiers] == ["金卡"]
    assert no(COAT, "2027-02-01").last_on == day("2027-01-20")


def test_lists_leave_out_what_is_for_others_and_what_is_over() -> None:
    def out(document: Offer, who: Traits, on: str = "2026-11-22") -> bool:
        return hidden(document, who, day(on))

    assert out(CLUB, PLAIN) and not out(CLUB, GOLD)
    assert out(COAT, GOLD, "2027-01-21") and not out(COAT, PLAIN) and not out(LAKE, PLAIN)


def test_tomorrow_is_promised_only_where_it_can_be_had_tomorrow() -> None:
    closing = offer("last", "末日", "Last", "market", per_unit(10), limits=Limits(day=5, member_day=1),
                    on_shelf=When(until=day("2026-11-22")))  # fmt: skip
    facts = Facts(available=100, day_left=0, had_today=1)
    verdict = may_redeem(on_shelf(closing), facts, today=day("2026-11-22"))
    assert isinstance(verdict, No)
    had, quota = verdict.reasons
    assert isinstance(had, MemberHadAll) and had.again_on is None
    assert isinstance(quota, DayQuotaTaken) and not quota.may_tomorrow


@pytest.mark.parametrize(
    "said",
    [
        {"specials": [{"name": {"zh": "价", "en": "P"}, "price": {"kind": "per_unit", "points": 400, "value_minor": 2500}}]},
        {"specials": [{"name": {"zh": "价", "en": "P"}, "when": SEASON,
                       "price": {"kind": "per_unit", "points": 600, "value_minor": 2500}}]},
        {"specials": [{"name": {"zh": "价", "en": "P"}, "when": SEASON, "price": {"kind": "per_unit", "points": 400}}]},
        {"specials": [{"name": {"zh": "价", "en": "P"}, "when": SEASON,
                       "price": {"kind": "per_money", "points": 1, "least_minor": 100, "step_minor": 100, "most_minor": 100}}]},
        {"specials": [special("价", per_unit(400, 2500), **SEASON).model_dump()] * 9},
        {"specials": [{**special("价", per_unit(400, 2500), **SEASON).model_dump(), "name": {"zh": "价" * 25, "en": "P"}}]},
        {"early": [{"who": {"tiers": ["gold"]}, "from_on": "2026-11-22"}]},
        {"early": [{"who": {"tiers": ["gold"]}, "from_on": "2026-11-22"}], "on_shelf": {"from_on": "2026-11-22"}},
        {"early": [{"who": {}, "from_on": "2026-11-21"}], "on_shelf": {"from_on": "2026-11-22"}},
        {"region": "sh", "who": {"regions": ["sh"]}},
    ],
)  # fmt: skip
def test_documents_that_would_mislead_are_refused(said: dict[str, Any]) -> None:
    plain = offer("box", "礼盒", "Box", "fruit", per_unit(500, 2500)).model_dump()
    with pytest.raises(ValidationError):
        Offer.model_validate({**plain, **said})


def test_a_document_that_uses_nothing_new_is_written_as_before_and_reads_back() -> None:
    plain, coat = offer("box", "礼盒", "Box", "fruit", per_unit(500, 2500)), COAT
    assert not {"specials", "on_shelf", "blackout", "who", "region", "early"} & plain.model_dump().keys()
    assert parse(plain.model_dump_json()) == plain and parse(coat.model_dump_json()) == coat
    assert (BOX.least_points, JEWEL.least_points, plain.least_points) == (400, 8000, 500)


# -- whatever is said to lift a refusal lifts it

NAMES = ("plain", "silver", "gold"), ("sh", "hz", "nj")
FIRST = dt.date(2028, 2, 20)  # a leap day and month ends lie ahead
SOON = st.integers(0, 45).map(lambda n: FIRST + dt.timedelta(days=n))


@st.composite
def whens(draw: st.DrawFn) -> When:
    ends = sorted(draw(st.tuples(SOON, SOON)))
    said = {
        "from_on": draw(st.sampled_from([None, ends[0]])),
        "until": draw(st.sampled_from([None, ends[1]])),
        "weekdays": draw(st.lists(st.integers(1, 7), max_size=2)),
        "days_of_month": draw(st.lists(st.sampled_from([1, 15, 28, 29, 31, -1]), max_size=2)),
    }
    try:
        return When.model_validate(said)
    except ValidationError:
        return When(from_on=ends[0])


WHOS = st.builds(
    Who,
    tiers=st.lists(st.sampled_from(NAMES[0]), max_size=2).map(tuple),
    standing=st.none() | st.integers(600, 700),
    regions=st.lists(st.sampled_from(NAMES[1]), max_size=2).map(tuple),
)
TRAITS = st.builds(
    Traits,
    tier=st.sampled_from(NAMES[0]),
    standing=st.none() | st.integers(550, 750),
    region=st.none() | st.sampled_from(NAMES[1]),
)


@st.composite
def documents(draw: st.DrawFn) -> Offer:
    """Any offer with any rules of these kinds."""
    points, value = draw(st.integers(10, 90)) * 10, draw(st.sampled_from([0, 2000]))
    cash = draw(st.sampled_from([0, 0, 500]))
    specials = []
    for number in range(draw(st.integers(0, 3))):
        when, who = draw(whens()), draw(WHOS)
        if when.always and who.everybody:
            when = When(until=FIRST)
        lower = draw(st.integers(1, points // 10)) * 10
        asked = draw(st.sampled_from([0, 300, 500])) if cash else 0
        price = per_unit(lower, value and draw(st.sampled_from([2000, 2400])), most=2, cash=asked)
        specials.append(special(f"价{number}", price, who=who.model_dump(), **when.model_dump()))
    shelf = draw(st.none() | whens())
    early: tuple[Early, ...] = ()
    if shelf is not None and shelf.from_on is not None:
        before = st.integers(1, 20).map(lambda n: shelf.from_on - dt.timedelta(days=n))  # type: ignore[operator]
        early = tuple(
            draw(st.lists(st.builds(Early, who=WHOS.filter(lambda w: not w.everybody), from_on=before), max_size=2))
        )
    spans = st.tuples(SOON, st.integers(0, 5)).map(lambda s: Span(from_on=s[0], until=s[0] + dt.timedelta(days=s[1])))
    who = draw(st.none() | WHOS)
    region = None if who is not None and who.regions else draw(st.none() | st.sampled_from(NAMES[1]))
    return offer(
        "any", "物", "Thing", "fruit", per_unit(points, value, most=2, cash=cash), specials=tuple(specials),
        on_shelf=shelf, early=early, blackout=tuple(draw(st.lists(spans, max_size=2))), who=who, region=region,
        limits=Limits(
            member_day=draw(st.none() | st.integers(1, 2)), household_day=draw(st.none() | st.integers(1, 3)),
            day=draw(st.none() | st.integers(1, 3)),
        ),
    )  # fmt: skip


def lift(no: Refusal, listed: Listed, facts: Facts, today: dt.date, amount: int) -> tuple[Facts, dt.date, int] | None:
    """Do what the refusal says would help; None where it says that nothing does."""
    asks, who = listed.offer.who or Who(), facts.traits
    match no:
        case OnlyForTiers():
            return replace(facts, traits=replace(who, tier=asks.tiers[-1])), today, amount
        case OnlyForStanding():
            return replace(facts, traits=replace(who, standing=no.least)), today, amount
        case OnlyInRegions():
            return replace(facts, traits=replace(who, region=listed.offer.region or asks.regions[-1])), today, amount
        case NotYetOnShelf():
            return replace(facts, had_today=0, house_today=0), no.opens_on, amount
        case BlackedOut():
            return None if no.opens_on is None else (replace(facts, had_today=0, house_today=0), no.opens_on, amount)
        case OfferOver():
            return None
        case MemberHadAll() | DayQuotaTaken() | SoldOut() if no.left:
            return facts, today, no.left
        case MemberHadAll():
            return None if no.again_on is None else (replace(facts, had_today=0, house_today=0), no.again_on, amount)
        case DayQuotaTaken():
            tomorrow = replace(facts, had_today=0, house_today=0, day_left=listed.offer.limits.day)
            return (tomorrow, no.reopens_on, 1) if no.may_tomorrow else None
        case PointsShort():
            return replace(facts, available=no.needed), today, amount
    raise AssertionError(f"nothing is said to lift {no}")


@settings(deadline=None)
@given(documents(), TRAITS, SOON, st.integers(0, 900), st.integers(0, 1), st.integers(0, 2), st.integers(1, 2))
def test_doing_what_a_refusal_says_lifts_it(
    document: Offer, who: Traits, today: dt.date, available: int, had: int, day_left: int, amount: int
) -> None:
    listed = on_shelf(document)
    left = None if document.limits.day is None else min(day_left, document.limits.day)
    facts = Facts(
        available=available, had_today=had, had_month=had, had_ever=had, house_today=had + 1, day_left=left, traits=who
    )
    for _ in range(12):
        verdict = may_redeem(listed, facts, today=today, amount=amount)
        if isinstance(verdict, Yes):
            return
        no = verdict.reasons[0]
        assert not isinstance(no, AmountNotOffered)
        lifted = lift(no, listed, facts, today, amount)
        if lifted is None:
            break
        facts, today, amount = lifted
        after = may_redeem(listed, facts, today=today, amount=amount)
        same = [each for each in (after.reasons if isinstance(after, No) else ()) if type(each) is type(no)]
        assert not same, (no, same)
    else:
        raise AssertionError("never lifted")
    if isinstance(no, OfferOver | BlackedOut):  # it was said to be over
        plenty = replace(facts, available=9000, had_today=0, day_left=None)
        days = (today + dt.timedelta(days=n) for n in range(1, 120))
        assert not [on for on in days if isinstance(may_redeem(listed, plenty, today=on), Yes)]


@settings(deadline=None)
@given(documents(), TRAITS, SOON)
def test_the_price_in_force_is_the_best_and_a_usual_price_is_shown_only_beside_a_better_one(
    document: Offer, who: Traits, today: dt.date
) -> None:
    priced = in_force(document, who, today)
    quote = priced.price.quote(1)
    holding = [s.price for s in document.specials if s.when.holds(today) and s.who.fits(who)]
    assert quote.points >= document.least_points
    for other in (*holding, document.price):
        assert other.rate is None or priced.price.rate is None or priced.price.rate <= other.rate
    if (usual := priced.usually(quote)) is not None:
        assert priced.special is not None and usual == document.price.quote(1)
        dearer = usual.points > quote.points or usual.cash_minor > quote.cash_minor
        assert dearer != (usual.value_minor < quote.value_minor) and usual.cash_minor >= quote.cash_minor
    if priced.special is None:
        assert not holding
    elif priced.until is not None:
        assert priced.special.when.holds(priced.until)
        assert not priced.special.when.holds(priced.until + dt.timedelta(days=1))
