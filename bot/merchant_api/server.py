"""The routes: each request through key, scope, rate and form to its operation, and back as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import failures
from bot.addressees import say
from bot.clock import Clock
from bot.engines import Engines
from bot.merchant_api import answers, openapi, page, problems, receipts
from bot.merchant_api.answers import Asked
from bot.merchant_api.calls import Call, Operation, Refused, member_of
from bot.merchant_api.door import Door, language_of
from bot.merchant_api.limits import AtOnce, Rates
from bot.merchant_api.models import BatchIn, ByReference, PurchaseIn
from bot.merchant_api.operations import BATCH, BOOK, OPERATIONS, PATH_PATTERNS
from bot.merchant_api.problems import MEDIA_TYPE, Answer, Problem
from bot.merchant_api.purchases import Bookkeeper, Job
from bot.merchant_api.receipts import Receipts
from bot.metrics import Metrics
from chat.feature import discover
from chat.words import Speaker
from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants import merchant as merchants
from ledger.merchants.api_keys import ApiKey
from ledger.merchants.cover import Slices
from ledger.points.combine import Combining
from ledger.points.commands import Moment

log = structlog.get_logger(__name__)

TRIES_MAX = 4
COMBINED_MOST = 256
BATCHES_AT_ONCE = 2
"""Batches under way in this process: each holds a connection and a good part of a second of deciding."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


