"""Finding an offer by whatever somebody types: Chinese, pinyin, initials, English, homophones, typos.

Three steps, each only when the one before found nothing: the words as typed, found in the search text; their pinyin, found in it;
and the nearest pinyin (a swapped or wrong letter). pypinyin costs 57 MiB and is loaded at the first offer saved or search made.
"""

from __future__ import annotations

import unicodedata

from rapidfuzz import fuzz, process
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.redeeming.offers import Names

LONGEST = 40
"""What is typed beyond this is not looked at."""
_NEAR = 75
_SHORTEST_GUESS = 3

_FOUND = """
    SELECT o.id FROM offer o JOIN merchant m ON m.id = o.merchant_id
    WHERE o.active AND m.status IN ('certified', 'suspended') AND {matches}
    ORDER BY (split_part(o.search_text, chr(10), 1) LIKE :first ESCAPE '\\') DESC,
             (o.search_text LIKE :begins ESCAPE '\\') DESC, length(o.search_text), o.id LIMIT :limit
"""
_ALL = text(
    "SELECT o.id, o.search_text FROM offer o JOIN merchant m ON m.id = o.merchant_id"
    " WHERE o.active AND m.status IN ('certified', 'suspended')"
)


def normal(words: str) -> str:
    """Words as search texts are written: full-width letters narrowed, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", words).lower().split())


def pinyin(words: str) -> str:
    """The words in pinyin without tones and spaces; letters stay as they are."""
    from pypinyin import lazy_pinyin

    return "".join(lazy_pinyin(words)).replace(" ", "")


def initials(words: str) -> str:
    """The first letters of each character's pinyin."""
    from pypinyin import Style, lazy_pinyin

    return "".join(lazy_pinyin(words, style=Style.FIRST_LETTER)).replace(" ", "")


def search_text(name: Names, merchant: Names) -> str:
    """What an offer is found by: a line for its name, a line for its merchant, each «中文|english|pinyin|initials»."""

    def line(names: Names) -> str:
        zh = normal(names.zh).replace("|", " ")
        return "|".join([zh, normal(names.en).replace("|", " "), pinyin(zh), initials(zh)])

    return f"{line(name)}\n{line(merchant)}"


def escaped(words: str) -> str:
    """The words as a LIKE pattern that means them literally."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def search(tx: AsyncConnection, words: str, *, limit: int = 60, guess: bool = True) -> list[int]:
    """Ids of the offers on the shelf that the words mean, best first; empty where nothing comes near.

    Without `guess`, the words or their pinyin must be there: for words that may mean something else altogether.
    """
    asked = normal(words)[:LONGEST].strip()
    if not asked:
        return []
    if found := await _like(tx, asked.split(" "), limit):
        return found
    sound = pinyin(asked)
    if sound != asked and (found := await _like(tx, [sound], limit)):
        return found
    return await _nearest(tx, sound, limit) if guess else []


async def _like(tx: AsyncConnection, parts: list[str], limit: int) -> list[int]:
    """Offers whose search text holds every part; those that hold the first in their own name, or begin with it, come first."""
    patterns = {f"p{i}": f"%{escaped(part)}%" for i, part in enumerate(parts)}
    matches = " AND ".join(f"o.search_text LIKE :{name} ESCAPE '\\'" for name in patterns)
    query = text(_FOUND.format(matches=matches))
    order = {"first": patterns["p0"], "begins": patterns["p0"].removeprefix("%")}
    return list(await tx.scalars(query, {**patterns, **order, "limit": limit}))


async def _nearest(tx: AsyncConnection, sound: str, limit: int) -> list[int]:
    """Offers whose pinyin or English name comes nearest. Shorter words than three letters would be near everything."""
    if len(sound) < _SHORTEST_GUESS:
        return []
    choices: dict[tuple[int, int], str] = {}
    for offer_id, found_by in await tx.execute(_ALL):
        _, english, sounds, _ = found_by.split("\n")[0].split("|")
        choices[offer_id, 0], choices[offer_id, 1] = sounds, english.replace(" ", "")
    near = process.extract(sound, choices, scorer=fuzz.partial_ratio, limit=limit, score_cutoff=_NEAR)
    return list(dict.fromkeys(key[0] for _, _, key in near))
