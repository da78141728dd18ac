"""A small bot with a script instead of a programme: everything a chat can show, for trying the page.

It is a plain client of the Bot API over HTTP, so what the page shows has passed through the double's wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import aiohttp

from bot.pictures import qr_png

WORDS = {
    "zh": {
        "home": "可用 <b>1,180 分</b>  ≈ ¥23.60\n待生效 100(11月29日起可用)\n铁路积分 15,000  ≈ ¥150\n\n"
        "最近到期:320 分,11月30日(还有 8 天)",
        "redeem": "兑换",
        "card": "会员码",
        "history": "明细",
        "invite": "邀请好友",
        "box": "<b>进口水果礼盒</b> · 鲜果時光\n旺季价 400 分(平时 <s>500</s>,到 8月31日)\n\n"
        "将用掉:320 分(11月30日到期)+ 80 分(12月31日到期)\n兑换后剩 780 分\n"
        "<blockquote>凭码 30 天内到店领取;10 分钟内可撤回</blockquote>",
        "confirm": "确认兑换",
        "back": "返回",
        "code": "兑换好了,凭码到 <b>鲜果時光</b> 领取\n券码 <code>8KQ4-M2VX</code>\n有效至 12月22日",
        "copy": "复制券码",
        "undo": "撤回",
        "undone": "已撤回,400 分回到原来的批次",
        "show": "请店员扫这个码,30 秒内有效",
        "friend": "把链接发给朋友,你们各得 50 分:\nhttps://t.me/jifen_demo_bot?start=r_xiaoming",
        "share": "分享给朋友",
        "terms": "积分规则",
        "saved": "已记下",
        "file": "对账单",
        "joined": "您是 <b>小明</b> 邀请来的,首单有礼",
        "till": "券码 <code>8KQ4-M2VX</code> 有效\n小明 · 进口水果礼盒",
        "verify": "核销",
        "verified": "已核销,请把礼盒交给小明",
        "unknown": "没看懂,请从这里选:",
        "ask": "要把手机号给我们吗?",
        "phone": "给手机号",
        "thanks": "收到",
        "menu": "主菜单|看积分|能换什么|会员码|帮助",
    },
    "en": {
        "home": "<b>1,180 pts</b>  ≈ ¥23.60\n100 pending (from 29 Nov)\nRail points 15,000  ≈ ¥150\n\n"
        "Next to expire: 320 pts on 30 Nov (8 days)",
        "redeem": "Redeem",
        "card": "My card",
        "history": "History",
        "invite": "Invite",
        "box": "<b>Imported fruit box</b> · Fresh Fruit Time\n400 pts in season (usually <s>500</s>, until 31 Aug)\n\n"
        "Uses 320 pts (expiring 30 Nov) + 80 pts (31 Dec)\nLeaves 780 pts\n"
        "<blockquote>Collect within 30 days with the code; undo within 10 minutes</blockquote>",
        "confirm": "Confirm",
        "back": "Back",
        "code": "Done. Collect at <b>Fresh Fruit Time</b>\nCode <code>8KQ4-M2VX</code>\nValid until 22 Dec",
        "copy": "Copy code",
        "undo": "Undo",
        "undone": "Undone: 400 pts are back in their lots",
        "show": "Let the cashier scan this within 30 seconds",
        "friend": "Send this link to a friend and each of you gets 50 pts:\nhttps://t.me/jifen_demo_bot?start=r_xiaoming",
        "share": "Share with a friend",
        "terms": "Terms",
        "saved": "Noted",
        "file": "Statement",
        "joined": "<b>Xiaoming</b> invited you; your first purchase brings a gift",
        "till": "Code <code>8KQ4-M2VX</code> is valid\nXiaoming · Imported fruit box",
        "verify": "Verify",
        "verified": "Verified; please hand over the fruit box",
        "unknown": "I didn't get that. Choose from here:",
        "ask": "Would you share your phone number?",
        "phone": "Share number",
        "thanks": "Got it",
        "menu": "Main menu|My points|What I can get|My card|Help",
    },
}

COMMANDS = ("start", "balance", "catalog", "card", "help")


def data(text: str, value: str, **more: str) -> dict[str, str]:
    """A callback button."""
    return {"text": text, "callback_data": value, **more}


class Api:
    """A client of the Bot API that tries again while the server fails, as a patient bot does."""

    def __init__(self, url: str, token: str) -> None:
        self._base = f"{url}/bot{token}/"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Api:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def call(self, method: str, **params: Any) -> Any:
        """The answer's `result`, or None when it was refused; bytes are uploaded, everything else is sent as JSON."""
        assert self._session is not None
        for _ in range(5):
            form = aiohttp.FormData()
            for name, value in params.items():
                if isinstance(value, bytes):
                    form.add_field(name, value, filename=f"{name}.{'png' if name == 'photo' else 'csv'}")
                else:
                    form.add_field(name, value if isinstance(value, str) else json.dumps(value))
            try:
                async with self._session.post(self._base + method, data=form) as response:
                    answer = await response.json()
            except (aiohttp.ClientError, TimeoutError):
                continue
            if answer["ok"]:
                return answer["result"]
            if answer["error_code"] != 429 and answer["error_code"] < 500:
                return None
            await asyncio.sleep(min(answer.get("parameters", {}).get("retry_after", 0.1), 1))
        return None


