"""How offers are spelt for search: in Chinese, in English, in pinyin with every reading of a character, in initials.

pypinyin costs 57 MiB and is loaded at the first offer saved, or at the first search with a Chinese character in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ledger.redeeming.offers import Names

_APOSTROPHES = re.compile("['’ʼ`]")
_WORDS = re.compile(r"[^\W_]+")
_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(f"[{_HAN}]+|[^{_HAN}]+")
_CHINESE = re.compile(f"[{_HAN}]")
SHORTEST_PART = 3
"""Shorter pieces of English words, and of other readings, are everywhere."""


def normal(words: str) -> str:
    """Words as search texts are written: full-width letters narrowed, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", words).lower().split())


def words_of(words: str) -> list[str]:
    """The words in normal words, without signs; «children's» is one. ü is v, as it is typed."""
    return _WORDS.findall(_APOSTROPHES.sub("", words).replace("ü", "v"))


def terms(words: str) -> list[str]:
    """The pieces of normal words that may stand apart: its words, cut where Chinese begins or ends."""
    return [piece for word in words_of(words) for piece in _RUNS.findall(word)]


def is_chinese(words: str) -> bool:
    """Whether a Chinese character is in it."""
    return _CHINESE.search(words) is not None


def syllables(words: str) -> list[str]:
    """Normal words in pinyin without tones, a syllable each; what is not Chinese stays as the word it is."""
    from pypinyin import lazy_pinyin

    found: list[str] = []
    for term in terms(words):
        found += lazy_pinyin(term) if is_chinese(term) else [term]
    return found


def _readings(words: str) -> list[str]:
    """As `syllables`, each with its other readings: «chong/zhong/tong», «lv/lu»."""
    from pypinyin import Style, pinyin

    found: list[str] = []
    for term in terms(words):
        if not is_chinese(term):
            found.append(term)
            continue
        for character, read in zip(term, syllables(term), strict=True):
            others = pinyin(character, style=Style.NORMAL, heteronym=True)[0]
            found.append("/".join(dict.fromkeys([read, read.replace("v", "u"), *others])))
    return found


def search_text(name: Names, *merchants: Names) -> str:
    """What an offer is found by: a line for its name, a line for each of its merchants, each «中文|english|pinyin»."""
    return "\n".join(_spell(each.zh, each.en) for each in (name, *merchants))


def _spell(zh: str, en: str) -> str:
    zh, en = (normal(each).replace("|", " ") for each in (zh, en))
    return f"{zh}|{en}|{' '.join(_readings(zh))}"


def typed(term: str, *, complete: bool = False) -> re.Pattern[str]:
    """Finds a term in words that stand between spaces, from where one begins, also across them: «natie» in « yan mai na tie »;
    if `complete`, to where one ends."""
    return re.compile(" " + " ?".join(map(re.escape, term)) + ("(?= )" if complete else ""))


@dataclass(slots=True, eq=False)
class Line:
    """A name as it is searched. `haystack` holds every spelling run together: a term that is not in it is not in the line."""

    zh: str
    en: str
    chinese: str
    english: str
    pinyin: str
    initials: str
    haystack: str
    readings: str

    @classmethod
    def parse(cls, spelt: str) -> Line:
        """A line of a search text; one that was written before readings were is spelt anew."""
        fields = spelt.split("|")
        zh, en, read = fields if len(fields) == 3 else _spell(fields[0], fields[1]).split("|")
        first = [each.partition("/")[0] for each in read.split()]
        chinese, latin, english = "".join(words_of(zh)), set(terms(zh)), words_of(en)
        line = cls(
            zh=zh,
            en=en,
            chinese=chinese,
            english=f" {' '.join(english)} ",
            pinyin=f" {' '.join(first)} ",
            initials="".join([each if each in latin else each[:1] for each in first]),
            haystack="",
            readings=read,
        )
        others = [other.replace(" ", "") for other in line._others()]
        line.haystack = "\n".join([chinese, line.initials, "".join(first), "".join(english), *others])
        return line

    def _others(self) -> Iterator[str]:
        """The pinyin with one character read otherwise."""
        first = self.pinyin.split()
        for at, each in enumerate(self.readings.split()):
            for other in each.split("/")[1:]:
                yield f" {' '.join([*first[:at], other, *first[at + 1 :]])} "

    def grade(self, term: str, pattern: re.Pattern[str]) -> int | None:
        """How well a term is found as it was typed, 0 is best: whole before part, beginning before middle; Chinese, English
        and pinyin before initials, then the middle of an English word, then another reading of a character."""
        if (at := self.chinese.find(term)) >= 0:
            return 2 if at else 0 if term == self.chinese else 1
        grades = [
            2 if found.start() else 0 if found.end() == len(words) - 1 else 1
            for words in (self.pinyin, self.english)
            if (found := pattern.search(words))
        ]
        if grades:
            return min(grades)
        if term in self.initials:
            return 3 if term == self.initials else 4 if self.initials.startswith(term) else 5
        if len(term) < SHORTEST_PART:
            return None
        return 6 if term in self.english else 7 if any(map(pattern.search, self._others())) else None

    def grade_sound(self, pattern: re.Pattern[str]) -> int | None:
        """How well whole syllables are found in the pinyin."""
        if found := pattern.search(self.pinyin):
            return 2 if found.start() else 0 if found.end() == len(self.pinyin) - 1 else 1
        return 7 if any(map(pattern.search, self._others())) else None

    def grade_signs(self, signs: str) -> int | None:
        """How well signs are found that are no letters, as they are."""
        return 2 if signs in self.zh or signs in self.en else None

    def spellings(self) -> Iterator[str]:
        """What a typing error may have been meant for: one or two English words, one to four syllables."""
        for words, most in ((self.english.split(), 2), (self.pinyin.split(), 4)):
            for first in range(len(words)):
                for last in range(first + 1, min(first + most, len(words)) + 1):
                    yield "".join(words[first:last])
