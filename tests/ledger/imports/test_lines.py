"""What rows say, in tables: values, or the refusal; and what the columns of a file may be called."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.errors import Refusal
from ledger.imports import kinds, lines
from ledger.imports.kinds import COLUMNS, KINDS, ColumnNamesUnreadable, ColumnsMissing, Kind, named, places
from ledger.imports.lines import BalanceLine, CodeLine, When
from ledger.imports.parsed import parse
from tests.bot.importing import csv_of
from tests.ledger.earning.shop import NOON, ZONE

WHEN = When(NOON, NOON.date(), ZONE, NOON - dt.timedelta(days=30))
PURCHASE = {"document": "d1", "customer": "A", "occurred_at": "2026-11-10 18:30", "amount": "12.50"}


def refused(kind: Kind, **cells: str) -> str:
    """The code of the refusal of a row; «» where it is read."""
    try:
        lines.read(kind, {**(PURCHASE if kind == "purchases" else {}), **cells}, WHEN)
    except Refusal as no:
        return no.code
    return ""


@pytest.mark.parametrize(
    ("said", "minor"),
    [
        ("12.50", 1250), ("12", 1200), ("0", 0), ("1,204.5", 120450), ("¥88", 8800), ("88元", 8800), ("12", 1200), ("0.010", 1),
        ("0.001", None), ("1,2", None), ("1e3", None), ("½", None), ("١٢", None), ("12.5.0", None), ("", None), ("9" * 18, None),
        ("=1+1", None),
    ],
)  # fmt: skip
def test_amounts_are_exact_or_refused(said: str, minor: int | None) -> None:
    if minor is None:
        assert refused("purchases", amount=said) in ("cell_unreadable", "cell_missing")
    else:
        assert lines.purchase({**PURCHASE, "amount": said}, WHEN).amount_minor == minor


@pytest.mark.parametrize(
    ("said", "utc"),
    [
        ("2026-11-10 18:30", "2026-11-10T10:30"), ("2026/11/10 18:30:59", "2026-11-10T10:30:59"),
        ("2026-11-10", "2026-11-10T04:00"), ("2026年11月10日", "2026-11-10T04:00"), ("2026.11.9 8:05", "2026-11-09T00:05"),
        ("2026-11-10T18:30:00Z", "2026-11-10T18:30"),
        ("2026-11-10T18:30:00+02:00", "2026-11-10T16:30"),
        ("10.11.2026", None), ("2026-13-01", None), ("2026-02-30", None), ("20261110", None), ("2026-11-10 25:00", None),
        ("now", None),
    ],
)  # fmt: skip
def test_times_are_the_programmes_unless_they_say_otherwise(said: str, utc: str | None) -> None:
    if utc is None:
        assert refused("purchases", occurred_at=said) == "cell_unreadable"
    else:
        assert lines.purchase({**PURCHASE, "occurred_at": said}, WHEN).occurred_at == dt.datetime.fromisoformat(
            utc + "Z"
        )


@pytest.mark.parametrize(
    ("kind", "cells", "code"),
    [
        ("purchases", {}, ""),
        ("purchases", {"document": " "}, "cell_missing"),
        ("purchases", {"document": "d" * 65}, "cell_too_long"),
        ("purchases", {"customer": "two\nlines"}, "cell_too_long"),
        ("purchases", {"amount": "-5"}, "no_refunds_here"),
        ("purchases", {"occurred_at": "2026-11-11 12:04"}, ""),
        ("purchases", {"occurred_at": "2026-11-11 12:06"}, "row_in_future"),
        ("purchases", {"occurred_at": "2026-10-12 11:59"}, "row_too_old"),
        ("purchases", {"pieces": "0"}, "cell_unreadable"),
        ("purchases", {"pieces": "1.5"}, "cell_unreadable"),
        ("purchases", {"pieces": " "}, ""),
        ("members", {"customer": ""}, "cell_missing"),
        ("balances", {"customer": "A", "points": "0"}, "cell_unreadable"),
        ("balances", {"customer": "A", "points": "12.5"}, "cell_unreadable"),
        ("balances", {"customer": "A", "points": "12.0", "expires_on": "2026-11-11"}, ""),
        ("balances", {"customer": "A", "points": "12", "expires_on": "2026-11-10"}, "row_over"),
        ("balances", {"customer": "A", "points": "12", "expires_on": "soon"}, "cell_unreadable"),
        ("codes", {"pool": "p", "code": ""}, "cell_missing"),
        ("codes", {"pool": "p" * 41, "code": "c"}, "cell_too_long"),
        ("codes", {"pool": "p", "code": "c" * 201}, "cell_too_long"),
        ("codes", {"pool": "p", "code": "c", "valid_until": "2026/11/12"}, ""),
    ],
)  # fmt: skip
def test_a_row_is_refused_for_what_is_wrong_with_it(kind: Kind, cells: dict[str, str], code: str) -> None:
    assert refused(kind, **cells) == code


def test_values_are_read_as_they_are_meant() -> None:
    cells = {"customer": "10086", "points": "1,280", "expires_on": "2027-12-31 00:00:00"}
    assert lines.read("balances", cells, WHEN) == BalanceLine("10086", 1280, dt.date(2027, 12, 31))
    code = lines.read("codes", {"pool": "p", "code": " Kf-7 "}, WHEN)
    assert code == CodeLine("p", "Kf-7", None)  # a code is kept letter by letter


def test_a_secret_is_in_no_refusal() -> None:
    with pytest.raises(Refusal) as no:
        lines.read("codes", {"pool": "p", "code": "SECRET" * 50}, WHEN)
    assert "SECRET" not in str(no.value)


@pytest.mark.parametrize("kind", KINDS)
def test_templates_can_be_imported_in_both_languages(kind: Kind) -> None:
    when = When(
        dt.datetime(2026, 11, 23, tzinfo=dt.UTC), dt.date(2026, 11, 23), ZONE, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    )
    for language in ("zh", "en"):
        head = [getattr(each, language) for each in COLUMNS[kind]]
        [row] = parse(kind, csv_of([head, [each.example for each in COLUMNS[kind]]]), {}, when)
        assert row.refusal is None and row.unit == 2 and set(row.cells) == {each.field for each in COLUMNS[kind]}


def test_columns_are_found_by_any_usual_name_and_the_usual_one_wins() -> None:
    assert places("purchases", ["Receipt", "CUSTOMER_ID", "date", "Total"], {}) == {
        "document": 0, "customer": 1, "occurred_at": 2, "amount": 3,
    }  # fmt: skip
    assert places("purchases", ["日期", "时间", "单号", "顾客号", "金额"], {})["occurred_at"] == 1
    with pytest.raises(ColumnsMissing) as no:
        places("purchases", ["单号", "x"], {"document": "gone"})
    assert no.value.fields == ("document", "customer", "occurred_at", "amount") and no.value.found == ("单号", "x")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", {}),
        ("单号=Nr", {"document": "Nr"}),
        ("document = Invoice No; 金额=Total", {"document": "Invoice No", "amount": "Total"}),
        ("occurred_at=When,Customer=Who", {"occurred_at": "When", "customer": "Who"}),
        ("nothing=Nr", None), ("document", None), ("document=", None), ("document=" + "x" * 65, None),
    ],
)  # fmt: skip
def test_headings_can_be_named(said: str, found: dict[str, str] | None) -> None:
    if found is None:
        with pytest.raises(ColumnNamesUnreadable):
            named("purchases", said)
    else:
        assert named("purchases", said) == found


def test_no_heading_means_two_columns_of_a_kind() -> None:
    for kind in KINDS:
        names = [
            kinds.normal(name) for each in COLUMNS[kind] for name in {kinds.normal(n): n for n in each.names}.values()
        ]
        assert len(names) == len(set(names)), kind
