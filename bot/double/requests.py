"""Requests as they come: query, form, JSON or multipart become values by name, and uploads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from yarl import URL

from bot.double.errors import ApiError, bad

JSON = "application/json"
FORM_BYTES_MAX = 1_000_000


@dataclass(slots=True)
class Upload:
    """A file that came with the request."""

    name: str
    mime: str
    content: bytes


@dataclass(slots=True)
class Call:
    """What a method sees: values by name, read as their kinds, and uploads by field name."""

    values: dict[str, Any]
    uploads: dict[str, Upload] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or `default` when it was not sent."""
        value = self.values.get(name)
        return default if value is None else value

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None


def upload_room(bytes_max: int) -> Callable[..., web.BaseRequest]:
    """What makes requests whose body may be this large; aiohttp's own stop at one megabyte."""

    def make(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(
            message, payload, protocol, writer, task, loop, client_max_size=bytes_max + FORM_BYTES_MAX
        )

    return make


async def parameters(request: web.BaseRequest) -> tuple[dict[str, Any], dict[str, Upload]]:
    """What came in the query, a form, JSON or multipart, as sent: mostly strings; and the files.

    Raises:
        ApiError: 400 for a body that cannot be read, 413 for one that is too large.
    """
    values: dict[str, Any] = dict(request.query)
    if not request.body_exists:
        return values, {}
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "Request Entity Too Large") from None
    if not body:
        return values, {}
    if request.content_type == JSON:
        try:
            sent = json.loads(body)
        except ValueError:
            raise bad("JSON object expected") from None
        if not isinstance(sent, dict):
            raise bad("JSON object expected")
        values.update((name, value) for name, value in sent.items() if value is not None)
        return values, {}
    if request.content_type == "multipart/form-data":
        fields, uploads = _multipart(request.headers["Content-Type"], body)
        values.update(fields)
        return values, uploads
    values.update(URL("/?" + body.decode("utf-8", "replace"), encoded=True).query)  # faster than parse_qsl, same result
    return values, {}


def _multipart(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, Upload]]:
    """Splits a multipart body that is wholly in memory; the general reader is many times slower."""
    marker = content_type.partition("boundary=")[2].partition(";")[0].strip().strip('"')
    fields: dict[str, str] = {}
    uploads: dict[str, Upload] = {}
    for part in body.split(b"--" + marker.encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        content = content[:-2]
        headers = head.decode("utf-8", "replace")
        disposition = next(
            (line for line in headers.split("\r\n") if line.lower().startswith("content-disposition")), ""
        )
        name = _quoted(disposition, "name")
        file_name = _quoted(disposition, "filename")
        if not name:
            raise bad("can't parse multipart/form-data: name of a part is missing")
        if file_name is None:
            fields[name] = content.decode("utf-8", "replace")
            continue
        mime = next(
            (
                line.split(":", 1)[1].strip()
                for line in headers.split("\r\n")
                if line.lower().startswith("content-type:")
            ),
            "",
        )
        uploads[name] = Upload(file_name, mime or "application/octet-stream", content)
    return fields, uploads


def _quoted(disposition: str, key: str) -> str | None:
    for cell in disposition.split(";"):
        found, _, value = cell.strip().partition("=")
        if found.lower() == key:
            return unquote(value.strip().strip('"'))
    return None