class MerchantApi:
    """The API over this process's engines. `async with MerchantApi(…) as api: api.add_to(app)`.

    Args:
        hurry: looks after a chat's messages now (`Outbox.hurry`); without, receipts wait for the outbox's next sweep.
        combine: whether purchases share transactions; without, each has its own (what `bench api` compares with).
        holder: names this process among those that hold cover.
    """

    def __init__(
        self,
        engines: Engines,
        vault: Vault,
        clock: Clock,
        metrics: Metrics | None = None,
        *,
        hurry: Callable[[int, str], None] = lambda chat_id, policy: None,
        combine: bool = True,
        holder: str = "api",
    ) -> None:
        self._engines = engines
        self._vault = vault
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._combine = combine
        self._door = Door(engines.reads, clock)
        self._rates = Rates()
        self._at_once = AtOnce()
        self._slices = Slices(engines.turns, holder)
        # A slice is fetched over a second connection: many transactions at once could take all there are and wait for another.
        self._bookkeeper = Bookkeeper(vault, clock, self._slices if combine else None)
        self._receipts = Receipts(engines.turns, vault, clock, hurry)
        self._telling: asyncio.Task[None] | None = None
        self._purchases: Combining[Job, Answer] = Combining(
            engines.turns, self._bookkeeper.combined, batch_size_max=COMBINED_MOST
        )
        self._batches = asyncio.Semaphore(BATCHES_AT_ONCE)
        self._methods: dict[str, list[str]] = {}
        discover()  # features word their refusals beside their screens

    async def __aenter__(self) -> Self:
        await self._purchases.__aenter__()
        self._telling = asyncio.create_task(self._receipts.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what is being booked; give back the cover that is held. Receipts still noted are told by whoever looks next."""
        await self._purchases.__aexit__()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        now = self._clock.now()
        with contextlib.suppress(SQLAlchemyError, OSError):  # what can't be given back lapses
            await self._slices.give_up(Moment(now, self._clock.today(0, now)))

    def add_to(self, app: web.Application) -> None:
        """Register the routes: `/v1/…`, `/openapi.json`, `/docs`."""
        for operation in OPERATIONS:
            app.router.add_route(operation.method, operation.path, self._route(operation))
            self._methods.setdefault(operation.path, []).append(operation.method)
        known = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), methods) for path, methods in self._methods.items()]

        async def elsewhere(request: web.Request) -> web.Response:
            for path, methods in known:
                if path.fullmatch(request.path):
                    return self._problem(request, problems.method_not_allowed(methods))
            return self._problem(request, problems.no_such_path())

        app.router.add_route("*", "/v1/{rest:.*}", elsewhere)
        described = openapi.document(OPERATIONS)
        page.add_to(app, described)

    # -- a request

    def _route(self, operation: Operation) -> Handler:
        """Everything around an operation: time, trouble, what Prometheus counts."""
        work = self._book if operation is BOOK else self._read if operation.kind == "read" else self._write
        counted = self._metrics.api_requests
        seconds = self._metrics.api_seconds.labels(operation.path)

        async def route(request: web.Request) -> web.Response:
            began = time.monotonic()
            try:
                response = await work(operation, request)
            except Problem as no:
                response = self._problem(request, no)
            except Refusal as no:
                response = self._problem(request, problems.refused(no))
            except (asyncio.CancelledError, ConnectionResetError):
                raise
            except Exception as error:
                response = self._problem(request, self._trouble(operation, error))
            counted.labels(operation.path, str(response.status)).inc()
            seconds.observe(time.monotonic() - began)
            return response

        return route

    def _trouble(self, operation: Operation, error: Exception) -> Problem:
        if failures.meaning(error) in ("not now", "again"):
            log.warning("api_not_now", path=operation.path, error=type(error).__name__)
            return problems.not_now()
        code = failures.code_of(secrets.token_hex(8))
        log.error("api_failed", path=operation.path, code=code, exc_info=error)
        return problems.broken(code)

    async def _admit(self, operation: Operation, request: web.Request) -> tuple[ApiKey, dict[str, str]]:
        key = await self._door.admit(request, operation.scope, writes=operation.kind != "read")
        headers = self._rates.take(key)
        for name, said in request.match_info.items():
            if not re.fullmatch(PATH_PATTERNS[name], said):
                raise problems.no_such_path()
        return key, headers

    async def _book(self, operation: Operation, request: web.Request) -> web.Response:
        """One purchase, together with those that wait."""
        key, headers = await self._admit(operation, request)
        name, body = _name(key, request), await _body(operation, request)
        purchase = _read_as(PurchaseIn, body)
        job = Job(Asked(key, name, answers.print_of("POST", operation.path, body)), purchase, _language(request))
        who: Any = (
            member_of(self._vault, key.merchant_id, purchase.member.reference)
            if isinstance(purchase.member, ByReference)
            else purchase.member.card
        )
        with self._at_once.key(name), self._at_once.member(who):
            if self._combine:
                answer = await self._purchases.submit(job)
            else:
                answer = await self._alone(job)
        self._receipts.nudge()
        return _json(answer, headers, job.language)

    async def _alone(self, job: Job) -> Answer:
        async def work(tx: AsyncConnection) -> Answer:
            (answer,) = await self._bookkeeper.combined(tx, [job])
            await tx.commit()
            return answer

        return await _tried(self._engines.turns, work)

    async def _read(self, operation: Operation, request: web.Request) -> web.Response:
        """What changes nothing: no key, no transaction."""
        key, headers = await self._admit(operation, request)
        if operation.method == "GET":
            asked = None if operation.asks is None else _query(operation.asks, request)
        else:
            asked = _read_as(_asks(operation), await _body(operation, request))
        language = _language(request)
        async with self._engines.reads.connect() as connection:
            call = await self._call(connection, key, language, request.match_info, await self._clock.ahead(connection))
            assert operation.run is not None
            made = await operation.run(call, asked)
        assert isinstance(made, BaseModel)
        return _json(Answer(operation.status, made.model_dump_json()), headers, language)

    async def _write(self, operation: Operation, request: web.Request) -> web.Response:
        """One write in its own transaction: under its key, or noted without one."""
        key, headers = await self._admit(operation, request)
        keyed = operation.kind == "write"
        name = _name(key, request) if keyed else f"note:{secrets.token_hex(16)}"
        body = await _body(operation, request)
        asked = _read_as(_asks(operation), body)
        wanted = Asked(key, name, answers.print_of(operation.method, request.path, body))
        language = _language(request)

        async def work(tx: AsyncConnection) -> Answer:
            return await self._turn(tx, operation, wanted, asked, language, request.match_info)

        with self._at_once.key(name):
            async with self._batches if operation is BATCH else contextlib.nullcontext():
                answer = await _tried(self._engines.turns, work)
        self._receipts.nudge()
        return _json(answer, headers, language)

    async def _turn(
        self,
        tx: AsyncConnection,
        operation: Operation,
        wanted: Asked,
        asked: Any,
        language: str,
        path: Mapping[str, str],
    ) -> Answer:
        """Claim, do, keep, commit. What is refused leaves its answer, where that is final, and nothing else."""
        call = await self._claimed(tx, wanted, language, path)
        if isinstance(call, Answer):
            return call
        problem: Problem | None = None
        try:
            if operation is BATCH:
                assert isinstance(asked, BatchIn)
                made: BaseModel | Refused = await self._bookkeeper.batch(call, asked)
            else:
                assert operation.run is not None
                made = await operation.run(call, asked)
        except (Problem, Refusal) as no:
            problem = no if isinstance(no, Problem) else problems.refused(no)
            await tx.rollback()
            if not problem.later:
                again = await self._claimed(tx, wanted, language, path)
                if isinstance(again, Answer):
                    return again
        else:
            if isinstance(made, Refused):
                problem = problems.refused(made.refusal)
        if problem is None:
            assert isinstance(made, BaseModel)
            # A batch's row says either of two things; the other is left out a thousand times.
            answer = Answer(operation.status, made.model_dump_json(exclude_unset=operation is BATCH))
            await receipts.note(tx, call.receipts)
            await say(tx, self._vault, call.tells, today=call.at.today, zone=call.zone)
        else:
            answer = problem.answer(call.speaker)
        if operation.kind == "write" and (problem is None or not problem.later):
            await answers.keep(tx, [(wanted, answer, call.names)], now=call.at.now)
        await tx.commit()
        return answer

    async def _claimed(
        self, tx: AsyncConnection, wanted: Asked, language: str, path: Mapping[str, str]
    ) -> Call | Answer:
        claimed = await answers.claim(tx, [wanted], now=self._clock.now())
        (before,) = claimed.before
        if isinstance(before, Problem):
            raise before
        if before is not None:
            return before
        return await self._call(tx, wanted.key, language, path, claimed.ahead_days)

    async def _call(
        self, tx: AsyncConnection, key: ApiKey, language: str, path: Mapping[str, str], ahead_days: int
    ) -> Call:
        now = self._clock.now()
        at = Moment(now, self._clock.today(ahead_days, now), ahead_days)
        merchant = await merchants.by_id(tx, key.merchant_id)
        speaker = Speaker(language, at.today, self._clock.zone)
        return Call(tx, key, merchant, at, self._clock.zone, self._vault, speaker, path)

    def _problem(self, request: web.Request, no: Problem) -> web.Response:
        language = _language(request)
        speaker = Speaker(language, self._clock.today(), self._clock.zone)
        return _json(no.answer(speaker), {}, language)


async def _tried(engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[Answer]]) -> Answer:
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


def _language(request: web.Request) -> str:
    return language_of(request.headers.get("Accept-Language", ""))


def _name(key: ApiKey, request: web.Request) -> str:
    return answers.name_of(key.merchant_id, request.headers.get("Idempotency-Key", ""))


def _asks(operation: Operation) -> type[BaseModel]:
    assert operation.asks is not None
    return operation.asks


async def _body(operation: Operation, request: web.Request) -> bytes:
    """The body, no longer than the operation takes. `Problem` 413, 415."""
    if request.content_type != "application/json":
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


def _read_as(model: type[BaseModel], body: bytes) -> Any:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise problems.malformed(error) from None


def _query(model: type[BaseModel], request: web.Request) -> Any:
    if len(request.query) != len(set(request.query)):
        raise problems.repeated_parameter()
    try:
        return model.model_validate_strings(dict(request.query))
    except ValidationError as error:
        raise problems.malformed(error, "query:") from None


def _json(answer: Answer, headers: Mapping[str, str], language: str) -> web.Response:
    more = {**headers, **answer.headers, "Content-Language": language, "Cache-Control": "no-store"}
    if answer.kept:
        more["Idempotent-Replayed"] = "true"
    more["Content-Type"] = "application/json" if answer.status < 400 else MEDIA_TYPE
    return web.Response(body=answer.body.encode(), status=answer.status, headers=more)
