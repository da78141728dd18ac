"""New messages: texts, pictures, files, albums, copies, and the «typing» line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.double import content, keyboards
from bot.double.errors import bad
from bot.double.methods.registry import method

if TYPE_CHECKING:
    from bot.double.chats import Chat
    from bot.double.files import StoredFile
    from bot.double.messages import Message
    from bot.double.requests import Call
    from bot.double.world import World

ACTIONS = frozenset(
    {
        "cancel",
        "typing",
        "record_video",
        "upload_video",
        "record_audio",
        "record_voice",
        "upload_audio",
        "upload_voice",
        "upload_photo",
        "upload_document",
        "choose_sticker",
        "pick_up_location",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
ACTIONS_KEPT = 50
ALBUM_MAX = 10


def post(world: World, call: Call, body: dict[str, Any], file: StoredFile | None = None) -> Message:
    """The end of every sending method: keyboard, chat, replied message, flood, then the message exists.

    Raises:
        ApiError: the first refusal, in this order.
    """
    markup = keyboards.check(call.get("reply_markup"), strict=world.strict)
    chat = world.writable(call["chat_id"])
    keyboards.check_for_chat(markup, private=not chat.is_group, invoice="invoice" in body)
    reply = _replied(chat, call)
    world.charge(chat, paid=bool(call.get("allow_paid_broadcast")))
    if reply is not None:
        body["reply_to_message"] = {key: value for key, value in reply.wire.items() if key != "reply_to_message"}
    inline = markup is not None and "inline_keyboard" in markup
    if inline:
        body["reply_markup"] = markup
    if call.get("protect_content"):
        body["has_protected_content"] = True
    if call.get("message_effect_id") and not chat.is_group:
        body["effect_id"] = call["message_effect_id"]
    keyboard = markup if not inline else None
    if keyboard is not None:
        chat.reply_keyboard = None if keyboard.get("remove_keyboard") else keyboard
    return world.post(chat, world.bot, body, file=file, keyboard=keyboard)


def _replied(chat: Chat, call: Call) -> Message | None:
    reply = call.get("reply_parameters") or {}
    message_id = reply.get("message_id", call.get("reply_to_message_id"))
    if not message_id:
        return None
    message = chat.messages.get(int(message_id))
    if message is None and not reply.get("allow_sending_without_reply", call.get("allow_sending_without_reply")):
        raise bad("message to be replied not found")
    return message


@method("sendMessage")
async def send_message(world: World, call: Call) -> Any:
    """Posts a text."""
    return post(world, call, content.text_body(world, call)).wire


@method("sendPhoto")
async def send_photo(world: World, call: Call) -> Any:
    """Posts a picture: an upload, or one the server already has."""
    body, stored = content.photo(world, call.get("photo"), call.uploads, "photo")
    if call.get("has_spoiler"):
        body["has_media_spoiler"] = True
    return post(world, call, {**body, **content.caption_body(world, call)}, stored).wire


@method("sendDocument")
async def send_document(world: World, call: Call) -> Any:
    """Posts a file."""
    body, stored = content.document(world, call.get("document"), call.uploads, "document")
    return post(world, call, {**body, **content.caption_body(world, call)}, stored).wire


@method("sendMediaGroup")
async def send_media_group(world: World, call: Call) -> Any:
    """Posts an album of 2 to 10 pictures or of as many files."""
    items = call["media"]
    if not items:
        raise bad("there are no messages to send")
    if len(items) > ALBUM_MAX:
        raise bad("too many messages to send as an album")
    made = [content.media(world, item, call.uploads) for item in items]
    if len({"photo" in body for body, _ in made}) > 1:
        raise bad("Can't use the media of the specified type in the album")
    chat = world.writable(call["chat_id"])
    _replied(chat, call)
    world.charge(chat, len(made), paid=bool(call.get("allow_paid_broadcast")))
    album = {"media_group_id": str(world.touch())} if len(made) > 1 else {}
    return [world.post(chat, world.bot, {**body, **album}, file=stored).wire for body, stored in made]


@method("copyMessage")
async def copy_message(world: World, call: Call) -> Any:
    """Posts the content of a message again, without a link to the first."""
    source = world.chat(call["from_chat_id"]).find(call["message_id"], "message to copy not found")
    if source.wire.get("has_protected_content"):
        raise bad("message can't be copied")
    kept = ("text", "entities", "photo", "document", "caption", "caption_entities", "link_preview_options")
    body = {key: source.wire[key] for key in kept if key in source.wire}
    if not body:
        raise bad("message can't be copied")
    if "caption" in call and "text" not in body:
        body = {key: value for key, value in body.items() if not key.startswith("caption")}
        body.update(content.caption_body(world, call))
    return {"message_id": post(world, call, body, source.file).id}


@method("sendChatAction")
async def send_chat_action(world: World, call: Call) -> Any:
    """Shows what the bot is doing for a few seconds."""
    action = call["action"].lower()
    if action not in ACTIONS:
        raise bad("wrong parameter action in request")
    chat = world.writable(call["chat_id"])
    chat.actions.append(action)
    del chat.actions[:-ACTIONS_KEPT]
    world.feed.publish("action", chat_id=chat.id, action=action)
    return True
