"""Finding an offer by whatever somebody types: Chinese, pinyin, initials, English, homophones, typos, a merchant and a thing.

Names are searched in the process, in an index that is kept by a fingerprint of what is on the shelf: one aggregate tells at each
search whether the shelf still says what the index says, whoever changed it. The fingerprint is of the contents, so the same shelf
has the same index in every database, and a transaction sees what it changed itself.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property, reduce
from operator import xor

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, LCSseq
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.points.reading import run
from ledger.redeeming.spelling import Line, is_chinese, normal, syllables, terms, typed, words_of

LONGEST = 40
"""What is typed beyond this is not looked at."""
_FEW = 5
"""Fewer finds than this may be of a typing error: what is spelt nearly so follows."""
_SHORTEST_GUESS, _SHORTEST_CHINESE = 4, 3
_TWO_ERRORS = 9
"""From so many letters on, a word is taken to have two typing errors."""
_PART = 4
"""Parts of a word are so many letters on average: single syllables are everywhere."""
_WAYS, _SPELLINGS = 4, 8
"""So many ways to cut a word into parts, and spellings that may have been meant, are looked for at most."""
_LIKE = 75
_MEANT = 1
"""A name that begins with what was typed, or is that, was meant: nothing else is guessed beside it."""

_MERCHANT, _NEARLY, _APART, _LACKING = 20, 50, 200, 10_000
"""Added to a grade: found in the merchant's name, of a typing error, in several places, for each word not found."""

# Said so that every plan reads the offers once, from one end to the other: connections of the turn avoid hash joins, and merchants
# one by one would cost seven times as much.
_SHELF = """
    FROM offer o WHERE o.active
        AND o.merchant_id <> ALL (ARRAY(SELECT id FROM merchant WHERE status NOT IN ('certified', 'suspended')))
"""
_FINGERPRINT = f"SELECT count(*), coalesce(bit_xor(o.contents), 0) {_SHELF}"
_ALL = f"SELECT o.id, o.search_text, o.contents {_SHELF}"

Grades = dict[int, int]
"""How well offers are found, by their place in the index; 0 is best."""


class Spellings:
    """All that may have been meant by a typing error, by length. Indexes that follow each other share one, and it only grows:
    what is no longer on the shelf is then found nowhere."""

    def __init__(self) -> None:
        self.lines: set[str] = set()
        self._by_length: defaultdict[int, set[str]] = defaultdict(set)

    def add(self, lines: dict[str, Line]) -> None:
        """Take in the lines that are new."""
        for spelt in lines.keys() - self.lines:
            for spelling in lines[spelt].spellings():
                self._by_length[len(spelling)].add(spelling)
        self.lines |= lines.keys()

    def __contains__(self, spelling: str) -> bool:
        return spelling in self._by_length.get(len(spelling), ())

    def near(self, word: str, errors: int) -> list[str]:
        """What is at most so many typing errors away, one of them at least; the nearest first."""
        found: list[tuple[float, str]] = []
        for length in range(len(word) - errors, len(word) + errors + 1):
            choices = self._by_length.get(length, ())
            near = process.extract(word, choices, scorer=OSA.distance, score_cutoff=errors, limit=None)
            found += [(distance, spelling) for spelling, distance, _ in near if distance]
        return [spelling for _, spelling in sorted(found)]


