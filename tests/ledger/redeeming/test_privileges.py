"""Privileges kept, judged and used, on the real database: versions, limits, undoing, two tills at once, and bought tiers."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ledger.earning import qualifying
from ledger.errors import Refusal
from ledger.members.member import Member
from ledger.members.standings import NoSuchTier
from ledger.merchants import outlets, shifts, staff
from ledger.merchants.authority import NotAllowed
from ledger.merchants.merchant import NoSuchMerchant
from ledger.merchants.shifts import Shift
from ledger.merchants.staff import Staff
from ledger.points.audit import audit
from ledger.points.commands import Moment
from ledger.programme import Programme, Tier, TierPrice
from ledger.redeeming import may_use as m
from ledger.redeeming import privilege_uses, privileges, tier_sales
from ledger.redeeming.may_use import Here, No, Yes
from ledger.redeeming.offers import Names
from ledger.redeeming.privilege import Free, Held, PercentOff, Privilege
from ledger.redeeming.privilege_uses import PrivilegeChanged, TooLateToUndo, Use, UseUndone
from ledger.redeeming.windows import When
from tests.ledger.redeeming.stage import NOW, TODAY, Stage, at, entropy

_numbers = itertools.count(1)

TIERS = tuple(
    Tier(code=code, name_zh=zh, name_en=code.title(), spend_minor=spend, price=price)
    for code, zh, spend, price in (
        ("plain", "普卡", 0, None), ("silver", "银卡", 100_000, None), ("vip", "贵宾", 500_000, TierPrice(points=800, days=30)),
    )
)  # fmt: skip
PROGRAMME = Programme(
    name_zh="云上联盟", name_en="Cloud Coalition", terms_version="1", terms_zh="", terms_en="", welcome_issuer="market",
    tiers=TIERS, tier_seller="market",
)  # fmt: skip

FRESH = Privilege(
    code="fresh", merchant="market", name=Names(zh="鲜食", en="Fresh food"), gives=PercentOff(percent=10),
    holds=Held(points=5_000),
)  # fmt: skip
CUSTOM = Privilege(
    code="custom", merchant="market", name=Names(zh="定制", en="Custom work"), gives=PercentOff(percent=10),
    holds=Held(points=50_000),
)  # fmt: skip
PARKING = Privilege(
    code="parking", merchant="market", name=Names(zh="停车 2 小时", en="2 h parking"), gives=Free(), tiers=("vip",),
    per_month=4, per_day=2,
)  # fmt: skip


async def programme(stage: Stage) -> None:
    """The programme's tiers."""
    async with stage.engine.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:said AS jsonb)) ON CONFLICT DO NOTHING"
            ),
            {"said": PROGRAMME.model_dump_json()},
        )


async def put(stage: Stage, one: Privilege, *, active: bool = True, when: Moment | None = None) -> tuple[int, int]:
    async with stage.engine.begin() as tx:
        return await privileges.publish(tx, one, active=active, by="test", now=(when or at()).now)


async def tier(stage: Stage, who: Member, code: str) -> None:
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE member SET tier = :tier WHERE id = :id"), {"tier": code, "id": who.id})


async def uses(
    stage: Stage, till: Staff, who: Member, id_: int, *, amount: int | None = None, after: int | None = None,
    nonce: str | None = None, when: Moment | None = None, version: int = 1, shift: Shift | None = None,
) -> tuple[Use, bool]:  # fmt: skip
    """One use in a transaction of its own."""
    async with stage.engine.begin() as tx:
        return await privilege_uses.use(
            tx, till, who.id, id_, (version, after), amount_minor=amount, nonce=nonce or f"n{next(_numbers)}", shift=shift,
            at=when or at(),
        )  # fmt: skip


async def seen(stage: Stage, who: Member, when: Moment | None = None, here: Here | None = None) -> dict[str, Yes | No]:
    """Every privilege that is on, judged for a member, by code."""
    async with stage.engine.connect() as tx:
        everything = await privileges.everywhere(tx)
        found = await privileges.judged(tx, who.id, everything, today=(when or at()).today, here=here)
    return {each.listed.privilege.code: each.verdict for each in found}


async def points(stage: Stage, who: Member) -> int:
    return await stage.available(who)


async def test_holding_5000_makes_100_yuan_of_fresh_food_90_and_nothing_is_spent(stage: Stage) -> None:
    (fresh, _), till = await put(stage, FRESH), await stage.staff("market")
    who = await stage.member((5_000, "-"))
    done, new = await uses(stage, till, who, fresh, amount=10_000, after=9_000)
    assert new and (done.before_minor, done.after_minor, done.label) == (10_000, 9_000, "3号台")
    assert await points(stage, who) == 5_000
    async with stage.engine.connect() as tx:
        assert (await audit(tx)).holds
        assert await tx.scalar(text("SELECT count(*) FROM entry WHERE kind <> 'accrue'")) == 0


