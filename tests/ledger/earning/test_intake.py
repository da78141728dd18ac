"""Booking many at once: each purchase answers for itself, and sees what those before it used up."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import text

from ledger.earning import intake, purchases
from ledger.earning.purchases import Booked
from ledger.merchants import cover as covers
from ledger.merchants.merchant import Terms
from ledger.points import statements
from ledger.points.audit import audit
from ledger.points.commands import member
from tests.conftest import Database
from tests.ledger.earning.purchasing import bill, book, born, bought, budgets, caps, open_campaign, points, write_rule
from tests.ledger.earning.shop import VAULT, ZONE, moment, new_member, open_shop


async def test_one_bad_row_costs_only_itself(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop, closed = await open_shop(tx), await open_shop(tx, code="closed")
        await tx.execute(text("UPDATE merchant SET status = 'closed' WHERE id = :id"), {"id": closed.merchant.id})
        await book(tx, bought(shop, "old"))
        done = await book(
            tx,
            bought(shop, "a"),
            bought(shop, "old"),
            bought(shop, "old", 10001),
            bought(closed, "b"),
            bought(shop, "c", 0),
            bought(shop, "d", member_id=987654321),
            bought(shop, "e", 99),
            bought(shop, "a"),
            bought(shop, "a", member_id=shop.owner.member_id),
            bought(shop, "f", 20000),
        )
        whole = await tx.scalar(text("SELECT count(*) FROM purchase"))
    assert points(done) == [
        100, 100, "document_taken", "merchant_may_not_issue", "amount_must_be_positive", "no_such_member", 0, 100,
        "document_taken", 200,
    ]  # fmt: skip
    assert [one.repeated for one in done if isinstance(one, Booked)] == [False, True, False, True, False]
    assert whole == 4


async def test_a_purchase_keeps_who_when_and_where_and_how_its_points_came_about(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "double", kind="multiplier", factor="2", caps=[{"points": 150, "per": "month"}])
        lines = bill(10000, category="green", item="LED-9", pieces=3)
        one = bought(shop, "a", bill=lines, till="3", staff_id=shop.cashier.id)
        (done,) = await book(tx, one)
        assert isinstance(done, Booked)
        again = await purchases.by_id(tx, done.purchase.id)
        opened = await statements.explain(tx, member(shop.customer), again.entry_id)
    assert again == done.purchase
    assert (again.bill, again.till, again.channel, again.staff_id) == (lines, "3", "api", shop.cashier.id)
    assert dict(again.shares) == {"yunshan-base": 150, "double": 150}
    assert again.facts.used == {"double:month": 0}
    assert again.facts.bought_at == dt.datetime(2026, 11, 11, 12)
    assert opened.trace is not None and opened.trace[-1]["points"] == again.points == 300


async def test_purchases_from_before_facts_were_kept_are_still_read(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        (done,) = await book(tx, bought(shop, "a"))
        assert isinstance(done, Booked)
        await tx.execute(
            text(
                "UPDATE purchase SET facts = '{}', shares = '{}',"
                """ bill = '{"parts": [[10000, null]], "paid_otherwise_minor": 0}'"""
            )
        )
        old = await purchases.by_id(tx, done.purchase.id)
    assert (old.bill, old.facts.bought_at, dict(old.shares)) == (bill(10000), dt.datetime(2026, 11, 11), {})


async def test_purchases_of_one_member_use_up_caps_in_order(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        friend = await new_member(tx)
        limits = [{"points": 150, "per": "day"}, {"points": 200, "per": "month"}]
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", caps=limits)
        today = await book(
            tx, bought(shop, "a"), bought(shop, "b"), bought(shop, "c"), bought(shop, "d", member_id=friend)
        )
        tomorrow = await book(tx, bought(shop, "e", days=1), days=1)
        next_month = await book(tx, bought(shop, "f", days=20), days=20)
        nothing = today[2]
        assert isinstance(nothing, Booked)
        entry = await statements.explain(tx, member(shop.customer), nothing.purchase.entry_id)
        counted = await caps(tx)
    assert points([*today, *tomorrow, *next_month]) == [100, 50, 0, 100, 50, 100]
    assert (entry.reason, entry.line.size) == ("capped", 0)
    assert counted == {
        ("yunshan-base", "2026-11-11"): 250,
        ("yunshan-base", "2026-11-12"): 50,
        ("yunshan-base", "2026-12-01"): 100,
        ("yunshan-base", "2026-11"): 300,
        ("yunshan-base", "2026-12"): 100,
    }


async def test_a_cap_counts_by_the_day_of_the_purchase_however_late_it_is_reported(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", caps=[{"points": 150, "per": "day"}])
        await book(tx, bought(shop, "a"))
        late = await book(tx, bought(shop, "b"), bought(shop, "c", days=2), days=2)
    assert points(late) == [50, 100]


async def test_budgets_of_rules_and_campaigns_are_given_out_once(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop, other = await open_shop(tx), await open_shop(tx, code="other")
        await open_campaign(tx, "festival", minor=400)  # 200 points at 2 fen each
        for each, most in ((shop, 150), (other, 1000)):
            await write_rule(
                tx,
                each,
                f"{each.merchant.code}-double",
                kind="multiplier",
                factor="2",
                budget={"points": most},
                campaign="festival",
            )
        done = await book(tx, bought(shop, "a"), bought(shop, "b"), bought(other, "c"), bought(other, "d"))
        used = await budgets(tx)
    assert points(done) == [200, 150, 150, 100]
    assert used == {"campaign:festival": 200, "rule:yunshan-double": 150, "rule:other-double": 50}


async def test_what_a_used_up_budget_leaves_to_nobody_says_so(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1", budget={"points": 100})
        done = await book(tx, bought(shop, "a"), bought(shop, "b"))
        last = done[1]
        assert isinstance(last, Booked)
        entry = await statements.explain(tx, member(shop.customer), last.purchase.entry_id)
    assert (points(done), entry.reason) == ([100, 0], "budget_gone")


async def test_a_first_purchase_is_one_and_not_one_that_was_wholly_given_back(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        when = {"first_purchase": "here", "min_spend_minor": 5000}
        await write_rule(tx, shop, "welcome", kind="bonus", points=50, when=when)
        done = await book(tx, bought(shop, "small", 1000), bought(shop, "a"))
        newcomer = await new_member(tx)
        first = await book(tx, bought(shop, "b", member_id=newcomer), bought(shop, "c", member_id=newcomer))
        await tx.execute(
            text("UPDATE purchase SET refunded_minor = amount_minor WHERE member_id = :id"), {"id": newcomer}
        )
        again = await book(tx, bought(shop, "d", member_id=newcomer))
    assert points([*done, *first, *again]) == [10, 100, 150, 100, 150]


async def test_rules_hear_who_buys_where_and_when(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        gold, elder, native, child = [await new_member(tx) for _ in range(4)]
        await tx.execute(text("UPDATE member SET tier = 'gold' WHERE id = :id"), {"id": gold})
        await tx.execute(text("UPDATE member SET region = 'lijiang' WHERE id = :id"), {"id": native})
        await born(tx, elder, dt.date(1966, 11, 11))
        await born(tx, child, dt.date(1966, 11, 12))
        said = {
            "gold": {"tiers": ["gold"]},
            "elder": {"age_from": 60},
            "birthday": {"birthday": True},
            "native": {"member_regions": ["lijiang"]},
            "abroad": {"regions": ["dali"]},
            "card": {"channels": ["card"]},
        }
        for number, (code, when) in enumerate(said.items()):
            await write_rule(tx, shop, code, kind="bonus", points=10**number, group=code, when=when)
        place = await tx.scalar(
            text(
                "INSERT INTO outlet (merchant_id, name, region, opened_at) VALUES (:id, '大理店', 'dali', now()) RETURNING id"
            ),
            {"id": shop.merchant.id},
        )
        done = await book(
            tx,
            bought(shop, "a", 100, member_id=gold),
            bought(shop, "b", 100, member_id=elder),
            bought(shop, "c", 100, member_id=child),
            bought(shop, "d", 100, member_id=native),
            bought(shop, "e", 100, outlet_id=place),
            bought(shop, "f", 100, channel="card"),
            bought(shop, "g", 100),
        )
        unopened = await intake.book_many(tx, [bought(shop, "h", 100, member_id=elder)], at=moment(), zone=ZONE)
    assert [one - 1 for one in points(done) if isinstance(one, int)] == [1, 110, 0, 1000, 10000, 100000, 0]
    assert points(unopened) == [101]  # nobody's age is known without the vault; the birthday is


async def test_what_a_payment_instrument_reports_is_spending_by_card(database: Database) -> None:
    async with database.engine.begin() as tx:
        bank = await open_shop(tx, code="bank", terms=Terms(instrument=True))
        await write_rule(tx, bank, "bank-base", kind="base", rate="1", when={"channels": ["card"]})
        (done,) = await book(tx, bought(bank, "a", channel="api"))
    assert isinstance(done, Booked)
    assert (done.purchase.channel, done.purchase.points) == ("card", 100)


async def test_a_quote_is_what_is_then_paid_and_writes_nothing(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        await write_rule(tx, shop, "double", kind="multiplier", factor="2", caps=[{"points": 150, "per": "day"}])
        await book(tx, bought(shop, "a"))
    one = bought(shop, "b")
    async with database.engine.connect() as tx:
        await tx.execute(text("SET TRANSACTION READ ONLY"))
        quoted = await intake.quote(tx, one, today=one.bought_on, zone=ZONE, vault=VAULT)
        with pytest.raises(intake.NoSuchMember):
            await intake.quote(tx, replace(one, member_id=987654321), today=one.bought_on, zone=ZONE)
    async with database.engine.begin() as tx:
        (done,) = await book(tx, one)
    assert isinstance(done, Booked)
    assert (quoted.points, dict(quoted.shares)) == (150, dict(done.purchase.shares))


async def test_a_rule_that_changed_in_another_process_pays_from_then_on(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        before = await book(tx, bought(shop, "a"))
    async with database.engine.begin() as tx:  # as its transaction would: nothing here hears of it
        await tx.exec_driver_sql("UPDATE accrual_rule SET document = jsonb_set(document, '{rate}', '\"3\"')")
        await tx.exec_driver_sql("UPDATE rule_clock SET version = gen_random_uuid()::text")
    async with database.engine.begin() as tx:
        after = await book(tx, bought(shop, "b"))
    assert points([*before, *after]) == [100, 300]


async def test_what_cover_does_not_reach_for_is_refused_and_uses_nothing_up(database: Database) -> None:
    async with database.engine.begin() as tx:
        shop = await open_shop(tx)
        once = [{"points": 100, "per": "ever"}]
        await write_rule(tx, shop, "yunshan-base", kind="base", rate="1")
        await write_rule(tx, shop, "hundred", kind="bonus", points=100, caps=once)
        await tx.execute(
            text(
                "INSERT INTO cover (merchant_id, money, float_minor, reserved_minor, outstanding_minor, counted_at)"
                " VALUES (:id, 'CNY', 700, 0, 0, now())"
            ),
            {"id": shop.merchant.id},
        )
        # 100 points cost ¥2: 400 + 100 do not fit into 350, 100 + 100 do.
        done = await book(tx, bought(shop, "a", 40000), bought(shop, "b", 10000), bought(shop, "c", 10000))
        again = await book(tx, bought(shop, "a", 40000), bought(shop, "d", 5000))
        counted, found = await caps(tx), await audit(tx)
        reserved = await tx.scalar(text("SELECT reserved_minor FROM cover"))
    assert points(done) == ["cover_exhausted", 200, 100]
    assert points(again) == ["cover_exhausted", 50]
    assert isinstance(done[0], covers.CoverExhausted)
    assert counted == {("hundred", "ever"): 100}
    assert (reserved, found.violations) == (700, ())
