"""What several screens share: the wallet's lines in every state, the arithmetic of a trace, one entry opened."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from chat import arithmetic, known, why
from chat.screen import Button
from chat.wallet import main_screen
from chat.words import Speaker, t
from ledger.points import commands as points
from ledger.points import statements
from ledger.points.commands import Moment
from ledger.points.engine import post
from tests.conftest import Database
from tests.turns import NOW, TODAY, coalition, earn, joined, shown, turn


def in_both(step: dict[str, Any]) -> tuple[str, str]:
    (line,) = arithmetic.steps([step])
    return Speaker("zh", TODAY).plain(line), Speaker("en", TODAY).plain(line)


@pytest.mark.parametrize(
    ("step", "zh", "en"),
    [
        (
            {"what": "base", "amount_minor": 30000, "money": "CNY", "category": None, "rate": "1", "points": "300"},
            "¥300 × 1 分/元  = 300 分",
            "¥300 × 1 per yuan  = 300 pts",
        ),
        (
            {"what": "base", "amount_minor": 1250, "money": "GBP", "category": "x", "rate": "0.5", "points": "6.25"},
            "x:£12.50 × 0.5 分/英镑  = 6.25",
            "x: £12.50 × 0.5 per pound  = 6.25",
        ),
        (
            {"what": "net", "gross_minor": 30000, "paid_otherwise_minor": 5000, "money": "CNY", "points": "250"},
            "其中 ¥50 是用积分或券付的,不计分  → 250 分",
            "¥50 of it was paid with points or vouchers and earns nothing  → 250 pts",
        ),
        (
            {"what": "total", "exact": "300.5", "points": 300},
            "合计 300.5,取整 300 分",
            "Total 300.5, rounded down to 300 pts",
        ),
        ({"what": "total", "exact": "300", "points": 300}, "合计 300 分", "Total 300 pts"),
        (
            {"what": "nothing", "because": "no_rule"},
            "这家商户当天没有积分规则",
            "This merchant had no rule for points that day",
        ),
    ],
)
def test_every_step_of_a_trace_is_said_in_both_languages(step: dict[str, Any], zh: str, en: str) -> None:
    assert in_both(step) == (zh, en)


def test_a_step_that_nobody_words_is_an_error_and_never_silent() -> None:
    with pytest.raises(KeyError):
        arithmetic.steps([{"what": "magic"}])


async def test_the_wallet_tells_of_debts_and_of_several_releases(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, rail = await coalition(tx)
        me = await joined(tx)
        earned = await earn(tx, me, market, 300)
        await earn(tx, me, rail, 500, available_on=dt.date(2026, 11, 24))
        for on, size in ((dt.date(2026, 11, 23), 40), (dt.date(2026, 11, 29), 60)):
            await earn(tx, me, market, size, available_on=on)
        common = {"owner": me.owner, "currency": 1, "at": Moment(NOW, TODAY), "actor": "test", "merchant_id": market.id}
        await post(tx, points.Burn(key="b", points=300, **common))
        await post(tx, points.ClawBack(key="c", issuer_id=market.id, entry_id=earned.entry_id, points=300, **common))
        lines = shown(await main_screen(turn(tx, me))).splitlines()
        held = await statements.wallet(tx, me.owner, today=TODAY)
        owed = held[0].deficits[market.id]
        assert lines[0] == "可用 0 分"
        assert f"在云山超市欠 {owed} 分:退货时不够收回,下次在那里得的分先补上" in lines
        assert "待生效 500 铁路积分(11月24日起可用)" in lines
        assert ("待生效 100(最早 明天生效 40)" in lines) == (held[0].pending == 100)


@pytest.mark.parametrize(
    ("on", "zh", "en"),
    [
        (dt.date(2026, 11, 22), "最近到期:5 分,今天", "Next to expire: 5 pts, today"),
        (dt.date(2026, 11, 23), "最近到期:5 分,明天", "Next to expire: 5 pts, tomorrow"),
        (dt.date(2026, 11, 30), "最近到期:5 分,11月30日(还有 8 天)", "Next to expire: 5 pts on 30 Nov (8 days)"),
        (dt.date(2027, 11, 30), "最近到期:5 分,2027年11月30日", "Next to expire: 5 pts, 30 Nov 2027"),
    ],
)
async def test_the_next_end_reads_as_people_say_it(database: Database, on: dt.date, zh: str, en: str) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        await earn(tx, me, market, 5, expires_on=on)
        screen = await main_screen(turn(tx, me))
        assert zh in shown(screen, "zh").splitlines()
        assert en in shown(screen, "en").splitlines()


async def test_points_that_never_expire_have_no_end_to_tell(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        await earn(tx, me, market, 5, expires_on=None)
        assert "最近到期" not in shown(await main_screen(turn(tx, me)))


async def test_an_opened_burn_of_many_lots_lists_some_and_counts_the_rest(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        me = await joined(tx)
        for day in range(1, 10):
            await earn(tx, me, market, 10, expires_on=dt.date(2027, 1, day))
        common = {"owner": me.owner, "currency": 1, "at": Moment(NOW, TODAY), "merchant_id": market.id}
        burn = await post(tx, points.Burn(key="b", points=90, actor=f"member:{me.id}", **common))
        opened = await statements.explain(tx, me.owner, burn.entry_id)
        lines = await why.lines(tx, me.owner, opened, await known.read(tx), today=TODAY)
        said = [Speaker("zh", TODAY).plain(line) for line in lines if line]
        assert said[1] == "10 分,云山超市给的,有效至 2027年1月1日"
        assert said[why.LOTS_SHOWN + 1] == "还有 3 批"
        assert said[-1].startswith("您自己操作的")


def test_a_button_does_exactly_one_thing_within_telegrams_limits() -> None:
    for wrong in ({}, {"data": "a:b", "url": "https://t.me/x"}, {"data": "x" * 65}, {"data": "字" * 22}):
        with pytest.raises(ValueError, match=r"exactly one thing|64 bytes"):
            Button(t("去"), **wrong)