class ScriptedBot:
    """Polls a Bot API server and answers by its script.

    `delay_seconds` is how long it thinks before answering a press, so that a spinner can be seen.
    """

    def __init__(self, api: Api, *, delay_seconds: float = 0.0) -> None:
        self.call = api.call
        self.delay_seconds = delay_seconds
        self._polling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> ScriptedBot:
        for language, tag in (("zh", ""), ("zh", "zh"), ("en", "en")):
            menu = zip(COMMANDS, WORDS[language]["menu"].split("|"), strict=True)
            commands = [{"command": name, "description": about} for name, about in menu]
            await self.call("setMyCommands", commands=commands, language_code=tag)
        for name, tag in (("积分会员助手", ""), ("Jifen", "en")):
            await self.call("setMyName", name=name, language_code=tag)
        self._polling = asyncio.create_task(self._poll())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._polling is not None
        self._polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._polling

    async def _poll(self) -> None:
        offset = 0
        while True:
            for update in await self.call("getUpdates", offset=offset, timeout=20) or []:
                offset = update["update_id"] + 1
                await self._answer(update)

    async def _answer(self, update: dict[str, Any]) -> None:
        press = update.get("callback_query")
        message = update.get("message")
        if press is not None:
            await asyncio.sleep(self.delay_seconds)
            await self._pressed(press)
        elif message is not None:
            await self._said(message)

    async def _send(self, chat: int, text: str, keyboard: list[list[dict[str, Any]]]) -> None:
        await self.call(
            "sendMessage", chat_id=chat, text=text, parse_mode="HTML", reply_markup={"inline_keyboard": keyboard}
        )

    async def _said(self, message: dict[str, Any]) -> None:
        chat, text = message["chat"]["id"], message.get("text", "")
        words = self._words(message["from"])
        if text.startswith("/start r_"):
            await self._send(chat, words["joined"] + "\n\n" + words["home"], self._home(words))
        elif text in ("/start", "/balance"):
            await self._send(chat, words["home"], self._home(words))
        elif text == "/card":
            await self._card(chat, words)
        elif text == "8KQ4-M2VX":
            await self._send(chat, words["till"], [[data(words["verify"], "verify", style="success")]])
        elif text == "/phone":
            keyboard = {
                "keyboard": [[{"text": words["phone"], "request_contact": True}, {"text": "/start"}]],
                "resize_keyboard": True,
            }
            await self.call("sendMessage", chat_id=chat, text=words["ask"], reply_markup=keyboard)
        elif "contact" in message or "photo" in message:
            await self.call("sendMessage", chat_id=chat, text=words["thanks"], reply_markup={"remove_keyboard": True})
        elif text == "/file":
            await self.call(
                "sendDocument", chat_id=chat, document="日期,积分\n11-22,600\n".encode(), caption=words["file"]
            )
        else:
            await self._send(chat, words["unknown"], self._home(words))

    async def _pressed(self, press: dict[str, Any]) -> None:
        words = self._words(press["from"])
        chat, message, what = press["message"]["chat"]["id"], press["message"]["message_id"], press["data"]
        answer: dict[str, Any] = {}
        if what == "undo":
            answer = {"text": words["undone"], "show_alert": True}
        elif what == "verify":
            answer = {"text": words["verified"]}
        await self.call("answerCallbackQuery", callback_query_id=press["id"], **answer)
        if what == "card":
            return await self._card(chat, words)
        text, keyboard = self._screen(what, words)
        await self.call(
            "editMessageText",
            chat_id=chat,
            message_id=message,
            text=text,
            parse_mode="HTML",
            reply_markup={"inline_keyboard": keyboard},
        )

    def _screen(self, what: str, words: dict[str, Any]) -> tuple[str, list[list[dict[str, Any]]]]:
        back = data(words["back"], "home")
        if what == "redeem":
            return words["box"], [[data(words["confirm"], "code", style="success")], [back]]
        if what == "code":
            copy = {"text": words["copy"], "copy_text": {"text": "8KQ4-M2VX"}}
            return words["code"], [
                [copy, data(words["card"], "card")],
                [data(words["undo"], "undo", style="danger"), back],
            ]
        if what == "invite":
            link = "https://t.me/share/url?url=https://t.me/jifen_demo_bot?start%3Dr_xiaoming&text=Jifen"
            terms = {"text": words["terms"], "url": "https://example.org/terms"}
            return words["friend"], [[{"text": words["share"], "url": link}], [terms, back]]
        if what == "verify":
            return words["verified"], []
        return words["home"], self._home(words)

    def _home(self, words: dict[str, Any]) -> list[list[dict[str, Any]]]:
        return [
            [data(words["redeem"], "redeem", style="primary"), data(words["card"], "card")],
            [data(words["history"], "history"), data(words["invite"], "invite")],
        ]

    async def _card(self, chat: int, words: dict[str, Any]) -> None:
        await self.call("sendChatAction", chat_id=chat, action="upload_photo")
        await self.call("sendPhoto", chat_id=chat, photo=qr_png("8KQ4-M2VX"), caption=words["show"])

    @staticmethod
    def _words(user: dict[str, Any]) -> dict[str, Any]:
        return WORDS["zh" if user.get("language_code", "zh").startswith("zh") else "en"]
