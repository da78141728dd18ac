"""Updates as Telegram posts them: 200 only when the update is committed, 5xx otherwise, so that Telegram's queue is our inbox.
A tap is answered in that response (`reply`)."""

from __future__ import annotations

import asyncio
import hmac
import json
from typing import Any

from aiohttp import web
from telegram import Bot
from telegram.error import RetryAfter
from telegram.ext import Application

from bot.dispatch import ALLOWED_UPDATES
from bot.failures import NotNow
from bot.incoming import Incoming
from bot.reply import Reply, replying
from bot.transport import seconds_of

PATH = "/telegram/updates"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
BODY_BYTES_MAX = 1_000_000
CONNECTIONS_MAX = 100


class Webhook:
    """The route that Telegram posts to. `stopping` makes it send updates back to the queue."""

    def __init__(self, application: Application[Any, Any, Any, Any, Any, Any], incoming: Incoming, secret: str) -> None:
        self._application = application
        self._incoming = incoming
        self._secret = secret.encode()
        self.stopping = False
        self.receiving = False

    def add_to(self, app: web.Application) -> None:
        """Register the route."""
        app.router.add_post(PATH, self.receive)

    async def receive(self, request: web.Request) -> web.Response:
        """One update."""
        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, "").encode(), self._secret):
            return web.Response(status=403)
        if self.stopping:
            return _later()
        if request.content_length is not None and request.content_length > BODY_BYTES_MAX:
            return web.Response(status=413)
        try:
            # The server was made with a limit on bodies, which holds for those that don't state their length too.
            sent = json.loads(await request.read())
            int(sent["update_id"])
        except (ValueError, TypeError, KeyError):
            return web.Response(status=400)
        update = self._incoming.read(sent)
        replying.set(reply := Reply())
        try:
            if isinstance(update, Exception):
                await self._incoming.set_aside(sent, update)
            else:
                processor = self._application.update_processor
                await processor.process_update(update, self._application.process_update(update))
        except NotNow:
            return _later()
        return web.Response() if reply.call is None else web.json_response(reply.call)


def _later() -> web.Response:
    return web.Response(status=503, headers={"Retry-After": "1"})


async def register(bot: Bot, public_url: str, secret: str) -> None:
    """Tell Telegram where to post; waits where it asks for patience.

    Raises:
        TelegramError: it doesn't accept the address, or can't be reached.
    """
    for last in (False, False, True):
        try:
            await bot.set_webhook(
                public_url + PATH,
                secret_token=secret,
                allowed_updates=list(ALLOWED_UPDATES),
                max_connections=CONNECTIONS_MAX,
            )
            return
        except RetryAfter as error:
            if last:
                raise
            await asyncio.sleep(seconds_of(error))