async def test_holding_50000_makes_10000_yuan_of_custom_work_9000(stage: Stage) -> None:
    (custom, _), till = await put(stage, CUSTOM), await stage.staff("market")
    done, _ = await uses(stage, till, await stage.member((50_000, "-")), custom, amount=1_000_000, after=900_000)
    assert done.after_minor == 900_000


async def test_the_balance_is_looked_at_in_that_moment(stage: Stage) -> None:
    (fresh, _), till = await put(stage, FRESH), await stage.staff("market")
    who = await stage.member((4_999, "-"), (300, "pending 2026-11-29"))
    with pytest.raises(m.HoldingShort) as no:
        await uses(stage, till, who, fresh, amount=10_000, after=9_000)
    assert no.value.facts == {
        "needed": 5_000, "available": 4_999, "currency": Names(zh="联盟积分", en="common points"), "common": True,
        "pending": 300, "next_release": (dt.date(2026, 11, 29), 300),
    }  # fmt: skip
    async with stage.engine.begin() as tx:
        await stage.give(tx, who, (1, "2026-11-22"))
    await uses(stage, till, who, fresh, amount=10_000, after=9_000)
    with pytest.raises(m.HoldingShort):  # that point ran out at midnight, whether or not the night's run was there
        await uses(stage, till, who, fresh, amount=10_000, after=9_000, when=at(days=1))
    await uses(stage, till, who, fresh, amount=10_000, after=9_000, when=at(days=7))


async def test_points_of_another_currency_do_not_count(stage: Stage) -> None:
    rail = FRESH.model_copy(update={"merchant": "rail", "holds": Held(currency="rail", points=100)})
    (id_, _), till = await put(stage, rail), await stage.staff("rail")
    with pytest.raises(m.HoldingShort):
        await uses(stage, till, await stage.member((5_000, "-")), id_, amount=100, after=90)
    who = await stage.member((100, "-"), currency=2, issuer="rail")
    assert (await uses(stage, till, who, id_, amount=100, after=90))[1]


async def test_the_same_tap_again_is_the_same_use(stage: Stage) -> None:
    (fresh, _), till = await put(stage, FRESH), await stage.staff("market")
    who = await stage.member((5_000, "-"))
    first = await uses(stage, till, who, fresh, amount=10_000, after=9_000, nonce="tap")
    again = await uses(stage, till, who, fresh, amount=10_000, after=9_000, nonce="tap", when=at(minutes=5))
    assert first[1] and not again[1] and first[0] == again[0]


async def test_parking_counts_by_day_and_month_and_what_is_undone_does_not_count(stage: Stage) -> None:
    await programme(stage)
    (parking, _), till = await put(stage, PARKING), await stage.staff("market")
    who = await stage.member()
    await tier(stage, who, "vip")
    taken = [(await uses(stage, till, who, parking))[0] for _ in range(2)]
    with pytest.raises(m.UsedUp) as no:
        await uses(stage, till, who, parking)
    assert no.value.facts == {"period": "day", "limit": 2, "again_on": TODAY + dt.timedelta(days=1)}
    async with stage.engine.begin() as tx:
        undone = await privilege_uses.undo(tx, till, taken[0].id, "wrong_member", minutes=10, at=at(minutes=10))
    assert undone.undone_at is not None and undone.reason == "wrong_member"
    for day in (0, 1, 1):
        await uses(stage, till, who, parking, when=at(days=day))
    with pytest.raises(m.UsedUp) as no:
        await uses(stage, till, who, parking, when=at(days=2))
    assert no.value.facts == {"period": "month", "limit": 4, "again_on": dt.date(2026, 12, 1)}
    assert (await seen(stage, who, at(days=9)))["parking"] == Yes(None, 4, 2)
    assert (await uses(stage, till, who, parking, when=at(days=9)))[1]
    async with stage.engine.connect() as tx:
        places = (await tx.execute(text("SELECT place, undone_at IS NULL FROM privilege_use ORDER BY id"))).all()
    assert places == [(1, False), (2, True), (1, True), (3, True), (4, True), (1, True)]


