"""How people, messages and calls look to the page: plain JSON values, made from the double's objects."""

from __future__ import annotations

import json
from typing import Any

from bot.double.calls import ApiCall
from bot.double.double import Double
from bot.double.faults import Kind
from bot.double.messages import Message
from bot.double.methods.registry import METHODS
from bot.double.people import Person
from bot.playground.people import PersonSpec

SECRET_PARAMETERS = frozenset({"secret_token", "provider_token", "certificate"})
DETAIL_CHARS_MAX = 8_000
FAULT_KINDS = {Kind.DROP_REPLY: "drop", Kind.STATUS: "error"}


def message_view(message: Message, person: Person) -> dict[str, Any]:
    """One message: text or caption with entities (UTF-16 offsets), picture or file by address, buttons by kind."""
    wire = message.wire
    file = message.file
    source = f"api/people/{person.id}/messages/{message.id}/file?v={file.unique_id}" if file is not None else ""
    photo = document = None
    if "photo" in wire and file is not None:
        largest = max(wire["photo"], key=lambda size: size["width"])
        photo = {"src": source, "width": largest["width"], "height": largest["height"]}
    elif file is not None:
        document = {"src": source, "name": file.name, "size": file.size}
    return {
        "id": message.id,
        "mine": not message.from_bot,
        "at": wire["date"],
        "edited_at": wire.get("edit_date"),
        "text": message.shown or _contact_text(wire) or _paid_text(wire),
        "entities": message.entities,
        "photo": photo,
        "document": document,
        "keyboard": [
            [_button_view(button.raw) for button in row if "pay" not in button.raw or message.payload is not None]
            for row in message.buttons
        ],
    }


def _contact_text(wire: dict[str, Any]) -> str:
    contact = wire.get("contact")
    return f"{contact.get('first_name', '')} · {contact.get('phone_number', '')}" if contact else ""


def _paid_text(wire: dict[str, Any]) -> str:
    paid = wire.get("successful_payment")
    return f"✓ {paid['currency']} {paid['total_amount'] / 100:.2f}" if paid else ""


def _button_view(raw: dict[str, Any]) -> dict[str, Any]:
    """`kind` says what pressing does; `value` is the data, address, text or query it does it with."""
    kind, value = "other", ""
    if "callback_data" in raw:
        kind, value = "data", raw["callback_data"]
    elif "url" in raw:
        kind, value = "url", raw["url"]
    elif "pay" in raw:
        kind = "pay"
    elif "copy_text" in raw:
        kind, value = "copy", raw["copy_text"]["text"]
    elif "web_app" in raw:
        kind, value = "web_app", raw["web_app"]["url"]
    elif "switch_inline_query_current_chat" in raw:
        kind, value = "inline_here", raw["switch_inline_query_current_chat"]
    elif "switch_inline_query_chosen_chat" in raw:
        kind, value = "inline", raw["switch_inline_query_chosen_chat"].get("query", "")
    elif "switch_inline_query" in raw:
        kind, value = "inline", raw["switch_inline_query"]
    return {"text": raw["text"], "kind": kind, "value": value, "style": raw.get("style")}


def person_view(person: Person, spec: PersonSpec | None, double: Double) -> dict[str, Any]:
    """One person: who they are, how their client stands towards the bot, and what the bot offers them to press."""
    profile = double.world.profile
    keyboard = person.chat.reply_keyboard
    return {
        "id": person.id,
        "name": person.name,
        "language": person.language_code or "en",
        "role": {"zh": spec.role.zh, "en": spec.role.en} if spec else "",
        "note": {"zh": spec.note.zh, "en": spec.note.en} if spec else "",
        "suggestions": list(spec.suggestions) if spec else [],
        "blocked": person.chat.blocked,
        "commands": person.commands,
        "bot_name": _in_language(profile.names, person),
        "description": _in_language(profile.descriptions, person),
        "keyboard": _keyboard_view(keyboard) if keyboard else None,
    }


def _in_language(texts: dict[str, str], person: Person) -> str:
    return texts.get((person.language_code or "")[:2]) or texts.get("", "")


def _keyboard_view(keyboard: dict[str, Any]) -> dict[str, Any]:
    rows = [
        [{"text": key["text"], "request_contact": bool(key.get("request_contact"))} for key in row]
        for row in keyboard.get("keyboard", [])
    ]
    return {"rows": rows, "placeholder": keyboard.get("input_field_placeholder", "")}


def bot_view(double: Double) -> dict[str, Any]:
    """The bot's name and username."""
    bot = double.world.bot
    return {"name": bot["first_name"], "username": bot["username"]}


def faults_view(double: Double) -> list[dict[str, Any]]:
    """The planned faults; `left` is how many calls each will still meet."""
    return [
        {
            "id": id(planned),
            "kind": FAULT_KINDS.get(planned.fault.kind, planned.fault.kind.value),
            "method": METHODS[planned.method].name if planned.method in METHODS else planned.method,
            "person": planned.chat,
            "left": planned.times,
        }
        for planned in double.faults.planned
    ]


def call_view(number: int, call: ApiCall, double: Double) -> dict[str, Any]:
    """One API call; `person` is whose chat it was about, when that can be told; secrets are left out."""
    params = {name: _readable(name, value) for name, value in call.params.items()}
    return {
        "id": number,
        "method": call.method,
        "params": params,
        "status": call.status,
        "result": _bounded(call.result),
        "at": call.at,
        "ms": round(call.seconds * 1000, 1),
        "person": _person_of(call, double),
    }


def _readable(name: str, value: Any) -> Any:
    if name in SECRET_PARAMETERS:
        return "•••"
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except ValueError:
            return _bounded(value)
    return _bounded(value)


def _bounded(value: Any) -> Any:
    """The value, or the head of its JSON when it is too long to be read anyway."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > DETAIL_CHARS_MAX:
        return text[:DETAIL_CHARS_MAX] + "…"
    return value if isinstance(value, str) else json.loads(text)


def _person_of(call: ApiCall, double: Double) -> int | None:
    query = double.world.queries.get(str(call.params.get("callback_query_id", "")))
    if query is not None:
        return query.user_id
    try:
        return int(call.params.get("chat_id", ""))
    except (TypeError, ValueError):
        return None
