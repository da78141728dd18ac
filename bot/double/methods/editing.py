"""Edits and deletions of messages that are there."""

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

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)
NO_CAPTION = {"caption": None, "caption_entities": None, "show_caption_above_media": None}
DELETE_AT_ONCE_MAX = 100


def target(world: World, call: Call) -> Message:
    """The message to edit.

    Raises:
        ApiError: no address, no such chat or message, or one the bot may not edit.
    """
    if "chat_id" not in call and "message_id" not in call:
        if "inline_message_id" not in call:
            raise bad("message identifier is not specified")
        raise bad("MESSAGE_ID_INVALID")  # nobody posts inline results here, so there are none to edit
    if "chat_id" not in call:
        raise bad("chat_id is empty")
    chat = world.writable(call["chat_id"])
    message = chat.find(call.get("message_id", 0), "message to edit not found")
    # A message that brought a reply keyboard can never be edited.
    if not message.from_bot or message.keyboard is not None:
        raise bad("message can't be edited")
    return message


def markup_of(world: World, call: Call) -> dict[str, Any] | None:
    """The new inline keyboard, None to take the old one away."""
    return keyboards.check_inline(call.get("reply_markup"), strict=world.strict)


def replace(
    world: World,
    message: Message,
    body: dict[str, Any],
    markup: dict[str, Any] | None,
    file: StoredFile | None = None,
) -> Any:
    """Swaps content (the keys of `body`; None takes one away) and keyboard of a message; its wire object comes back.

    Raises:
        ApiError 400: the keyboard does not fit, or nothing would change.
    """
    keyboards.check_for_chat(markup, private=not message.chat.is_group, invoice="invoice" in message.wire)
    wanted = {**body, "reply_markup": markup}
    if all(message.wire.get(key) == value for key, value in wanted.items()):
        raise bad(NOT_MODIFIED)
    gone = tuple(key for key, value in wanted.items() if value is None)
    world.edit(message, {key: value for key, value in wanted.items() if value is not None}, gone, file=file)
    return message.wire


@method("editMessageText")
async def edit_message_text(world: World, call: Call) -> Any:
    """Replaces text and keyboard."""
    body = content.text_body(world, call)
    markup = markup_of(world, call)
    message = target(world, call)
    if "text" not in message.wire:
        raise bad("there is no text in the message to edit")
    return replace(world, message, {"entities": None, "link_preview_options": None, **body}, markup)


@method("editMessageCaption")
async def edit_message_caption(world: World, call: Call) -> Any:
    """Replaces caption and keyboard of a picture or file."""
    body = content.caption_body(world, call)
    markup = markup_of(world, call)
    message = target(world, call)
    if "photo" not in message.wire and "document" not in message.wire:
        raise bad("there is no caption in the message to edit")
    return replace(world, message, {**NO_CAPTION, **body}, markup)


@method("editMessageMedia")
async def edit_message_media(world: World, call: Call) -> Any:
    """Replaces a picture or file with its caption; a text message becomes one."""
    markup = markup_of(world, call)
    body, stored = content.media(world, call["media"], call.uploads)
    message = target(world, call)
    emptied = {"text": None, "entities": None, "link_preview_options": None, "photo": None, "document": None}
    if message.file is not None and message.file.unique_id == stored.unique_id:
        body = {**body, **{key: message.wire[key] for key in ("photo", "document") if key in message.wire}}
    return replace(world, message, {**emptied, **NO_CAPTION, **body}, markup, stored)


@method("editMessageReplyMarkup")
async def edit_message_reply_markup(world: World, call: Call) -> Any:
    """Replaces the keyboard only."""
    markup = markup_of(world, call)
    return replace(world, target(world, call), {}, markup)


def may_delete(world: World, chat: Chat, message: Message) -> bool:
    """The rule of deletions: within 48 hours; others' messages in private chats, or in groups by administrators."""
    if world.clock.now() - message.sent_at > world.limits.delete_within_seconds:
        return False
    administrator = chat.members.get(int(world.bot["id"])) in {"administrator", "creator"}
    return message.from_bot or not chat.is_group or administrator


@method("deleteMessage")
async def delete_message(world: World, call: Call) -> Any:
    """Takes one message away."""
    chat = world.writable(call["chat_id"])
    message = chat.find(call["message_id"], "message to delete not found")
    if not may_delete(world, chat, message):
        raise bad("message can't be deleted")
    world.delete(message)
    return True


@method("deleteMessages")
async def delete_messages(world: World, call: Call) -> Any:
    """Takes up to 100 messages away; those that are not there are passed over."""
    ids = call["message_ids"]
    if not ids:
        raise bad("message identifiers are not specified")
    if len(ids) > DELETE_AT_ONCE_MAX:
        raise bad("too many message identifiers specified")
    if not all(isinstance(number, int) for number in ids):
        raise bad("expected an Array of Integer as message_ids")
    chat = world.writable(call["chat_id"])
    messages = [chat.messages[number] for number in ids if number in chat.messages]
    if any(not may_delete(world, chat, message) for message in messages):
        raise bad("message can't be deleted")
    for message in messages:
        world.delete(message)
    return True