class Index:
    """The names of what is on the shelf, as they are searched."""

    def __init__(self, rows: Iterable[tuple[int, str]], before: Index | None = None) -> None:
        """`rows` are ids with search texts; what `before` has of the same lines is taken over."""
        known = before.lines if before else {}
        self.lines: dict[str, Line] = {}
        self._ids: list[int] = []
        self._names: list[Line] = []
        self._sellers: defaultdict[str, list[int]] = defaultdict(list)
        for place, (offer_id, found_by) in enumerate(rows):
            name, *sellers = found_by.split("\n")
            for each in (name, *sellers):
                if each not in self.lines:
                    self.lines[each] = known.get(each) or Line.parse(each)
            self._ids.append(offer_id)
            self._names.append(self.lines[name])
            for seller in sellers:
                self._sellers[seller].append(place)
        self._haystacks = [line.haystack for line in self._names]
        self._shared: Spellings = before._shared if before and before._shared_mostly_used() else Spellings()

    def _shared_mostly_used(self) -> bool:
        return len(self._shared.lines) <= 2 * len(self.lines)

    @cached_property
    def spellings(self) -> Spellings:
        """Made at need: most searches find what was typed."""
        self._shared.add(self.lines)
        return self._shared

    def find(self, words: str, limit: int, *, guess: bool) -> list[int]:
        """As `search`, of normal words."""
        whole, apart = "".join(words_of(words)), terms(words)
        if not whole:
            return self._best(self._graded("", lambda line: line.grade_signs(words)), limit)
        found, each = self._said(whole), []
        if len(apart) > 1:
            each = [self._said(term) or (self._meant(term) if guess else {}) for term in apart]
            found = _either(found, _together(each))
        if guess and not found:
            found = self._meant(whole)
        elif guess and len(found) < _FEW and min(found.values()) > _MEANT and not is_chinese(whole):
            found = _either(found, self._near(whole, most_errors=1))
        if guess and not found:
            found = _most(apart, each) or self._like(whole)
        return self._best(found, limit)

    def _graded(self, needle: str, grade: Callable[[Line], int | None]) -> Grades:
        """The lines that hold the needle, graded."""
        holding = [place for place, haystack in enumerate(self._haystacks) if needle in haystack]
        found = {place: g for place in holding if (g := grade(self._names[place])) is not None}
        for seller, places in self._sellers.items():
            line = self.lines[seller]
            if needle in line.haystack and (g := grade(line)) is not None:
                for place in places:
                    found.setdefault(place, _MERCHANT + g)
        return found

    def _written(self, term: str) -> Grades:
        pattern = typed(term)
        return self._graded(term, lambda line: line.grade(term, pattern))

    def _said(self, term: str) -> Grades:
        """Where a term is found as typed, else, of Chinese, what sounds the same."""
        found = self._written(term)
        if found or not is_chinese(term):
            return found
        said = syllables(term)
        pattern = re.compile(f" {' '.join(map(re.escape, said))}(?= )")
        return self._graded("".join(said), lambda line: line.grade_sound(pattern))

    def _meant(self, term: str) -> Grades:
        """Where all parts of a term are found, though not side by side; else what is spelt nearly so."""
        for parts in self._parts(_sound(term)):
            if found := _together([self._sounding(part) for part in parts]):
                return found
        return self._near(term)

    def _sounding(self, part: str) -> Grades:
        pattern = typed(part, complete=True)
        return self._graded(part, lambda line: line.grade_sound(pattern))

    def _parts(self, sound: str) -> list[list[str]]:
        """The ways in which the fewest spellings make up the sound: «yunshan, niunai»."""
        ways: list[list[list[str]]] = [[[]]]
        for end in range(1, len(sound) + 1):
            here = [
                [*before, sound[start:end]]
                for start in range(end)
                if ways[start] and sound[start:end] in self.spellings
                for before in ways[start]
            ]
            fewest = min(map(len, here), default=0)
            ways.append([way for way in here if len(way) == fewest][:_WAYS])
        return [way for way in ways[-1] if len(way) * _PART <= len(sound)]

    def _near(self, term: str, *, most_errors: int = 2) -> Grades:
        """Where a spelling is found that is a typing error away."""
        if _too_short(term):
            return {}
        sound = _sound(term)
        if is_chinese(term) or len(sound) < _TWO_ERRORS:
            most_errors = 1
        for errors in range(1, most_errors + 1):
            found, tried = Grades(), 0
            for spelling in self.spellings.near(sound, errors):
                if grades := self._written(spelling):
                    found = _either(found, {place: g + _NEARLY for place, g in grades.items()})
                    tried += 1
                if tried == _SPELLINGS:
                    break
            if found:
                return found
        return {}

    def _like(self, term: str) -> Grades:
        """Names that are like the words on the whole. Of Chinese the characters tell: to the ear 环保袋 is near 珠宝代金券."""
        if is_chinese(term):
            return self._sharing(term)
        if _too_short(term):
            return {}
        found = Grades()
        for choices in ([line.pinyin for line in self._names], [line.english for line in self._names]):
            joined = [choice.replace(" ", "") for choice in choices]
            near = process.extract(term, joined, scorer=fuzz.partial_ratio, score_cutoff=_LIKE, limit=None)
            found = _either(found, {place: 100 - int(ratio) for _, ratio, place in near})
        return found

    def _sharing(self, term: str) -> Grades:
        """Names that have most of its characters, in their order; else the few that end as it does: 环保袋, 帆布袋."""
        shared = [(place, LCSseq.similarity(term, line.chinese)) for place, line in enumerate(self._names)]
        found = {place: len(term) - same for place, same in shared if same * 2 > len(term) and same > 1}
        if found or _too_short(term):
            return found
        ending = [place for place, line in enumerate(self._names) if line.chinese.endswith(term[-1])]
        return dict.fromkeys(ending, len(term)) if len(ending) <= _FEW else {}

    def _best(self, found: Grades, limit: int) -> list[int]:
        """The ids of the best: of two found as well, the shorter name, and then the one that has been there longer."""
        best = heapq.nsmallest(limit, ((g, len(self._names[place].zh), self._ids[place]) for place, g in found.items()))
        return [offer_id for _, _, offer_id in best]


