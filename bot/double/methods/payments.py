"""Invoices, and the answer to the question before a payment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.double.errors import bad
from bot.double.methods.registry import method
from bot.double.methods.sending import post

if TYPE_CHECKING:
    from bot.double.requests import Call
    from bot.double.world import World

TITLE_MAX = 32
DESCRIPTION_MAX = 255
PAYLOAD_BYTES_MAX = 128
START_PARAMETER_MAX = 64
AMOUNT_MAX = 999_999_999
"""Of the total, in minor units; Telegram's own bounds are a currency's, about a dollar to ten thousand."""
PROVIDER_TOKEN = re.compile(r"\d+:[A-Z]+:\S+$")


@method("sendInvoice")
async def send_invoice(world: World, call: Call) -> Any:
    """Posts an invoice with its button; a provider's token looks like «284685063:TEST:…»."""
    title, description, payload = call["title"], call["description"], call["payload"]
    if not 1 <= len(title) <= TITLE_MAX:
        raise bad("INVOICE_TITLE_INVALID")
    if not 1 <= len(description) <= DESCRIPTION_MAX:
        raise bad("INVOICE_DESCRIPTION_INVALID")
    if not 1 <= len(payload.encode()) <= PAYLOAD_BYTES_MAX:
        raise bad("INVOICE_PAYLOAD_INVALID")
    currency = call["currency"]
    stars = currency == "XTR"
    if not re.fullmatch("[A-Z]{3}", currency):
        raise bad("CURRENCY_INVALID")
    if stars != (not call.get("provider_token", "")) or (
        not stars and not PROVIDER_TOKEN.match(call["provider_token"])
    ):
        raise bad("PAYMENT_PROVIDER_INVALID")
    total = _total(call["prices"], one=stars)
    if not re.fullmatch(f"[A-Za-z0-9_-]{{0,{START_PARAMETER_MAX}}}", call.get("start_parameter", "")):
        raise bad("START_PARAM_INVALID")
    invoice = {
        "title": title,
        "description": description,
        "start_parameter": call.get("start_parameter", ""),
        "currency": currency,
        "total_amount": total,
    }
    message = post(world, call, {"invoice": invoice})
    message.payload = payload
    if not message.buttons:
        pay = {"text": f"Pay {currency} {total / 100:.2f}", "pay": True}
        message.wire["reply_markup"] = {"inline_keyboard": [[pay]]}
    return message.wire


def _total(prices: list[Any], *, one: bool) -> int:
    """The sum of the labelled prices."""
    if not prices or (one and len(prices) != 1):
        raise bad("STARS_INVOICE_INVALID" if one else "CURRENCY_TOTAL_AMOUNT_INVALID")
    total = 0
    for price in prices:
        if not isinstance(price, dict) or not isinstance(price.get("label"), str) or not price["label"]:
            raise bad('can\'t parse labeled price: field "label" must be of type String')
        if not isinstance(price.get("amount"), int) or isinstance(price["amount"], bool):
            raise bad('can\'t parse labeled price: field "amount" must be of type Integer')
        total += price["amount"]
    if not 0 < total <= AMOUNT_MAX:
        raise bad("CURRENCY_TOTAL_AMOUNT_INVALID")
    return total


@method("answerPreCheckoutQuery")
async def answer_pre_checkout_query(world: World, call: Call) -> Any:
    """Lets a payment begin, or says why it may not."""
    ok, error = call["ok"], call.get("error_message", "")
    if not ok and not error:
        raise bad("error_message must be non-empty")
    answer = {"ok": ok, "error_message": error}
    within = world.limits.pre_checkout_answer_seconds
    world.answer("pre_checkout", call["pre_checkout_query_id"], answer, within)
    return True
