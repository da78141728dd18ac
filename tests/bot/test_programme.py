"""The programme's settings: shown, changed in a file, set; what can't be is said, and a running bot follows from its next turn."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner

from bot import programme
from tests.bot.test_cli import jifen
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.test_tier import TIERED, selling, tiered
from tests.handlers.till_scene import make_operator, open_shop


def _set(world: World, folder: Path, **changed: object) -> tuple[int, str]:
    """Show, change and set as a person would: the exit code, and everything that was said."""
    given = {"DATABASE_URL": world.database.dsn, "DATA_DIR": str(folder)}
    shown = jifen("programme", "show", **given)
    assert shown.returncode == 0, shown.stderr
    file = folder / "programme.json"
    file.write_text(json.dumps({**json.loads(shown.stdout), **changed}, ensure_ascii=False), "utf-8")
    done = jifen("programme", "set", str(file), **given)
    return done.returncode, done.stdout + done.stderr


async def _set_here(world: World, folder: Path, **changed: object) -> tuple[int, str]:
    """The same without a process for each command."""
    given = {"DATABASE_URL": world.database.dsn, "DATA_DIR": str(folder)}
    shown = await asyncio.to_thread(CliRunner(env=given).invoke, programme.group, ["show"])
    told = shown.stdout[shown.stdout.index("{") :]  # what the bot of this process logs comes before it
    file = folder / "programme.json"
    file.write_text(json.dumps({**json.loads(told), **changed}, ensure_ascii=False), "utf-8")
    done = await asyncio.to_thread(CliRunner(env=given).invoke, programme.group, ["set", str(file)])
    return done.exit_code, done.output


def _sold(seller: str, days: int = 90) -> list[dict[str, object]]:
    """The tiers, the second of them for money at a merchant."""
    ladder = [tier.model_dump(mode="json") for tier in TIERED.tiers]
    ladder[1]["fee"] = {"amount_minor": 9_800, "days": days, "sellers": [seller]}
    return ladder


async def test_where_the_operator_wants_no_checker_a_rule_counts_at_once(database: Database, tmp_path: Path) -> None:
    async with bot_running(database, setup=tiered) as world:
        shop = await open_shop(world)
        await make_operator(world, await world.member("林运营"), "admin")
        code, said = _set(world, tmp_path, rules_need_approval=False)
        assert (code, "rules_need_approval: true → false" in said) == (0, True), said
        code, said = _set(world, tmp_path)
        assert code == 0 and "没有改动" in said
        await shop.owner.says("/merchant")
        for label in ("积分规则", "多倍积分", "2 倍", "明天起一直"):
            await shop.owner.taps(label)
        await shop.owner.sees("确认后按日期生效", fresh=True)
        await shop.owner.taps("确认")
        await shop.owner.sees("好了,按日期生效", fresh=True)
        assert await world.sql("SELECT version FROM programme") == [(2,)]


async def test_what_the_settings_cannot_be_is_said_and_changes_nothing(database: Database, tmp_path: Path) -> None:
    async with bot_running(database, setup=selling) as world:
        await world.sql(
            "INSERT INTO merchant (code, name_zh, name_en, category, money, terms)"
            " VALUES ('london', '伦敦店', 'London', 'grocery', 'GBP', '{}')"
        )
        for changed, why in (
            ({"money": "EUR"}, "money 定了就不能改"),
            ({"welcome_issuer": "nobody"}, "没有商户 nobody"),
            ({"tier_seller": None}, "tier_seller"),
            ({"tiers": _sold("nobody")}, "没有商户 nobody"),
            ({"tiers": _sold("london")}, "商户 london 不收 CNY"),
            ({"tiers": _sold("market", days=0)}, "tiers.1.fee.days"),
            ({"redemption_price_bp": 20_000}, "redemption price"),
            ({"welcome_points": -1}, "welcome_points"),
            ({"nonsense": 1}, "nonsense"),
        ):
            code, said = await _set_here(world, tmp_path, **changed)
            assert code == 1 and why in said, said
        assert await world.sql("SELECT version FROM programme") == [(1,)]


async def test_a_tiers_price_in_money_is_set_and_counts_from_the_next_turn(database: Database, tmp_path: Path) -> None:
    async with bot_running(database, setup=selling) as world:
        ming = await world.member()
        code, said = _set(world, tmp_path, tiers=_sold("market"))
        assert code == 0 and '"amount_minor": 9800' in said
        await ming.says("/tier")
        await ming.sees("在云山超市付 ¥98,90 天")


async def test_without_a_programme_the_way_to_one_is_said(database: Database, tmp_path: Path) -> None:
    done = jifen("programme", "show", DATABASE_URL=database.dsn, DATA_DIR=str(tmp_path))
    assert done.returncode == 1 and "jifen demo" in done.stderr
