"""An aiogram echo bot with its own aiohttp webhook."""

import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

api_url, port, token = sys.argv[1:4]
dispatcher = Dispatcher()


@dispatcher.message()
async def echo(message: Message) -> None:
    """Says it again."""
    await message.answer(message.text or "")


async def on_startup(bot: Bot) -> None:
    """Tell the server where to post."""
    await bot.set_webhook(f"http://127.0.0.1:{port}/telegram", max_connections=100)


session = AiohttpSession(api=TelegramAPIServer.from_base(api_url))
bot = Bot(token, session=session)
dispatcher.startup.register(on_startup)
app = web.Application()
SimpleRequestHandler(dispatcher, bot, handle_in_background=False).register(app, path="/telegram")
setup_application(app, dispatcher, bot=bot)
web.run_app(app, host="127.0.0.1", port=int(port), print=None, access_log=None)