async def test_two_tills_at_once_on_the_last_parking_of_the_month(stage: Stage) -> None:
    await programme(stage)
    (parking, _), who = await put(stage, PARKING), await stage.member()
    await tier(stage, who, "vip")
    tills = [await stage.staff("market", f"{n}号台") for n in range(6)]
    for day in (-2, -1, -1):
        await uses(stage, tills[0], who, parking, when=at(days=day))
    answers = await asyncio.gather(*(uses(stage, till, who, parking) for till in tills), return_exceptions=True)
    got = [each for each in answers if not isinstance(each, BaseException)]
    late = [each for each in answers if isinstance(each, m.UsedUp)]
    assert (len(got), len(late)) == (1, 5) and {each.period for each in late} == {"month"}


async def test_the_schema_keeps_two_uses_off_one_place_too(stage: Stage) -> None:
    await programme(stage)
    (parking, _), till, who = await put(stage, PARKING), await stage.staff("market"), await stage.member()
    await tier(stage, who, "vip")
    await uses(stage, till, who, parking)
    columns = "privilege_id, version, member_id, merchant_id, staff_id, money, used_at, used_on, month, place"
    with pytest.raises(IntegrityError, match="uq_privilege_use_place"):
        async with stage.engine.begin() as tx:
            await tx.execute(
                text(f"INSERT INTO privilege_use (key, {columns}) SELECT 'else', {columns} FROM privilege_use")
            )


async def test_a_tier_bought_with_points_works_the_next_minute_and_ends_with_its_last_day(stage: Stage) -> None:
    await programme(stage)
    (parking, _), till = await put(stage, PARKING), await stage.staff("market")
    who = await stage.member((800, "-"))
    with pytest.raises(m.TierNeeded) as no:
        await uses(stage, till, who, parking)
    assert no.value.facts == {"tiers": (Names(zh="贵宾", en="Vip"),)}
    async with stage.engine.begin() as tx:
        price = TierPrice(points=800, days=30)
        bought = await tier_sales.buy(tx, PROGRAMME, who, "vip", price, nonce="buy", at=at())
    assert bought.sale.until == TODAY + dt.timedelta(days=30)
    assert (await uses(stage, till, who, parking, when=at(minutes=1)))[1]
    last, after = at(days=30), at(days=31)
    assert (await uses(stage, till, who, parking, when=last))[1]
    async with stage.engine.begin() as tx:  # whoever serves looks first: the night need not have been there
        await qualifying.look(tx, PROGRAMME, [who.id], after)
    with pytest.raises(m.TierNeeded):
        await uses(stage, till, who, parking, when=after)
    assert await points(stage, who) == 0, "the tier cost points, parking none"


async def test_a_use_names_the_version_it_was_made_under(stage: Stage) -> None:
    (fresh, one), till = await put(stage, FRESH), await stage.staff("market")
    assert (await put(stage, FRESH)) == (fresh, 1), "an unchanged document is no version"
    who = await stage.member((9_000, "-"))
    done, _ = await uses(stage, till, who, fresh, amount=10_000, after=9_000)
    better = FRESH.model_copy(update={"gives": PercentOff(percent=20)})
    assert await put(stage, better) == (fresh, 2) and one == 1
    for shown in ({"version": 1, "after": 9_000}, {"version": 2, "after": 9_000}):
        with pytest.raises(PrivilegeChanged):
            await uses(stage, till, who, fresh, amount=10_000, **shown)
    later, _ = await uses(stage, till, who, fresh, amount=10_000, version=2, after=8_000)
    async with stage.engine.connect() as tx:
        kept = [(await privilege_uses.by_id(tx, each.id)).privilege.gives for each in (done, later)]
    assert kept == [PercentOff(percent=10), PercentOff(percent=20)]


async def test_switched_off_it_is_in_no_list_and_cannot_be_used(stage: Stage) -> None:
    (fresh, _), till = await put(stage, FRESH), await stage.staff("market")
    who, market = await stage.member((9_000, "-")), stage.merchants["market"].id
    async with stage.engine.begin() as tx:
        for _ in range(2):
            await privileges.switch(tx, market, fresh, False, by="staff:1", now=NOW)
        with pytest.raises(privileges.NoSuchPrivilege):
            await privileges.switch(tx, stage.merchants["rail"].id, fresh, True, by="staff:1", now=NOW)
    assert await seen(stage, who) == {}
    with pytest.raises(m.PrivilegePaused):
        await uses(stage, till, who, fresh, amount=10_000, after=9_000)
    async with stage.engine.connect() as tx:
        assert [each.active for each in await privileges.of_merchant(tx, market, paused=True)] == [False]
        assert await privileges.of_merchant(tx, market) == []
        logged = await tx.scalars(text("SELECT what FROM merchant_log ORDER BY id"))
        assert list(logged) == ["privilege_published", "privilege_paused"]


