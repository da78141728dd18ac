"""Saying one drawn message: which API calls it takes, and what each way of failing means for that message.

    a tap's answer          editMessageText in place, and answerCallbackQuery beside it, unless the response carried it
    from picture to words   a new message, then the old one is deleted (Telegram can't take a picture out of a message)
    to a picture            editMessageMedia
    with a file             always a new message
    a new picture           sendPhoto, the words below it; where Telegram does not take it, the words alone
    an invoice              always a new message; where Telegram does not take it, the words that say so
    before a payment        answerPreCheckoutQuery, within seconds or not at all
    named in another chat   answerInlineQuery, once: whoever types on asks again
    what renews itself      `said` hears in which message it stands

A repeated edit is harmless («message is not modified» is success), a repeated answer to a tap too («query is too old»).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import mimetypes
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from bot.api import BotApi, Upload
from bot.drawing import Drawn
from bot.reply import answer
from bot.transport import Later, Moved, Refused, Transport, Uncertain, Unreachable

log = structlog.get_logger(__name__)

CHECKOUT_PAUSES = (0.2, 0.5, 1.0)
"""Seconds between tries to answer the question before a payment."""

INLINE_SECONDS = 60
"""How long Telegram may repeat what was offered to somebody who types the same."""

JPEG = b"\xff\xd8"
"""What a JPEG begins with; all other stored pictures are PNGs."""

_WORDS = {"parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}

QRPainter = Callable[[str], bytes]
Assets = Callable[[str], Awaitable[bytes]]
Picture = tuple[str, dict[str, Upload]]
"""What stands for a picture in a call, and the files that go with it."""


class Teller:
    """Says drawn messages through a bot.

    Args:
        qr_png: draws a QR picture.
        assets: a stored picture's bytes by name; `KeyError` where there is none.
        provider_token: of the payment provider that invoices name; None: there is none.
        said: hears of each message that is to renew itself: its chat, its id, what it shows.
    """

    def __init__(
        self,
        api: BotApi,
        transport: Transport,
        qr_png: QRPainter,
        assets: Assets,
        said: Callable[[int, int, Drawn], None],
        provider_token: str | None = None,
    ) -> None:
        self._api = api
        self._transport = transport
        self._qr_png = qr_png
        self._assets = assets
        self._said = said
        self._provider_token = provider_token
        self._file_ids: dict[str, str] = {}

    async def say(self, chat_id: int, drawn: Drawn, *, unsolicited: bool = False) -> None:
        """Say one message.

        Raises:
            Later, Unreachable, Moved, Refused, Uncertain: as `Transport` says; nothing else.
        """
        if "checkout" in drawn:
            await self._let_pay(drawn["checkout"], drawn.get("error"))
            return
        if "inline" in drawn:
            await self._offer(drawn)
            return
        answering = asyncio.ensure_future(self._answer(drawn)) if "query" in drawn else None
        try:
            if "text" in drawn:
                await self._show(chat_id, drawn, unsolicited)
        finally:
            if answering is not None:
                await answering

    async def _answer(self, drawn: Drawn) -> None:
        """Stops the button's spinner. Worth one try: a minute later nobody looks at it."""
        with contextlib.suppress(Later, Unreachable, Moved, Refused, Uncertain):
            await self._call("answerCallbackQuery", **answer(drawn))

    async def _offer(self, drawn: Drawn) -> None:
        """Answers what was typed after the bot's name. For one person alone, and not for long: their links end."""
        results = [
            {
                "type": "article",
                "id": each["id"],
                "title": each["title"],
                "description": each["about"],
                "input_message_content": {"message_text": each["text"], **_WORDS},
                "reply_markup": {"inline_keyboard": each["keyboard"]},
            }
            for each in drawn["choices"]
        ]
        instead = drawn.get("instead")
        button = {"text": instead, "start_parameter": "inline"} if instead else None
        with contextlib.suppress(Later, Unreachable, Moved, Refused, Uncertain):
            await self._call(
                "answerInlineQuery",
                inline_query_id=drawn["inline"],
                results=results,
                cache_time=INLINE_SECONDS,
                is_personal=True,
                button=button,
            )

    async def _let_pay(self, query: str, error: str | None) -> None:
        """Answers the question before a payment. Telegram waits ten seconds for it: what can't be said within a few is not said,
        nothing is charged, and the person may press Pay again."""
        for wait in (*CHECKOUT_PAUSES, None):
            try:
                await self._call(
                    "answerPreCheckoutQuery", pre_checkout_query_id=query, ok=error is None, error_message=error
                )
                return
            except (Unreachable, Moved, Refused) as no:
                log.warning("checkout_not_answered", why=str(no))
                return
            except (Later, Uncertain) as no:
                if wait is None:
                    log.warning("checkout_not_answered", why=str(no))
                    return
                await asyncio.sleep(wait)

    async def _show(self, chat_id: int, drawn: Drawn, unsolicited: bool) -> None:
        message_id = await self._shown(chat_id, drawn, unsolicited)
        if message_id is not None and "renew" in drawn:
            self._said(chat_id, message_id, drawn)

    async def _shown(self, chat_id: int, drawn: Drawn, unsolicited: bool) -> int | None:
        """Show it; the message that shows it now, None where there is none to renew."""
        edit = drawn.get("edit")
        if edit is None:
            return await self._send(chat_id, drawn, unsolicited)
        takes_picture_out = edit["picture"] and "picture" not in drawn
        changes_protection = drawn.get("protect", False) != edit["protected"]
        if takes_picture_out or changes_protection:
            sent = await self._send(chat_id, drawn, unsolicited)
            with contextlib.suppress(Later, Unreachable, Moved, Refused, Uncertain):
                await self._call("deleteMessage", chat_id=chat_id, message_id=edit["id"])
            return sent
        try:
            await self._edit(chat_id, edit["id"], edit["picture"], drawn)
        except Refused as no:
            said = str(no)
            if "not modified" in said:
                return int(edit["id"])
            if edit.get("only"):
                log.info("not_renewed", why=said)
                return None
            if "to edit not found" in said or "can't be edited" in said or "no text in the message" in said:
                return await self._send(chat_id, drawn, unsolicited)
            raise
        return int(edit["id"])

    async def _send(self, chat_id: int, drawn: Drawn, unsolicited: bool) -> int:
        common = {"chat_id": chat_id, "reply_markup": _keyboard(drawn), "protect_content": drawn.get("protect")}
        if "invoice" in drawn:
            try:
                return await self._send_invoice(chat_id, drawn["invoice"], unsolicited)
            except Refused as no:
                log.error("invoice_not_sent", why=str(no))
        if "file" in drawn:
            method, what, files = _handed_over(drawn["file"])
            try:
                with_file: Any = await self._transport.message(
                    chat_id,
                    lambda: self._api.call(method, files, **what, caption=drawn["text"], parse_mode="HTML", **common),
                    unsolicited=unsolicited,
                )
                return int(with_file["message_id"])
            except Refused as no:
                # What another bot was sent (the token has changed since) is not ours to show: the words still are.
                if files is not None or "file" not in str(no):
                    raise
                log.warning("file_not_shown", why=str(no))
        if (found := await self._picture(drawn)) is not None:
            photo, files = found
            try:
                shown: Any = await self._transport.message(
                    chat_id,
                    lambda: self._api.call(
                        "sendPhoto", files, photo=photo, caption=drawn["text"], parse_mode="HTML", **common
                    ),
                    unsolicited=unsolicited,
                )
                self._remember(drawn, shown)
                return int(shown["message_id"])
            except Refused as no:
                log.error("picture_not_shown", why=str(no))
        sent = await self._transport.message(
            chat_id,
            lambda: self._api.call("sendMessage", text=drawn["text"], **_WORDS, **common),
            unsolicited=unsolicited,
        )
        return int(sent["message_id"])

    async def _send_invoice(self, chat_id: int, invoice: dict[str, Any], unsolicited: bool) -> int:
        sent = await self._transport.message(
            chat_id,
            lambda: self._api.call(
                "sendInvoice",
                chat_id=chat_id,
                title=invoice["title"],
                description=invoice["description"],
                payload=invoice["payload"],
                provider_token=self._provider_token,
                currency=invoice["money"],
                prices=[{"label": invoice["title"], "amount": invoice["minor"]}],
                # With a start parameter a forwarded copy has no button that pays, and it can't be forwarded anyway.
                start_parameter="pay",
                protect_content=True,
            ),
            unsolicited=unsolicited,
        )
        return int(sent["message_id"])

    async def _edit(self, chat_id: int, message_id: int, has_picture: bool, drawn: Drawn) -> None:
        place = {"chat_id": chat_id, "message_id": message_id, "reply_markup": _keyboard(drawn)}
        if (found := await self._picture(drawn)) is not None:
            photo, files = found
            media = {"type": "photo", "media": photo, "caption": drawn["text"], "parse_mode": "HTML"}
            self._remember(drawn, await self._call("editMessageMedia", files, media=media, **place))
        elif has_picture:
            await self._call("editMessageCaption", caption=drawn["text"], parse_mode="HTML", **place)
        else:
            await self._call("editMessageText", text=drawn["text"], **_WORDS, **place)

    async def _call(self, method: str, files: dict[str, Upload] | None = None, /, **values: Any) -> Any:
        return await self._transport.call(lambda: self._api.call(method, files, **values))

    async def _picture(self, drawn: Drawn) -> Picture | None:
        """What stands for a message's picture; None where there is none, or none can be had: then the words say it alone."""
        picture = drawn.get("picture", {})
        try:
            if "qr" in picture:
                return _attached("qr.png", self._qr_png(picture["qr"]))
            if "photo" in picture:
                asset = picture["photo"]
                if (kept := self._file_ids.get(asset)) is not None:
                    return kept, {}
                content = await self._assets(asset)
                return _attached(f"{asset}.jpg" if content[:2] == JPEG else f"{asset}.png", content)
        except (KeyError, OSError, ValueError) as error:
            log.warning("no_such_picture", asset=picture.get("photo"), error=type(error).__name__)
        return None

    def _remember(self, drawn: Drawn, sent: Any) -> None:
        """Under which id Telegram keeps an asset that it has now been sent."""
        asset = drawn["picture"].get("photo")
        if asset is not None and isinstance(sent, dict) and sent.get("photo"):
            self._file_ids[asset] = sent["photo"][-1]["file_id"]


def _keyboard(drawn: Drawn) -> dict[str, Any] | None:
    if (keys := drawn.get("keys")) is not None:
        if keys == "away":
            return {"remove_keyboard": True}
        rows = [[{"text": keys["share"], "request_contact": True}], [{"text": keys["back"]}]]
        return {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}
    return {"inline_keyboard": drawn["keyboard"]} if "keyboard" in drawn else None


def _attached(name: str, content: bytes) -> Picture:
    return "attach://picture", {"picture": Upload(name, content)}


def _handed_over(file: dict[str, str]) -> tuple[str, dict[str, str], dict[str, Upload] | None]:
    """The method that sends a file, how its call names it, and what is uploaded with it."""
    if "photo" in file:
        return "sendPhoto", {"photo": file["photo"]}, None
    if "document" in file:
        return "sendDocument", {"document": file["document"]}, None
    content = base64.b64decode(file["base64"])
    mime = mimetypes.guess_type(file["name"])[0] or "application/octet-stream"
    return "sendDocument", {"document": "attach://file"}, {"file": Upload(file["name"], content, mime)}
