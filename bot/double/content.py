"""The bodies of messages: texts, pictures and documents, checked and put into wire form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.double import entities, pictures
from bot.double.errors import bad
from bot.double.files import StoredFile

if TYPE_CHECKING:
    from bot.double.requests import Call, Upload
    from bot.double.world import World

TEXT_MAX = 4096
CAPTION_MAX = 1024


def text_body(world: World, call: Call | Mapping[str, Any]) -> dict[str, Any]:
    """`text`, `entities` and link preview of a text message.

    Raises:
        ApiError 400: empty, too long, or entities that cannot be parsed.
    """
    if not call["text"]:
        raise bad("message text is empty")
    text, found = entities.formatted(call["text"], call.get("parse_mode"), call.get("entities"))
    if not text:
        raise bad("text must be non-empty")
    if len(text) > TEXT_MAX:
        raise bad("message is too long")
    body: dict[str, Any] = {"text": text}
    if found:
        body["entities"] = _known_people(world, found)
    preview = call.get("link_preview_options")
    if preview is None and call.get("disable_web_page_preview"):
        preview = {"is_disabled": True}
    if preview:
        body["link_preview_options"] = preview
    return body


def caption_body(world: World, fields: Call | Mapping[str, Any]) -> dict[str, Any]:
    """`caption` and `caption_entities`; empty when there is none.

    Raises:
        ApiError 400: too long, or entities that cannot be parsed.
    """
    raw = fields.get("caption") or ""
    text, found = entities.formatted(raw, fields.get("parse_mode"), fields.get("caption_entities"))
    if len(text) > CAPTION_MAX:
        raise bad("message caption is too long")
    if not text:
        return {}
    body: dict[str, Any] = {"caption": text}
    if found:
        body["caption_entities"] = _known_people(world, found)
    if fields.get("show_caption_above_media"):
        body["show_caption_above_media"] = True
    return body


def photo(
    world: World, value: str | None, uploads: Mapping[str, Upload], field: str
) -> tuple[dict[str, Any], StoredFile]:
    """A picture as `photo` sizes, from an upload, `attach://name`, or a file id the server knows.

    Raises:
        ApiError 400: no file, not a picture, too large, odd proportions.
    """
    stored = _stored(world, value)
    if stored is None:
        upload = _uploaded(value, uploads, field, "photo")
        size_max = world.limits.photo_bytes_max
        if len(upload.content) > size_max:
            raise bad(f"too big photo, the maximum size is {size_max} bytes")
        pictures.check(upload.content)
        stored = world.files.put(upload.content, folder="photos", name="photo.jpg", mime="image/jpeg")
    if stored.content is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    width, height = pictures.check(stored.content)
    size = {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_size": stored.size,
        "width": width,
        "height": height,
    }
    return {"photo": [size]}, stored


def document(
    world: World, value: str | None, uploads: Mapping[str, Upload], field: str
) -> tuple[dict[str, Any], StoredFile]:
    """A file as `document`.

    Raises:
        ApiError 400: no file, or too large.
    """
    stored = _stored(world, value)
    if stored is None:
        upload = _uploaded(value, uploads, field, "document")
        stored = world.files.put(upload.content, folder="documents", name=upload.name, mime=upload.mime)
    described = {
        "file_id": stored.file_id,
        "file_unique_id": stored.unique_id,
        "file_name": stored.name,
        "mime_type": stored.mime,
        "file_size": stored.size,
    }
    return {"document": described}, stored


def media(world: World, item: Any, uploads: Mapping[str, Upload]) -> tuple[dict[str, Any], StoredFile]:
    """An InputMedia object of type photo or document, with its caption.

    Raises:
        ApiError 400: not an object, another type, or what the file or caption does wrong.
    """
    if not isinstance(item, dict):
        raise bad("can't parse InputMedia: expected an Object")
    if item.get("type") not in {"photo", "document"}:
        raise bad("can't parse InputMedia: Wrong media type specified")
    if not isinstance(item.get("media"), str) or not item["media"]:
        raise bad("can't parse InputMedia: media not found")
    caption = caption_body(world, item)
    make = photo if item["type"] == "photo" else document
    body, stored = make(world, item["media"], uploads, "")
    return {**body, **caption}, stored


def _known_people(world: World, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mentions by id only work for people the server knows; others vanish."""
    if not any(entity["type"] == "text_mention" for entity in found):
        return found
    known = []
    for entity in found:
        if entity["type"] == "text_mention":
            user = world.users.get(int(entity["user"].get("id", 0)))
            if user is None:
                continue
            entity = {**entity, "user": user}
        known.append(entity)
    return known


def _uploaded(value: str | None, uploads: Mapping[str, Upload], field: str, what: str) -> Upload:
    name = value.removeprefix("attach://") if value else field
    upload = uploads.get(name)
    if upload is None:
        raise bad(f"there is no {what} in the request")
    if not upload.content:
        raise bad("file must be non-empty")
    return upload


def _stored(world: World, value: str | None) -> StoredFile | None:
    if not value or value.startswith("attach://"):
        return None
    if value.startswith(("http://", "https://")):
        raise bad("failed to get HTTP URL content")  # the double never goes out to the network
    stored = world.files.by_id(value)
    if stored is None:
        raise bad("wrong remote file identifier specified: Wrong string length")
    return stored