async def test_what_is_published_names_what_there_is(stage: Stage) -> None:
    await programme(stage)
    for wrong, refusal in (
        ({"merchant": "nobody"}, NoSuchMerchant),
        ({"holds": Held(currency="rail", points=1)}, privileges.CurrencyNotHeldFor),
        ({"tiers": ("platinum",)}, NoSuchTier),
        ({"outlets": ("月球店",)}, privileges.NoOutletOfThatName),
    ):
        with pytest.raises(refusal):
            await put(stage, FRESH.model_copy(update=wrong))


async def test_another_merchants_till_and_a_nobody_are_refused(stage: Stage) -> None:
    (fresh, _), who = await put(stage, FRESH), await stage.member((9_000, "-"))
    with pytest.raises(privileges.NoSuchPrivilege):
        await uses(stage, await stage.staff("rail"), who, fresh, amount=10_000, after=9_000)
    with pytest.raises(privileges.NoSuchPrivilege):
        await uses(stage, await stage.staff("market"), who, 999, amount=10_000, after=9_000)


async def test_undoing_is_a_cashiers_within_minutes_and_a_managers_on_the_day(stage: Stage) -> None:
    (fresh, _), till, other = await put(stage, FRESH), await stage.staff("market"), await stage.staff("market", "4号台")
    who, market = await stage.member((9_000, "-")), stage.merchants["market"].id
    async with stage.engine.begin() as tx:
        boss = await staff.add(tx, merchant_id=market, member_id=77, role="manager", label="店长", by="test", now=NOW)
    rail = await stage.staff("rail")

    async def undo(by: Staff, use_id: int, when: Moment, reason: str = "twice") -> Use:
        async with stage.engine.begin() as tx:
            return await privilege_uses.undo(tx, by, use_id, reason, minutes=10, at=when)

    first, second = [(await uses(stage, till, who, fresh, amount=10_000, after=9_000))[0] for _ in range(2)]
    with pytest.raises(NotAllowed):
        await undo(other, first.id, at())
    with pytest.raises(privilege_uses.NoSuchUse):
        await undo(rail, first.id, at())
    with pytest.raises(TooLateToUndo):
        await undo(till, first.id, at(minutes=11))
    with pytest.raises(privilege_uses.UndoReasonNeeded):
        await undo(till, first.id, at(), "  ")
    await undo(till, first.id, at(minutes=9))
    with pytest.raises(UseUndone):
        await undo(boss, first.id, at(minutes=9))
    with pytest.raises(TooLateToUndo):
        await undo(boss, second.id, at(days=1))
    await undo(boss, second.id, at(minutes=300))
    span = {"since": NOW, "until": NOW + dt.timedelta(days=1)}
    async with stage.engine.connect() as tx:
        assert await privilege_uses.count(tx, market, **span) == (0, 0, 2)
        assert [each.id for each in await privilege_uses.listed(tx, market, **span)] == [second.id, first.id]
        assert await privilege_uses.listed(tx, market, staff_id=other.id, **span) == []


