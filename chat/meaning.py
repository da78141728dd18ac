"""What somebody means who types in place of tapping: «余额», «怎么兑换?», «English».

Commands say by which words they are meant (`Feature.command(said=…)`), besides by their own description; it takes no model of
language, only that people call things by their names.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable

from chat.feature import Command
from chat.words import LANGUAGES, Speaker

LONGEST = 30
"""A longer text is no request but a story, and names many things."""

_SHORTEST = 2
_WORD = re.compile(r"[a-z0-9']+")


def normal(said: str) -> str:
    """As words are compared: full-width letters narrowed, lower case, nothing but letters, digits and single spaces."""
    plain = unicodedata.normalize("NFKC", said).lower()
    return " ".join("".join(c if c.isalnum() or c == "'" else " " for c in plain).split())


class Meanings:
    """Words by the command that they mean. `commands` in the order of menus."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self._exact: dict[str, Command] = {}
        self._parts: list[tuple[int, int, str, Command]] = []
        for place, command in enumerate(commands):
            if command.description is None:
                continue
            names = [Speaker(language, dt.date.min).plain(command.description) for language in LANGUAGES]
            for word in filter(None, map(normal, [*names, *command.said.split(",")])):
                self._exact.setdefault(word, command)
                self._parts.append((len(word), place, word, command))
        self._parts.sort(key=lambda part: part[:2], reverse=True)

    def named(self, said: str) -> Command | None:
        """The command that a text is the name of, and nothing else."""
        return self._exact.get(normal(said))

    def meant(self, said: str) -> Command | None:
        """The command that a text speaks of, by the longest of its words, of equally long ones the later in the menus, which is the
        more particular («兑换记录» is a record). None where it speaks of none, or is longer than a request is."""
        plain = normal(said)
        if len(plain) > LONGEST:
            return None
        words = f" {' '.join(_WORD.findall(plain))} "
        for length, _, word, command in self._parts:
            if length >= _SHORTEST and (f" {word} " in words if word.isascii() else word in plain):
                return command
        return None
