"""The bot's settings as it reads them back, and the menu a person sees."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeChatMember,
    BotCommandScopeDefault,
    MenuButtonCommands,
    MenuButtonWebApp,
    WebAppInfo,
)
from telegram.error import BadRequest

from bot.double.double import Double
from bot.double.people import Person


async def test_commands_are_kept_by_scope_and_language(bot: Bot, person: Person) -> None:
    await bot.set_my_commands([("/help ", " Help ")])
    await bot.set_my_commands([("help", "帮助")], language_code="zh")
    await bot.set_my_commands([("award", "发积分")], scope=BotCommandScopeChat(person.id))
    assert [(command.command, command.description) for command in await bot.get_my_commands()] == [("help", "Help")]
    assert [command.description for command in await bot.get_my_commands(language_code="zh")] == ["帮助"]
    assert [command.command for command in await bot.get_my_commands(BotCommandScopeChat(person.id))] == ["award"]
    assert await bot.get_my_commands(BotCommandScopeAllPrivateChats()) == ()
    await bot.delete_my_commands(language_code="zh")
    assert await bot.get_my_commands(language_code="zh") == ()


async def test_the_narrowest_menu_in_ones_own_language_is_shown(double: Double, bot: Bot, person: Person) -> None:
    english = double.person("Ann", language="en")
    assert person.commands == []
    for scope, language in (
        (BotCommandScopeDefault(), ""),
        (BotCommandScopeDefault(), "zh"),
        (BotCommandScopeAllPrivateChats(), ""),
        (BotCommandScopeChat(person.id), "zh"),
    ):
        await bot.set_my_commands([(f"{scope.type}_{language}", "x")], scope, language or None)
    assert [command["command"] for command in person.commands] == ["chat_zh"]
    assert [command["command"] for command in english.commands] == ["all_private_chats_"]
    await bot.delete_my_commands(BotCommandScopeAllPrivateChats())
    assert [command["command"] for command in english.commands] == ["default_"]


async def test_member_scopes_belong_to_groups(double: Double, bot: Bot, person: Person) -> None:
    with pytest.raises(BadRequest, match="Can't change commands in private chats"):
        await bot.set_my_commands([("a", "x")], BotCommandScopeChatMember(person.id, person.id))
    group = double.group("门店", person)
    assert await bot.set_my_commands([("a", "x")], BotCommandScopeChatMember(group.id, person.id))
    menu = double.world.profile.commands_for(group.id, person.id, "zh", role="member")
    assert menu == [{"command": "a", "description": "x"}]


async def test_texts_fall_back_to_everyones(bot: Bot) -> None:
    await bot.set_my_description("points for everyone")
    await bot.set_my_description("人人有积分", language_code="zh")
    await bot.set_my_short_description("points")
    await bot.set_my_name("积分")
    assert (await bot.get_my_description("zh")).description == "人人有积分"
    assert (await bot.get_my_description("fr")).description == "points for everyone"
    assert (await bot.get_my_short_description("zh")).short_description == "points"
    assert (await bot.get_my_name()).name == "积分"
    assert (await bot.get_me()).first_name == "积分"


@pytest.mark.parametrize(
    ("setter", "length"), [("set_my_description", 512), ("set_my_short_description", 120), ("set_my_name", 64)]
)
async def test_texts_have_their_lengths(bot: Bot, setter: str, length: int) -> None:
    method: Any = getattr(bot, setter)
    assert await method("x" * length)
    with pytest.raises(BadRequest, match="too long"):
        await method("x" * (length + 1))


async def test_the_menu_button_is_per_chat_or_for_all(bot: Bot, person: Person) -> None:
    assert isinstance(await bot.get_chat_menu_button(person.id), MenuButtonCommands)
    await bot.set_chat_menu_button(menu_button=MenuButtonWebApp("卡", WebAppInfo("https://x.y/")))
    shown = await bot.get_chat_menu_button(person.id)
    assert isinstance(shown, MenuButtonWebApp)
    assert shown.web_app.url == "https://x.y/"
    await bot.set_chat_menu_button(person.id, MenuButtonCommands())
    assert isinstance(await bot.get_chat_menu_button(person.id), MenuButtonCommands)
    with pytest.raises(BadRequest, match=r"(?i)only HTTPS links are allowed"):
        await bot.set_chat_menu_button(menu_button=MenuButtonWebApp("卡", WebAppInfo("http://x.y/")))
