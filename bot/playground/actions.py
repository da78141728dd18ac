"""What the page may do as a person. Every answer is JSON; a refusal is `{"error": code}`."""

from __future__ import annotations

import mimetypes
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, StringConstraints

from bot.double.double import Double
from bot.double.errors import ApiError
from bot.double.keyboards import DATA_BYTES_MAX
from bot.double.messages import Button, Message
from bot.double.people import Person
from bot.playground.guard import Refused, body_of, form_of
from bot.playground.stream import Stream
from bot.playground.views import person_view

PICTURE_BYTES_MAX = 10_000_000
FILE_BYTES_MAX = 20_000_000
"""More than a bot may fetch of Telegram is of no use here either."""
NAME_CHARS_MAX = 255
TEXT_CHARS_MAX = 4096
CAPTION_CHARS_MAX = 1024
SPIN_SECONDS = 30.0
INLINE_CHARS_MAX = 256

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class NewPerson(BaseModel):
    """A person to add."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    language: Language = "zh-hans"


class Text(BaseModel):
    """What a person says."""

    text: str


class Press(BaseModel):
    """The data of a button as the person saw it, and its message, which the bot may have edited since."""

    message: int
    data: Annotated[str, StringConstraints(min_length=1, max_length=DATA_BYTES_MAX)]


class Typed(BaseModel):
    """What a person types after the bot's name in another chat."""

    said: Annotated[str, StringConstraints(max_length=INLINE_CHARS_MAX)]


class Bill(BaseModel):
    """The invoice that is paid."""

    message: int


class Tongue(BaseModel):
    """The language of a person's Telegram."""

    language: Language


class Blocking(BaseModel):
    """Whether the person blocks the bot."""

    blocked: bool


