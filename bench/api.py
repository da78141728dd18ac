"""api.purchase, api.batch: the merchant API over HTTP, each request from its bytes to a committed accrual with lot, trace and key.

64 connections of a lean client (bytes made beforehand, answers read by their length) against a server process on the other
processor. Beside it, in turn on databases of their own:

    empty    an aiohttp endpoint that parses the same body with the same model and answers as much
    rows     the same, and has the same rows written by one SQL function for all that wait: nothing is read, locked or decided,
             so this is what the machine allows
    single   ours with a transaction for each request

Two workers are two such servers on one database, on all processors, which they share with it and with the clients. The p99 is
taken at half the load: requests leave on a schedule, whether or not the ones before are answered.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from bench.figures import Figure, beside
from bench.stage import Stage, fill
from ledger.earning import rulebook
from ledger.earning.rules.documents import Base
from ledger.members.reference import reference
from ledger.members.vault import Vault
from ledger.merchants import api_keys, guarantee
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Terms
from ledger.points.commands import Moment

MEMBERS = 20_000
COVER_MINOR = 10**12
CLIENTS = 64
ROUNDS = 3
REQUESTS = {"combined": 8_000, "single": 2_500, "empty": 12_000, "rows": 8_000}
BATCHES, BATCH_ROWS = 12, 1_000
LIMIT = "the rows alone, by one SQL function"

_numbers = itertools.count(1)


class Client:
    """One connection: sends bytes, waits for the answer's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**22))

    async def ask(self, request: bytes) -> int:
        """The status of the answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        at = head.lower().index(b"content-length:") + 15
        await self._reader.readexactly(int(head[at : head.index(b"\r", at)]))
        return int(head[9:12])

    def close(self) -> None:
        self._writer.close()


class Shop:
    """A merchant with a key and members, on a database of its own."""

    def __init__(self, url: str, name: str, secret: str, key: str, vault: Vault, merchant_id: int) -> None:
        self.url, self.name, self.secret, self.key = url, name, secret, key
        self._vault, self._merchant_id = vault, merchant_id

    def _row(self) -> dict[str, object]:
        number = next(_numbers)
        return {
            "document": f"bench-{number}",
            "member": {"reference": reference(self._vault, self._merchant_id, number % MEMBERS + 1)},
            "lines": [{"amount_minor": 9_900, "category": "grocery"}, {"amount_minor": 2_400, "category": "fruit"}],
            "occurred_at": dt.datetime.now(dt.UTC).isoformat(),
        }

    def _request(self, path: str, body: object) -> bytes:
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.key}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {next(_numbers)}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    def purchases(self, count: int) -> list[bytes]:
        """Requests for one purchase each."""
        return [self._request("/v1/purchases", self._row()) for _ in range(count)]

    def batches(self, count: int) -> list[bytes]:
        """Requests for a thousand."""
        return [
            self._request("/v1/purchases:batch", {"purchases": [self._row() for _ in range(BATCH_ROWS)]})
            for _ in range(count)
        ]


async def _open(stage: Stage) -> Shop:
    name = await stage.database()
    connection = await asyncpg.connect(stage.server.dsn_of(name))
    await fill(connection, members=MEMBERS, lots=2, points=1_000, expires=None)
    await connection.execute(
        "INSERT INTO member (id, status, joined_on) OVERRIDING SYSTEM VALUE"
        f" SELECT m, 'active', '2026-01-01' FROM generate_series(1, {MEMBERS}) m"
    )
    url, secret = stage.server.url_of(name), secrets.token_hex(24)
    engine = create_async_engine(url)
    async with engine.begin() as tx:
        shop = await merchants.create(
            tx, code="bench", name_zh="云山超市", name_en="Cloudhill Market", category="grocery", terms=Terms()
        )
        now = dt.datetime.now(dt.UTC)
        await guarantee.set_limit(tx, shop.id, COVER_MINOR, actor="bench", at=Moment(now, now.date()))
        await rulebook.publish(
            tx, code="bench-base", merchant_id=shop.id, rule=Base(rate=Decimal(1)), valid_from=dt.date(2026, 1, 1),
            made_by="bench", at=now,
        )  # fmt: skip
        _, key = await api_keys.create(
            tx, merchant_id=shop.id, label="bench", scopes=["award"], secret=secrets.token_urlsafe(40), by="bench", now=now,
            per_minute=10_000_000,
        )  # fmt: skip
    await engine.dispose()
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return Shop(url, name, secret, key, Vault(secret, lambda n: bytes(n)), shop.id)


@asynccontextmanager
async def _served(kind: str, shop: Shop, *, pinned: bool = True) -> AsyncIterator[int]:
    """The port of a server process, on one processor or on all that there are."""
    count = os.cpu_count() or 1
    pin = ["taskset", "-c", "0" if pinned else f"0-{count - 1}"] if count > 1 else []
    command = [*pin, sys.executable, "-m", "bench.api_server", kind, shop.url, shop.secret]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield int(await asyncio.to_thread(process.stdout.readline))
    finally:
        process.kill()
        process.wait()


async def _at_once(port: int | Sequence[int], work: Sequence[bytes], clients: int, status: int) -> float:
    """Requests per second of so many clients that share the work, on one server or spread over several."""
    queue, ports = iter(work), [port] if isinstance(port, int) else port

    async def one(number: int) -> None:
        client = await Client.open(ports[number % len(ports)])
        for request in queue:
            if (said := await client.ask(request)) != status:
                raise RuntimeError(f"answered {said}")
        client.close()

    began = time.perf_counter()
    await asyncio.gather(*map(one, range(clients)))
    return len(work) / (time.perf_counter() - began)


async def _on_schedule(port: int, work: Sequence[bytes], per_second: float) -> float:
    """The 99th percentile of the answers' times in ms, when requests leave evenly at this rate."""
    free = [await Client.open(port) for _ in range(CLIENTS)]
    idle: asyncio.Queue[Client] = asyncio.Queue()
    for client in free:
        idle.put_nowait(client)
    seconds: list[float] = []
    began = time.perf_counter()

    async def one(due: float, request: bytes) -> None:
        client = await idle.get()
        await client.ask(request)
        seconds.append(time.perf_counter() - began - due)
        idle.put_nowait(client)

    sent = []
    for number, request in enumerate(work):
        due = number / per_second
        if (wait := due - (time.perf_counter() - began)) > 0:
            await asyncio.sleep(wait)
        sent.append(asyncio.create_task(one(due, request)))
    await asyncio.gather(*sent)
    for client in free:
        client.close()
    return statistics.quantiles(seconds, n=100)[98] * 1000


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """The figures of the merchant API."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    figures: list[Figure] = []
    if any(map(wanted, ("api.purchase", "api.purchase.limit", "api.purchase.vs_single", "api.purchase.p99_ms"))):
        figures += await _purchases(stage)
    if any(map(wanted, ("api.batch", "api.batch.limit", "api.batch.two_workers"))):
        figures += await _batches(stage)
    return figures


async def _purchases(stage: Stage) -> list[Figure]:
    rates: dict[str, list[float]] = {kind: [] for kind in REQUESTS}
    p99: list[float] = []
    for _ in range(ROUNDS):
        for kind, count in REQUESTS.items():
            shop = await _open(stage)
            async with _served(kind, shop) as port:
                await _at_once(port, shop.purchases(500), CLIENTS, 201)
                rates[kind].append(await _at_once(port, shop.purchases(count), CLIENTS, 201))
                if kind == "combined":
                    half = rates[kind][-1] / 2
                    p99.append(await _on_schedule(port, shop.purchases(int(half * 3)), half))
            await stage.drop(shop.name)
    ours = rates["combined"]
    return [
        beside("api.purchase", "requests/s", ours, "empty aiohttp endpoint", rates["empty"], wanted="≥ 0.5"),
        beside("api.purchase.limit", "requests/s", ours, LIMIT, rates["rows"]),
        beside("api.purchase.vs_single", "requests/s", ours, "a transaction each", rates["single"], wanted="≥ 2"),
        beside("api.purchase.p99_ms", "ms", p99, "60 ms, at half the load", [60.0] * ROUNDS, wanted="≤ 1"),
    ]


async def _batches(stage: Stage) -> list[Figure]:
    rates: dict[str, list[float]] = {"combined": [], "empty": [], "rows": []}
    two_workers: list[float] = []
    for _ in range(ROUNDS):
        for kind, found in rates.items():
            shop = await _open(stage)
            async with _served(kind, shop) as port:
                await _at_once(port, shop.batches(1), 1, 200)
                found.append(BATCH_ROWS * await _at_once(port, shop.batches(BATCHES), 2, 200))
            await stage.drop(shop.name)
        shop = await _open(stage)
        async with _served("combined", shop, pinned=False) as one, _served("combined", shop, pinned=False) as other:
            await _at_once([one, other], shop.batches(2), 2, 200)
            two_workers.append(BATCH_ROWS * await _at_once([one, other], shop.batches(2 * BATCHES), 4, 200))
        await stage.drop(shop.name)
    ours = rates["combined"]
    return [
        beside("api.batch", "purchases/s", ours, "empty aiohttp endpoint", rates["empty"], wanted="≥ 10,000/s"),
        beside("api.batch.two_workers", "purchases/s", two_workers, "one worker", ours, wanted="value ≥ 10,000"),
        beside("api.batch.limit", "purchases/s", ours, LIMIT, rates["rows"]),
    ]
