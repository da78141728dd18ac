"""What is wrong with a body, where it is and in words: in Chinese and in English, for whatever can be wrong with any model."""

from __future__ import annotations

import ast
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.merchant_api import faults
from bot.merchant_api.models import Fault, QuoteIn, Refund
from bot.merchant_api.operations import APPLYING, OPERATIONS
from bot.merchant_api.problems import malformed, no_document
from bot.merchant_api.sandbox_models import ClockIn
from chat.words import Speaker
from ledger.earning.rules.documents import RULE
from ledger.redeeming.offers import Offer

ROOT = Path(__file__).resolve().parents[3]
TODAY = dt.date(2026, 11, 22)
ZH, EN = Speaker("zh", TODAY), Speaker("en", TODAY)
MOMENT = "2026-11-22T10:30:00+08:00"
AT = ("带时区的时刻,比如", "moment with its offset is needed, such as")
CUT = "EOF while parsing an object at line 1 column 1"
KINDS = "all, amount, lines, without_reference"
LINE = {"amount_minor": 100, "category": "grocery"}
SALE = {"document": "P-1", "lines": [LINE], "member": {"card": "12345678"}, "occurred_at": MOMENT}
REFUND = {"document": "R-1", "of": "P-1", "occurred_at": MOMENT}


def said(model: Any, body: Any, speaker: Speaker) -> list[tuple[str, str]]:
    """What is found wrong in a body, where and in words."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        TypeAdapter(model).validate_json(raw)
    except ValidationError as error:
        errors: list[Fault] | None = malformed(error, raw).said(speaker).errors
        assert errors is not None
        return [(each.pointer, each.detail) for each in errors]
    raise AssertionError(f"nothing is wrong with {body}")


@pytest.mark.parametrize(
    ("model", "body", "pointer", "zh", "en"),
    [
        ("PurchaseIn", SALE | {"lines": []}, "/lines", "至少 1 项", "At least 1 item"),
        ("PurchaseIn", SALE | {"lines": [{}]}, "/lines/0/amount_minor", "要有这一项", "This is needed"),
        ("PurchaseIn", SALE | {"lines": [{"amount_minor": "x"}]}, "/lines/0/amount_minor", "要是整数", "A whole number is needed"),
        ("PurchaseIn", SALE | {"lines": [LINE | {"a/b~": 1}]}, "/lines/0/a~1b~0", "没有这一项", "There is no such field"),
        ("PurchaseIn", SALE | {"occurred_at": "10:30"}, "/occurred_at", f"要是{AT[0]} {MOMENT}", f"A {AT[1]} {MOMENT}"),
        ("PurchaseIn", SALE | {"document": 7}, "/document", "要是文字", "Text is needed"),
        ("PurchaseIn", SALE | {"member": {"card": 7}}, "/member/card", "要是文字", "Text is needed"),
        ("PurchaseIn", [], "", "要是对象", "An object is needed"),
        ("PurchaseIn", b"{", "", f"不是 JSON:{CUT}", f"This is no JSON: {CUT}"),
        (Refund, REFUND, "/kind", "要有这一项", "This is needed"),
        (Refund, REFUND | {"kind": "half"}, "/kind", f"只能是 {KINDS}", f"One of these: {KINDS}"),
        (Refund, REFUND | {"kind": "amount"}, "/amount_minor", "要有这一项", "This is needed"),
        (Refund, REFUND | {"kind": "amount", "amount_minor": 0}, "/amount_minor", "要大于 0", "It must be above 0"),
        (Refund, REFUND | {"kind": "all", "purchase": 1}, "/purchase", "没有这一项", "There is no such field"),
        (QuoteIn, {"lines": [LINE], "payments": "all"}, "/payments", "要是数组", "A list is needed"),
        (ClockIn, {"days": 1, "until": "2026-12-01"}, "", "days 和 until 写一个", "Either days or until"),
        (ClockIn, {"until": "soon"}, "/until", "要是日期,比如 2026-11-22", "A date is needed, such as 2026-11-22"),
    ],
)  # fmt: skip
def test_a_wrong_body_is_told_where_and_what_in_both_languages(
    model: Any, body: Any, pointer: str, zh: str, en: str
) -> None:
    model = MODELS[model] if isinstance(model, str) else model
    assert (pointer, zh) in said(model, body, ZH)
    assert (pointer, en) in said(model, body, EN)


MODELS: dict[str, Any] = {
    each.asks.__name__: each.asks
    for each in (*OPERATIONS, *APPLYING)
    if isinstance(each.asks, type) and issubclass(each.asks, BaseModel)
}
NONSENSE: list[Any] = [None, True, "", "x" * 5000, "\x00", "1", -1, 0, 1.5, 10**30, [], [None] * 2000, {}, {"a": 1}]


def crawled(model: Any) -> set[str]:
    """Kinds of findings that nonsense in each place of a model brings to light, each checked to have words."""
    schema = TypeAdapter(model).json_schema()
    places = [schema, *schema.get("$defs", {}).values()]
    names = sorted({name for place in places for name in place.get("properties", {})})
    tags = sorted({tag for place in places for tag in place.get("discriminator", {}).get("mapping", {})})
    bodies: list[Any] = [*NONSENSE, *({name: wrong for name in names} for wrong in NONSENSE)]
    bodies += [{name: [wrong] for name in names} for wrong in NONSENSE]
    bodies += [{name: {inner: wrong for inner in names} for name in names} for wrong in NONSENSE]
    bodies += [{name: [{inner: wrong for inner in names}] for name in names} for wrong in NONSENSE]
    bodies += [{**body, "kind": tag} for tag in tags for body in list(bodies) if isinstance(body, dict)]
    kinds = set()
    for body in bodies:
        try:
            TypeAdapter(model).validate_json(json.dumps(body))
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                kinds.add(each["type"])
                words = faults.words(each)
                assert ZH.plain(words) != EN.plain(words), (each, "is said in English alone")
                assert faults.pointer(each, body) == "" or faults.pointer(each, body).startswith("/")
    return kinds


@pytest.mark.parametrize("model", [*MODELS.values(), Refund, Offer, RULE], ids=str)
def test_there_are_words_for_whatever_nonsense_a_model_is_sent(model: Any) -> None:
    kinds = crawled(model._type if isinstance(model, TypeAdapter) else model)
    assert kinds >= {"model_type"} or kinds >= {"model_attributes_type"}


DOCUMENTS = ("ledger/redeeming", "ledger/earning/rules", "bot/merchant_api")
"""Where the validators of what merchants send are written."""


def sentences() -> set[str]:
    """What validators say: the words of each `ValueError` that is raised in a pydantic model."""
    found = set()
    for path in (each for folder in DOCUMENTS for each in (ROOT / folder).glob("*.py")):
        for model in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef)):
            for node in ast.walk(model):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                    name, said = node.exc.func, node.exc.args
                    if isinstance(name, ast.Name) and name.id == "ValueError" and isinstance(said[0], ast.Constant):
                        found.add(str(said[0].value))
    return found


def test_every_sentence_of_a_validator_is_known() -> None:
    assert sentences() == set(faults.SENTENCES)


@pytest.mark.parametrize("english", faults.SENTENCES)
def test_each_sentence_of_a_validator_has_its_chinese(english: str) -> None:
    assert EN.plain(faults.SENTENCES[english]).rstrip(".").casefold() == english.casefold()


def test_a_document_that_is_too_long_for_its_picture_says_which_words() -> None:
    price = {"kind": "per_unit", "points": 100, "value_minor": 900}
    offer = {
        "code": "bag",
        "merchant": "market",
        "category": "green",
        "kind": "goods",
        "price": price,
    }
    with pytest.raises(ValidationError) as error:
        Offer.model_validate(offer | {"name": {"zh": "很长" * 40, "en": "long"}})
    [found] = no_document(error.value, offer).said(ZH).errors or []
    assert found.pointer == "/document" and found.detail == f"「{'很长' * 40}」长过 60 个字"
