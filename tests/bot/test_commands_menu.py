"""Command menus: whom they show what, in which language, and that Telegram is told only what differs."""

from __future__ import annotations

from bot.commands_menu import Menus, menu
from bot.features import Registry
from chat.feature import Feature
from chat.screen import Screen
from chat.turn import Turn
from chat.words import t
from tests.conftest import Database
from tests.driver import World, bot_running, coalition

first, second = Feature("first", order=1), Feature("second", order=2)


@second.command("award", t("记积分"), audience="staff")
@second.command("team", t("店员"), audience="staff", needs="see_staff")
@second.command("hidden", None)
@first.command("balance", t("我的积分"))
async def anything(turn: Turn, words: str) -> Screen:
    raise NotImplementedError


REGISTRY = Registry([first, second])


def test_a_menu_holds_what_is_declared_for_its_audience_in_its_language() -> None:
    everybody = ("anyone", "member")
    assert [(each.command, each.description) for each in menu(REGISTRY, "zh", everybody)] == [("balance", "我的积分")]
    staff = (*everybody, "staff")
    assert [each.command for each in menu(REGISTRY, "en", staff, ["cashier"])] == ["balance", "award"]
    assert [each.command for each in menu(REGISTRY, "en", staff, ["cashier", "owner"])] == ["balance", "team", "award"]
    assert menu(REGISTRY, "en", everybody)[0].description != "我的积分"


async def changes(world: World) -> list[tuple[str, object]]:
    kinds = ("setMyCommands", "deleteMyCommands", "setMyDescription", "setMyShortDescription")
    found = [(call.method, call.params.get("language_code")) for call in world.double.calls if call.method in kinds]
    world.double.calls.clear()
    return found


async def test_telegram_is_told_what_differs_and_a_cashier_gets_more(database: Database) -> None:
    async with bot_running(database, features=[first, second], setup=coalition, by_hand=True) as world:
        ming = await world.member("小明")
        menus = Menus(world.worker.bot, REGISTRY, database.engine, world.vault)
        await menus.publish()
        assert len(await changes(world)) == 6  # menu, description and short description in two languages
        await menus.publish()
        assert await changes(world) == []
        await world.sql(
            "INSERT INTO staff (merchant_id, member_id, role, label, added_by)"
            " SELECT (SELECT min(id) FROM merchant), id, 'cashier', '3号台', 'test' FROM member"
        )
        await menus.publish_roles()
        (call,) = [each for each in world.double.calls if each.method == "setMyCommands"]
        assert str(ming.id) in str(call.params["scope"]) and "award" in str(call.params["commands"])
        assert "team" not in str(call.params["commands"])
        await changes(world)
        await world.sql("UPDATE staff SET removed_at = now()")
        await menus.publish_roles()
        assert await changes(world) == [("deleteMyCommands", None)]
