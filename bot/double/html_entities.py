"""The HTML parse mode, with the refusals and byte offsets of Telegram's own parser."""

from __future__ import annotations

import re
from typing import Any

from bot.double import links
from bot.double.errors import ApiError, bad
from bot.double.utf16 import utf16

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
    "a": "text_link",
    "pre": "pre",
    "code": "code",
    "blockquote": "blockquote",
}
# Telegram decodes four names and numbers, with or without the semicolon; anything else stays as it is.
REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|([A-Za-z]+))(;?)")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
BLANK = " \t\r\n\x0b\x00"
END = "\x00"  # stands behind the source, as the terminator does in the original


def decode(text: str) -> str:
    """Character references replaced."""
    return REFERENCE.sub(_character, text) if "&" in text else text


def _character(hit: re.Match[str]) -> str:
    if hit[3]:
        return NAMED.get(hit[3], hit[0])
    number = int(hit[1], 16) if hit[1] else int(hit[2])
    written = len(hit[0]) - len(hit[4])
    if number == 0 or number >= 0x10FFFF or written >= 10 or 0xD800 <= number <= 0xDFFF:
        return hit[0]
    return chr(number)


class _Tag:
    """An open tag: where its text began and what its attributes said."""

    __slots__ = ("argument", "begin", "name", "offset", "unix_time")

    def __init__(self, name: str, offset: int, begin: int) -> None:
        self.name = name
        self.offset = offset
        self.begin = begin
        self.argument = ""
        self.unix_time = 0


def parse_html(source: str) -> tuple[str, list[dict[str, Any]]]:
    """Plain text and entities (unsorted; offsets in UTF-16 units).

    Raises:
        ApiError 400: `can't parse entities: …`, with a byte offset into the source.
    """
    if "<" not in source:
        return decode(source), []
    parts: list[str] = []
    offset = 0
    found: list[dict[str, Any]] = []
    open_tags: list[_Tag] = []
    at = 0
    text = source + END
    while True:
        begin = text.find("<", at)
        plain = decode(text[at : begin if begin >= 0 else len(source)])
        if plain:
            parts.append(plain)
            offset += utf16(plain)
        if begin < 0:
            break
        if text[begin + 1] == "/":
            at = _close(text, begin, open_tags, found, offset, parts)
        else:
            tag, at = _open(text, begin)
            tag.offset = offset
            tag.begin = len(parts)
            open_tags.append(tag)
    if open_tags:
        raise _cannot(f'Can\'t find end tag corresponding to start tag "{open_tags[-1].name}"')
    for entity in found:
        if entity["type"] == "code":
            entity.pop("language", None)
    return "".join(parts), found


def _cannot(reason: str) -> ApiError:
    return bad(f"can't parse entities: {reason}")


def _bytes(text: str, at: int) -> int:
    return len(text[:at].encode("utf-8", "surrogatepass"))


def _open(text: str, begin: int) -> tuple[_Tag, int]:
    """Reads a start tag; the position behind it comes back too."""
    at = begin + 1
    while text[at] not in BLANK and text[at] != ">":
        at += 1
    if text[at] == END:
        raise _cannot(f"Unclosed start tag at byte offset {_bytes(text, begin)}")
    name = text[begin + 1 : at].lower()
    if name not in KINDS:
        raise _cannot(f'Unsupported start tag "{name}" at byte offset {_bytes(text, begin)}')
    tag = _Tag(name, 0, 0)
    while text[at] != ">":
        at = _skip_blanks(text, at)
        if text[at] == ">":
            break
        at = _attribute(text, at, begin, tag)
    if name == "span" and tag.argument != "spoiler":
        raise _cannot(f'Tag "span" must have class "tg-spoiler" at byte offset {_bytes(text, begin)}')
    return tag, at + 1


def _skip_blanks(text: str, at: int) -> int:
    while text[at] != END and text[at] in BLANK:
        at += 1
    return at


