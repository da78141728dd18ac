"""Formatting: what each parse mode makes of a text, and how it words what it cannot parse.

The expected values follow Telegram's own parser; offsets in refusals are bytes, offsets of entities UTF-16 units.
"""

from __future__ import annotations

import pytest

from bot.double.entities import detect, formatted
from bot.double.errors import ApiError


def shape(entities: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """Entities as tuples: kind, offset, length, and whatever else they carry."""
    return [
        (
            entity["type"],
            entity["offset"],
            entity["length"],
            *(v for k, v in entity.items() if k not in {"type", "offset", "length"}),
        )
        for entity in entities
    ]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("plain", "plain", []),
        ("<b>余额</b> 1,180", "余额 1,180", [("bold", 0, 2)]),
        ("<b>hé😀</b>x", "hé😀x", [("bold", 0, 4)]),
        ("<STRONG>a</strong>", "a", [("bold", 0, 1)]),
        ("<b>a</>", "a", [("bold", 0, 1)]),
        ("&lt;&gt;&amp;&quot;&#65;&#x4e2d;", '<>&"A中', []),
        ("&lt &nbsp; &#0; &copy", "< &nbsp; &#0; &copy", []),
        ('<a href="https://x.y">l</a>', "l", [("text_link", 0, 1, "https://x.y/")]),
        ("<a>x.y</a>", "x.y", [("text_link", 0, 3, "http://x.y/")]),
        ('<a href="nonsense">l</a>', "l", []),
        ('<span class="tg-spoiler">s</span><tg-spoiler>t</tg-spoiler>', "st", [("spoiler", 0, 2)]),
        ('<pre><code class="language-py">x=1</code></pre>', "x=1", [("pre", 0, 3, "py")]),
        ("<code>1</code>", "1", [("code", 0, 1)]),
        ("<blockquote>q</blockquote>", "q", [("blockquote", 0, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", 0, 1)]),
        (
            '<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>',
            "👍",
            [("custom_emoji", 0, 2, "5368324170671202286")],
        ),
        # Bold around italic is cut where the italic begins, so that the parts nest cleanly.
        ("<b>a<i>b</i></b>", "ab", [("bold", 0, 1), ("bold", 1, 1), ("italic", 1, 1)]),
        ("<b>a<code>b</code></b>", "ab", [("bold", 0, 1), ("code", 1, 1)]),
        # Blanks go from the end, and from the beginning only up to the first entity.
        ("  <b> a </b>  ", " a", [("bold", 0, 2)]),
        ("\n a \n", "a", []),
    ],
)
def test_html(source: str, text: str, entities: list[tuple[object, ...]]) -> None:
    got, found = formatted(source, "HTML", None)
    assert (got, shape(found)) == (text, entities)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a<br>b", 'Unsupported start tag "br" at byte offset 1'),
        ("余<p>", 'Unsupported start tag "p" at byte offset 3'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<a href", 'Unclosed start tag "a" at byte offset 0'),
        ("<a ='x'>l</a>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=x$>l</a>", "Unexpected end of name token at byte offset 8"),
        ('<tg-emoji emoji-id="x">👍</tg-emoji>', "Invalid custom emoji identifier specified"),
    ],
)
def test_html_refusals(source: str, says: str) -> None:
    with pytest.raises(ApiError) as refusal:
        formatted(source, "HTML", None)
    assert refusal.value.description == f"Bad Request: can't parse entities: {says}"


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("*余额* 1,180", "余额 1,180", [("bold", 0, 2)]),
        (
            "_i_ __u__ ~s~ ||p||",
            "i u s p",
            [("italic", 0, 1), ("underline", 2, 1), ("strikethrough", 4, 1), ("spoiler", 6, 1)],
        ),
        (r"1\.5 \*x\*", "1.5 *x*", []),
        ("`a*b`", "a*b", [("code", 0, 3)]),
        ("```py\nx=1\n```", "x=1", [("pre", 0, 3, "py")]),
        ("[l](https://x.y/?a=1\\))", "l", [("text_link", 0, 1, "https://x.y/?a=1)")]),
        ("![👍](tg://emoji?id=5)", "👍", [("custom_emoji", 0, 2, "5")]),
        (">q\n>r", "q\nr", [("blockquote", 0, 3)]),
        ("**>q\n>r||", "q\nr", [("expandable_blockquote", 0, 3)]),
        ("*a _b_*", "a b", [("bold", 0, 2), ("bold", 2, 1), ("italic", 2, 1)]),
    ],
)
def test_markdown_v2(source: str, text: str, entities: list[tuple[object, ...]]) -> None:
    got, found = formatted(source, "MarkdownV2", None)
    assert (got, shape(found)) == (text, entities)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("1.5", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("a-b", "Character '-' is reserved and must be escaped with the preceding '\\'"),
        ("a!", "Character '!' is reserved and must be escaped with the preceding '\\'"),
        ("x > y", "Character '>' is reserved and must be escaped with the preceding '\\'"),
        ("余*x", "Can't find end of Bold entity at byte offset 3"),
        ("`x", "Can't find end of Code entity at byte offset 0"),
        ("[l](x", "Can't find end of a URL at byte offset 4"),
        ("![x]", "The entity must contain a tg://emoji or tg://time URL"),
    ],
)
def test_markdown_v2_refusals(source: str, says: str) -> None:
    with pytest.raises(ApiError) as refusal:
        formatted(source, "MarkdownV2", None)
    assert refusal.value.description == f"Bad Request: can't parse entities: {says}"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([{"type": "bold", "offset": 9, "length": 1}], "entity begins after the end of the text at UTF-16 offset 9"),
        (
            [{"type": "bold", "offset": 0, "length": 9}],
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 9",
        ),
        ([{"type": "bold", "offset": 2, "length": 1}], "entity begins in a middle of a UTF-16 symbol at byte offset 5"),
        ([{"type": "glow", "offset": 0, "length": 1}], "can't parse MessageEntity: Unsupported type specified"),
        ([{"type": "bold", "length": 1}], "can't parse MessageEntity: Can't find field \"offset\""),
        ([{"type": "text_link", "offset": 0, "length": 1}], "can't parse MessageEntity: Can't find field \"url\""),
        ([5], "can't parse MessageEntity: expected an Object"),
    ],
)
def test_explicit_entities_that_do_not_fit_are_refused(given: list[object], says: str) -> None:
    with pytest.raises(ApiError) as refusal:
        formatted("a😀b", None, given)
    assert refusal.value.description == f"Bad Request: {says}"


