"""What each method takes: a hand-written table, and the reading of values off the wire.

A row reads `name:kind` with `!` after a required name. Kinds:
chat (id or @username), int, float, str, bool, list, object, file (upload, file_id or address).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bot.double.errors import bad


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of one method."""

    name: str
    kind: str
    required: bool


_SEND = (
    " business_connection_id:str message_thread_id:int direct_messages_topic_id:int disable_notification:bool"
    " protect_content:bool allow_paid_broadcast:bool message_effect_id:str suggested_post_parameters:object"
    " reply_parameters:object reply_to_message_id:int allow_sending_without_reply:bool"
)
_SEND_MARKUP = _SEND + " reply_markup:object"
_EDIT = " business_connection_id:str chat_id:chat message_id:int inline_message_id:str reply_markup:object"
_CAPTION = " caption:str parse_mode:str caption_entities:list show_caption_above_media:bool"

_ROWS = {
    "getMe": "",
    "logOut": "",
    "close": "",
    "getUpdates": "offset:int limit:int timeout:int allowed_updates:list",
    "setWebhook": "url!:str certificate:file ip_address:str max_connections:int allowed_updates:list"
    " drop_pending_updates:bool secret_token:str",
    "deleteWebhook": "drop_pending_updates:bool",
    "getWebhookInfo": "",
    "sendMessage": "chat_id!:chat text!:str parse_mode:str entities:list link_preview_options:object"
    " disable_web_page_preview:bool" + _SEND_MARKUP,
    "sendPhoto": "chat_id!:chat photo!:file has_spoiler:bool" + _CAPTION + _SEND_MARKUP,
    "sendDocument": "chat_id!:chat document!:file thumbnail:file caption:str parse_mode:str caption_entities:list"
    " disable_content_type_detection:bool" + _SEND_MARKUP,
    "editMessageText": "text!:str parse_mode:str entities:list link_preview_options:object"
    " disable_web_page_preview:bool" + _EDIT,
    "editMessageCaption": "caption:str parse_mode:str caption_entities:list show_caption_above_media:bool" + _EDIT,
    "editMessageMedia": "media!:object" + _EDIT,
    "editMessageReplyMarkup": _EDIT,
    "deleteMessage": "chat_id!:chat message_id!:int",
    "deleteMessages": "chat_id!:chat message_ids!:list",
    "sendInvoice": "chat_id!:chat title!:str description!:str payload!:str currency!:str prices!:list provider_token:str"
    " max_tip_amount:int suggested_tip_amounts:list start_parameter:str provider_data:str photo_url:str photo_size:int"
    " photo_width:int photo_height:int need_name:bool need_phone_number:bool need_email:bool need_shipping_address:bool"
    " send_phone_number_to_provider:bool send_email_to_provider:bool is_flexible:bool"
    + _SEND_MARKUP.replace(" business_connection_id:str", ""),
    "answerPreCheckoutQuery": "pre_checkout_query_id!:str ok!:bool error_message:str",
    "sendMediaGroup": "chat_id!:chat media!:list" + _SEND.replace(" suggested_post_parameters:object", ""),
    "copyMessage": "chat_id!:chat from_chat_id!:chat message_id!:int video_start_timestamp:int"
    + _CAPTION
    + _SEND_MARKUP.replace(" business_connection_id:str", ""),
    "sendChatAction": "chat_id!:chat action!:str business_connection_id:str message_thread_id:int",
    "answerCallbackQuery": "callback_query_id!:str text:str show_alert:bool url:str cache_time:int",
    "answerInlineQuery": "inline_query_id!:str results!:list cache_time:int is_personal:bool next_offset:str button:object",
    "setMyCommands": "commands!:list scope:object language_code:str",
    "getMyCommands": "scope:object language_code:str",
    "deleteMyCommands": "scope:object language_code:str",
    "setMyName": "name:str language_code:str",
    "getMyName": "language_code:str",
    "setMyDescription": "description:str language_code:str",
    "getMyDescription": "language_code:str",
    "setMyShortDescription": "short_description:str language_code:str",
    "getMyShortDescription": "language_code:str",
    "setChatMenuButton": "chat_id:chat menu_button:object",
    "getChatMenuButton": "chat_id:chat",
    "getChat": "chat_id!:chat",
    "getChatMember": "chat_id!:chat user_id!:int",
    "getFile": "file_id!:str",
}


def _parse(row: str) -> dict[str, Parameter]:
    parameters = {}
    for cell in row.split():
        name, _, kind = cell.partition(":")
        parameters[name.rstrip("!")] = Parameter(name.rstrip("!"), kind, name.endswith("!"))
    return parameters


TABLE: dict[str, dict[str, Parameter]] = {name: _parse(row) for name, row in _ROWS.items()}


def read(parameter: Parameter, raw: Any) -> Any:
    """One value as its kind; strings are how most clients write everything.

    Raises:
        ApiError 400: it is not of that kind.
    """
    kind = parameter.kind
    if kind == "str":
        return _text(parameter.name, raw)
    if kind == "int":
        return _integer(parameter.name, raw)
    if kind == "bool":
        return _boolean(parameter.name, raw)
    if kind == "chat":
        return _chat(raw)
    if kind == "file":
        return _text(parameter.name, raw)
    if kind == "float":
        try:
            return float(raw)
        except (TypeError, ValueError):
            raise bad(f"can't parse {parameter.name}: expected Float") from None
    return _structure(parameter, raw)


def _text(name: str, raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, (dict, list, bool)):
        raise bad(f"can't parse {name}: expected String")
    return str(raw)


def _boolean(name: str, raw: Any) -> bool:
    text = str(raw).strip().lower()
    if text in {"true", "yes", "1"}:
        return True
    if text in {"false", "no", "0", ""}:
        return False
    raise bad(f"can't parse {name}: expected Boolean")


def _integer(name: str, raw: Any) -> int:
    try:
        if isinstance(raw, bool) or (isinstance(raw, float) and not raw.is_integer()):
            raise ValueError
        return int(raw)
    except (TypeError, ValueError):
        raise bad(f"can't parse {name}: expected Integer") from None


def _chat(raw: Any) -> int | str:
    text = str(raw).strip()
    if not text:
        raise bad("chat_id is empty")
    if text.startswith("@"):
        return text
    try:
        return int(text)
    except ValueError:
        raise bad("chat not found") from None


def _structure(parameter: Parameter, raw: Any) -> Any:
    if isinstance(raw, str):
        if not raw:
            return None
        try:
            raw = json.loads(raw)
        except ValueError:
            raise bad(_unparsed(parameter.name)) from None
    if raw is None:
        return None
    if not isinstance(raw, list if parameter.kind == "list" else dict):
        raise bad(_misshapen(parameter))
    return raw


def _unparsed(name: str) -> str:
    words = {
        "reply_markup": "reply keyboard markup",
        "link_preview_options": "link preview options",
        "scope": "BotCommandScope",
    }
    return f"can't parse {words.get(name, name.replace('_', ' '))} JSON object"


def _misshapen(parameter: Parameter) -> str:
    if parameter.kind == "list":
        return f"expected an Array as {parameter.name}"
    words = {"reply_markup": "reply markup", "link_preview_options": "link preview options"}
    return f"object expected as {words.get(parameter.name, parameter.name)}"
