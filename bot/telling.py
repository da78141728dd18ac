"""Saying one drawn message: which API calls it takes, and what each way of failing means for that message.

    a tap's answer          editMessageText in place, and answerCallbackQuery beside it
    from picture to words   a new message, then the old one is deleted (Telegram can't take a picture out of a message)
    to a picture            editMessageMedia
    QR                      the words first; the picture follows into the same message when the render pool has drawn it

A repeated edit is harmless («message is not modified» is success), a repeated answer to a tap too («query is too old»).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telegram import Bot, InputFile, InputMediaPhoto

from bot.drawing import Drawn
from bot.transport import Later, Moved, Refused, Transport, Uncertain, Unreachable

log = structlog.get_logger(__name__)

_NO_PREVIEW: Any = {"is_disabled": True}

QRPainter = Callable[[str], Awaitable[bytes]]
Assets = Callable[[str], bytes]


class Teller:
    """Says drawn messages through a bot.

    Args:
        qr_png: draws a QR picture; runs elsewhere than in this event loop.
        assets: a stored picture's bytes by name; `KeyError` where there is none.
    """

    def __init__(self, bot: Bot, transport: Transport, qr_png: QRPainter, assets: Assets) -> None:
        self._bot = bot
        self._transport = transport
        self._qr_png = qr_png
        self._assets = assets
        self._file_ids: dict[str, str] = {}
        self._followers: set[asyncio.Task[None]] = set()

    async def say(self, chat_id: int, drawn: Drawn, *, unsolicited: bool = False) -> None:
        """Say one message.

        Raises:
            Later, Unreachable, Moved, Refused, Uncertain: as `Transport` says; nothing else.
        """
        query = drawn.get("query")
        if query is None:
            await self._show(chat_id, drawn, unsolicited)
        elif "text" not in drawn:
            await self._answer(query, drawn.get("alert"))
        else:
            answering = asyncio.ensure_future(self._answer(query, drawn.get("alert")))
            try:
                await self._show(chat_id, drawn, unsolicited)
            finally:
                await answering

    async def _answer(self, query: str, alert: str | None) -> None:
        """Stops the button's spinner. Worth one try: a minute later nobody looks at it."""
        with contextlib.suppress(Later, Unreachable, Moved, Refused, Uncertain):
            await self._transport.call(
                lambda: self._bot.answer_callback_query(query, text=alert, show_alert=True if alert else None)
            )

    async def _show(self, chat_id: int, drawn: Drawn, unsolicited: bool) -> None:
        edit = drawn.get("edit")
        if edit is None:
            await self._send(chat_id, drawn, unsolicited)
            return
        takes_picture_out = edit["picture"] and "picture" not in drawn
        protects = drawn.get("protect", False) != edit["protected"]
        if takes_picture_out or protects:
            await self._send(chat_id, drawn, unsolicited)
            with contextlib.suppress(Later, Unreachable, Moved, Refused, Uncertain):
                await self._transport.call(lambda: self._bot.delete_message(chat_id, edit["id"]))
            return
        try:
            await self._edit(chat_id, edit["id"], edit["picture"], drawn)
        except Refused as no:
            said = str(no)
            if "not modified" in said:
                return
            if "to edit not found" in said or "can't be edited" in said or "no text in the message" in said:
                await self._send(chat_id, drawn, unsolicited)
                return
            raise

    async def _send(self, chat_id: int, drawn: Drawn, unsolicited: bool) -> None:
        picture = drawn.get("picture", {})
        keyboard: Any = {"inline_keyboard": drawn["keyboard"]} if "keyboard" in drawn else None
        protect = drawn.get("protect") or None
        if "photo" in picture:
            photo = self._photo(picture["photo"])
            if photo is not None:
                sent = await self._transport.message(
                    chat_id,
                    lambda: self._bot.send_photo(
                        chat_id,
                        photo,
                        caption=drawn["text"],
                        parse_mode="HTML",
                        reply_markup=keyboard,
                        protect_content=protect,
                    ),
                    unsolicited=unsolicited,
                )
                self._remember(picture["photo"], sent)
                return
        message = await self._transport.message(
            chat_id,
            lambda: self._bot.send_message(
                chat_id,
                drawn["text"],
                parse_mode="HTML",
                link_preview_options=_NO_PREVIEW,
                reply_markup=keyboard,
                protect_content=protect,
            ),
            unsolicited=unsolicited,
        )
        if "qr" in picture:
            self._follow(chat_id, message.message_id, drawn)

    async def _edit(self, chat_id: int, message_id: int, has_picture: bool, drawn: Drawn) -> None:
        picture = drawn.get("picture", {})
        if "photo" in picture and (photo := self._photo(picture["photo"])) is not None:
            sent = await self._put_picture(chat_id, message_id, photo, drawn)
            self._remember(picture["photo"], sent)
            return
        keyboard: Any = {"inline_keyboard": drawn["keyboard"]} if "keyboard" in drawn else None
        if has_picture:
            # An old QR must not stand under new words, not even for a moment: the picture and the words go together.
            if "qr" in picture and (png := await self._painted(picture["qr"])) is not None:
                await self._put_picture(chat_id, message_id, InputFile(png, filename="qr.png", attach=True), drawn)
            else:
                await self._transport.call(
                    lambda: self._bot.edit_message_caption(
                        chat_id, message_id, caption=drawn["text"], parse_mode="HTML", reply_markup=keyboard
                    )
                )
            return
        await self._transport.call(
            lambda: self._bot.edit_message_text(
                drawn["text"],
                chat_id,
                message_id,
                parse_mode="HTML",
                link_preview_options=_NO_PREVIEW,
                reply_markup=keyboard,
            )
        )
        if "qr" in picture:
            self._follow(chat_id, message_id, drawn)

    async def _put_picture(self, chat_id: int, message_id: int, picture: Any, drawn: Drawn) -> Any:
        keyboard: Any = {"inline_keyboard": drawn["keyboard"]} if "keyboard" in drawn else None
        media = InputMediaPhoto(picture, caption=drawn["text"], parse_mode="HTML")
        return await self._transport.call(
            lambda: self._bot.edit_message_media(media, chat_id, message_id, reply_markup=keyboard)
        )

    def _follow(self, chat_id: int, message_id: int, drawn: Drawn) -> None:
        """Puts the QR into the message once it is painted. Best effort: the words already carry the code."""

        async def follow() -> None:
            png = await self._painted(drawn["picture"]["qr"])
            if png is None:
                return
            picture = InputFile(png, filename="qr.png", attach=True)
            for _ in range(2):
                try:
                    await self._put_picture(chat_id, message_id, picture, drawn)
                    return
                except (Later, Uncertain):
                    await asyncio.sleep(1.0)
                except (Unreachable, Moved, Refused) as no:
                    if not isinstance(no, Refused) or "not modified" not in str(no):
                        log.info("picture_not_shown", why=str(no))
                    return

        task = asyncio.create_task(follow())
        self._followers.add(task)
        task.add_done_callback(self._followers.discard)

    async def _painted(self, data: str) -> bytes | None:
        try:
            return await self._qr_png(data)
        except Exception:
            log.exception("qr_not_painted")
            return None

    def _photo(self, asset: str) -> Any:
        """What to send for an asset: the file id of an earlier upload, else its bytes; None where there is no picture."""
        if asset in self._file_ids:
            return self._file_ids[asset]
        try:
            return InputFile(self._assets(asset), filename=f"{asset}.jpg", attach=True)
        except (KeyError, OSError):
            log.warning("no_such_asset", asset=asset)
            return None

    def _remember(self, asset: str, sent: Any) -> None:
        if getattr(sent, "photo", None):
            self._file_ids[asset] = sent.photo[-1].file_id

    async def finish(self, seconds: float) -> None:
        """Wait for pictures that are still to follow, at most `seconds`."""
        if self._followers:
            await asyncio.wait(set(self._followers), timeout=seconds)
