"""Which feature an update belongs to: python-telegram-bot's own handlers, assembled from what features declare.

    a command           leaves whatever conversation there was; /start with a payload opens a deep link
    a tap               «feature:action:args»; unknown ones show the main screen
    typed text          the step the dialogue is at; else the command that it names, or the feature that knows the code or the
                        thing on the shelf; else a helpful screen
    a picture, a file   the file step the dialogue is at, else the same
    a phone number      the contact step the dialogue is at, else the same
    a payment           the question whether an invoice may be paid, and that it has been, by its payload
    named elsewhere     what features pass on, offered to be sent to a chat of the member's own
    block and unblock   whether the member can be reached
    groups              a short answer that points to the private chat

Who has not joined is led to join, unless what they reached for is for anyone. A link they came by stays in their dialogue's
data as `link` until they have, for the screen that welcomes them to lead on to.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import text
from telegram import ChatMember, Message, Update
from telegram.ext import (
    BaseHandler,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    ContextTypes,
    InlineQueryHandler,
    MessageHandler,
    PreCheckoutQueryHandler,
    filters,
)

from bot import manners
from bot.features import Registry
from bot.running import Running, running
from chat.feature import Answer, Audience, Command
from chat.screen import Onward, Screen
from chat.turn import Contact, Payment, Received, Turn

Context = ContextTypes.DEFAULT_TYPE
ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member", "pre_checkout_query", "inline_query")

MERGED = "merged"
"""The feature of those whose account was merged into another."""

_UNREACHABLE = text("UPDATE member SET unreachable_since = :since WHERE id = :member")


class Aim(NamedTuple):
    """What an update reaches for: a name, one of few, for counting; and whether that has declared that it only reads."""

    name: str
    reads_only: bool = False


class InDialogue(BaseHandler[Update, Context, Any]):
    """A stock handler that is only asked while this chat is in a conversation."""

    def __init__(self, inner: BaseHandler[Update, Context, Any]) -> None:
        super().__init__(inner.callback)
        self._inner = inner

    def check_update(self, update: object) -> Any:
        """The inner handler's answer, or None outside of conversations."""
        return self._inner.check_update(update) if running.get().turn.dialogue.state else None


