"""python-telegram-bot as its own examples run it: `run_webhook`, the default transport, answers with the text it got."""

import sys

from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

api_url, port, token = sys.argv[1:4]


async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Says it again."""
    assert update.message is not None
    await update.message.reply_text(update.message.text or "")


application = Application.builder().token(token).base_url(f"{api_url}/bot").base_file_url(f"{api_url}/file/bot").build()
application.add_handler(MessageHandler(filters.TEXT, echo))
application.run_webhook(
    "127.0.0.1", int(port), "telegram", webhook_url=f"http://127.0.0.1:{port}/telegram", drop_pending_updates=False
)
