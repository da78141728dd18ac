"""Texts with formatting: from a parse mode or explicit entities to what a message holds."""

from __future__ import annotations

import re
from typing import Any

from bot.double import links
from bot.double.entity_rules import Entity, fix, order
from bot.double.errors import bad
from bot.double.html_entities import parse_html
from bot.double.markdown_entities import parse_markdown, parse_markdown_v2
from bot.double.utf16 import utf16

RAW_BYTES_MAX = 32_768
ENTITIES_MAX = 100
MODES = {"html": parse_html, "markdownv2": parse_markdown_v2, "markdown": parse_markdown}

# Blanks for control characters, nothing for carriage returns, direction marks and combining lines.
UNCLEAN = re.compile("[\x00-\x09\x0b-\x1f\u2028-\u202e\u0333\u033f\u030a]")
BLANKED = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")

FINDERS = re.compile(
    r"(?P<url>(?:https?://|tg://)[^\s<>\"'，。！？、；：）]*[^\s<>\"'.,:;!?)\]，。！？、；：）]"
    r"|(?<![\w@./])(?:[a-z0-9-]+\.)+(?:com|org|net|me|cn|io|dev|app|edu|gov)\b(?:/[^\s<>\"'，。！？、；：）]*[^\s<>\"'.,:;!?)\]，。！？、；：）])?)"
    r"|(?P<email>(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}\b)"
    r"|(?P<mention>(?<!\w)@[A-Za-z][A-Za-z0-9_]{2,31}\b)"
    r"|(?P<bot_command>(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>]))"
    r"|(?P<hashtag>(?<!\w)#(?=\w*[^\W\d])\w{1,256})",
    re.IGNORECASE,
)
HINTS = re.compile(r"[/@#]|\.[a-z]", re.IGNORECASE)


def formatted(raw: str, parse_mode: str | None, given: list[Any] | None) -> tuple[str, list[Entity]]:
    """Plain text, trimmed, and its entities in order.

    Args:
        parse_mode: HTML, MarkdownV2, Markdown, or nothing; it wins over `given`.
        given: explicit MessageEntity objects.
    Raises:
        ApiError 400: too long, unknown mode, or entities that cannot be parsed.
    """
    if len(raw) > RAW_BYTES_MAX // 4 and len(raw.encode()) > RAW_BYTES_MAX:
        raise bad("text is too long")
    mode = (parse_mode or "").lower()
    entities: list[Entity]
    if mode and mode != "none":
        parse = MODES.get(mode)
        if parse is None:
            raise bad("unsupported parse_mode")
        text, entities = parse(raw)
    else:
        text, entities = raw, _explicit(given)
    if UNCLEAN.search(text):
        text, entities = _clean(text, entities)
    if entities and not mode:
        _check_borders(text, entities)
    text, entities = _trim(text, fix(entities))
    found = detect(text)
    if found:
        entities = fix(entities, found)
    return text, entities[:ENTITIES_MAX]


def detect(text: str) -> list[Entity]:
    """Entities Telegram finds by itself: links, addresses, mentions, commands, hashtags.

    Of bare domains only those under common top-level names are found.
    """
    if not HINTS.search(text):
        return []
    found = []
    for hit in FINDERS.finditer(text):
        kind = str(hit.lastgroup)
        if kind == "url" and not links.checked(hit[0]):
            continue
        found.append({"type": kind, "offset": utf16(text[: hit.start()]), "length": utf16(hit[0])})
    return found


