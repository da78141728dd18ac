"""Applying to be a merchant over HTTP: no key, but a rate for each address, and a token for each application.

Idempotency-Keys are the address's, or the application's. Answers are kept without what is secret in them, which follows from the
programme's key and is put in again.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.addressees import say
from bot.clock import Clock
from bot.engines import Engines
from bot.merchant_api import answers, problems, wire
from bot.merchant_api.application_models import ApplicationIn, ApplicationOut, PaperAsked, PaperOut, TakenOut
from bot.merchant_api.calls import Operation
from bot.merchant_api.hooks import is_outside
from bot.merchant_api.limits import Rates
from bot.merchant_api.problems import Answer, Problem
from bot.merchant_api.shared_limits import SharedRates
from chat import desk, merchants
from chat.offers import CATEGORIES
from chat.turn import Tell
from chat.words import Speaker, t
from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants import api_keys, applicants, files, onboarding, staff
from ledger.merchants import merchant as ledger_merchants
from ledger.merchants.applicants import Stated
from ledger.merchants.onboarding import LONGEST, NATIONWIDE
from ledger.points.commands import Moment
from ledger.programme import Programme

ADDRESS_PER_MINUTE = 60
OWNER = t("店主")

_PROGRAMME = text("SELECT document FROM programme WHERE one = 1")
_CLAIM = text(
    "SELECT coalesce((SELECT ahead_days FROM programme_clock WHERE one = 1), 0) AS ahead_days,"
    " pg_try_advisory_xact_lock(hashtextextended(:name, 0)) AS free, t.key IS NOT NULL AS used, t.request, t.status, t.answer"
    " FROM (SELECT 1) one LEFT JOIN turn_key t ON t.key = :name"
)
_KEEP = text("INSERT INTO turn_key (key, at, request, status, answer) VALUES (:name, :at, :request, :status, :answer)")

_MAGIC = {"application/pdf": (b"%PDF-",), "image/png": (b"\x89PNG\r\n\x1a\n",), "image/jpeg": (b"\xff\xd8\xff",)}
"""How documents of each kind begin."""
DOCUMENTS = tuple(_MAGIC)


class From(NamedTuple):
    """An address with its rate; its number is below zero, where no key's is."""

    id: int
    per_minute: int


@dataclass(slots=True)
class Applicant:
    """A request at work: which application (0: a new one), from where, when."""

    tx: AsyncConnection
    at: Moment
    application_id: int
    address: bytes
    vault: Vault
    speaker: Speaker
    body: bytes
    media: str
    bot_username: str
    tells: list[Tell]

    @property
    def by(self) -> str:
        """How records name who did it."""
        return f"applicant:{self.application_id}"


Run = Callable[[Applicant, Any], Awaitable[BaseModel]]


async def apply(who: Applicant, asked: ApplicationIn) -> ApplicationOut:
    """Begin an application. `TooManyApplications` → `AnswerWrong` → `LicenceWrong`."""
    who.application_id = await applicants.begin(who.tx, who.address, now=who.at.now)
    return await correct(who, asked)


async def correct(who: Applicant, asked: ApplicationIn) -> ApplicationOut:
    """Write all answers anew. `ApplicationClosed` → `AnswerWrong` → `LicenceWrong`."""
    programme = Programme.model_validate(await who.tx.scalar(_PROGRAMME))
    if asked.category not in dict(CATEGORIES):
        raise onboarding.AnswerWrong("category", LONGEST["category"], tuple(CATEGORIES))
    regions = (NATIONWIDE, *(each.code for each in programme.regions))
    if asked.region not in regions:
        raise onboarding.AnswerWrong("region", LONGEST["region"], regions)
    said = {field: getattr(asked, field) for field in onboarding.FIELDS}
    stated = [Stated(**each.model_dump()) for each in asked.certificates]
    await applicants.write(
        who.tx, who.application_id, said, stated, programme=programme, vault=who.vault, by=who.by, now=who.at.now
    )
    return await show(who, None)


