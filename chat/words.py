"""Words. A text is marked with `t("可用 {points}", points=Points(1180))` and rendered later, in the reader's language.

The Chinese text is the source (gettext's msgid); English comes from `locale/en/LC_MESSAGES/jifen.po`, compiled in memory at
first use. `tn("还有 {n} 天", n=8)` picks the English plural by `n`. A placeholder's value is formatted by its type:

    int           1,180                     Points(1180)      1,180 分 / 1,180 pts
    Money(2360)   ¥23.60, whole yuan ¥24    date              明天, 11月30日 / tomorrow, 30 Nov; with the year when not this one
    datetime      as a date, then 18:42     Text              rendered in place
    Both(zh, en)  the reader's language     str               a person's or merchant's own words: data, always escaped
    In(language, text)  rendered in that language

A msgid may carry Telegram's HTML tags (`<b>`, `<i>`, `<code>`, `<s>`); values never do. `Speaker.plain` drops the tags, for
buttons and alerts. Values that a msgid does not name are ignored; a missing value is a `KeyError`, found by the tests.
"""

from __future__ import annotations

import datetime as dt
import gettext
import html
import io
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """A marked text and its facts; `n` chooses the plural where given."""

    msgid: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Points:
    """A number of points to be shown with its unit: «分», or the name of a merchant's own currency."""

    points: int
    of: Both | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """Minor units of a currency; shown without decimals where it is whole."""

    minor: int
    code: str = "CNY"


@dataclass(frozen=True, slots=True)
class Both:
    """Data that exists in both languages, as a merchant gave it."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class In:
    """A text as readers of this language see it, whatever the language around it."""

    language: str
    text: Text


def t(msgid: str, /, **facts: Any) -> Text:
    """Mark a text for translation."""
    return Text(msgid, facts)


def tn(msgid: str, /, *, n: int, **facts: Any) -> Text:
    """Mark a text whose English has a singular and a plural, chosen by `n` (which is also the placeholder `{n}`)."""
    return Text(msgid, {**facts, "n": n}, n)


class _Chinese(gettext.NullTranslations):
    """The source language: every msgid is its own translation."""


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The translations of a language, compiled from its PO in memory. Unknown languages read the source."""
    if language != "en":
        return _Chinese()
    po = files("chat") / "locale" / language / "LC_MESSAGES" / "jifen.po"
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(po.read_bytes()), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