async def test_two_who_undo_at_once_undo_once(stage: Stage) -> None:
    (fresh, _), till = await put(stage, FRESH), await stage.staff("market")
    done, _ = await uses(stage, till, await stage.member((9_000, "-")), fresh, amount=10_000, after=9_000)

    async def undo() -> Use:
        async with stage.engine.begin() as tx:
            return await privilege_uses.undo(tx, till, done.id, "twice", minutes=10, at=at())

    answers = await asyncio.gather(*(undo() for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in answers) == ["Use", "UseUndone", "UseUndone", "UseUndone"]


async def at_work(stage: Stage, label: str, name: str) -> tuple[Staff, Shift]:
    """Somebody on a shift in an outlet of the market's."""
    market = stage.merchants["market"].id
    async with stage.engine.begin() as tx:
        owner = await staff.add(
            tx, merchant_id=market, member_id=1_000 + next(_numbers), role="owner", label=label, by="test", now=NOW
        )
        made = await outlets.open_outlet(tx, by=owner, name=name, region=None, address="", hours="", now=NOW)
        till = await outlets.open_till(tx, made.id, f"{label}号", by=owner, now=NOW)
        await tx.execute(
            text("INSERT INTO shift (merchant_id, staff_id, till_id, opened_at) VALUES (:m, :s, :t, :now)"),
            {"m": market, "s": owner.id, "t": till.id, "now": NOW},
        )
        working = await shifts.current(tx, owner.id, since=NOW)
    assert working is not None
    return owner, working


async def test_an_outlets_privilege_is_used_there_alone(stage: Stage) -> None:
    (here, working), (there, elsewhere) = (
        await at_work(stage, "甲", "南京路店"),
        await at_work(stage, "乙", "人民广场店"),
    )
    (id_, _), who = (
        await put(stage, FRESH.model_copy(update={"outlets": ("南京路店",)})),
        await stage.member((9_000, "-")),
    )
    done, _ = await uses(stage, here, who, id_, amount=10_000, after=9_000, shift=working)
    assert done.till == "甲号"
    for by, shift in ((there, elsewhere), (here, None)):
        with pytest.raises(m.NotAtThisOutlet):
            await uses(stage, by, who, id_, amount=10_000, after=9_000, shift=shift)
    async with stage.engine.begin() as tx:
        await tx.execute(text("UPDATE outlet SET name = '新天地店' WHERE name = '南京路店'"))
        assert (await privileges.one(tx, id_)).outlets[0][1] == "新天地店", "an outlet is known by more than its name"


async def test_what_was_used_with_a_paper_card_counts_on_after_its_claim(stage: Stage) -> None:
    once = FRESH.model_copy(update={"per_month": 1})
    (id_, _), till = await put(stage, once), await stage.staff("market")
    paper, who = await stage.member((6_000, "-")), await stage.member((6_000, "-"))
    await uses(stage, till, paper, id_, amount=10_000, after=9_000)
    async with stage.engine.begin() as tx:
        await tx.execute(
            text("INSERT INTO succession (member_id, holder_id) VALUES (:p, :who)"), {"p": paper.id, "who": who.id}
        )
    for shown in (paper, who):
        with pytest.raises(m.UsedUp):
            await uses(stage, till, shown, id_, amount=10_000, after=9_000)


GIVES = st.just(Free()) | st.builds(
    PercentOff, percent=st.integers(1, 99), least_minor=st.none() | st.integers(1, 20_000)
)


@st.composite
def documents(draw: st.DrawFn) -> Privilege:
    """Any privilege of the market's."""
    held = draw(st.none() | st.builds(Held, points=st.integers(1, 900)))
    tiers = tuple(draw(st.lists(st.sampled_from(["plain", "silver", "vip"]), unique=True, max_size=2)))
    assume(held is not None or tiers)
    first = draw(st.none() | st.integers(-5, 20).map(lambda n: TODAY + dt.timedelta(days=n)))
    when = When(from_on=first, until=first and first + dt.timedelta(days=draw(st.integers(6, 30))),
                weekdays=tuple(draw(st.lists(st.integers(1, 7), unique=True, max_size=3))))  # fmt: skip
    return FRESH.model_copy(
        update={
            "code": f"any-{next(_numbers)}", "gives": draw(GIVES), "holds": held, "tiers": tiers, "when": when,
            "per_day": draw(st.none() | st.integers(1, 2)), "per_month": draw(st.none() | st.integers(1, 3)),
        }
    )  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(documents(), min_size=1, max_size=3), st.sampled_from(["plain", "silver", "vip"]), st.integers(0, 900),
    st.integers(0, 25), st.integers(1, 30_000),
)  # fmt: skip
async def test_what_is_listed_as_there_can_be_used_in_that_moment_and_what_is_not_cannot(
    stage: Stage, asked: list[Privilege], standing: str, held: int, ahead: int, amount: int
) -> None:
    await programme(stage)
    ids = {one.code: (await put(stage, one))[0] for one in asked}
    till = await stage.staff("market", entropy(6).hex())
    who = await stage.member((held, "-")) if held else await stage.member()
    await tier(stage, who, standing)
    moment = at(days=ahead)
    for _ in range(4):  # limits fill up as it is used
        verdicts = {code: each for code, each in (await seen(stage, who, moment, Here())).items() if code in ids}
        for code, verdict in verdicts.items():
            one = next(each for each in asked if each.code == code)
            off = one.gives.kind == "percent_off"
            after = one.gives.after(amount) if isinstance(one.gives, PercentOff) else None
            try:
                done, _ = await uses(
                    stage, till, who, ids[code], amount=amount if off else None, after=after, when=moment
                )
            except Refusal as no:
                if isinstance(no, m.AmountTooSmall):  # known only once the amount is
                    assert isinstance(verdict, Yes)
                else:
                    assert isinstance(verdict, No) and type(no) is type(verdict.reasons[0])
                    assert no.facts == verdict.reasons[0].facts
            else:
                assert isinstance(verdict, Yes) and done.after_minor == after
    assert await points(stage, who) == held


def test_figures_of_a_document_are_kept_as_json_says_them() -> None:
    kept: dict[str, Any] = json.loads(PARKING.model_dump_json(exclude_none=True))
    assert kept["gives"] == {"kind": "free"} and kept["per_month"] == 4 and "holds" not in kept
