"""Words about merchants: dates as typed, tables as files, and every line of the log in both languages."""

from __future__ import annotations

import datetime as dt

import pytest

from chat import dates, merchant_log
from chat.csv_file import csv_file
from chat.merchants import KINDS, PURPOSES, region
from chat.words import Speaker, t
from ledger.merchants import certificates, files, log, onboarding
from tests.turns import PROGRAMME, TODAY, ZONE


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2027-06-30", dt.date(2027, 6, 30)),
        (" 2027/6/30 ", dt.date(2027, 6, 30)),
        ("2027.06.30", dt.date(2027, 6, 30)),
        ("20270630", dt.date(2027, 6, 30)),
        ("2027年6月30日", dt.date(2027, 6, 30)),
        ("2027年 6月 30", dt.date(2027, 6, 30)),
        ("2028-02-29", dt.date(2028, 2, 29)),
        ("2027-02-29", None),
        ("30-06-2027", None),
        ("明年", None),
        ("", None),
    ],
)
def test_a_date_is_read_as_people_type_it(said: str, day: dt.date | None) -> None:
    assert dates.parse(said) == day


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("hz", "杭州", "Hangzhou"),
        (None, "全国", "Everywhere"),
        (onboarding.NATIONWIDE, "全国", "Everywhere"),
        ("atlantis", "atlantis", "atlantis"),
    ],
)
def test_a_region_that_the_programme_has_not_is_never_said_to_be_everywhere(code: str | None, zh: str, en: str) -> None:
    name = t("{region}", region=region(PROGRAMME, code))
    assert (Speaker("zh", TODAY).plain(name), Speaker("en", TODAY).plain(name)) == (zh, en)


def test_no_cell_of_a_table_is_run_by_a_spreadsheet() -> None:
    rows = [["名称", "分"], ["=1+1", 5], ["@x", -3], ["-2", 0], ["+86", 0], ["普通,名字", 1]]
    said = csv_file(rows).decode("utf-8-sig").splitlines()
    assert said == ["名称,分", "'=1+1,5", "'@x,-3", "'-2,0", "'+86,0", '"普通,名字",1']


FACTS = {
    "reason": "r", "kind": "credit", "number": "C-1", "until": "2027-06-30", "purpose": "licence", "name": "南京路店",
    "field": "hours", "label": "1号台", "outlet": "南京路店", "till": "1号台", "awards": 3, "role": "cashier", "by": "day",
    "term": "return_days", "name_zh": "双倍", "name_en": "Double", "cards": 3, "amount_minor": 29800, "money": "CNY",
    "version": 2, "day": "2026-11-25", "bookings": 3,
}  # fmt: skip


@pytest.mark.parametrize("what", log.WHATS)
def test_every_line_of_the_log_has_words_in_both_languages(what: log.What) -> None:
    said = merchant_log.WORDS[what](FACTS | ({"kind": "purchases", "rows": 3} if what == "file_imported" else {}))
    zh, en = (Speaker(language, TODAY, ZONE).plain(said) for language in ("zh", "en"))
    assert zh and en and zh != en


def test_every_kind_of_certificate_and_paper_has_a_name() -> None:
    assert set(KINDS) == set(certificates.KINDS)
    assert set(PURPOSES) == set(files.PURPOSES)