_ZONE = ZoneInfo("Asia/Shanghai")
_TAG = re.compile(r"</?(?:b|i|s|u|code|pre|blockquote|tg-spoiler)>")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_FIRST = re.compile(r"^((?:<[^>]+>)*)([a-z])")
_NAMED = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[a-z]+(?!\w)")
"""A word as people write it: occurred_at is none."""
_SYMBOLS = {"CNY": "¥", "GBP": "£", "USD": "$", "EUR": "€", "HKD": "HK$"}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Speaks one language on one day: renders texts for a reader.

    `language` is zh or en; `today` and `zone` are the programme's and decide how dates read.
    """

    language: str
    today: dt.date
    zone: dt.tzinfo = _ZONE

    def html(self, text: Text | str | Any) -> str:
        """The text as Telegram HTML, every value escaped."""
        return self._render(text, escape=True)

    def line(self, text: Text | str | Any) -> str:
        """As `html`, for a line of its own: in English it begins with a capital, unless somebody's own words come first."""
        shown = self.html(text)
        return _FIRST.sub(lambda met: met[1] + met[2].upper(), shown, count=1) if self._ours(text) else shown

    def _ours(self, value: Any) -> bool:
        """Whether it begins with a word of the programme's: in its text, in a text within that, or a day like «tomorrow»."""
        match value:
            case In(language, text):
                return Speaker(language, self.today, self.zone)._ours(text)
            case Text(msgid, facts, n) if self.language != "zh":
                words = catalogue(self.language)
                said = _TAG.sub("", words.gettext(msgid) if n is None else words.ngettext(msgid, msgid, n))
                named = _NAMED.match(said)
                return self._ours(facts[named[1]]) if named else _WORD.match(said) is not None
            case dt.date():
                return self.language != "zh"
        return False

    def plain(self, text: Text | str | Any) -> str:
        """The text without tags or escapes, for buttons, alerts and pictures."""
        return self._render(text, escape=False)

    def _render(self, value: Any, *, escape: bool) -> str:
        if isinstance(value, In):
            return Speaker(value.language, self.today, self.zone)._render(value.text, escape=escape)
        if isinstance(value, Text):
            words = catalogue(self.language)
            said = words.gettext(value.msgid) if value.n is None else words.ngettext(value.msgid, value.msgid, value.n)
            if not escape:
                said = _TAG.sub("", said)
            return "".join(self._said(piece, value.facts, escape=escape) for piece in _pieces(said))
        shown = self._value(value)
        return html.escape(shown, quote=False) if escape else shown

    def _said(self, piece: _Piece, facts: Mapping[str, Any], *, escape: bool) -> str:
        """A piece of a text with its fact. In Chinese, a name in Latin letters and an hour stand apart from the words beside them
        (它刚被 Anna 改过, 今天 21:19 得的分), a day does not (11月30日到期)."""
        if piece.fact is None:
            return piece.words
        value = facts[piece.fact]
        shown = self._render(value, escape=escape)
        if self.language != "zh" or not (piece.follows or piece.precedes):
            return piece.words + shown
        bare = _TAG.sub("", shown)
        before = " " if piece.follows and _LATIN.match(bare[:1]) else ""
        apart = isinstance(value, dt.datetime) or _LATIN.match(bare[-1:])
        return f"{piece.words}{before}{shown}{' ' if piece.precedes and apart else ''}"

    def _value(self, value: Any) -> str:
        match value:
            case bool():
                raise TypeError("a truth value has no wording: choose the text instead")
            case int():
                return f"{value:,}"
            case Points(points, of=Both() as unit):
                return f"{points:,} {self._value(unit)}"
            case Points(points):
                if self.language == "zh":
                    return f"{points:,} 分"
                return f"{points:,} pt" if abs(points) == 1 else f"{points:,} pts"
            case Money(minor, code):
                sign, whole = "-" if minor < 0 else "", abs(minor)
                amount = f"{whole // 100:,}" if whole % 100 == 0 else f"{whole // 100:,}.{whole % 100:02d}"
                return f"{sign}{_SYMBOLS.get(code, code + ' ')}{amount}"
            case Both(zh, en):
                return zh if self.language == "zh" else en
            case dt.datetime():
                local = value.astimezone(self.zone)
                return f"{self._date(local.date())} {local:%H:%M}"
            case dt.date():
                return self._date(value)
            case str():
                return value
            case _:
                raise TypeError(f"no wording for a {type(value).__name__}")

    def _date(self, day: dt.date) -> str:
        zh = self.language == "zh"
        near = {-1: "昨天" if zh else "yesterday", 0: "今天" if zh else "today", 1: "明天" if zh else "tomorrow"}
        if named := near.get((day - self.today).days):
            return named
        this_year = day.year == self.today.year
        if zh:
            return _written(day, "M月d日" if this_year else "y年M月d日", "zh")
        return _written(day, "d MMM" if this_year else "d MMM y", "en")


@lru_cache(2048)
def _written(day: dt.date, pattern: str, language: str) -> str:
    """Babel takes a tenth of a millisecond for a date, and screens say the same few days over and over."""
    return format_date(day, pattern, language)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Words of a text and the fact after them, if any; whether the fact `follows` and `precedes` a Chinese word."""

    words: str
    fact: str | None
    follows: bool = False
    precedes: bool = False


@lru_cache(4096)
def _pieces(said: str) -> tuple[_Piece, ...]:
    parsed = [(words, fact) for words, fact, _, _ in string.Formatter().parse(said)]
    bare = [_TAG.sub("", words) for words, _ in parsed]
    chinese = [(_CHINESE.match(words[:1]) is not None, _CHINESE.match(words[-1:]) is not None) for words in bare]
    return tuple(
        _Piece(words, fact, chinese[i][1], i + 1 < len(parsed) and chinese[i + 1][0])
        for i, (words, fact) in enumerate(parsed)
    )
