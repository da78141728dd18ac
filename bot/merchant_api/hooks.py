"""Telling merchants' systems what happened: claim, commit, send, mark.

An event is said at least once: whoever receives it knows it again by its key. A try that fails is made again after 10 seconds, a
minute, ten minutes, an hour, six hours; then the event is set aside, and its merchant can send it again from the chat.

Nobody can be made to talk to machines of our own network: addresses are https, lead outside, and are looked at when the connection
is made, not before, so that a name can't change in between; redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from bot import failures
from bot.clock import Clock
from ledger.members.vault import Vault
from ledger.merchants import webhooks
from ledger.merchants.webhooks import Webhook

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
SEND_SECONDS_MAX = 10.0
LEASE_SECONDS = 30.0
CLAIM_MOST = 20
WAITS = (10, 60, 600, 3_600, 21_600)
"""Seconds before each further try."""
ANSWER_CHARACTERS_MAX = 200

SIGNATURE_HEADER = "Jifen-Signature"
EVENT_HEADER = "Jifen-Event"

_CLAIM = text(
    """
    UPDATE webhook_event e SET lease_until = CAST(:now AS timestamptz) + make_interval(secs => :lease), tries = e.tries + 1
    FROM (
        SELECT id FROM webhook_event
        WHERE state = 'waiting' AND due_at <= :now AND (lease_until IS NULL OR lease_until < :now)
          AND EXISTS (SELECT FROM webhook h WHERE h.merchant_id = webhook_event.merchant_id)
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
    ) mine JOIN webhook_event w ON w.id = mine.id JOIN webhook h ON h.merchant_id = w.merchant_id
    WHERE e.id = mine.id RETURNING e.id, e.merchant_id, e.body, e.tries, h.url, h.generation
    """
)
_MARK = text(
    "UPDATE webhook_event SET state = :state, answer = :answer, lease_until = NULL,"
    " due_at = CAST(:now AS timestamptz) + make_interval(secs => :wait),"
    " sent_at = CASE WHEN :state = 'sent' THEN CAST(:now AS timestamptz) ELSE sent_at END WHERE id = :id"
)


class Inside(OSError):
    """The address leads to this machine or its network."""


@dataclass(frozen=True, slots=True)
class _Sending:
    id: int
    hook: Webhook
    body: bytes
    tries: int


class Outside(AbstractResolver):
    """Looks names up, and gives only addresses that anybody on the internet could mean."""

    def __init__(self) -> None:
        self._names = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """`Inside` where a name leads nowhere else."""
        found = [each for each in await self._names.resolve(host, port, family) if is_outside(each["host"])]
        if not found:
            raise Inside(host)
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._names.close()


def is_outside(address: str) -> bool:
    """Whether an IP address is somebody's on the internet: no loopback, private, link-local or otherwise special one."""
    try:
        at = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(at, "ipv4_mapped", None) or getattr(at, "sixtofour", None)
    return at.is_global and not at.is_multicast and (inner is None or (inner.is_global and not inner.is_multicast))


class Hooks:
    """Sends events while it runs. `inside` allows http and addresses of our own network: for tests and private networks."""

    def __init__(self, engine: AsyncEngine, vault: Vault, clock: Clock, *, inside: bool = False) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._inside = inside

    async def run(self) -> None:
        """Send what is due, again and again, until cancelled."""
        resolver: AbstractResolver = ThreadedResolver() if self._inside else Outside()
        async with ClientSession(
            connector=TCPConnector(resolver=resolver, limit=CLAIM_MOST, use_dns_cache=False),
            timeout=ClientTimeout(total=SEND_SECONDS_MAX),
            cookie_jar=DummyCookieJar(),
            trust_env=False,
        ) as session:
            while True:
                try:
                    while await self.send_due(session):
                        pass
                except Exception as error:
                    failures.log_round(log, "webhooks_wait", error)
                await asyncio.sleep(LOOK_SECONDS)

    async def send_due(self, session: ClientSession) -> int:
        """Send one portion of what is due; how many there were."""
        now = self._clock.now()
        asked = {"now": now, "lease": LEASE_SECONDS, "most": CLAIM_MOST}
        async with self._engine.begin() as tx:
            rows = (await tx.execute(_CLAIM, asked)).all()
        sending = [
            _Sending(row.id, Webhook(row.merchant_id, row.url, row.generation), row.body.encode(), row.tries)
            for row in rows
        ]
        answers = await asyncio.gather(*(self._send(session, each) for each in sending))
        marks = [self._mark(each, *answer) for each, answer in zip(sending, answers, strict=True)]
        if marks:
            async with self._engine.begin() as tx:
                await tx.execute(_MARK, [{**mark, "now": self._clock.now()} for mark in marks])
        return len(rows)

    def _mark(self, sent: _Sending, done: bool, answer: str) -> dict[str, Any]:
        if done:
            return {"id": sent.id, "state": "sent", "answer": answer, "wait": 0}
        if sent.tries > len(WAITS):
            log.warning("webhook_dead", event_id=sent.id, merchant_id=sent.hook.merchant_id)
            return {"id": sent.id, "state": "dead", "answer": answer, "wait": 0}
        return {"id": sent.id, "state": "waiting", "answer": answer, "wait": WAITS[sent.tries - 1]}

    async def _send(self, session: ClientSession, sending: _Sending) -> tuple[bool, str]:
        """Whether it arrived, and what was answered."""
        url = URL(sending.hook.url)
        try:
            self._check(url)
            at = int(time.time())
            signed = webhooks.signature(webhooks.secret(self._vault, sending.hook), at, sending.body)
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "Jifen",
                EVENT_HEADER: str(sending.id),
                SIGNATURE_HEADER: f"t={at},v1={signed}",
            }
            async with session.post(url, data=sending.body, headers=headers, allow_redirects=False) as answer:
                return 200 <= answer.status < 300, str(answer.status)
        except TimeoutError:
            return False, f"no answer within {SEND_SECONDS_MAX:g} s"
        except (ClientError, OSError, ValueError) as error:
            cause = error.__cause__ or error
            said = "not a public https address" if isinstance(cause, Inside) else type(error).__name__
            return False, said[:ANSWER_CHARACTERS_MAX]

    def _check(self, url: URL) -> None:
        """`Inside` unless the address may be asked; names are judged when they are looked up."""
        if self._inside:
            return
        try:
            outside = is_outside(str(ipaddress.ip_address(url.host or "")))
        except ValueError:
            outside = True  # a name
        if url.scheme != "https" or not outside:
            raise Inside(url.host)
