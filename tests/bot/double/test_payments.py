"""Invoices as Telegram takes and refuses them, and paying one: the question, ten seconds for the answer, the payment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import aiogram.types
import pytest
import telegram
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice
from telegram.error import BadRequest

from bot.double.double import Double, Limits
from bot.double.messages import Message
from bot.double.people import Person

PROVIDER = "284685063:TEST:abc"


async def invoice(bot: Bot, person: Person, **other: Any) -> Message:
    """Sends one; `other` takes the place of what it usually says."""
    said: dict[str, Any] = {
        "title": "当季鲜橙",
        "description": "再付 ¥10",
        "payload": "cash_1",
        "provider_token": PROVIDER,
        "currency": "CNY",
        "prices": [LabeledPrice("当季鲜橙", 1000)],
        **other,
    }
    await bot.send_invoice(person.id, **said)
    return person.last


async def answers(bot: Bot, **said: Any) -> telegram.PreCheckoutQuery:
    """The next question before a payment, answered."""
    offset = 0
    while True:
        for update in await bot.get_updates(offset=offset, timeout=1):
            offset = update.update_id + 1
            if update.pre_checkout_query is not None:
                await update.pre_checkout_query.answer(**said)
                return update.pre_checkout_query


ROWS: list[tuple[str, dict[str, Any], str]] = [
    ("no title", {"title": ""}, "INVOICE_TITLE_INVALID"),
    ("33 characters of title", {"title": "余" * 33}, "INVOICE_TITLE_INVALID"),
    ("no description", {"description": ""}, "INVOICE_DESCRIPTION_INVALID"),
    ("256 characters of description", {"description": "余" * 256}, "INVOICE_DESCRIPTION_INVALID"),
    ("no payload", {"payload": ""}, "INVOICE_PAYLOAD_INVALID"),
    ("129 bytes of payload", {"payload": "余" * 43}, "INVOICE_PAYLOAD_INVALID"),
    ("no provider", {"provider_token": None}, "PAYMENT_PROVIDER_INVALID"),
    ("an empty provider", {"provider_token": ""}, "PAYMENT_PROVIDER_INVALID"),
    ("not a provider", {"provider_token": "abc"}, "PAYMENT_PROVIDER_INVALID"),
    ("a provider for Stars", {"currency": "XTR"}, "PAYMENT_PROVIDER_INVALID"),
    ("small letters", {"currency": "cny"}, "CURRENCY_INVALID"),
    ("nothing to pay", {"prices": []}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
    ("a total of nothing", {"prices": [LabeledPrice("a", 0)]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
    (
        "two prices in Stars",
        {"currency": "XTR", "provider_token": "", "prices": [LabeledPrice("a", 1)] * 2},
        "STARS_INVOICE_INVALID",
    ),
]


@pytest.mark.parametrize(("other", "says"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
async def test_an_invoice_is_refused(bot: Bot, person: Person, other: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRequest, match=f"(?i){says}"):
        await invoice(bot, person, **other)
    assert not any("invoice" in message.wire for message in person.messages)


async def test_an_amount_is_whole_minor_units(double: Double, bot: Bot, person: Person) -> None:
    for price in ({"label": "a", "amount": 9.5}, {"label": "", "amount": 1}, {"amount": 1}, "a"):
        with pytest.raises(BadRequest, match=r"(?i)can't parse labeled price"):
            await invoice(bot, person, prices=[], api_kwargs={"prices": [price]})


async def test_an_invoice_shows_what_it_is_for_and_a_button_that_pays(bot: Bot, person: Person) -> None:
    bill = await invoice(bot, person, prices=[LabeledPrice("a", 900), LabeledPrice("b", 100)])
    assert bill.shown == "当季鲜橙\n再付 ¥10" and bill.buttons[0][0].raw == {"text": "Pay CNY 10.00", "pay": True}
    assert "cash_1" not in str(bill.wire), "the payload is the bot's alone"
    parsed = aiogram.types.Message.model_validate(bill.wire)
    assert parsed.invoice is not None and parsed.invoice.total_amount == 1000


async def test_a_keyboard_of_ones_own_begins_with_the_button_that_pays(bot: Bot, person: Person) -> None:
    pay, other = InlineKeyboardButton("付", pay=True), InlineKeyboardButton("b", callback_data="b")
    bill = await invoice(bot, person, reply_markup=InlineKeyboardMarkup([[pay], [other]]))
    assert bill.labels == ["付", "b"]
    with pytest.raises(BadRequest):
        await invoice(bot, person, reply_markup=InlineKeyboardMarkup([[other]]))


async def test_paying_asks_first_and_then_tells_with_both_numbers(double: Double, bot: Bot, person: Person) -> None:
    bill = await invoice(bot, person)
    paid, asked = await asyncio.gather(person.pays(bill), answers(bot, ok=True))
    assert (asked.invoice_payload, asked.total_amount, asked.currency) == ("cash_1", 1000, "CNY")
    assert asked.from_user.id == person.id and paid.ok and paid.error == ""
    told = next(update for update in double.updates if update.id == paid.paid_update_id)
    message = telegram.Update.de_json(told.wire, bot).message
    assert message is not None and message.successful_payment is not None
    assert message.successful_payment.telegram_payment_charge_id == paid.telegram_charge
    assert message.successful_payment.provider_payment_charge_id == paid.provider_charge
    for update in double.updates:
        assert aiogram.types.Update.model_validate(update.wire).event_type == update.kind
    with pytest.raises(AssertionError, match="nothing to pay here"):
        await person.pays(bill)


async def test_a_bot_may_say_why_not_and_must_say_it(bot: Bot, person: Person) -> None:
    bill = await invoice(bot, person)
    paid, _ = await asyncio.gather(person.pays(bill), answers(bot, ok=False, error_message="卖完了"))
    assert not paid.ok and paid.error == "卖完了" and paid.paid_update_id is None
    with pytest.raises(AssertionError, match="may not be paid"):
        paid.completes()
    asked = asyncio.create_task(person.checks_out(bill))
    with pytest.raises(BadRequest, match=r"(?i)error_message"):
        await answers(bot, ok=False)
    asked.cancel()


async def test_an_answer_that_comes_late_is_refused_and_nothing_is_paid(bot: Bot, person: Person) -> None:
    person._world.limits = replace(Limits.telegram(), pre_checkout_answer_seconds=0.2)
    bill = await invoice(bot, person)
    paid = await person.pays(bill)
    assert not paid.ok and paid.error == "the bot did not answer in time"
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await answers(bot, ok=True)
    assert bill.payload is not None, "it may be tried again"
