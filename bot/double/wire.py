"""HTTP in and out: requests become `Call`s, results become the envelope, faults strike in between."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.double.calls import ApiCall
from bot.double.errors import ApiError, bad
from bot.double.faults import Fault, Kind
from bot.double.methods.registry import METHODS, Described, Entry
from bot.double.parameters import read
from bot.double.requests import JSON, Call, Upload, parameters
from bot.double.world import World

MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "message_ids": "message identifiers are not specified",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "user_id": "invalid user_id specified",
    "action": "wrong parameter action in request",
}


class Wire:
    """Answers every HTTP request to the double."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bot_prefix = f"/bot{world.token}/"
        self._file_prefix = f"/file/bot{world.token}/"
        world.webhook.execute = self.execute

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/file/"):
            return self._file(path)
        if not path.startswith(self._bot_prefix):
            if path.startswith("/bot"):
                return _refuse(ApiError(401, "Unauthorized: invalid token specified"))
            return _refuse(ApiError(404, "Not Found"))
        entry = METHODS.get(path[len(self._bot_prefix) :].lower())
        if entry is None:
            return _refuse(ApiError(404, "Not Found: method not found"))
        if entry.name == "getUpdates":
            return await self._answer(entry, request)
        self._world.calls_in_flight += 1
        try:
            return await self._answer(entry, request)
        finally:
            self._world.calls_in_flight -= 1
            self._world.changed()

    async def _answer(self, entry: Entry, request: web.BaseRequest) -> web.StreamResponse:
        started = time.monotonic()
        at = self._world.clock.now()
        try:
            raw, uploads = await parameters(request)
        except ApiError as error:
            return _refuse(error)
        unknown = tuple(name for name in raw if name not in entry.takes)
        fault = self._world.faults.strike(entry.name.lower(), _chat_of(raw))
        status, result, response = await self._perform(entry, raw, uploads, unknown, fault)
        if entry.name != "getUpdates" or status != 200:
            shown = raw
            if uploads:
                shown = {**raw, **{name: f"<{up.name}, {len(up.content)} bytes>" for name, up in uploads.items()}}
            self._record(ApiCall(entry.name, shown, status, result, at, time.monotonic() - started, unknown))
        if response is None:
            _cut(request)
            return web.Response(status=500)
        return response

    async def execute(self, method: str, raw: dict[str, Any]) -> None:
        """Runs a method a webhook reply asked for; it is recorded like any call."""
        entry = METHODS.get(method)
        if entry is None:
            return
        at, started = self._world.clock.now(), time.monotonic()
        status: int
        try:
            status, result = 200, await self._run(entry, raw, {}, ())
        except ApiError as error:
            status, result = error.code, error.description
        self._record(ApiCall(entry.name, raw, status, result, at, time.monotonic() - started))

    def _record(self, call: ApiCall) -> None:
        self._world.calls.append(call)
        if self._world.feed.active:
            self._world.feed.publish("call", call=call)

    async def _perform(
        self,
        entry: Entry,
        raw: dict[str, Any],
        uploads: dict[str, Upload],
        unknown: tuple[str, ...],
        fault: Fault | None,
    ) -> tuple[int, Any, web.StreamResponse | None]:
        if fault is not None and fault.kind in {Kind.TIMEOUT, Kind.RESET}:
            await asyncio.sleep(fault.seconds)
            return 0, f"fault: {fault.kind.value}", None
        try:
            if fault is not None:
                refuse_by(fault)
            if fault is not None and fault.kind is Kind.STATUS and fault.body is not None:
                return fault.code, fault.body, web.Response(status=fault.code, text=fault.body)
            result = await self._run(entry, raw, uploads, unknown)
        except ApiError as error:
            return error.code, error.description, _refuse(error)
        if fault is not None and fault.kind is Kind.DROP_REPLY:
            return 0, result, None
        if fault is not None and fault.kind is Kind.SLOW:
            await asyncio.sleep(fault.seconds)
        if isinstance(result, Described):
            return 200, result.result, _accept(result.result, result.description)
        return 200, result, _accept(result)

    async def _run(
        self, entry: Entry, raw: dict[str, Any], uploads: dict[str, Upload], unknown: tuple[str, ...]
    ) -> Any:
        if unknown and self._world.strict:
            raise bad(f"unknown parameters of {entry.name}: {', '.join(unknown)}")
        values = {name: read(entry.takes[name], value) for name, value in raw.items() if name in entry.takes}
        for parameter in entry.takes.values():
            if parameter.required and parameter.name not in values and parameter.name not in uploads:
                raise bad(missing(parameter.name))
        return await entry.run(self._world, Call(values, uploads))

    def _file(self, path: str) -> web.StreamResponse:
        if not path.startswith(self._file_prefix):
            return _refuse(ApiError(401, "Unauthorized: invalid token specified"))
        stored = self._world.files.by_path(path[len(self._file_prefix) :])
        if stored is None or stored.content is None:
            return _refuse(ApiError(404, "Not Found"))
        return web.Response(body=stored.content, content_type="application/octet-stream")


def missing(name: str) -> str:
    """Telegram's words for a parameter that did not come."""
    return MISSING.get(name, f'parameter "{name}" is required')


def refuse_by(fault: Fault) -> None:
    """Raises what a planned status or flood fault answers.

    Raises:
        ApiError: for faults that answer a JSON envelope.
    """
    if fault.kind is Kind.FLOOD:
        seconds = int(fault.seconds)
        raise ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
    if fault.kind is Kind.STATUS and fault.body is None:
        words = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}
        raise ApiError(fault.code, words.get(fault.code, "Error"))


def _chat_of(raw: Mapping[str, Any]) -> int | None:
    try:
        return int(raw.get("chat_id", ""))
    except (TypeError, ValueError):
        return None


def _dump(value: Any) -> bytes:
    # A lone surrogate is legal inside JSON escapes but not in UTF-8.
    return _encode(value).encode("utf-8", "replace")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _accept(result: Any, description: str = "") -> web.Response:
    if isinstance(result, bytes):
        body = b'{"ok":true,"result":' + result + b"}"
    elif result is True and not description:
        body = b'{"ok":true,"result":true}'
    else:
        envelope = {"ok": True, "result": result}
        if description:
            envelope["description"] = description
        body = _dump(envelope)
    return web.Response(body=body, content_type=JSON)


def _refuse(error: ApiError) -> web.Response:
    envelope: dict[str, Any] = {"ok": False, "error_code": error.code, "description": error.description}
    headers = {}
    if error.parameters:
        envelope["parameters"] = error.parameters
    if "retry_after" in error.parameters:
        headers["Retry-After"] = str(error.parameters["retry_after"])
    return web.Response(body=_dump(envelope), status=error.code, content_type=JSON, headers=headers)


def _cut(request: web.BaseRequest) -> None:
    """Closes the connection under the client, so that it never sees an answer."""
    if request.transport is not None:
        request.transport.abort()
