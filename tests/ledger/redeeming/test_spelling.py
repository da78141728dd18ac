"""How names are spelt for search."""

from __future__ import annotations

import pytest

from ledger.redeeming.offers import Names
from ledger.redeeming.spelling import Line, normal, search_text, syllables, terms


def test_a_search_text_says_the_name_in_every_way() -> None:
    text = search_text(Names(zh="重庆小面", en="Noodles"), Names(zh="银行|卡", en="A|B"))
    assert text == "重庆小面|noodles|chong/zhong/tong qing xiao mian\n银行 卡|a b|yin hang/xing/heng ka/qia"


def test_words_are_made_plain() -> None:
    assert normal("  Ｌatte\t 大 ") == "latte 大"


@pytest.mark.parametrize(
    ("words", "apart"),
    [("shuiguo券", ["shuiguo", "券"]), ("5元券", ["5", "元券"]), ("half-day latte", ["half", "day", "latte"]),
     ("xi'an", ["xian"]), ("lü", ["lv"]), ("%_\\", []), ("☕拿铁", ["拿铁"])],
)  # fmt: skip
def test_words_come_apart_at_spaces_signs_and_where_chinese_begins(words: str, apart: list[str]) -> None:
    assert terms(words) == apart


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("重庆", "chong qing"),
        ("长安", "chang an"),
        ("音乐会", "yin yue hui"),
        ("iphone壳", "iphone ke"),
        ("𠮷𠮷野", "𠮷 𠮷 ye"),
    ],
)
def test_characters_are_read_as_in_their_word(words: str, read: str) -> None:
    assert " ".join(syllables(words)) == read


def test_initials_keep_what_is_not_chinese() -> None:
    assert (
        Line.parse(
            search_text(Names(zh="iPhone 手机壳 5米", en="Case"), Names(zh="店", en="S")).split("\n")[0]
        ).initials
        == "iphonesjk5m"
    )
