"""A shop that is asked over HTTP: a certified merchant with one point per yuan, a member, keys, and the server before them."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiohttp import ClientSession, web
from sqlalchemy import text

from bot.clock import Clock
from bot.engines import engines
from bot.merchant_api.server import MerchantApi
from ledger.earning import rulebook
from ledger.earning.rules.documents import Base
from ledger.members import card
from ledger.members.reference import reference
from ledger.merchants import api_keys
from ledger.merchants.api_keys import SCOPES, ApiKey
from ledger.merchants.merchant import Merchant
from ledger.points.audit import audit
from tests import turns
from tests.conftest import Database
from tests.driver import _log_plainly, coalition

_numbers = itertools.count(1)

EVERYTHING = tuple(scope for scope in SCOPES if scope != "history")


def fresh(kind: str = "k") -> str:
    """An Idempotency-Key, a document: something not said before."""
    return f"{kind}-{next(_numbers)}"


def secret() -> str:
    """A key's random part, of a counter."""
    number = next(_numbers)
    return f"s{number:07d}" + f"{number:040d}"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: status, headers, the text and what it says."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """Of a problem."""
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        assert self.json["status"] == self.status
        return self.json["code"]


class Scene:
    """The shop «market», its rival «rail», a member with a card, and servers on one database."""

    def __init__(self, database: Database, market: Merchant, rail: Merchant, member_id: int) -> None:
        self.database = database
        self.market, self.rail, self.member_id = market, rail, member_id
        self.vault = turns.vault()
        self.offset = dt.timedelta(0)
        self.addresses: list[str] = []
        self.key = ""
        self.known: ApiKey
        self.session: ClientSession

    def now(self) -> dt.datetime:
        """What the servers take for the present."""
        return dt.datetime.now(dt.UTC) + self.offset

    def today(self) -> dt.date:
        """The programme's day at that moment."""
        return self.now().astimezone(turns.ZONE).date()

    @property
    def reference(self) -> str:
        """The member, as the market names them."""
        return reference(self.vault, self.market.id, self.member_id)

    async def new_key(self, *scopes: str, merchant: Merchant | None = None, **more: Any) -> tuple[ApiKey, str]:
        """A key of the market's."""
        async with self.database.engine.begin() as tx:
            return await api_keys.create(
                tx, merchant_id=(merchant or self.market).id, label="收银系统", scopes=scopes or EVERYTHING, secret=secret(),
                by="test", now=self.now(), **more,
            )  # fmt: skip

    async def card(self, seconds: int = 60) -> str:
        """A code that the member shows."""
        async with self.database.engine.begin() as tx:
            made = await card.issue(tx, self.member_id, seed=fresh("card"), seconds=seconds, now=self.now())
        return made.code

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run one statement, committed; its rows."""
        async with self.database.engine.begin() as tx:
            found = await tx.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    async def holds(self) -> bool:
        """Whether the ledger adds up."""
        async with self.database.engine.connect() as tx:
            proof = await audit(tx)
        assert not proof.violations, proof.violations
        return proof.holds

    # -- asking

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        idem: str | None = "new",
        language: str = "zh",
        server: int = 0,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Said:
        """One request. `idem`: «new» for a fresh Idempotency-Key; None for none."""
        sent = {"Authorization": f"Bearer {self.key if key is None else key}", "Accept-Language": language}
        if body is not None or raw is not None:
            sent["Content-Type"] = "application/json"
        if idem is not None and method != "GET":
            sent["Idempotency-Key"] = fresh() if idem == "new" else idem
        data = (
            io.BytesIO(raw)
            if raw is not None
            else None
            if body is None
            else json.dumps(body, ensure_ascii=False).encode()
        )
        url = self.addresses[server] + path
        async with self.session.request(method, url, data=data, headers={**sent, **(headers or {})}) as answer:
            return Said(answer.status, answer.headers, await answer.text())

    def purchase(self, amount_minor: int = 10_000, **more: Any) -> dict[str, Any]:
        """The body of a purchase."""
        body: dict[str, Any] = {
            "document": fresh("doc"),
            "member": {"reference": self.reference},
            "lines": [{"amount_minor": amount_minor}],
            "occurred_at": self.now().isoformat(),
        }
        return {**body, **more}

    async def buy(self, body: dict[str, Any] | None = None, **how: Any) -> Said:
        """Book a purchase."""
        return await self.ask("POST", "/v1/purchases", body if body is not None else self.purchase(), **how)


async def _set_up(database: Database) -> Scene:
    async with database.engine.begin() as tx:
        await coalition(tx)
        market, rail = [await turns.merchants.by_code(tx, code) for code in ("market", "rail")]
        for merchant in (market, rail):
            await rulebook.publish(
                tx, code=f"{merchant.code}-base", merchant_id=merchant.id, rule=Base(rate=Decimal(1)),
                valid_from=dt.date(2000, 1, 1), made_by="test", at=turns.NOW,
            )  # fmt: skip
        member = await turns.joined(tx)
    scene = Scene(database, market, rail, member.id)
    scene.known, scene.key = await scene.new_key()
    return scene


@asynccontextmanager
async def shop(database: Database, *, servers: int = 1) -> AsyncIterator[Scene]:
    """A scene with so many processes' worth of servers."""
    _log_plainly()
    scene = await _set_up(database)
    async with AsyncExitStack() as stack:
        scene.session = await stack.enter_async_context(ClientSession())
        for _ in range(servers):
            scene.addresses.append(await stack.enter_async_context(served(scene)))
        yield scene


@asynccontextmanager
async def served(scene: Scene, **how: Any) -> AsyncIterator[str]:
    """A server of its own on the scene's database; its address."""
    pools = engines(scene.database.url, 12)
    try:
        async with MerchantApi(pools, scene.vault, Clock(turns.ZONE, scene.now), **how) as api:
            app = web.Application()
            api.add_to(app)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            try:
                yield f"http://{host}:{port}"
            finally:
                await runner.cleanup()
    finally:
        await pools.dispose()
