"""Rules in plain words, in both languages."""

from __future__ import annotations

import datetime as dt

import pytest

from chat import day_range, rules
from chat.words import Speaker
from ledger.earning.rules.version import RuleVersion
from ledger.programme import GreenScale, Wording
from tests.ledger.earning.rules.script import rule
from tests.turns import PROGRAMME

TODAY = dt.date(2026, 11, 22)


def line(told: str, *, since: str = "2026-01-01", until: str | None = None) -> tuple[str, str]:
    last = dt.date.fromisoformat(until) if until else None
    version = RuleVersion("r", 1, rule(f"rule 名: {told}").rule, dt.date.fromisoformat(since), last)
    text = rules.line(version, "CNY", PROGRAMME, today=TODAY)
    return Speaker("zh", TODAY).plain(text), Speaker("en", TODAY).plain(text)


@pytest.mark.parametrize(
    ("told", "zh", "en"),
    [
        ("base 1.5 rates 水果=2", "名:每元 1.5 分,水果 2 分", "名: 1.5 per yuan, 水果 2"),
        ("base 15 age 60-", "名:每元 15 分(60 岁以上)", "名: 15 per yuan (aged 60 and over)"),
        ("base 2 age 7-17", "名:每元 2 分(7—17 岁)", "名: 2 per yuan (aged 7 to 17)"),
        ("base 2 age -17", "名:每元 2 分(17 岁以下)", "名: 2 per yuan (aged 17 and under)"),
        ("green 自带杯 0.5/piece", "名:自带杯每件再加 0.5 分", "名: 0.5 more for each 自带杯"),
        ("green 节能 1", "名:节能每元再加 1 分", "名: 1 more per yuan of 节能"),
        (
            "times 2 weekdays 6,7 hours 22-2",
            "名:2 倍(周六、周日;22:00—2:00)",
            "名: ×2 (Saturdays, Sundays; 22:00–2:00)",
        ),
        ("times 2 days 15,-1", "名:2 倍(每月15日、最后一天)", "名: ×2 (each month: day 15, last day)"),
        (
            "times 3 on 水果 region sh,hz member-region sh",
            "名:3 倍(只算水果;在杭州、上海买;住在上海的会员)",
            "名: ×3 (only 水果; bought in Hangzhou, Shanghai; members living in Shanghai)",
        ),
        ("times 1.5 tier gold birthday", "名:1.5 倍(等级 gold;生日当天)", "名: ×1.5 (tier gold; on one’s birthday)"),
        (
            "bonus 50 spend 200 first here joined 30",
            "名:每笔加 50 分(满 ¥200;在本店第一次消费;入会 30 天内)",
            "名: 50 pts a purchase (from ¥200; first purchase here; within 30 days of joining)",
        ),
        (
            "bonus 5 channel card first anywhere standing 650 business yes",
            "名:每笔加 5 分(经支付渠道;信用分 650 以上;第一次消费;企业会员)",
            "名: 5 pts a purchase (by way of a payment channel; credit standing from 650; first purchase; business members)",
        ),
        (
            "times 2 cap 100/day cap 500/month cap 900/ever cap 9/purchase budget 10000",
            "名:2 倍(每人每天最多 100 分;每人每月最多 500 分;每人累计最多 900 分;每笔最多 9 分;总共 10,000 分)",
            "名: ×2 (at most 100 pts a person a day; at most 500 pts a person a month; at most 900 pts a person in all;"
            " at most 9 pts a purchase; 10,000 pts in all)",
        ),
        ("times 2 from 2026-12-24 until 2026-12-27", "名:2 倍(12月24日—12月26日)", "名: ×2 (24 Dec – 26 Dec)"),
        ("times 2 from 2026-12-24 until 2026-12-25", "名:2 倍(12月24日一天)", "名: ×2 (24 Dec only)"),
        (
            "times 2 from 2026-12-24T20:00 until 2026-12-24T22:00",
            "名:2 倍(12月24日 20:00—12月24日 22:00)",
            "名: ×2 (24 Dec 20:00 – 24 Dec 22:00)",
        ),
        ("base 1 business no", "名:每元 1 分(个人会员)", "名: 1 per yuan (people, not companies)"),
    ],
)
def test_a_rule_says_what_it_gives_and_when(told: str, zh: str, en: str) -> None:
    assert line(told) == (zh, en)


def test_a_green_class_goes_by_the_name_that_the_programme_gives_it() -> None:
    scale = GreenScale(names={"own_cup": Wording(zh="自带杯", en="Own cup")})
    named = PROGRAMME.model_copy(update={"green_scale": scale})
    text = rules.headline(rule("rule 名: green own_cup 2/piece").rule, "CNY", named)
    assert Speaker("zh", TODAY).plain(text) == "名:自带杯每件再加 2 分"
    assert Speaker("en", TODAY).plain(text) == "名: 2 more for each Own cup"


def test_the_days_of_a_version_are_said_where_they_are_not_now_and_for_ever() -> None:
    assert line("times 2", since="2026-12-01")[0] == "名:2 倍(12月1日起)"
    assert line("times 2", since="2026-12-01", until="2026-12-03") == (
        "名:2 倍(12月1日—12月3日)",
        "名: ×2 (1 Dec – 3 Dec)",
    )
    assert line("times 2") == ("名:2 倍", "名: ×2")


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("12-24", "2026-12-24", "2026-12-24"),
        ("12-24 12-26", "2026-12-24", "2026-12-26"),
        ("12月24日到12月26日", "2026-12-24", "2026-12-26"),
        ("12/30-1/2", "2026-12-30", "2027-01-02"),
        ("2027-01-01—2027-01-03", "2027-01-01", "2027-01-03"),
        ("11.22", "2026-11-22", "2026-11-22"),
        ("11-21", "2027-11-21", "2027-11-21"),
        ("2月29日", None, None),
        ("明天", None, None),
        ("12-24 12-26 12-28", None, None),
        ("13-24", None, None),
        ("12-24 5", None, None),
    ],
)
def test_days_are_read_as_people_write_them(said: str, first: str | None, last: str | None) -> None:
    expected = (dt.date.fromisoformat(first), dt.date.fromisoformat(last)) if first and last else None
    assert day_range.parse(said, today=TODAY) == expected