async def show(who: Applicant, asked: None) -> ApplicationOut:
    """Where it stands."""
    found = await onboarding.by_id(who.tx, who.application_id)
    papers = await files.of_application(who.tx, found.id)
    missing = list(map(str, found.unanswered)) if found.state == "draft" else []
    if found.state == "draft" and not any(each.purpose == "licence" for each in papers):
        missing.append("document:licence")
    return ApplicationOut(
        state=found.state,
        token="",
        name_zh=found.name_zh,
        name_en=found.name_en,
        missing=missing,
        documents=[_paper(each) for each in papers],
        sent_at=found.sent_at,
        decided_at=found.decided_at,
        reason=found.reason,
        taken_at=found.taken_at,
    )


async def add_document(who: Applicant, asked: PaperAsked) -> PaperOut:
    """Keep a document. `Problem` 415 for what is none; refusals of `applicants.add_paper`."""
    if not who.body.startswith(_MAGIC[who.media]):
        raise problems.not_a_document(who.media)
    made = await applicants.add_paper(
        who.tx, who.application_id, asked.purpose, asked.name, who.body, by=who.by, now=who.at.now
    )
    return _paper(made)


def _paper(each: files.Paper) -> PaperOut:
    return PaperOut(id=each.id, purpose=each.purpose, name=each.name, size=each.size)


async def send(who: Applicant, asked: BaseModel) -> ApplicationOut:
    """Send it: operators are told. `ApplicationClosed` → `ApplicationIncomplete` → `LicenceWrong`."""
    programme = Programme.model_validate(await who.tx.scalar(_PROGRAMME))
    done = await onboarding.send(who.tx, who.application_id, programme=programme, by=who.by, now=who.at.now)
    for admin in await desk.holders(who.tx, "admin"):
        who.tells.append(Tell(admin, merchants.applied(done), key=f"applied:{done.id}:{admin}"))
    return await show(who, None)


async def withdraw(who: Applicant, asked: BaseModel) -> ApplicationOut:
    """Take it back; documents and contact are forgotten, of a draft everything. `ApplicationClosed`."""
    before = await show(who, None)
    await onboarding.withdraw(who.tx, who.application_id, by=who.by, now=who.at.now)
    return before.model_copy(update={"state": "withdrawn", "missing": [], "documents": []})


async def take(who: Applicant, asked: BaseModel) -> TakenOut:
    """Hand over what a merchant begins with, once. `NotCertifiedYet` → `TakenAlready`; `Problem` 503 without a bot."""
    if not who.bot_username:
        raise problems.no_bot()
    label = who.speaker.plain(OWNER)
    made = await applicants.take(who.tx, who.application_id, label=label, by=who.by, vault=who.vault, now=who.at.now)
    merchant = await ledger_merchants.by_id(who.tx, made.key.merchant_id)
    return TakenOut(merchant=merchant.code, owner_link="", owner_link_until=made.invitation.expires_at, api_key="")