class Actions:
    """The endpoints under `/api/people`."""

    def __init__(self, double: Double, stream: Stream) -> None:
        self._double = double
        self._stream = stream

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        one = r"/api/people/{person:\d+}"
        return [
            web.post("/api/people", self.add),
            web.post(f"{one}/say", self.say),
            web.post(f"{one}/tap", self.tap),
            web.post(f"{one}/pay", self.pay),
            web.post(f"{one}/inline", self.inline),
            web.post(f"{one}/photo", self.photo),
            web.post(f"{one}/document", self.document),
            web.post(f"{one}/contact", self.contact),
            web.post(f"{one}/language", self.language),
            web.post(f"{one}/block", self.block),
            web.post(f"{one}/delete-chat", self.delete_chat),
            web.post(f"{one}/redeliver", self.redeliver),
            web.get(rf"{one}/messages/{{message:\d+}}/file", self.file),
        ]

    async def add(self, request: web.Request) -> web.Response:
        """Adds a person; answers with them."""
        form = await form_of(request, NewPerson)
        person = self._double.person(form.name, language=form.language)
        self._stream.nudge()
        return web.json_response({"person": person_view(person, None, self._double)})

    async def say(self, request: web.Request) -> web.Response:
        """Sends a text as this person."""
        person = self._person(request)
        text = (await form_of(request, Text)).text.strip()
        if person.chat.blocked and not text.startswith("/start"):  # Start lifts a block, as in Telegram
            raise Refused("blocked", 409)
        if not text:
            raise Refused("empty")
        if len(text) > TEXT_CHARS_MAX:
            raise Refused("too_large", 413)
        return web.json_response({"update_id": await person.says(text)})

    async def tap(self, request: web.Request) -> web.Response:
        """Presses a button and waits for the bot's answer, as long as Telegram lets a button spin; null when none came."""
        person = self._writer(request)
        press = await form_of(request, Press)
        message = self._message(person, press.message)
        pressed = person.presses(message, Button.of({"text": press.data, "callback_data": press.data}))
        try:
            answer = await pressed.answer(timeout=SPIN_SECONDS)
        except AssertionError:  # the double's word for "not within the time"
            return web.json_response({"answer": None})
        return web.json_response(
            {
                "answer": {
                    "text": answer.get("text") or "",
                    "alert": bool(answer.get("show_alert")),
                    "url": answer.get("url") or "",
                }
            }
        )

    async def pay(self, request: web.Request) -> web.Response:
        """Pays an invoice with money that nobody has; `error` says why the bot did not let it be, empty where it did."""
        person = self._writer(request)
        message = self._message(person, (await form_of(request, Bill)).message)
        if message.payload is None:
            raise Refused("stale", 409)
        return web.json_response({"error": (await person.pays(message)).error})

    async def inline(self, request: web.Request) -> web.Response:
        """What the bot offers to be sent to another chat, each with the links of its buttons; `instead` says why nothing."""
        person = self._writer(request)
        try:
            offered = await person.types_inline((await form_of(request, Typed)).said)
        except AssertionError:  # the double's word for "not within the time"
            raise Refused("stale", 409) from None
        choices = [
            {"title": each.title, "text": each.text, "links": [b.url for row in each.buttons for b in row if b.url]}
            for each in offered.choices
        ]
        return web.json_response({"choices": choices, "instead": offered.button[0] if offered.button else ""})

    async def photo(self, request: web.Request) -> web.Response:
        """Sends the body, a PNG or JPEG, as a photo; `?caption=`."""
        person = self._writer(request)
        caption = request.query.get("caption", "")
        if len(caption) > CAPTION_CHARS_MAX:
            raise Refused("too_large", 413)
        picture = await body_of(request, PICTURE_BYTES_MAX)
        try:
            sent = await person.sends_photo(picture, caption=caption)
        except ApiError:
            raise Refused("not_a_picture") from None
        return web.json_response({"update_id": sent})

    async def document(self, request: web.Request) -> web.Response:
        """Sends the body as a file; `?name=`, `?caption=`."""
        person = self._writer(request)
        name, caption = request.query.get("name", "").strip(), request.query.get("caption", "")
        if not name:
            raise Refused("empty")
        if len(name) > NAME_CHARS_MAX or len(caption) > CAPTION_CHARS_MAX:
            raise Refused("too_large", 413)
        kind, _ = mimetypes.guess_type(name)
        content = await body_of(request, FILE_BYTES_MAX)
        sent = await person.sends_document(content, name, kind or "application/octet-stream", caption=caption)
        return web.json_response({"update_id": sent})

    async def contact(self, request: web.Request) -> web.Response:
        """Shares this person's own phone number, as a request-contact button does."""
        person = self._writer(request)
        return web.json_response({"update_id": await person.shares_contact(f"+86138{person.id % 10**8:08}")})

    async def language(self, request: web.Request) -> web.Response:
        """Switches the language of this person's Telegram."""
        person = self._person(request)
        language = (await form_of(request, Tongue)).language
        person.user = person.chat.person = {**person.user, "language_code": language}
        self._stream.nudge()
        return web.json_response({})

    async def block(self, request: web.Request) -> web.Response:
        """Blocks or unblocks the bot."""
        person = self._person(request)
        if (await form_of(request, Blocking)).blocked:
            person.block()
        else:
            person.unblock()
        self._stream.nudge()
        return web.json_response({})

    async def delete_chat(self, request: web.Request) -> web.Response:
        """Empties the chat on this person's side."""
        self._person(request).deletes_chat()
        self._stream.nudge()
        return web.json_response({})

    async def redeliver(self, request: web.Request) -> web.Response:
        """Delivers this person's newest update once more; says whether there was one."""
        person = self._person(request)
        newest = next((update for update in reversed(self._double.updates) if update.chat is person.chat), None)
        if newest is not None:
            await self._double.redeliver(newest.id)
        return web.json_response({"redelivered": newest is not None})

    async def file(self, request: web.Request) -> web.Response:
        """The picture or file of a message; never anything a browser would run."""
        message = self._message(self._person(request), int(request.match_info["message"]))
        file = message.file
        if file is None or file.content is None:
            raise Refused("stale", 404)
        headers = {"Cache-Control": "private, max-age=86400, immutable", "Content-Security-Policy": "sandbox"}
        if message.photo is not None:
            kind = "image/png" if file.content.startswith(b"\x89PNG") else "image/jpeg"
            return web.Response(body=file.content, content_type=kind, headers=headers)
        headers["Content-Disposition"] = "attachment"
        return web.Response(body=file.content, content_type="application/octet-stream", headers=headers)

    def _person(self, request: web.Request) -> Person:
        person = self._double.people.get(int(request.match_info["person"]))
        if person is None:
            raise Refused("unknown_person", 404)
        return person

    def _writer(self, request: web.Request) -> Person:
        person = self._person(request)
        if person.chat.blocked:
            raise Refused("blocked", 409)
        return person

    def _message(self, person: Person, number: int) -> Message:
        message = person.chat.messages.get(number)
        if message is None or message.hidden:
            raise Refused("stale", 409)
        return message