def _too_short(term: str) -> bool:
    """Whether so much is near it that none of that is meant."""
    return len(term) < (_SHORTEST_CHINESE if is_chinese(term) else _SHORTEST_GUESS)


def _sound(term: str) -> str:
    return "".join(syllables(term)) if is_chinese(term) else term


def _either(these: Grades, those: Grades) -> Grades:
    """What either has found, as the better of the two has it."""
    found = dict(those)
    for place, grade in these.items():
        found[place] = min(grade, found.get(place, grade))
    return found


def _together(each: list[Grades]) -> Grades:
    """What all of them have found."""
    if not each:
        return {}
    first, *others = sorted(each, key=len)
    return {p: _APART + g + sum(o[p] for o in others) for p, g in first.items() if all(p in o for o in others)}


def _most(apart: list[str], each: list[Grades]) -> Grades:
    """What has been found by most of the terms, counted in letters; worse, the more of them it lacks."""
    letters: Counter[int] = Counter()
    for term, grades in zip(apart, each, strict=False):
        letters.update(dict.fromkeys(grades, len(term)))
    half = sum(map(len, apart)) / 2
    return {
        place: sum(grades.get(place, _LACKING) for grades in each) for place, found in letters.items() if found >= half
    }


_KEPT = 4
_indexes: OrderedDict[tuple[int, int], Index] = OrderedDict()
"""The indexes used last, by fingerprint. More than one: a transaction that changes the shelf sees its own until it commits."""


async def search(tx: AsyncConnection, words: str, *, limit: int = 60, guess: bool = True) -> list[int]:
    """Ids of the offers on the shelf that the words mean, best first; empty where nothing comes near.

    Without `guess`, the words or their pinyin must be there: for words that may mean something else altogether.
    """
    asked = normal(words)[:LONGEST].strip()
    return (await index_of(tx)).find(asked, limit, guess=guess) if asked else []


async def index_of(tx: AsyncConnection) -> Index:
    """The index of the shelf as `tx` sees it."""
    count, contents = (await run(tx, _FINGERPRINT))[0]
    index = _indexes.get((count, contents))
    if index is None:
        rows = await run(tx, _ALL)
        # Somebody may have committed since the fingerprint was taken, so an index goes by the fingerprint of what it holds.
        count, contents = len(rows), reduce(xor, (row[2] for row in rows), 0)
        before = next(reversed(_indexes.values())) if _indexes else None
        index = _indexes[count, contents] = Index([(row[0], row[1]) for row in rows], before)
    _indexes.move_to_end((count, contents))
    while len(_indexes) > _KEPT:
        _indexes.popitem(last=False)
    return index