def test_explicit_entities_count_in_utf16_units() -> None:
    text, found = formatted("😀余额", None, [{"type": "bold", "offset": 2, "length": 2}])
    assert (text, shape(found)) == ("😀余额", [("bold", 2, 2)])


def test_control_characters_go_and_entities_move_along() -> None:
    text, found = formatted("a\r\n\u202eb\tc", None, [{"type": "bold", "offset": 4, "length": 1}])
    assert (text, shape(found)) == ("a\nb c", [("bold", 2, 1)])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start r_abc", [("bot_command", 0, 6)]),
        ("请按/help", []),
        ("😀 /help@jifen_bot", [("bot_command", 3, 15)]),
        ("看 https://x.y/z?a=1，好", [("url", 2, 17)]),
        (
            "t.me/x?start=1 a@b.cn @someone #积分",
            [("url", 0, 14), ("email", 15, 6), ("mention", 22, 8), ("hashtag", 31, 3)],
        ),
        ("1,180.50 / 3", []),
    ],
)
def test_telegram_finds_some_entities_by_itself(text: str, found: list[tuple[object, ...]]) -> None:
    assert shape(detect(text)) == found


def test_a_hundred_entities_stay_and_the_rest_are_dropped() -> None:
    _, found = formatted("<b>x</b> " * 120, "HTML", None)
    assert len(found) == 100