class Dispatcher:
    """Runs features for updates. Each callback works on the `Running` of its context and leaves its answer there."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def handlers(self) -> list[BaseHandler[Update, Context, Any]]:
        """In the order in which they are asked."""
        private = filters.UpdateType.MESSAGE & filters.ChatType.PRIVATE
        commands = {*self.registry.commands, "start", "cancel"}
        return [
            CallbackQueryHandler(self._guarded(self._tap)),
            CommandHandler(commands, self._guarded(self._command), filters=private),
            InDialogue(MessageHandler(private & filters.TEXT & ~filters.COMMAND, self._guarded(self._said))),
            InDialogue(MessageHandler(private & (filters.PHOTO | filters.Document.ALL), self._guarded(self._given))),
            InDialogue(MessageHandler(private & filters.CONTACT, self._guarded(self._shared))),
            MessageHandler(private & filters.SUCCESSFUL_PAYMENT, self._guarded(self._paid)),
            PreCheckoutQueryHandler(self._guarded(self._checkout)),
            InlineQueryHandler(self._guarded(self._inline)),
            MessageHandler(private, self._guarded(self._anything_else)),
            ChatMemberHandler(self._guarded(self._reachable), ChatMemberHandler.MY_CHAT_MEMBER),
            CommandHandler(commands, self._guarded(self._in_group), filters=filters.UpdateType.MESSAGE),
        ]

    def aim_of(self, update: Update) -> Aim:
        """What this update reaches for."""
        if update.callback_query is not None:
            pressed = self.registry.pressed(update.callback_query.data or "")
            return Aim(pressed.feature, pressed.tap.reads_only) if pressed is not None else Aim("stale")
        if update.pre_checkout_query is not None:
            return Aim("checkout")
        if update.inline_query is not None:
            return Aim("inline", True)
        if update.message is None:
            return Aim("membership")
        if update.message.successful_payment is not None:
            return Aim("paid")
        found = self.registry.command_in(update.message.text or "", update.get_bot().username)
        if found is None:
            return Aim("text")
        command, words = found
        reads = command.reads_only and update.message.chat.type == "private" and not (command.name == "start" and words)
        return Aim(f"/{command.name}", reads)

    async def renewed(self, turn: Turn, data: str) -> list[Screen]:
        """What `data` shows, tapped by nobody. Nothing where the person may not tap it or it is no longer wanted."""
        pressed = self.registry.pressed(data)
        if pressed is None or turn.member is None:
            return []
        return await self._shown(turn, await pressed.tap.run(turn, *pressed.args))

    @staticmethod
    async def reachable_again(turn: Turn) -> None:
        """Somebody who had gone has written: they can be told things again."""
        await turn.tx.execute(_UNREACHABLE, {"since": None, "member": turn.me.id})

    def _guarded(self, run: Any) -> Any:
        """A handler's callback that keeps what was raised for the turn processor, which decides what it means."""

        async def callback(update: Update, _: Context) -> None:
            now = running.get()
            try:
                await (self._merged(now) if self._is_merged(now) else run(now))
            except Exception as error:
                now.error = error

        return callback

    # -- what happened

    async def _command(self, now: Running) -> None:
        turn, message = now.turn, now.update.message
        assert message is not None and message.text is not None
        now.leave()
        found = self.registry.command_in(message.text, turn.bot_username)
        if found is None:
            now.answer = [manners.cancelled()] if message.text.startswith("/cancel") else await self._lead_to_join(now)
            return
        command, words = found
        if command.name == "start" and words and (link := self.registry.link_in(words)) is not None:
            if turn.member is not None:
                now.answer = await self._shown(turn, await link[1](turn, link[2]))
                return
            now.link = words
            now.carry_link()
        if not self._may(now, command.audience):
            now.answer = await self._turn_away(now, command)
            return
        now.answer = await self._shown(turn, await command.run(turn, words))

    async def _tap(self, now: Running) -> None:
        query, turn = now.update.callback_query, now.turn
        assert query is not None
        if query.message is not None and query.message.chat.type != "private":
            now.answer = [Screen(alert=manners.STALE_IN_GROUP)]
            return
        pressed = self.registry.pressed(query.data or "")
        if pressed is None:
            now.answer = await self._current(now)
            return
        if not self._may(now, pressed.tap.audience):
            now.answer = await self._turn_away(now, pressed.tap.audience)
            return
        before = (turn.dialogue.state, turn.dialogue.data)
        now.answer = await self._shown(turn, await pressed.tap.run(turn, *pressed.args))
        if turn.member is not None and (turn.dialogue.state, turn.dialogue.data) == before:
            self._leave_others(now, pressed.feature)

    async def _checkout(self, now: Running) -> None:
        query = now.update.pre_checkout_query
        assert query is not None
        now.turn.payment = Payment(query.total_amount, query.currency)
        purpose, _, token = query.invoice_payload.partition("_")
        run = self.registry.checkouts.get(purpose)
        if run is None or now.turn.member is None:
            now.answer = [Screen((manners.NOT_TO_PAY,))]
            return
        await run(now.turn, token)

    async def _inline(self, now: Running) -> None:
        query, turn = now.update.inline_query, now.turn
        assert query is not None
        if turn.member is None or turn.member.status == MERGED:
            now.answer = [manners.join_to_pass_on()]
            return
        for run in self.registry.passed:
            now.answer += await self._shown(turn, await run(turn, query.query))

    async def _paid(self, now: Running) -> None:
        message = now.update.message
        assert message is not None and message.successful_payment is not None
        paid = message.successful_payment
        charges = paid.telegram_payment_charge_id, paid.provider_payment_charge_id
        now.turn.payment = Payment(paid.total_amount, paid.currency, *charges)
        purpose, _, token = paid.invoice_payload.partition("_")
        # An unknown payload is a fault, so that it is set aside with its payment rather than lost.
        now.answer = await self._shown(now.turn, await self.registry.payments[purpose](now.turn, token))

    async def _said(self, now: Running) -> None:
        turn, message = now.turn, now.update.message
        assert message is not None and message.text is not None
        step = self.registry.step(turn.dialogue.state)
        if step is None:  # the step is of an older version
            now.leave()
            await self._anything_else(now)
            return
        now.answer = await self._shown(turn, await step(turn, message.text))
        if not now.answer:  # it was no answer to what the step had asked
            now.leave()
            await self._anything_else(now)

    async def _given(self, now: Running) -> None:
        turn, message = now.turn, now.update.message
        assert message is not None
        step = self.registry.file_step(turn.dialogue.state)
        if step is None:
            await self._anything_else(now)
            return
        turn.file = received(message)
        now.answer = await self._shown(turn, await step(turn))

    async def _shared(self, now: Running) -> None:
        turn, message = now.turn, now.update.message
        assert message is not None and message.contact is not None
        step = self.registry.contact_step(turn.dialogue.state)
        if step is None:
            await self._anything_else(now)
            return
        contact, sender = message.contact, message.from_user
        turn.contact = Contact(contact.phone_number, sender is not None and contact.user_id == sender.id)
        now.answer = await self._shown(turn, await step(turn))

    async def _anything_else(self, now: Running) -> None:
        if now.turn.member is None:
            now.answer = await self._lead_to_join(now)
            return
        message = now.update.message
        said = (message.text or "") if message is not None else ""
        now.answer = (await self._meant(now, said) if said[:1] not in ("", "/") else []) or [manners.not_understood()]

    async def _meant(self, now: Running, said: str) -> list[Screen]:
        """What words lead to that answer no question; nothing where they mean nothing. A command by its name comes first, then a
        thing by its name («tea voucher»), then a command that is spoken of."""
        if shown := await self._commanded(now, self.registry.meanings.named(said)):
            return shown
        for ear in self.registry.ears:
            if self._may(now, ear.audience) and (shown := await self._shown(now.turn, await ear.run(now.turn, said))):
                return shown
        return await self._commanded(now, self.registry.meanings.meant(said))

    async def _commanded(self, now: Running, command: Command | None) -> list[Screen]:
        if command is None or not self._may(now, command.audience):
            return []
        return await self._shown(now.turn, await command.run(now.turn, ""))

    async def _reachable(self, now: Running) -> None:
        changed, member = now.update.my_chat_member, now.turn.member
        if changed is None or changed.chat.type != "private" or member is None:
            return
        gone = changed.new_chat_member.status in (ChatMember.BANNED, ChatMember.LEFT)
        since: dt.datetime | None = now.turn.now if gone else None
        await now.turn.tx.execute(_UNREACHABLE, {"since": since, "member": member.id})

    async def _in_group(self, now: Running) -> None:
        now.answer = [manners.in_group(now.turn.bot_username)]

    # -- who may, and what else to show

    def _is_merged(self, now: Running) -> bool:
        """Whether whoever writes or taps here has their account elsewhere since: all they see is that, and the way to object."""
        if now.turn.member is None or now.turn.member.status != "merged":
            return False
        if query := now.update.callback_query:
            pressed = self.registry.pressed(query.data or "")
            return pressed is None or pressed.feature != MERGED
        return now.update.message is not None and now.update.message.successful_payment is None

    async def _merged(self, now: Running) -> None:
        now.leave()
        shown = self.registry.pressed(f"{MERGED}:show")
        now.answer = await self._shown(now.turn, await shown.tap.run(now.turn)) if shown else [manners.not_understood()]

    @staticmethod
    def _may(now: Running, audience: Audience) -> bool:
        """Whether this person is of an audience. Courtesy only: what somebody may really do is checked by the verb."""
        member = now.turn.member
        if audience == "anyone":
            return True
        if member is None:
            return False
        if audience == "staff":
            return bool(member.staff_of)
        return audience == "member" or bool(member.operator)

    async def _turn_away(self, now: Running, what: Command | Audience) -> list[Screen]:
        if now.turn.member is None:
            return await self._lead_to_join(now)
        return [manners.not_for_you(what.audience if isinstance(what, Command) else what)]

    async def _lead_to_join(self, now: Running) -> list[Screen]:
        """The entrance: what /start shows. Members who sent an unknown command see that it is unknown."""
        start = self.registry.commands.get("start")
        if now.turn.member is not None:
            return [manners.not_understood()]
        if start is None:
            return [manners.join_first()]
        return await self._shown(now.turn, await start.run(now.turn, ""))

    async def _current(self, now: Running) -> list[Screen]:
        """The main screen in place of what an outdated button belonged to, with a word about it."""
        home = self.registry.pressed("home:show")
        if now.turn.member is None:
            shown = await self._lead_to_join(now)
        elif home is None:
            shown = [manners.not_understood()]
        else:
            now.leave()
            shown = await self._shown(now.turn, await home.tap.run(now.turn))
        return [replace(shown[0], alert=manners.STALE), *shown[1:]] if shown else [Screen(alert=manners.STALE)]

    async def _shown(self, turn: Turn, answer: Answer) -> list[Screen]:
        """A callback's answer as screens; `Onward` is followed through its door."""
        if answer is None:
            return []
        if isinstance(answer, Screen):
            return [answer]
        if not isinstance(answer, Onward):
            return list(answer)
        pressed = self.registry.pressed(answer.door.data or "")
        if pressed is None:
            raise LookupError(f"no tap behind the door {answer.door.data!r}")
        first, *rest = await self._shown(turn, await pressed.tap.run(turn, *pressed.args))
        return [replace(first, alert=answer.alert or first.alert), *rest]

    @staticmethod
    def _leave_others(now: Running, feature: str) -> None:
        """A tap elsewhere ends another feature's conversation: what is typed next is not an answer to it any more."""
        if now.turn.dialogue.state and now.turn.dialogue.state.partition(".")[0] != feature:
            now.leave()


def received(message: Message) -> Received:
    """What came with a message: the largest size of a picture, or a document."""
    caption, album = message.caption or "", message.media_group_id
    if message.photo:
        largest = message.photo[-1]
        return Received(largest.file_id, largest.file_unique_id, "photo", None, largest.file_size or 0, caption, album)
    document = message.document
    assert document is not None
    return Received(
        document.file_id,
        document.file_unique_id,
        "document",
        document.file_name,
        document.file_size or 0,
        caption,
        album,
    )