FOUND_BY_SERVER = frozenset(
    {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"}
)
PLAIN = frozenset(
    {"bold", "italic", "underline", "strikethrough", "spoiler", "code", "blockquote", "expandable_blockquote"}
)


def _explicit(given: list[Any] | None) -> list[Entity]:
    entities = []
    for raw in given or ():
        if not isinstance(raw, dict):
            raise bad("can't parse MessageEntity: expected an Object")
        for name in ("offset", "length"):
            if not isinstance(raw.get(name), int):
                raise bad(f"can't parse MessageEntity: Can't find field \"{name}\"")
        if not isinstance(raw.get("type"), str):
            raise bad("can't parse MessageEntity: Can't find field \"type\"")
        for name in ("offset", "length"):
            if not 0 <= raw[name] <= 1_000_000:
                raise bad(f"receive an entity with incorrect {name} {raw[name]}")
        entity = _explicit_kind(raw)
        if entity is not None and raw["length"] > 0:
            entities.append(entity)
    return sorted(entities, key=order)


def _explicit_kind(raw: Entity) -> Entity | None:
    kind = raw["type"]
    entity: Entity = {"type": kind, "offset": raw["offset"], "length": raw["length"]}
    needs = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id", "date_time": "unix_time"}
    if kind in FOUND_BY_SERVER:
        return None
    if kind in needs and needs[kind] not in raw:
        raise bad(f"can't parse MessageEntity: Can't find field \"{needs[kind]}\"")
    if kind == "text_link":
        entity["url"] = links.checked(str(raw["url"]))
        return entity if entity["url"] else None
    if kind in needs:
        entity[needs[kind]] = raw[needs[kind]]
        return entity
    if kind == "pre":
        if raw.get("language"):
            entity["language"] = raw["language"]
        return entity
    if kind not in PLAIN:
        raise bad("can't parse MessageEntity: Unsupported type specified")
    return entity


def _check_borders(text: str, entities: list[Entity]) -> None:
    """Refuses entities that reach past the text or cut a character in half."""
    size = utf16(text)
    for entity in entities:
        begin, end = entity["offset"], entity["offset"] + entity["length"]
        if begin >= size:
            raise bad(f"entity begins after the end of the text at UTF-16 offset {begin}")
        if end > size:
            raise bad(
                f"entity beginning at UTF-16 offset {begin} ends after the end of the text at UTF-16 offset {end}"
            )
    if size == len(text):
        return
    borders = {}
    at = place = 0
    for letter in text:
        if letter > "\uffff":
            borders[at + 1] = place + 4
        at += 1 + (letter > "\uffff")
        place += len(letter.encode("utf-8", "surrogatepass"))
    for entity in entities:
        begin, end = entity["offset"], entity["offset"] + entity["length"]
        if begin in borders:
            raise bad(f"entity begins in a middle of a UTF-16 symbol at byte offset {borders[begin]}")
        if end in borders:
            raise bad(
                f"entity beginning at UTF-16 offset {begin} ends in a middle of a UTF-16 symbol at byte offset {borders[end]}"
            )


def _clean(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Takes out what Telegram takes out, and moves the entities along."""
    gone: list[int] = []
    kept: list[str] = []
    at = 0
    for letter in text:
        if BLANKED.match(letter):
            kept.append(" ")
        elif UNCLEAN.match(letter):
            gone.append(at)
        else:
            kept.append(letter)
        at += 1 + (letter > "\uffff")
    moved = []
    for entity in entities:
        begin, end = entity["offset"], entity["offset"] + entity["length"]
        begin -= sum(1 for place in gone if place < begin)
        end -= sum(1 for place in gone if place < end)
        if end > begin:
            moved.append({**entity, "offset": begin, "length": end - begin})
    return "".join(kept), moved


def _trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Blanks and line breaks go from the end, and from the beginning up to the first entity."""
    if not text or (text[0] not in " \n" and text[-1] not in " \n"):
        return text, entities
    text = text.rstrip(" \n")
    size = utf16(text)
    entities = [
        {**entity, "length": min(entity["length"], size - entity["offset"])}
        for entity in entities
        if entity["offset"] < size
    ]
    first = entities[0]["offset"] if entities else len(text)
    lead = 0
    while lead < min(first, len(text)) and text[lead] in " \n":
        lead += 1
    if lead:
        entities = [{**entity, "offset": entity["offset"] - lead} for entity in entities]
    return text[lead:], sorted(entities, key=order)
