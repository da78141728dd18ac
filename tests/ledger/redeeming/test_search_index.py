"""The index by itself: properties of any names, a catalogue of five thousand, what it takes over from the one before."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import Style, lazy_pinyin

from bench.catalogue import offers
from bench.finding import THIRTEEN, Placed, answered, queries
from ledger.redeeming.offers import Names
from ledger.redeeming.search import LONGEST, Index
from ledger.redeeming.spelling import normal, search_text, terms

MEMORY_BYTES_MAX = 16 * 2**20
"""Twice what five thousand offers take."""

SELLER = Names(zh="云山超市", en="Yunshan Market")
HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
COMMON = st.sampled_from("重庆小面长安烤肉音乐会银行卡绿茶女鞋大杯拿铁燕麦水果券的一")
NAME = st.text(COMMON | HAN | st.sampled_from("aKü9 ·%_-ＡÉ𠮷'"), min_size=1, max_size=20)


def index(*names: str) -> Index:
    return Index([(n, search_text(Names(zh=name, en="Thing"), SELLER)) for n, name in enumerate(names, 1)])


@settings(max_examples=150, deadline=None)
@given(st.lists(NAME.filter(str.strip), min_size=1, max_size=8), st.booleans())
def test_every_offer_is_found_by_its_name_its_pinyin_and_its_initials(names: list[str], guess: bool) -> None:
    searched = index(*names)
    for number, name in enumerate(names, 1):
        assert number in searched.find(normal(name), 60, guess=guess)
        pieces = [piece for term in terms(normal(name)) for piece in lazy_pinyin(term)]
        if pieces:
            assert number in searched.find("".join(pieces), 60, guess=guess)
            assert number in searched.find(" ".join(pieces), 60, guess=guess)
        letters = "".join(each for term in terms(normal(name)) for each in lazy_pinyin(term, style=Style.FIRST_LETTER))
        if len(letters) >= 3:
            assert number in searched.find(letters, 60, guess=guess)


@settings(max_examples=150, deadline=None)
@given(st.lists(NAME.filter(str.strip), max_size=6), st.text(max_size=LONGEST), st.booleans())
def test_whatever_is_typed_finds_offers_of_the_index_once_each_and_the_same_at_every_time(
    names: list[str], words: str, guess: bool
) -> None:
    asked = normal(words)[:LONGEST].strip()
    if not asked:
        return
    found = index(*names).find(asked, 60, guess=guess)
    assert len(found) == len(set(found)) and set(found) <= set(range(1, len(names) + 1))
    assert found == index(*names).find(asked, 60, guess=guess)
    assert index(*names).find(asked, 2, guess=guess) == found[:2]


@pytest.mark.parametrize("reading", ["zhong", "chong", "tong"])
def test_a_character_with_several_readings_is_found_by_each(reading: str) -> None:
    searched = index("老重庆火锅", "牛肉面")
    assert searched.find(f"{reading}qing", 5, guess=False) == [1]
    assert searched.find(f"lao{reading}q", 5, guess=False) == [1]


def test_nothing_is_guessed_beside_a_name_that_begins_with_what_was_typed() -> None:
    names = [Names(zh="东北大米", en="Rice, 5 kg"), Names(zh="儿童绘本一册", en="A picture book")]
    searched = Index([(number, search_text(name, SELLER)) for number, name in enumerate(names, 1)])
    assert searched.find("rice", 5, guess=True) == [1]
    assert searched.find("rcie", 5, guess=True) == [1]


def test_what_is_like_a_chinese_name_has_its_characters_not_its_sound() -> None:
    searched = index("珠宝代金券", "帆布购物袋", "洗衣液补充装")
    assert searched.find("环保袋", 5, guess=True) == searched.find("布袋", 5, guess=True) == [2]
    assert searched.find("珠宝盒", 5, guess=True) == [1]
    assert searched.find("洗发水", 5, guess=True) == []
    many = index(*(f"{number}号购物袋" for number in "一二三四五六"))
    assert many.find("环保袋", 5, guess=True) == [], "so many end like that that none of them is meant"


def test_the_list_of_queries_is_answered_in_a_catalogue_of_five_thousand() -> None:
    placed: Placed = dict(enumerate(offers(), 1))
    rows = [(number, search_text(o.name, shop.name)) for number, (shop, o) in placed.items()]
    tracemalloc.start()
    searched = Index(rows)
    assert searched.find("naite", 5, guess=True)
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size < MEMORY_BYTES_MAX
    missed = [q for q in queries() if not answered(q, searched.find(normal(q.asked), 60, guess=True), placed)]
    assert len(placed) == 5000 and len(queries()) == 48
    assert not {q.asked for q in queries()[:THIRTEEN]} & {q.asked for q in missed}
    assert len(missed) <= 2, missed


def test_an_index_takes_over_what_it_can_and_forgets_what_is_gone_once_that_is_most() -> None:
    rows = [(n, search_text(Names(zh=f"拿铁{n}号", en="Latte"), SELLER)) for n in range(10)]
    searched = Index(rows)
    assert searched.find("naite", 5, guess=True) == [0, 1, 2, 3, 4]
    name = rows[0][1].split("\n")[0]
    after = Index(rows[:3], searched)
    assert after.lines[name] is searched.lines[name] and len(after.lines) == 4
    assert after.find("naite", 5, guess=True) == [0, 1, 2]
    assert len(after.spellings.lines) == 11 and len(Index(rows[:3], after).spellings.lines) == 4
