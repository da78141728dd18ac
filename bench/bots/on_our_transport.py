"""The same echo bot with our transport under it and its updates worked on at once: what is left is python-telegram-bot itself."""

import asyncio
import json
import sys

from aiohttp import web
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

from bot.request import AiohttpRequest

api_url, port, token = sys.argv[1:4]


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Says it again."""
    assert update.message is not None
    await update.message.reply_text(update.message.text or "")


async def main() -> None:
    """Serve for ever."""
    application = (
        Application.builder()
        .token(token)
        .base_url(f"{api_url}/bot")
        .request(AiohttpRequest())
        .get_updates_request(AiohttpRequest(2))
        .updater(None)
        .build()
    )
    application.add_handler(MessageHandler(filters.TEXT, echo))
    await application.initialize()
    await application.start()

    async def receive(request: web.Request) -> web.Response:
        await application.process_update(Update.de_json(json.loads(await request.read()), application.bot))
        return web.Response()

    app = web.Application()
    app.router.add_post("/telegram", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port)).start()
    await application.bot.set_webhook(f"http://127.0.0.1:{port}/telegram", max_connections=100)
    await asyncio.Event().wait()


asyncio.run(main())
