"""From screens to what the Bot API takes: words, buttons, what a tap becomes, and what is too large to be drawn."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.drawing import ALERT_MAX, CAPTION_MAX, TEXT_MAX, Checkout, Tapped, draw
from chat.screen import BLANK, QR, Button, Invoice, Photo, Renew, Screen, screen
from chat.words import Speaker, t
from ledger.errors import Fault

ZH = Speaker("zh", dt.date(2026, 11, 22))
TAP = Tapped("77", 5)


def words(text: str) -> Screen:
    return screen([t("{text}", text=text)])


def test_lines_are_joined_and_what_people_wrote_is_escaped() -> None:
    (drawn,) = draw([screen([t("<b>{name}</b>", name="<小明> & 小红"), BLANK, t("好")])], ZH)
    assert drawn == {"text": "<b>&lt;小明&gt; &amp; 小红</b>\n\n好"}


def test_buttons_are_plain_and_do_what_they_say() -> None:
    rows = [
        [Button(t("<b>兑换</b> {name}", name="A&B"), data="a:b", style="primary")],
        [Button(t("链接"), url="https://example.org"), Button(t("复制"), copy="K7Q2")],
    ]
    (drawn,) = draw([screen([t("看")], rows)], ZH)
    assert drawn["keyboard"] == [
        [{"text": "兑换 A&B", "callback_data": "a:b", "style": "primary"}],
        [{"text": "链接", "url": "https://example.org"}, {"text": "复制", "copy_text": {"text": "K7Q2"}}],
    ]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("返回|主菜单", "返回|主菜单"),
        ("快结束|新上架|热门|绿色", "快结束|新上架|热门|绿色"),
        ("Categories|Merchants|Everything", "Categories|Merchants|Everything"),
        ("Exchange points|My vouchers|Favourites", "Exchange points|My vouchers/Favourites"),
        ("Starscreen Cinema 4|Half-Day Tea 3", "Starscreen Cinema 4/Half-Day Tea 3"),
        ("十个字的按钮放不下呀|短", "十个字的按钮放不下呀/短"),
        ("东北大米 5 公斤袋装 · 还差 720 分,很长也自成一行", "东北大米 5 公斤袋装 · 还差 720 分,很长也自成一行"),
        ("一|二|三|四|五|六|日", "一|二|三|四|五|六|日"),
        ("1|2|3|a longer one|5", "1|2|3/a longer one|5"),
    ],
)
def test_a_row_whose_labels_a_phone_would_cut_becomes_several(labels: str, expected: str) -> None:
    row = [Button(t("{label}", label=label), data="a:b") for label in labels.split("|")]
    (drawn,) = draw([screen([t("看")], [row])], ZH)
    assert "/".join("|".join(each["text"] for each in shown) for shown in drawn["keyboard"]) == expected


def test_the_first_screen_answers_the_tap_in_place_and_the_rest_follow() -> None:
    first, second = draw([words("一"), words("二")], ZH, TAP)
    assert first["query"] == "77" and first["edit"] == {"id": 5, "picture": False, "protected": False}
    assert "query" not in second and "edit" not in second


@pytest.mark.parametrize(
    ("screens", "tapped", "expected"),
    [
        ([], TAP, [{"query": "77"}]),
        ([Screen(alert=t("看过了"))], TAP, [{"alert": "看过了", "query": "77"}]),
        ([Screen((t("新"),), fresh=True)], TAP, [{"text": "新", "query": "77"}]),
        ([words("旧")], Tapped("77", 0), [{"text": "旧", "query": "77"}]),
        ([Screen(alert=t("没人点"))], None, []),
        ([], None, []),
        ([words("码"), Screen(alert=t("晚了"))], None, [{"text": "码"}]),
    ],
)
def test_a_tap_is_always_answered_and_nothing_else_is(
    screens: list[Screen], tapped: Tapped | None, expected: list
) -> None:  # type: ignore[type-arg]
    assert draw(screens, ZH, tapped) == expected


def test_a_screen_that_nobody_tapped_replaces_its_message_or_says_nothing() -> None:
    (drawn,) = draw([words("码")], ZH, Tapped(None, 5, picture=True))
    assert drawn == {"text": "码", "edit": {"id": 5, "picture": True, "protected": False, "only": True}}


def test_what_renews_itself_says_when_and_in_which_language() -> None:
    at = dt.datetime(2026, 11, 22, 4, 0, 25, tzinfo=dt.UTC)
    (drawn,) = draw([Screen((t("码"),), renew=Renew("card:renew:K7", at))], ZH)
    assert drawn["renew"] == {"data": "card:renew:K7", "at": "2026-11-22T04:00:25+00:00", "language": "zh"}


def test_pictures_and_protection_are_named() -> None:
    code, photo = draw(
        [Screen((t("券"),), picture=QR("K7"), protect=True), Screen((t("图"),), picture=Photo("box"))], ZH
    )
    assert (code["picture"], code["protect"], photo["picture"]) == ({"qr": "K7"}, True, {"photo": "box"})


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (words, TEXT_MAX),
        (lambda text: Screen((t("{text}", text=text),), picture=QR("x")), CAPTION_MAX),
        (lambda text: Screen(alert=t("{text}", text=text)), ALERT_MAX),
    ],
)
def test_what_telegram_would_refuse_is_a_fault_before_it_is_sent(make, most: int) -> None:  # type: ignore[no-untyped-def]
    draw([make("<" * most)], ZH, TAP)  # counted as people see it, not as it is written
    with pytest.raises(Fault, match=str(most)):
        draw([make("字" * (most + 1))], ZH, TAP)


def test_an_invoice_is_a_message_of_its_own_with_names_cut_to_what_telegram_takes() -> None:
    bill = Invoice(t("{name}", name="橙" * 33), t("{said}", said="付" * 256), "cash_1", 1000, "CNY")
    (drawn,) = draw([screen([t("到店付")], invoice=bill)], ZH, TAP)
    asked = drawn["invoice"]
    assert (asked["title"], len(asked["description"])) == ("橙" * 31 + "…", 255)
    assert (asked["payload"], asked["minor"], asked["money"]) == ("cash_1", 1000, "CNY")
    assert drawn["text"] == "到店付" and drawn["query"] == "77" and "edit" not in drawn


@pytest.mark.parametrize("payload", ["", "余" * 43])
def test_an_invoices_payload_is_at_most_128_bytes(payload: str) -> None:
    with pytest.raises(ValueError):
        Invoice(t("好"), t("好"), payload, 1, "CNY")


def test_the_question_before_a_payment_is_answered_yes_or_with_one_line_why_not() -> None:
    assert draw([], ZH, Checkout("9")) == [{"checkout": "9"}]
    no = screen([t("<b>留的时间过了</b>"), BLANK, t("积分退回。")], [[Button(t("好"), data="a")]])
    assert draw([no], ZH, Checkout("9")) == [{"checkout": "9", "error": "留的时间过了 积分退回。"}]
    assert len(draw([words("长" * 300)], ZH, Checkout("9"))[0]["error"]) == ALERT_MAX
