"""Buttons: what is taken, in which form it comes back, and how the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest

from bot.double import keyboards
from bot.double.errors import ApiError

SHORT = "can't parse inline keyboard button: "


def refused(markup: dict[str, Any], *, strict: bool = True) -> str:
    with pytest.raises(ApiError) as refusal:
        keyboards.check(markup, strict=strict)
    return refusal.value.description.removeprefix("Bad Request: ")


@pytest.mark.parametrize(
    ("button", "says"),
    [
        ({"text": "b", "callback_data": "é" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "b", "callback_data": "中" * 22}, "BUTTON_DATA_INVALID"),
        ({"text": "b", "callback_data": ""}, SHORT + "Text buttons are unallowed in the inline keyboard"),
        ({"text": "b"}, SHORT + "Text buttons are unallowed in the inline keyboard"),
        ({"text": "", "callback_data": "x"}, "inline keyboard button text must be non-empty"),
        ({"callback_data": "x"}, SHORT + 'Can\'t find field "text"'),
        ({"text": 5, "callback_data": "x"}, SHORT + 'Field "text" must be of type String'),
        ("b", SHORT + "InlineKeyboardButton must be an Object"),
        ({"text": "b", "url": "x"}, "inline keyboard button URL 'x' is invalid: Wrong HTTP URL"),
        (
            {"text": "b", "url": "ftp://x.y"},
            "inline keyboard button URL 'ftp://x.y' is invalid: Unsupported URL protocol",
        ),
        ({"text": "b", "url": "https://"}, "inline keyboard button URL 'https://' is invalid: URL host is empty"),
        (
            {"text": "b", "web_app": {"url": "http://x.y"}},
            "inline keyboard button Web App URL 'http://x.y' is invalid: Only HTTPS links are allowed",
        ),
        ({"text": "b", "copy_text": {"text": "x" * 257}}, "BUTTON_COPY_TEXT_INVALID"),
        ({"text": "b", "callback_data": "x", "style": "pink"}, SHORT + "invalid button style specified"),
        (
            {"text": "b", "callback_data": "x", "url": "https://x.y"},
            SHORT + "more than one action or unknown fields: url, callback_data",
        ),
        (
            {"text": "b", "callback_data": "x", "colour": 1},
            SHORT + "more than one action or unknown fields: callback_data, colour",
        ),
    ],
)
def test_inline_buttons_are_refused(button: object, says: str) -> None:
    assert refused({"inline_keyboard": [[button]]}) == says


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"text": "b", "callback_data": "中" * 21}, {"text": "b", "callback_data": "中" * 21}),
        ({"text": "b", "url": "HTTPS://X.y"}, {"text": "b", "url": "https://x.y/"}),
        ({"text": "b", "url": "tg://user?id=5"}, {"text": "b", "url": "tg://user?id=5"}),
        ({"text": "b", "url": "t.me/x?start=1"}, {"text": "b", "url": "http://t.me/x?start=1"}),
        (
            {"text": "b", "style": "danger", "callback_data": "x"},
            {"text": "b", "style": "danger", "callback_data": "x"},
        ),
        ({"text": "b", "switch_inline_query": ""}, {"text": "b", "switch_inline_query": ""}),
        ({"text": "b", "copy_text": {"text": "R-1"}}, {"text": "b", "copy_text": {"text": "R-1"}}),
    ],
)
def test_inline_buttons_come_back_in_normal_form(sent: dict[str, Any], kept: dict[str, Any]) -> None:
    checked = keyboards.check({"inline_keyboard": [[sent], []]}, strict=True)
    assert checked == {"inline_keyboard": [[kept]]}


def button(number: int) -> dict[str, str]:
    return {"text": str(number), "callback_data": str(number)}


def test_a_hundred_buttons_fit_and_one_more_does_not() -> None:
    rows = [[button(row * 4 + column) for column in range(4)] for row in range(25)]
    assert keyboards.check({"inline_keyboard": rows}, strict=True) is not None
    assert refused({"inline_keyboard": [*rows, [button(100)]]}) == "reply markup is too long"


def test_nine_in_a_row_are_too_many_for_strict_eyes_only() -> None:
    row = [button(number) for number in range(9)]
    assert refused({"inline_keyboard": [row]}) == "reply markup is too long"
    assert keyboards.check({"inline_keyboard": [row]}, strict=False) is not None


def test_a_lenient_check_takes_the_first_action_as_telegram_does() -> None:
    both = {"text": "b", "callback_data": "x", "url": "https://x.y/", "colour": 1}
    assert keyboards.check({"inline_keyboard": [[both]]}, strict=False) == {
        "inline_keyboard": [[{"text": "b", "url": "https://x.y/"}]]
    }


@pytest.mark.parametrize(
    ("markup", "says"),
    [
        ({"inline_keyboard": [{"text": "b"}]}, 'field "inline_keyboard" must be an Array of Arrays'),
        ({"keyboard": ["b"]}, 'field "keyboard" must be an Array of Arrays'),
        ({"keyboard": [[5]]}, "can't parse keyboard button: KeyboardButton must be a String or an Object"),
        ({"keyboard": [[""]]}, "keyboard button text must be non-empty"),
        (
            {"keyboard": [["b"]], "input_field_placeholder": "x" * 65},
            "input field placeholder must be 1-64 characters long",
        ),
    ],
)
def test_keyboards_of_the_wrong_shape_are_refused(markup: dict[str, Any], says: str) -> None:
    assert refused(markup) == says


def test_an_edit_takes_inline_keyboards_only() -> None:
    with pytest.raises(ApiError, match="inline keyboard expected"):
        keyboards.check_inline({"keyboard": [["b"]]}, strict=True)
    assert keyboards.check_inline({"inline_keyboard": []}, strict=True) is None


@pytest.mark.parametrize(
    ("markup", "says"),
    [
        ({"inline_keyboard": [[{"text": "b", "web_app": {"url": "https://x.y/"}}]]}, "BUTTON_TYPE_INVALID"),
        (
            {"keyboard": [[{"text": "b", "request_contact": True}]]},
            "phone number can be requested in private chats only",
        ),
        ({"inline_keyboard": [[{"text": "b", "pay": True}]]}, "BUTTON_TYPE_INVALID"),
    ],
)
def test_what_groups_may_not_have(markup: dict[str, Any], says: str) -> None:
    with pytest.raises(ApiError, match=says):
        keyboards.check_for_chat(keyboards.check(markup, strict=True), private=False)


def test_the_pay_button_stands_first() -> None:
    markup = {"inline_keyboard": [[button(1), {"text": "Pay", "pay": True}]]}
    with pytest.raises(ApiError, match="BUTTON_POS_INVALID"):
        keyboards.check_for_chat(keyboards.check(markup, strict=True), private=True, invoice=True)
