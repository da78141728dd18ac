"""Requests and answers as they go over the wire, whoever asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import failures
from bot.merchant_api import problems
from bot.merchant_api.calls import Download, Operation
from bot.merchant_api.door import language_of
from bot.merchant_api.problems import MEDIA_TYPE, Answer

TRIES_MAX = 4


async def tried(engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[Answer]]) -> Answer:
    """A transaction, again where it met another one; whoever works commits."""
    for attempt in range(TRIES_MAX):
        try:
            async with engine.connect() as tx:
                return await work(tx)
        except Exception as error:
            if failures.meaning(error) != "again" or attempt + 1 == TRIES_MAX:
                raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
    raise AssertionError("unreachable")


def language(request: web.Request) -> str:
    """The language to answer in."""
    return language_of(request.headers.get("Accept-Language", ""))


async def body(operation: Operation, request: web.Request) -> bytes:
    """The body, no longer than the operation takes. `Problem` 413, 415."""
    if operation.takes and request.content_type not in operation.takes:
        if operation.applies:
            raise problems.not_a_document(", ".join(operation.takes))
        raise problems.not_a_table(operation.takes)
    if not operation.takes and request.content_type != "application/json":
        raise problems.not_json()
    stated = request.content_length
    if stated is not None and stated > operation.bytes_most:
        raise problems.too_large(operation.bytes_most)
    if stated is not None:
        return await request.content.read()
    taken = bytearray()
    async for chunk in request.content.iter_any():
        taken += chunk
        if len(taken) > operation.bytes_most:
            raise problems.too_large(operation.bytes_most)
    return bytes(taken)


def read_as(model: type[BaseModel], body: bytes) -> Any:
    """A JSON body as its model. `Problem` 400, 422."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise problems.malformed(error, body) from None


def query(model: type[BaseModel], request: web.Request) -> Any:
    """A query as its model. `Problem` 400, 422."""
    if len(request.query) != len(set(request.query)):
        raise problems.repeated_parameter()
    try:
        return model.model_validate_strings(dict(request.query))
    except ValidationError as error:
        raise problems.malformed_query(error) from None


def file(made: Download, headers: Mapping[str, str], language: str) -> web.Response:
    """A file."""
    more = {"Content-Disposition": f'attachment; filename="{made.name}"', "Content-Language": language}
    more |= {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": made.media}
    return web.Response(body=made.content, headers={**headers, **more})


def json(answer: Answer, headers: Mapping[str, str], language: str) -> web.Response:
    """An answer, or a problem."""
    more = {**headers, **answer.headers, "Content-Language": language, "Cache-Control": "no-store"}
    if answer.kept:
        more["Idempotent-Replayed"] = "true"
    more["Content-Type"] = "application/json" if answer.status < 400 else MEDIA_TYPE
    return web.Response(body=answer.body.encode(), status=answer.status, headers=more)
