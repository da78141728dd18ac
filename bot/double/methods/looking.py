"""Looking things up: chats, their members, files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.double.errors import bad
from bot.double.methods.registry import method

if TYPE_CHECKING:
    from bot.double.requests import Call
    from bot.double.world import World

RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


@method("getChat")
async def get_chat(world: World, call: Call) -> Any:
    """A chat in full."""
    chat = world.chat(call["chat_id"])
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return {
        **chat.wire,
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, True),
        **({"permissions": {"can_send_messages": True}} if chat.is_group else {}),
    }


@method("getChatMember")
async def get_chat_member(world: World, call: Call) -> Any:
    """What somebody is in a chat."""
    chat = world.chat(call["chat_id"])
    user = world.bot if call["user_id"] == world.bot["id"] else world.users.get(call["user_id"])
    if user is None:
        raise bad("PARTICIPANT_ID_INVALID")
    status = chat.members.get(call["user_id"], "left")
    if not chat.is_group:
        status = "member" if call["user_id"] in (chat.id, world.bot["id"]) else "left"
    member: dict[str, Any] = {"user": user, "status": status}
    if status == "creator":
        member["is_anonymous"] = False
    elif status == "administrator":
        member.update(dict.fromkeys(RIGHTS, False))
    elif status == "kicked":
        member["until_date"] = 0
    return member


@method("getFile")
async def get_file(world: World, call: Call) -> Any:
    """Where a file can be downloaded."""
    stored = world.files.by_id(call["file_id"])
    if stored is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if stored.size > world.limits.download_bytes_max:
        raise bad("file is too big")
    return {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": stored.size,
        "file_path": stored.path,
    }
