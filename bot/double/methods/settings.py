"""The bot's own settings: commands by scope and language, names, descriptions, the menu button."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.double import links
from bot.double.errors import bad
from bot.double.methods.registry import method
from bot.double.profile import DEFAULT, Scope

if TYPE_CHECKING:
    from bot.double.requests import Call
    from bot.double.world import World

COMMANDS_MAX = 100
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
WIDE = frozenset({"default", "all_private_chats", "all_group_chats", "all_chat_administrators"})
NARROW = frozenset({"chat", "chat_administrators", "chat_member"})
NAME_MAX, DESCRIPTION_MAX, SHORT_DESCRIPTION_MAX = 64, 512, 120


def _language(call: Call) -> str:
    code: str = call.get("language_code", "")
    if code and not re.fullmatch(r"[a-z]{2}", code):
        raise bad("invalid language code specified")
    return code


def _scope(world: World, call: Call) -> Scope:
    scope = call.get("scope")
    if not scope:
        return DEFAULT
    kind = scope.get("type")
    if kind in WIDE:
        return (str(kind), 0, 0)
    if kind not in NARROW:
        raise bad("can't parse BotCommandScope: Unsupported type specified")
    if scope.get("chat_id") in (None, ""):
        raise bad("can't parse BotCommandScope: Empty chat_id specified")
    raw = scope["chat_id"]
    chat = world.chat(raw if isinstance(raw, int) or str(raw).startswith("@") else int(raw))
    user_id = 0
    if kind == "chat_member":
        user_id = int(scope.get("user_id") or 0)
        if user_id <= 0:
            raise bad("can't parse BotCommandScope: Invalid user_id specified")
    if kind != "chat" and not chat.is_group:
        raise bad("can't change commands in private chats")
    return (str(kind), chat.id, user_id)


@method("setMyCommands")
async def set_my_commands(world: World, call: Call) -> Any:
    """Replaces the menu of one scope and language."""
    commands = [_command(raw) for raw in call["commands"]]
    scope, language = _scope(world, call), _language(call)
    if len(commands) > COMMANDS_MAX:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    world.profile.commands[(scope, language)] = commands
    world.feed.publish("commands", scope=scope, language=language)
    return True


def _command(raw: Any) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise bad("can't parse BotCommand: expected an Object")
    for name in ("command", "description"):
        if not isinstance(raw.get(name), str):
            raise bad(f"can't parse BotCommand: Can't find field \"{name}\"")
    command = raw["command"].strip().removeprefix("/")
    description = raw["description"].strip()
    if not command:
        raise bad("command must be non-empty")
    if len(command) > 32:
        raise bad("command length must not exceed 32")
    if not description:
        raise bad("command description must be non-empty")
    if len(description) > 256:
        raise bad("command description length must not exceed 256")
    if not COMMAND.fullmatch(command):
        raise bad("BOT_COMMAND_INVALID")
    return {"command": command, "description": description}


@method("getMyCommands")
async def get_my_commands(world: World, call: Call) -> Any:
    """The menu of exactly this scope and language."""
    return world.profile.commands.get((_scope(world, call), _language(call)), [])


@method("deleteMyCommands")
async def delete_my_commands(world: World, call: Call) -> Any:
    """Forgets the menu of one scope and language, so that a wider one shows."""
    world.profile.commands.pop((_scope(world, call), _language(call)), None)
    return True


def _set(texts: dict[str, str], language: str, text: str, length_max: int, refusal: str) -> bool:
    if len(text) > length_max:
        raise bad(refusal)
    if text:
        texts[language] = text
    else:
        texts.pop(language, None)
    return True


def _get(texts: dict[str, str], language: str) -> str:
    return texts.get(language) or texts.get("", "")


@method("setMyName")
async def set_my_name(world: World, call: Call) -> Any:
    """Names the bot in one language, or for everyone."""
    language, name = _language(call), call.get("name", "").strip()
    _set(world.profile.names, language, name, NAME_MAX, "bot name is too long")
    if not language:
        world.profile.names.setdefault("", world.bot["username"])
        world.bot = {**world.bot, "first_name": world.profile.names[""]}
    return True


@method("getMyName")
async def get_my_name(world: World, call: Call) -> Any:
    """The name in one language, or everyone's."""
    return {"name": _get(world.profile.names, _language(call))}


@method("setMyDescription")
async def set_my_description(world: World, call: Call) -> Any:
    """What an empty chat shows."""
    text = call.get("description", "").strip()
    return _set(world.profile.descriptions, _language(call), text, DESCRIPTION_MAX, "bot description is too long")


@method("getMyDescription")
async def get_my_description(world: World, call: Call) -> Any:
    """The description in one language, or everyone's."""
    return {"description": _get(world.profile.descriptions, _language(call))}


@method("setMyShortDescription")
async def set_my_short_description(world: World, call: Call) -> Any:
    """What the profile page and shared links show."""
    text = call.get("short_description", "").strip()
    short = world.profile.short_descriptions
    return _set(short, _language(call), text, SHORT_DESCRIPTION_MAX, "bot short description is too long")


@method("getMyShortDescription")
async def get_my_short_description(world: World, call: Call) -> Any:
    """The short description in one language, or everyone's."""
    return {"short_description": _get(world.profile.short_descriptions, _language(call))}


@method("setChatMenuButton")
async def set_chat_menu_button(world: World, call: Call) -> Any:
    """What the button beside the text field does, in one private chat or by default."""
    button = _menu_button(call.get("menu_button") or {"type": "default"})
    if "chat_id" not in call:
        world.profile.menu_button = {"type": "commands"} if button["type"] == "default" else button
        return True
    chat = world.chat(call["chat_id"])
    if chat.is_group:
        raise bad("invalid chat_id specified")
    chat.menu_button = None if button["type"] == "default" else button
    return True


def _menu_button(raw: dict[str, Any]) -> dict[str, Any]:
    kind = raw.get("type")
    if kind in {"default", "commands"}:
        return {"type": kind}
    if kind != "web_app":
        raise bad("can't parse menu button: MenuButton has unsupported type")
    text, web_app = raw.get("text"), raw.get("web_app")
    if not isinstance(text, str) or not isinstance(web_app, dict) or not isinstance(web_app.get("url"), str):
        raise bad('can\'t parse menu button: Can\'t find field "text" or "web_app"')
    if not text:
        raise bad("menu button text must be non-empty")
    try:
        url = links.check(web_app["url"], https_only=True)
    except links.BadLink as problem:
        raise bad(f"menu button Web App URL '{web_app['url']}' is invalid: {problem}") from None
    return {"type": "web_app", "text": text, "web_app": {"url": url}}


@method("getChatMenuButton")
async def get_chat_menu_button(world: World, call: Call) -> Any:
    """The button of a chat, or the default one."""
    if "chat_id" not in call:
        return world.profile.menu_button
    return world.chat(call["chat_id"]).menu_button or world.profile.menu_button
