"""Matching rules of a till export: small exports written as text, and a comparison with the separate recount on made-up ones."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.earning.rules.documents import Base
from ledger.earning.rules.version import RuleVersion
from ledger.earning.till_book import earning
from ledger.earning.till_import import Matcher, Purchase, Refund, Row, RowResult, documents, survey
from ledger.merchants.mapping import Mapping
from tests.recount import points_by_customer

SLICE = Path(__file__).parents[2] / "data" / "till_export_slice.csv"
RULE = RuleVersion("shop", 1, Base(rate=Decimal(1)), dt.date(1970, 1, 1))


def rows_of(lines: str) -> list[Row]:
    """«document item quantity price customer [time]», one a line; «-» is an empty customer."""
    made = []
    for number, line in enumerate(lines.strip().splitlines(), 1):
        document, item, quantity, price, customer, *time = line.split()
        at = time[0] if time else "2010-01-01T10:00:00"
        made.append(Row(number, document, item, quantity, at, price, "" if customer == "-" else customer))
    return made


def read(rows: list[Row]) -> tuple[dict[str, Purchase | Refund], list[RowResult]]:
    """Everything that an export comes to: documents by number, and row results by row."""
    found = survey(rows, refund_prefix="C")
    matcher = Matcher(
        found,
        refund_prefix="C",
        adjustment_prefix="A",
        earns=earning([RULE], money="GBP", zone="Europe/London"),
        instant=Mapping().instant,
    )
    whats: dict[str, Purchase | Refund] = {}
    results: list[RowResult] = []
    for document in documents(rows, found):
        what, outcomes = matcher.take(document)
        results += outcomes
        if what is not None:
            assert what.document not in whats
            whats[what.document] = what
    return whats, sorted(results)


def balances(whats: dict[str, Purchase | Refund]) -> dict[str, int]:
    """Points by customer."""
    points: Counter[str] = Counter()
    for what in whats.values():
        if isinstance(what, Purchase):
            points[what.customer] += what.decision.points
        else:
            for taken in what.taken:
                points[taken.customer] -= taken.points
    return dict(points)


def check(lines: str, outcomes: str, **expected: int) -> None:
    """An export, the outcome of its rows («outcome» or «outcome:applied/rest»), and the points of its customers."""
    whats, results = read(rows_of(lines))
    said = [r.outcome + (f":{r.applied}/{r.rest}" if r.applied or r.rest else "") for r in results]
    assert said == outcomes.split()
    assert balances(whats) == expected


def test_an_invoice_earns_whole_pounds_of_its_total_rounded_down_once() -> None:
    check("1 A 1 0.60 ann\n1 B 1 0.60 ann\n1 B 1 0.799 ann", "earned earned earned", ann=1)


def test_exact_decimals_do_not_lose_a_point() -> None:
    check("1 A 3 0.1 ann\n1 A 7 0.1 ann", "earned earned", ann=1)
    check("1 A 1 1.999 ann\n1 A 1 0.001 ann", "earned earned", ann=2)


def test_lines_that_cannot_be_used_say_why_and_are_not_guessed() -> None:
    check(
        """
        1 A 1 5.00 -
        1 A 1 0 ann
        1 A 1 -5.00 ann
        1 A 0 5.00 ann
        1 A -1 5.00 ann
        1 A 1 5.00 ann
        1 A x 5.00 ann
        1 A 1.5 5.00 ann
        1 A 1 NaN ann
        1 A 1_0 5.00 ann
        1 A 1 1e3 ann
        1 A 1 5.00 bob
        A1 B 1 5.00 ann
        C1 A 1 5.00 ann
        C1 A 0 5.00 ann
        C1 A -1 0 ann
        C1 A -1 5.00 -
        """,
        "no_customer price_not_positive price_not_positive quantity_not_positive quantity_not_positive earned"
        " unreadable unreadable unreadable unreadable unreadable other_customer adjustment refund_not_negative"
        " refund_not_negative price_not_positive no_customer",
        ann=5,
    )


def test_a_phone_number_is_no_customer_of_an_export_whose_numbers_are_kept_as_they_stand() -> None:
    check(
        "1 A 1 5 13900139000\n2 A 1 5 +8613900139000\n3 A 1 5 VIP13900139000\n4 A 1 5 23900139000",
        "phone_number phone_number phone_number earned",
        **{"23900139000": 5},
    )


def test_a_refund_takes_the_most_recent_earlier_lines_first_at_their_own_price() -> None:
    check(
        "1 A 2 10 ann\n2 A 2 20 ann\nC3 A -3 99 ann\n4 A 5 30 ann",
        "earned earned refunded:3/0 earned",
        ann=20 + 40 - 2 * 20 - 1 * 10 + 150,
    )


def test_within_one_invoice_the_later_line_is_the_more_recent() -> None:
    check("1 A 1 10 ann\n1 A 1 20 ann\nC2 A -1 1 ann", "earned earned refunded:1/0", ann=10)


def test_what_does_not_match_is_reported_in_part_or_whole() -> None:
    check(
        "1 A 2 10 ann\nC2 A -3 10 ann\nC3 A -1 10 ann\nC4 B -1 10 ann\nC5 A -1 10 bob",
        "earned refunded_in_part:2/1 not_matched:0/1 not_matched:0/1 not_matched:0/1",
        ann=0,
    )


def test_stock_codes_compare_as_written_and_other_codes_earn_alike() -> None:
    check("1 a 1 10 ann\n1 POST 1 18 ann\nC2 A -1 10 ann", "earned earned not_matched:0/1", ann=28)


def test_a_refund_recomputes_the_invoice_on_what_remains() -> None:
    # £10.50 + £0.70 = £11.20 → 11; without the second line £10.50 → 10; without one of the first £0.00.
    check("1 A 1 10.50 ann\n1 B 1 0.70 ann\nC2 B -1 1 ann", "earned earned refunded:1/0", ann=10)
    check("1 A 1 10.50 ann\n1 B 1 0.30 ann\nC2 B -1 1 ann", "earned earned refunded:1/0", ann=10)


def test_documents_stand_where_they_first_appear_with_all_of_their_lines() -> None:
    check(
        "1 A 1 10 ann\n2 A 1 20 ann\n1 A 1 30 ann\nC3 A -2 1 ann\n2 B 1 5 ann\nC4 B -1 1 ann\n2 A 1 7 ann",
        "earned earned earned refunded:2/0 earned refunded:1/0 earned",
        ann=10 + 30 + 20 + 7 + 5 - 7 - 20 - 5,
    )


def test_an_invoice_with_two_times_takes_the_first() -> None:
    whats, _ = read(rows_of("1 A 1 5 ann 2010-07-01T10:00:00\n1 A 1 5 ann 2010-07-02T10:00:00"))
    purchase = whats["1"]
    assert purchase.occurred_at == dt.datetime(2010, 7, 1, 9, tzinfo=dt.UTC)  # British Summer Time


def test_a_document_whose_time_cannot_be_read_is_left_out_whole() -> None:
    check("1 A 1 5 ann noon\n1 A 1 5 ann\nC2 A -1 5 ann", "unreadable_time unreadable_time not_matched:0/1")


def test_the_slice_comes_out_as_in_the_recount() -> None:
    with SLICE.open(newline="", encoding="utf-8") as file:
        places = Mapping().places(next(reader := csv.reader(file)))
        rows = [Row(n, *(line[p] for p in (places[0], *places[1:]))) for n, line in enumerate(reader, 1)]
    whats, results = read(rows)
    assert balances(whats) == points_by_customer(SLICE)
    assert len(results) == len(rows)
    assert {
        "earned",
        "refunded",
        "refunded_in_part",
        "not_matched",
        "no_customer",
        "price_not_positive",
        "adjustment",
    } == {r.outcome for r in results}


LINES = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "4", "C1", "C2", "C3", "A1"]),
        st.sampled_from(["X", "Y", "x"]),
        st.integers(-4, 6),
        st.sampled_from(["0.5", "1.25", "0.333", "7", "0", "-1", "19.99"]),
        st.sampled_from(["ann", "bob", ""]),
    ),
    max_size=40,
)


def one_customer_a_document(lines: list[tuple]) -> list[tuple]:
    """The recount splits a document between its customers; the import reports the second: made-up exports avoid it."""
    first: dict[str, str] = {}
    return [
        line
        for line in lines
        if line[0].startswith(("C", "A")) or not line[4] or first.setdefault(line[0], line[4]) == line[4]
    ]


@settings(max_examples=300, deadline=None)
@given(LINES.map(one_customer_a_document))
def test_any_export_comes_out_as_in_the_recount(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Invoice", "StockCode", "Quantity", "InvoiceDate", "Price", "Customer ID"])
    writer.writerows((d, i, q, "2010-01-01 10:00:00", p, c) for d, i, q, p, c in lines)
    path = tmp_path_factory.getbasetemp() / "made_up.csv"
    path.write_text(out.getvalue(), encoding="utf-8")
    rows = [Row(n, d, i, str(q), "2010-01-01 10:00:00", p, c) for n, (d, i, q, p, c) in enumerate(lines, 1)]
    whats, results = read(rows)
    assert balances(whats) == points_by_customer(path)
    assert [r.number for r in results] == list(range(1, len(lines) + 1))
    assert all(r.applied + r.rest == -lines[r.number - 1][2] for r in results if r.outcome.startswith("refunded"))
