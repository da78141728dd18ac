"""Paying an invoice: the question before it, the bot's answer within ten seconds, and the payment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bot.double.messages import Message

if TYPE_CHECKING:
    from bot.double.world import Query, World

PAYMENT_QUEUE = 4 << 33  # a person's payments are serial among themselves
NOT_ANSWERED = "the bot did not answer in time"


class Checkout:
    """A press on Pay. `ok`: the bot let it be paid; else `error` says why not, in the bot's words or in Telegram's.

    `update_id` is that of the question, and, once it is paid, `paid_update_id` that of the payment.
    """

    def __init__(self, world: World, message: Message, query: Query, update_id: int | None) -> None:
        self._world = world
        self._message = message
        self._query = query
        self.update_id = update_id
        self.paid_update_id: int | None = None
        self.telegram_charge = f"tg_{query.id}"
        self.provider_charge = f"pr_{query.id}"

    @property
    def ok(self) -> bool:
        """Whether the bot let it be paid."""
        return bool((self._query.answer or {}).get("ok"))

    @property
    def error(self) -> str:
        """Why it may not be paid; empty where it may."""
        return "" if self.ok else str((self._query.answer or {"error_message": NOT_ANSWERED})["error_message"])

    async def wait(self) -> None:
        """Until the bot has answered, or Telegram waits no longer."""
        deadline = time.monotonic() + self._world.limits.pre_checkout_answer_seconds
        while self._query.answer is None and (left := deadline - time.monotonic()) > 0:
            await self._world.change(left)

    def completes(self) -> int | None:
        """The provider takes the money, and the bot is told; the update's id. Again: it is told of the same payment once more.

        Raises:
            AssertionError: the bot did not let it be paid.
        """
        if not self.ok:
            raise AssertionError(f"this may not be paid: {self.error}")
        asked = self._query.wire
        paid = {
            "currency": asked["currency"],
            "total_amount": asked["total_amount"],
            "invoice_payload": asked["invoice_payload"],
            "telegram_payment_charge_id": self.telegram_charge,
            "provider_payment_charge_id": self.provider_charge,
        }
        self._message.payload = None  # the client shows a receipt in place of the button
        world, chat = self._world, self._message.chat
        service = world.post(chat, asked["from"], {"successful_payment": paid})
        seconds = world.limits.update_seconds
        self.paid_update_id = world.updates.push("message", service.wire, queue=chat.id, seconds=seconds, chat=chat)
        return self.paid_update_id


async def check_out(world: World, user: dict[str, Any], message: Message) -> Checkout:
    """Asks the bot whether an invoice may be paid.

    Raises:
        AssertionError: it is no invoice, or has been paid.
    """
    if message.payload is None:
        raise AssertionError(f"nothing to pay here: {message.line()}")
    invoice = message.wire["invoice"]
    wire = {
        "id": "",
        "from": user,
        "currency": invoice["currency"],
        "total_amount": invoice["total_amount"],
        "invoice_payload": message.payload,
    }
    query = world.ask("pre_checkout", wire, message.chat, message)
    update_id = world.updates.push(
        "pre_checkout_query",
        wire,
        queue=query.user_id + PAYMENT_QUEUE,
        seconds=world.limits.callback_update_seconds,
        chat=message.chat,
    )
    checkout = Checkout(world, message, query, update_id)
    await checkout.wait()
    return checkout