class Applying:
    """Answers applicants. `processes`: how many serve the API, over which rates are counted."""

    def __init__(
        self, engines: Engines, vault: Vault, clock: Clock, processes: int, bot_username: Callable[[], str]
    ) -> None:
        self._engines = engines
        self._vault = vault
        self._clock = clock
        self._bot_username = bot_username
        self._rates = Rates()
        self._shared_rates = SharedRates(engines.turns) if processes > 1 else None

    async def answer(self, operation: Operation, request: web.Request) -> web.Response:
        """One request.

        Raises:
            Problem 429: the address asks too much. 401: no token. Then those of the form and of the operation.
        """
        address = applicants.index_of(self._vault, address_of(request))
        caller = From(-(int.from_bytes(address[:7], "big") + 1), ADDRESS_PER_MINUTE)
        if self._shared_rates is None:
            headers = self._rates.take(caller)
        else:
            headers = await self._shared_rates.take(caller)
        application_id = self._application(request) if operation.applies == "own" else 0
        language, body = wire.language(request), b""
        asked: Any = None
        if operation.kind == "write":
            body = await wire.body(operation, request)
            model = operation.asks
            assert model is not None
            asked = wire.query(model, request) if operation.takes else wire.read_as(model, body)
        whose = hashlib.sha256(address).hexdigest()[:24] if not application_id else str(application_id)
        name = f"note:{secrets.token_hex(16)}"
        if operation.kind == "write":
            name = f"apply:{whose}:{answers.sound(request.headers.get('Idempotency-Key', ''))}"
        wanted = answers.print_of(operation.method, request.path_qs, body)

        async def work(tx: AsyncConnection) -> Answer:
            return await self._turn(
                tx, operation, name, wanted, asked, language, application_id, address, body, request.content_type
            )

        answer = await wire.tried(self._engines.turns, work)
        return wire.json(answer, headers, language)

    def _application(self, request: web.Request) -> int:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        found = applicants.application_of(self._vault, token.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise problems.token_needed()
        return found

    async def _turn(
        self,
        tx: AsyncConnection,
        operation: Operation,
        name: str,
        wanted: bytes,
        asked: Any,
        language: str,
        application_id: int,
        address: bytes,
        body: bytes,
        media: str,
    ) -> Answer:
        now = self._clock.now()
        row = (await tx.execute(_CLAIM, {"name": name})).one()
        if row.used:
            if bytes(row.request) != wanted:
                raise problems.idempotency_key_reused()
            return Answer(row.status, whole(operation, row.answer, self._vault, self._bot_username()), True)
        if not row.free:
            raise problems.in_flight()
        at = Moment(now, self._clock.today(row.ahead_days, now), row.ahead_days)
        speaker = Speaker(language, at.today, self._clock.zone)
        who = Applicant(tx, at, application_id, address, self._vault, speaker, body, media, self._bot_username(), [])
        run: Run = operation.run  # type: ignore[assignment]  # an applicant's operation
        try:
            made = await run(who, asked)
        except onboarding.NoSuchApplication:
            raise problems.token_needed() from None  # withdrawn as a draft, of which nothing is kept
        except (Problem, Refusal) as no:
            # Whatever was refused can be mended and asked again, with the same key too: nothing is kept.
            await tx.rollback()
            return (no if isinstance(no, Problem) else problems.refused(no)).answer(speaker)
        kept = f'{{"application":{who.application_id},"said":{made.model_dump_json()}}}'
        if operation.kind == "write":
            await say(tx, self._vault, who.tells, today=at.today, zone=self._clock.zone)
            facts = {"name": name, "at": now, "request": wanted, "status": operation.status, "answer": kept}
            await tx.execute(_KEEP, facts)
            await tx.commit()
        return Answer(operation.status, whole(operation, kept, self._vault, self._bot_username()))


def whole(operation: Operation, kept: str, vault: Vault, bot_username: str) -> str:
    """A kept answer with what is secret in it, the same each time."""
    head, _, said = kept.partition(',"said":')
    application_id, said = int(head.rpartition(":")[2]), said[:-1]
    if operation.answers is ApplicationOut:
        token = applicants.token_of(vault, application_id)
        return ApplicationOut.model_validate_json(said).model_copy(update={"token": token}).model_dump_json()
    if operation.answers is TakenOut:
        token, secret = applicants.handed_over(vault, application_id)
        link = f"https://t.me/{bot_username}?start={staff.LINK}_{token}"
        more = {"owner_link": link, "api_key": api_keys.whole(secret)}
        return TakenOut.model_validate_json(said).model_copy(update=more).model_dump_json()
    return said


def address_of(request: web.Request) -> str:
    """Where a request comes from: its peer, or whom a proxy on our own network says it speaks for, which is the last it adds.

    Of IPv6 the network of a household (/64) counts.
    """
    peer = request.remote or ""
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    said = told if told and not is_outside(peer) else peer
    try:
        at = ipaddress.ip_address(said.partition("%")[0])
    except ValueError:
        return peer
    if at.version == 6 and at.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(at), 64), strict=False))
    return str(at)
