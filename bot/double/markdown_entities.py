"""The MarkdownV2 parse mode, with the refusals and byte offsets of Telegram's own parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.double import links
from bot.double.errors import ApiError, bad
from bot.double.utf16 import utf16

RESERVED = frozenset("_*[]()~`>#+-=|{}.!\n")
RESERVED_IN_CODE = frozenset("`")
CODE_LIKE = frozenset({"Code", "Pre", "PreCode"})
BLANK = frozenset(" \t\r\n\x0b\x00")
END = "\x00"
KINDS = {
    "Bold": "bold",
    "Italic": "italic",
    "Underline": "underline",
    "Strikethrough": "strikethrough",
    "Spoiler": "spoiler",
    "Code": "code",
    "Pre": "pre",
    "PreCode": "pre",
    "TextUrl": "text_link",
    "CustomEmoji": "custom_emoji",
    "BlockQuote": "blockquote",
    "ExpandableBlockQuote": "expandable_blockquote",
}


@dataclass(slots=True)
class _Open:
    """An entity whose end was not met yet; `at` is where its mark stands in the source."""

    kind: str
    argument: str
    offset: int
    at: int
    begin: int


def parse_markdown_v2(source: str) -> tuple[str, list[dict[str, Any]]]:
    """Plain text and entities (unsorted; offsets in UTF-16 units).

    Raises:
        ApiError 400: `can't parse entities: …`.
    """
    return _Parser(source).run()


def _cannot(reason: str) -> ApiError:
    return bad(f"can't parse entities: {reason}")


class _Parser:
    """One pass over the source; `at` is the character being looked at."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.text = source + END * 3
        self.at = 0
        self.out: list[str] = []
        self.offset = 0
        self.stack: list[_Open] = []
        self.found: list[dict[str, Any]] = []
        self.in_quote = False
        self.quote_may_start = True

    def run(self) -> tuple[str, list[dict[str, Any]]]:
        text, size = self.text, len(self.source)
        while self.at < size:
            letter = text[self.at]
            if letter == "\\" and "\x00" < text[self.at + 1] <= "\x7e":
                self.at += 1
                self._keep(text[self.at])
                if text[self.at] != "\r":
                    self.quote_may_start = text[self.at] == "\n"
            elif letter not in (RESERVED_IN_CODE if self.stack and self.stack[-1].kind in CODE_LIKE else RESERVED):
                self._keep(letter)
                if letter != "\r":
                    self.quote_may_start = False
            elif self._ends(letter):
                self._close(letter)
            else:
                self._open(letter)
            self.at += 1
        self._finish()
        return "".join(self.out), self.found

    def _keep(self, letter: str) -> None:
        self.out.append(letter)
        self.offset += 1 + (letter > "\uffff")

    def _bytes(self, at: int) -> int:
        return len(self.source[:at].encode("utf-8", "surrogatepass"))

    def _reserved(self, letter: str) -> ApiError:
        return _cannot(f"Character '{letter}' is reserved and must be escaped with the preceding '\\'")

    def _endless(self, entity: _Open) -> ApiError:
        return _cannot(f"Can't find end of {entity.kind} entity at byte offset {self._bytes(entity.at)}")

    def _ends(self, letter: str) -> bool:
        if not self.stack:
            return False
        text, at = self.text, self.at
        if self.in_quote and letter == "\n" and (at + 1 == len(self.source) or text[at + 1] != ">"):
            return True
        kind = self.stack[-1].kind
        double = text[at : at + 2]
        return {
            "Bold": letter == "*",
            "Italic": letter == "_" and double != "__",
            "Underline": double == "__",
            "Strikethrough": letter == "~",
            "Spoiler": double == "||",
            "Code": letter == "`",
            "Pre": text[at : at + 3] == "```",
            "PreCode": text[at : at + 3] == "```",
            "TextUrl": letter == "]",
            "CustomEmoji": letter == "]",
            "BlockQuote": False,
        }[kind]

    def _open(self, letter: str) -> None:
        text, begin = self.text, self.at
        argument = ""
        following = text[begin + 1]
        if letter == "_":
            kind = "Underline" if following == "_" else "Italic"
            self.at += following == "_"
        elif letter in "*~[":
            kind = {"*": "Bold", "~": "Strikethrough", "[": "TextUrl"}[letter]
        elif letter == "|" and following == "|":
            kind = "Spoiler"
            self.at += 1
        elif letter == "!" and following == "[":
            kind = "CustomEmoji"
            self.at += 1
        elif letter == "`":
            kind, argument = self._open_code()
        elif letter == "\n":
            self._keep("\n")
            self.quote_may_start = True
            return
        elif letter == ">" and self.quote_may_start:
            if self.in_quote:
                return
            kind = "BlockQuote"
            self.in_quote = True
        else:
            raise self._reserved(letter)
        self.stack.append(_Open(kind, argument, self.offset, begin, len(self.out)))

    def _open_code(self) -> tuple[str, str]:
        text = self.text
        if text[self.at : self.at + 3] != "```":
            return "Code", ""
        at = self.at + 3
        kind, language = "Pre", ""
        end = at
        while text[end] not in BLANK and text[end] != "`":
            end += 1
        if at != end and end < len(self.source) and text[end] != "`":
            kind, language, at = "PreCode", text[at:end], end
        if text[at] in "\n\r":  # one line break behind the mark belongs to the mark
            at += 2 if text[at + 1] in "\n\r" and text[at] != text[at + 1] else 1
        self.at = at - 1
        return kind, language

    def _close(self, letter: str) -> None:
        entity = self.stack[-1]
        kind = entity.kind
        if letter == "\n" and kind != "BlockQuote":
            before = self.at - 3 if self.out and self.out[-1] == "\r" else self.at - 2
            if kind != "Spoiler" or entity.at not in (self.at - 2, before):
                raise self._endless(entity)
            self.stack.pop()  # the || that ends an expandable quotation
            entity = self.stack[-1]
            if entity.kind != "BlockQuote":
                raise self._endless(entity)
            kind = "ExpandableBlockQuote"
        made: dict[str, Any] | None = {"type": KINDS[kind], "offset": entity.offset, "length": 0}
        if self.offset == entity.offset and kind not in {"BlockQuote", "ExpandableBlockQuote"}:
            made = None
        if kind in {"Underline", "Spoiler"}:
            self.at += 1
        elif kind in {"Pre", "PreCode"}:
            self.at += 2
        elif kind == "TextUrl":
            made = self._link(entity, made)
        elif kind == "CustomEmoji":
            made = self._emoji(made)
        elif kind in {"BlockQuote", "ExpandableBlockQuote"}:
            self.in_quote = False
            self._keep("\n")
            self.quote_may_start = True
        if made is not None:
            made["length"] = self.offset - entity.offset
            if kind == "PreCode":
                made["language"] = entity.argument
            self.found.append(made)
        self.stack.pop()

    def _target(self) -> str:
        """The address in round brackets behind `]`; `at` ends on its closing bracket."""
        text = self.text
        self.at += 2
        begin = self.at
        url = []
        while self.at < len(self.source) and text[self.at] != ")":
            if text[self.at] == "\\" and "\x00" < text[self.at + 1] <= "\x7e":
                self.at += 1
            url.append(text[self.at])
            self.at += 1
        if text[self.at] != ")":
            raise _cannot(f"Can't find end of a URL at byte offset {self._bytes(begin)}")
        return "".join(url)

    def _link(self, entity: _Open, made: dict[str, Any] | None) -> dict[str, Any] | None:
        url = self._target() if self.text[self.at + 1] == "(" else "".join(self.out[entity.begin :])
        user = links.user_of(url)
        if made is None:
            return None
        if user is not None:
            return {**made, "type": "text_mention", "user": {"id": user}}
        url = links.checked(url)
        return {**made, "url": url} if url else None

    def _emoji(self, made: dict[str, Any] | None) -> dict[str, Any] | None:
        if self.text[self.at + 1] != "(":
            raise _cannot("The entity must contain a tg://emoji or tg://time URL")
        emoji = links.custom_emoji_of(self._target())
        if emoji is None:
            raise _cannot("Invalid tg://emoji or tg://time URL specified")
        return {**made, "custom_emoji_id": emoji} if made is not None else None

    def _finish(self) -> None:
        if self.in_quote:
            kind = "blockquote"
            if self.stack[-1].kind == "Spoiler" and self.stack[-1].at == len(self.source) - 2:
                self.stack.pop()
                kind = "expandable_blockquote"
            if self.stack and self.stack[-1].kind == "BlockQuote":
                entity = self.stack.pop()
                if self.offset > entity.offset:
                    self.found.append({"type": kind, "offset": entity.offset, "length": self.offset - entity.offset})
        if self.stack:
            raise self._endless(self.stack[-1])