def _attribute(text: str, at: int, begin: int, tag: _Tag) -> int:
    """Reads one attribute into `tag` and returns the position behind it."""
    name_begin = at
    while text[at] not in BLANK and text[at] not in "=>/\"'":
        at += 1
    name = text[name_begin:at]
    if not name:
        raise _cannot(f'Empty attribute name in the tag "{tag.name}" at byte offset {_bytes(text, begin)}')
    at = _skip_blanks(text, at)
    unclosed = f'Unclosed start tag "{tag.name}" at byte offset '
    if text[at] != "=":
        if text[at] == END:
            raise _cannot(unclosed + str(_bytes(text, begin)))
        if tag.name == "blockquote" and name == "expandable":
            tag.argument = "1"
        return at
    at = _skip_blanks(text, at + 1)
    if text[at] == END:
        raise _cannot(unclosed + str(_bytes(text, begin)))
    if text[at] in "\"'":
        end = text.find(text[at], at + 1)
        if end < 0 or end + 1 >= len(text) - 1:
            raise _cannot(f"Unclosed start tag at byte offset {_bytes(text, begin)}")
        value = decode(text[at + 1 : end])
        at = end + 1
    else:
        token = at
        while text[at].isascii() and (text[at].isalnum() or text[at] in ".-"):
            at += 1
        value = text[token:at].lower()
        if text[at] not in BLANK and text[at] != ">":
            raise _cannot(f"Unexpected end of name token at byte offset {_bytes(text, token)}")
        if text[at] == END:
            raise _cannot(f"Unclosed start tag at byte offset {_bytes(text, begin)}")
    _remember(tag, name, value)
    return at


def _remember(tag: _Tag, name: str, value: str) -> None:
    key = (tag.name, name)
    if key in {("a", "href"), ("tg-emoji", "emoji-id"), ("tg-time", "format")}:
        tag.argument = value
    elif key == ("code", "class") and value.startswith("language-"):
        tag.argument = value.removeprefix("language-")
    elif key == ("span", "class") and value.startswith("tg-"):
        tag.argument = value.removeprefix("tg-")
    elif key == ("blockquote", "expandable"):
        tag.argument = "1"
    elif key == ("tg-time", "unix"):
        tag.unix_time = int(value) if value.isascii() and value.isdigit() else 0


def _close(
    text: str, begin: int, open_tags: list[_Tag], found: list[dict[str, Any]], offset: int, parts: list[str]
) -> int:
    """Reads an end tag, adds what it ends to `found`, and returns the position behind it."""
    if not open_tags:
        raise _cannot(f"Unexpected end tag at byte offset {_bytes(text, begin)}")
    at = begin + 2
    while text[at] not in BLANK and text[at] != ">":
        at += 1
    name = text[begin + 2 : at].lower()
    at = _skip_blanks(text, at)
    if text[at] != ">":
        raise _cannot(f"Unclosed end tag at byte offset {_bytes(text, begin)}")
    tag = open_tags[-1]
    if name and name != tag.name:
        raise _cannot(
            f'Unmatched end tag at byte offset {_bytes(text, begin)}, expected "</{tag.name}>", found "</{name}>"'
        )
    if offset > tag.offset:
        _add(tag, found, offset - tag.offset, "".join(parts[tag.begin :]))
    open_tags.pop()
    return at + 1


def _add(tag: _Tag, found: list[dict[str, Any]], length: int, inside: str) -> None:
    entity: dict[str, Any] = {"type": KINDS[tag.name], "offset": tag.offset, "length": length}
    last = found[-1] if found else None
    same_place = last is not None and last["offset"] == tag.offset and last["length"] == length
    if tag.name == "a":
        link = tag.argument or inside
        user = links.user_of(link)
        if user is not None:
            entity["type"], entity["user"] = "text_mention", {"id": user}
        else:
            entity["url"] = links.checked(link)
            if not entity["url"]:
                return
    elif tag.name == "tg-emoji":
        if not tag.argument.isdigit() or not int(tag.argument):
            raise _cannot("Invalid custom emoji identifier specified")
        entity["custom_emoji_id"] = tag.argument
    elif tag.name == "tg-time":
        if tag.unix_time <= 0:
            return
        entity["unix_time"], entity["date_time_format"] = tag.unix_time, tag.argument
    elif tag.name == "pre" and last is not None and same_place and last["type"] == "code" and last.get("language"):
        last["type"] = "pre"
        return
    elif tag.name == "code" and tag.argument:
        if last is not None and same_place and last["type"] == "pre":
            last["language"] = tag.argument
            return
        entity["language"] = tag.argument
    elif tag.name == "blockquote" and tag.argument:
        entity["type"] = "expandable_blockquote"
    found.append(entity)
