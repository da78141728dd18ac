"""The routes: each request through key, scope, rate and form to its operation, and back as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import structlog
from aiohttp import web
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import failures
from bot.addressees import say
from bot.clock import Clock
from bot.engines import Engines
from bot.merchant_api import answers, imports, openapi, page, problems, receipts, wire
from bot.merchant_api.answers import Asked
from bot.merchant_api.applying import Applying
from bot.merchant_api.calls import Call, Download, Operation, Refused, member_of
from bot.merchant_api.door import Door
from bot.merchant_api.limits import AtOnce, Rates
from bot.merchant_api.models import BatchIn, ByReference, PurchaseIn
from bot.merchant_api.operations import BATCH, BOOK, CLOCK, CONFIRM, IMPORT, OPERATIONS, PATH_PATTERNS, RESET
from bot.merchant_api.problems import Answer, Problem
from bot.merchant_api.purchases import Job
from bot.merchant_api.receipts import Receipts
from bot.merchant_api.sandboxes import Sandboxes
from bot.merchant_api.shared_limits import SharedRates
from bot.merchant_api.world import World
from bot.metrics import Metrics
from chat.feature import discover
from chat.words import Speaker
from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants import merchant as merchants
from ledger.merchants.api_keys import ApiKey
from ledger.merchants.cover import Slices
from ledger.points.commands import Moment

log = structlog.get_logger(__name__)

BATCHES_AT_ONCE = 2
"""Batches under way in this process: each holds a connection and a good part of a second of deciding."""

Handler = Callable[[web.Request], Awaitable[web.Response]]
Work = Callable[[World, Operation, web.Request, ApiKey, dict[str, str]], Awaitable[web.Response]]


class MerchantApi:
    """The API over this process's engines. `async with MerchantApi(…) as api: api.add_to(app)`.

    Args:
        hurry: looks after a chat's messages now (`Outbox.hurry`); without, receipts wait for the outbox's next sweep.
        combine: whether purchases share transactions; without, each has its own (what `bench api` compares with).
        holder: names this process among those that hold cover.
        processes: how many serve the API: rates are counted over all of them, and caps divided.
        bot_username: of the bot whose links new owners follow.
        inside: whether a sandbox's events may go to http and addresses of our own network (see `Hooks`).
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
        processes: int = 1,
        inside: bool = False,
        bot_username: Callable[[], str] = lambda: "",
    ) -> None:
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._combine = combine
        self._door = Door(engines.reads, clock)
        self._rates = Rates()
        self._shared_rates = SharedRates(engines.turns) if processes > 1 else None
        self._slices = Slices(engines.turns, holder)
        self._live = World(
            engines,
            vault,
            clock,
            at_once=AtOnce(processes),
            batches=asyncio.Semaphore(BATCHES_AT_ONCE),
            # A slice is fetched over a second connection: many transactions at once could take all there are and wait for
            # another.
            slices=self._slices if combine else None,
        )
        self._sandboxes = Sandboxes(engines.turns, engines.reads, vault, clock, holder=holder, inside=inside)
        self._applying = Applying(engines, vault, clock, processes, bot_username)
        self._receipts = Receipts(engines.turns, vault, clock, hurry)
        self._telling: asyncio.Task[None] | None = None
        self._methods: dict[str, list[str]] = {}
        discover()  # features word their refusals beside their screens

    async def __aenter__(self) -> Self:
        await self._live.__aenter__()
        await self._sandboxes.__aenter__()
        self._telling = asyncio.create_task(self._receipts.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what is being booked; give back the cover that is held. Receipts still noted are told by whoever looks next."""
        await self._sandboxes.__aexit__()
        await self._live.__aexit__()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        now = self._clock.now()
        with contextlib.suppress(SQLAlchemyError, OSError):  # what can't be given back lapses
            await self._slices.give_up(Moment(now, self._clock.today(0, now)))

    def add_to(self, app: web.Application) -> None:
        """Register the routes: `/v1/…`, `/openapi.json`, `/docs`."""
        for operation in OPERATIONS:
            # «{id}:confirm» is a path of its own, not an id.
            path = re.sub(r"\{(\w+)\}", r"{\1:[^/:]+}", operation.path)
            app.router.add_route(operation.method, path, self._route(operation))
            self._methods.setdefault(operation.path, []).append(operation.method)
        known = [(re.compile(re.sub(r"\{\w+\}", "[^/:]+", path)), methods) for path, methods in self._methods.items()]

        async def elsewhere(request: web.Request) -> web.Response:
            for path, methods in known:
                if path.fullmatch(request.path):
                    return self._problem(request, problems.method_not_allowed(methods))
            return self._problem(request, problems.no_such_path())

        app.router.add_route("*", "/v1/{rest:.*}", elsewhere)
        page.add_to(app, _written())

    # -- a request

    def _route(self, operation: Operation) -> Handler:
        """Everything around an operation: time, trouble, what Prometheus counts."""
        work: Work = self._book if operation is BOOK else self._read if operation.kind == "read" else self._write
        counted = functools.cache(lambda status: self._metrics.api_requests.labels(operation.path, str(status)))
        seconds = self._metrics.api_seconds.labels(operation.path)

        async def route(request: web.Request) -> web.Response:
            began = time.monotonic()
            try:
                response = await self._served(work, operation, request)
            except Problem as no:
                response = self._problem(request, no)
            except Refusal as no:
                response = self._problem(request, problems.refused(no))
            except (asyncio.CancelledError, ConnectionResetError):
                raise
            except Exception as error:
                response = self._problem(request, self._trouble(operation, error))
            counted(response.status).inc()
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
        headers = self._rates.take(key) if self._shared_rates is None else await self._shared_rates.take(key)
        for name, said in request.match_info.items():
            if not re.fullmatch(PATH_PATTERNS[name], said):
                raise problems.no_such_path()
        return key, headers

    async def _served(self, work: Work, operation: Operation, request: web.Request) -> web.Response:
        if operation.applies:
            return await self._applying.answer(operation, request)
        key, headers = await self._admit(operation, request)
        if key.test:
            return await self._in_sandbox(work, operation, request, key, headers)
        return await work(self._live, operation, request, key, headers)

    async def _in_sandbox(
        self, work: Work, operation: Operation, request: web.Request, key: ApiKey, headers: dict[str, str]
    ) -> web.Response:
        async with self._sandboxes.world(key) as world:
            if operation.kind != "read" and operation is not RESET:
                await self._sandboxes.must_have_room(world)
            response = await work(world, operation, request, key, headers)
            if operation is CLOCK and response.status == operation.status:
                await self._sandboxes.settle(world)
            if operation in (IMPORT, CONFIRM) and response.status == operation.status:
                await imports.settle(world)
            return response

    async def _book(
        self, world: World, operation: Operation, request: web.Request, key: ApiKey, headers: dict[str, str]
    ) -> web.Response:
        """One purchase, together with those that wait."""
        name, body = _name(key, request), await wire.body(operation, request)
        purchase = wire.read_as(PurchaseIn, body)
        job = Job(Asked(key, name, answers.print_of("POST", operation.path, body)), purchase, wire.language(request))
        who: Any = (
            member_of(world.vault, key.merchant_id, purchase.member.reference)
            if isinstance(purchase.member, ByReference)
            else purchase.member.card
        )
        with world.at_once.key(name), world.at_once.member(who):
            if self._combine:
                answer = await world.purchases.submit(job)
            else:
                answer = await _alone(world, job)
        self._receipts.nudge()
        return wire.json(answer, headers, job.language)

    async def _read(
        self, world: World, operation: Operation, request: web.Request, key: ApiKey, headers: dict[str, str]
    ) -> web.Response:
        """What changes nothing: no key, no transaction."""
        if operation.method == "GET":
            asked = None if operation.asks is None else wire.query(operation.asks, request)
        else:
            asked = wire.read_as(_asks(operation), await wire.body(operation, request))
        language = wire.language(request)
        async with world.engines.reads.connect() as connection:
            ahead = await world.clock.ahead(connection)
            call = await _call(world, connection, key, language, request.match_info, ahead)
            assert operation.run is not None
            made = await operation.run(call, asked)
        if isinstance(made, Download):
            return wire.file(made, headers, language)
        assert isinstance(made, BaseModel)
        return wire.json(Answer(operation.status, made.model_dump_json()), headers, language)

    async def _write(
        self, world: World, operation: Operation, request: web.Request, key: ApiKey, headers: dict[str, str]
    ) -> web.Response:
        """One write in its own transaction: under its key, or noted without one."""
        keyed = operation.kind == "write"
        name = _name(key, request) if keyed else f"note:{secrets.token_hex(16)}"
        body = await wire.body(operation, request)
        asked = wire.query(_asks(operation), request) if operation.takes else wire.read_as(_asks(operation), body)
        path = request.path_qs if operation.takes else request.path
        wanted = Asked(key, name, answers.print_of(operation.method, path, body))
        language = wire.language(request)
        file = body if operation.takes else b""

        async def work(tx: AsyncConnection) -> Answer:
            return await _turn(world, tx, operation, wanted, asked, language, request.match_info, file)

        with world.at_once.key(name):
            async with world.batches if operation is BATCH else contextlib.nullcontext():
                answer = await wire.tried(world.engines.turns, work)
        self._receipts.nudge()
        return wire.json(answer, headers, language)

    def _problem(self, request: web.Request, no: Problem) -> web.Response:
        language = wire.language(request)
        speaker = Speaker(language, self._clock.today(), self._clock.zone)
        return wire.json(no.answer(speaker), {}, language)


async def _alone(world: World, job: Job) -> Answer:
    async def work(tx: AsyncConnection) -> Answer:
        (answer,) = await world.bookkeeper.combined(tx, [job])
        await tx.commit()
        return answer

    return await wire.tried(world.engines.turns, work)


async def _turn(
    world: World,
    tx: AsyncConnection,
    operation: Operation,
    wanted: Asked,
    asked: Any,
    language: str,
    path: Mapping[str, str],
    file: bytes,
) -> Answer:
    """Claim, do, keep, commit. What is refused leaves its answer, where that is final, and nothing else."""
    call = await _claimed(world, tx, wanted, language, path)
    if isinstance(call, Answer):
        return call
    call.body = file
    problem: Problem | None = None
    try:
        if operation is BATCH:
            assert isinstance(asked, BatchIn)
            made: str | BaseModel | Refused | Download = await world.bookkeeper.batch(call, asked)
        else:
            assert operation.run is not None
            made = await operation.run(call, asked)
    except (Problem, Refusal) as no:
        problem = no if isinstance(no, Problem) else problems.refused(no)
        await tx.rollback()
        if not problem.later:
            again = await _claimed(world, tx, wanted, language, path)
            if isinstance(again, Answer):
                return again
    else:
        await say(tx, world.vault, call.tells, today=call.at.today, zone=call.zone)
        if isinstance(made, Refused):
            problem = problems.refused(made.refusal)
    if problem is None:
        assert isinstance(made, str | BaseModel)
        answer = Answer(operation.status, made if isinstance(made, str) else made.model_dump_json())
        await receipts.note(tx, call.receipts)
    else:
        answer = problem.answer(call.speaker)
    if operation.kind == "write" and (problem is None or not problem.later):
        await answers.keep(tx, [(wanted, answer, call.names)], now=call.at.now)
    await tx.commit()
    return answer


async def _claimed(
    world: World, tx: AsyncConnection, wanted: Asked, language: str, path: Mapping[str, str]
) -> Call | Answer:
    claimed = await answers.claim(tx, [wanted], now=world.clock.now())
    (before,) = claimed.before
    if isinstance(before, Problem):
        raise before
    if before is not None:
        return before
    return await _call(world, tx, wanted.key, language, path, claimed.ahead_days)


async def _call(
    world: World, tx: AsyncConnection, key: ApiKey, language: str, path: Mapping[str, str], ahead_days: int
) -> Call:
    now = world.clock.now()
    at = Moment(now, world.clock.today(ahead_days, now), ahead_days)
    merchant = await merchants.by_id(tx, key.merchant_id)
    speaker = Speaker(language, at.today, world.clock.zone)
    return Call(tx, key, merchant, at, world.clock.zone, world.vault, speaker, path, refill=world.refill)


@functools.cache
def _written() -> page.Written:
    """The description of all operations, the same for every door of the process."""
    return page.written(openapi.document(OPERATIONS))


def _name(key: ApiKey, request: web.Request) -> str:
    return answers.name_of(key.merchant_id, request.headers.get("Idempotency-Key", ""))


def _asks(operation: Operation) -> type[BaseModel]:
    assert operation.asks is not None
    return operation.asks