def parse_markdown(source: str) -> tuple[str, list[dict[str, Any]]]:
    """The old Markdown mode: `*bold*`, `_italic_`, code and links, never nested.

    Raises:
        ApiError 400: `can't parse entities: Can't find end of the entity starting at byte offset N`.
    """
    text = source + END * 3
    out: list[str] = []
    offset = 0
    found: list[dict[str, Any]] = []
    at = 0
    while at < len(source):
        letter = text[at]
        if letter == "\\" and text[at + 1] in "_*`[":
            at += 1
            letter = ""
        if not letter or letter not in "_*`[":
            out.append(text[at])
            offset += utf16(text[at])
            at += 1
            continue
        mark = "```" if text[at : at + 3] == "```" else "]" if letter == "[" else letter
        begin = at + (3 if mark == "```" else 1)
        end = source.find(mark, begin)
        if end < 0:
            place = len(source[:at].encode("utf-8", "surrogatepass"))
            raise _cannot(f"Can't find end of the entity starting at byte offset {place}")
        inside = text[begin:end]
        at = end + len(mark)
        entity: dict[str, Any] = {
            "type": {"_": "italic", "*": "bold", "`": "code", "]": "text_link", "```": "pre"}[mark],
            "offset": offset,
            "length": utf16(inside),
        }
        if mark == "]":
            url = inside
            if text[at] == "(":
                close = source.find(")", at)
                close = len(source) if close < 0 else close
                url, at = source[at + 1 : close], close + 1
            entity["url"] = links.checked(url)
        out.append(inside)
        offset += utf16(inside)
        if inside and entity.get("url", "-"):
            found.append(entity)
    return "".join(out), found
