"""Uploads as a server reads them: every value and every byte, whatever they hold."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.api import Fields, Upload
from bot.request import AiohttpRequest

CONTENT = bytes(range(256)) * 3 + b"\r\n--\r\n"


async def test_values_and_files_arrive_as_they_were_sent() -> None:
    arrived: dict[str, object] = {}

    async def take(request: web.Request) -> web.Response:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                arrived[name] = (value.filename, value.content_type, value.file.read())
            else:
                arrived[name] = value
        return web.json_response({"ok": True, "result": True})

    app = web.Application()
    app.router.add_post("/sendPhoto", take)
    server = TestServer(app)
    await server.start_server()
    request = AiohttpRequest()
    await request.initialize()
    try:
        fields = Fields(
            {
                "chat_id": 12,
                "caption": '已换好:\r\n<b>图书券</b> "8折"',
                "reply_markup": {"inline_keyboard": [[{"text": "用"}]]},
            },
            {"picture": Upload('a "b"\r\nc.png', CONTENT)},
        )
        assert await request.post(f"{server.make_url('/sendPhoto')}", fields) is True  # type: ignore[arg-type]
    finally:
        await request.shutdown()
        await server.close()
    file_name, kind, content = arrived.pop("picture")  # type: ignore[misc]
    assert (kind, content) == ("image/png", CONTENT)
    assert "\r" not in file_name and "\n" not in file_name
    assert arrived == {
        "chat_id": "12",
        "caption": '已换好:\r\n<b>图书券</b> "8折"',
        "reply_markup": '{"inline_keyboard":[[{"text":"用"}]]}',
    }
