"""A merchant's sandbox: everything works there as in life, and nothing of it reaches what is live."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

import chat.tables
import ledger.tables
from bot.doctor import examine
from bot.merchant_api import sandboxes
from bot.merchant_api.operations import OPERATIONS, SANDBOX
from bot.settings import load
from ledger.merchants import api_keys, webhooks
from ledger.points.audit import audit
from tests.bot.merchant_api.scene import EVERYTHING, Said, Scene, fresh, served, shop
from tests.bot.merchant_api.test_hooks import Receiver, system
from tests.bot.merchant_api.test_operations import BOX, FRESH, refund
from tests.conftest import Database

assert chat.tables.metadata is ledger.tables.metadata


class Trial:
    """The scene with a test key of the market's, and what it asks."""

    def __init__(self, scene: Scene, key: str) -> None:
        self.scene, self.key = scene, key
        self.member = ""

    async def ask(self, method: str, path: str, body: object = None, **how: object) -> Said:
        """One request with the test key."""
        return await self.scene.ask(method, path, body, **{"key": self.key, **how})  # type: ignore[arg-type]

    async def joins(self) -> str:
        """A member's reference."""
        said = await self.ask("POST", "/v1/sandbox/members", {"name": "测试一"})
        assert said.status == 201, said.text
        self.member = said.json["reference"]
        return self.member

    def purchase(self, amount_minor: int = 10_000, **more: object) -> dict[str, object]:
        """The body of a purchase of the sandbox's member."""
        return self.scene.purchase(amount_minor, **{"member": {"reference": self.member}, **more})

    async def buy(self, amount_minor: int = 10_000, **how: object) -> Said:
        """A purchase of the sandbox's member."""
        return await self.ask("POST", "/v1/purchases", self.purchase(amount_minor), **how)

    async def sql(self, statement: str) -> list[asyncpg.Record]:
        """Rows of the sandbox's own database."""
        connection = await asyncpg.connect(sandbox_of(self.scene))
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()


def sandbox_of(scene: Scene, merchant_id: int | None = None) -> str:
    """Where a sandbox is."""
    name = scene.database.name
    return scene.database.dsn.replace(f"/{name}", f"/{name}_sandbox_{merchant_id or scene.market.id}")


@asynccontextmanager
async def trial(database: Database, *, servers: int = 1) -> AsyncIterator[Trial]:
    """A test key of the market's, every scope; the sandboxes are dropped afterwards."""
    async with shop(database) as scene:
        _, key = await scene.new_key(*EVERYTHING, test=True)
        assert key.startswith("jt_")
        try:
            async with served(scene, inside=True) as first, served(scene, inside=True) as second:
                scene.addresses = [first, second][:servers]
                yield Trial(scene, key)
        finally:
            async with database.engine.connect() as tx:
                tx = await tx.execution_options(isolation_level="AUTOCOMMIT")
                made = await tx.exec_driver_sql(
                    f"SELECT datname FROM pg_database WHERE datname LIKE '{database.name}\\_sandbox\\_%'"
                )
                for (name,) in made.all():
                    await tx.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


async def fingerprint(database: Database) -> dict[str, str]:
    """Every table's rows and every sequence's place, as hashes: a row more, less or other shows."""
    found = {}
    async with database.engine.connect() as tx:
        for table in ledger.tables.metadata.sorted_tables:
            rows = await tx.exec_driver_sql(f'SELECT t::text AS row, xmin::text AS by FROM "{table.name}" t')
            told = sorted(f"{row.by} {row.row}" for row in rows)
            found[table.name] = f"{len(told)} {hashlib.sha256(chr(10).join(told).encode()).hexdigest()}"
        sequences = await tx.exec_driver_sql("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
        found |= {row.sequencename: str(row.last_value) for row in sequences}
    return found


async def test_everything_done_with_a_test_key_leaves_every_live_row_as_it_was(database: Database) -> None:
    async with trial(database) as tried, system() as receiver:
        scene = tried.scene
        await scene.ask("PUT", "/v1/catalog/tea-box", {"document": BOX})
        await scene.ask("PUT", "/v1/privileges/fresh", {"document": FRESH})
        await scene.buy()
        async with database.engine.begin() as tx:
            await webhooks.direct(
                tx, merchant_id=scene.market.id, url="https://live.example/", by="test", now=scene.now()
            )
        async with asyncio.timeout(10):
            while await scene.sql("SELECT 1 FROM receipt_due"):  # the live purchase's receipt is told right after it
                await asyncio.sleep(0.01)
        before = await fingerprint(database)
        assert len(before) > 70

        asked: list[tuple[str, str]] = []

        async def done(
            method: str, path: str, body: object = None, *, status: int = 200, at: str = "", **how: object
        ) -> Said:
            said = await tried.ask(method, path, body, **how)
            assert said.status == status, (path, said.text)
            asked.append((method, at or path))
            return said

        hook = await done("PUT", "/v1/sandbox/webhook", {"url": receiver.url})
        here = (await done("GET", "/v1/sandbox")).json
        assert (here["merchant"], here["ahead_days"], here["members"]) == ("market", 0, 0)
        tried.member = (await done("POST", "/v1/sandbox/members", {"name": "测试一"}, status=201)).json["reference"]
        card = (await done("POST", "/v1/sandbox/cards", {"member": {"reference": tried.member}}, status=201)).json[
            "card"
        ]
        found = await done("POST", "/v1/members:lookup", {"card": card})
        assert found.json == {"reference": tried.member, "display_name": "测试一"}
        assert (await done("POST", "/v1/quote", {"lines": [{"amount_minor": 10_000}]})).json["points"] == 100
        booked = (await done("POST", "/v1/purchases", tried.purchase(), status=201)).json
        assert booked["points"] == 100
        batch = {"purchases": [tried.purchase(50_000), tried.purchase(0)]}
        assert (await done("POST", "/v1/purchases:batch", batch)).json["booked"] == 1
        assert len((await done("GET", "/v1/purchases")).json["purchases"]) == 2
        await done("POST", "/v1/refunds", refund(scene, "all", of=booked["document"]), status=201)
        assert (await done("GET", "/v1/catalog")).json["offers"][0]["code"] == "tea-box"
        await done("PUT", "/v1/catalog/cup", {"document": BOX}, at="/v1/catalog/{code}")
        assert (await done("GET", "/v1/privileges")).json["privileges"][0]["code"] == "fresh"
        await done("PUT", "/v1/privileges/cup", {"document": FRESH}, at="/v1/privileges/{code}")
        assert (await done("GET", "/v1/fulfilments")).json == {"fulfilments": []}, "a sandbox has one merchant"
        path = "/v1/fulfilments/{code}"
        nobody = await done("PUT", "/v1/fulfilments/cup", {"agrees": True}, status=404, at=path)
        assert nobody.code == "not_asked"
        rule = {"document": {"kind": "base", "rate": "2"}, "valid_from": here["today"]}
        await done("PUT", "/v1/rules/market-two", rule, at="/v1/rules/{code}")
        rules = (await done("GET", "/v1/rules")).json["rules"]
        assert {(each["code"], each["state"]) for each in rules} == {
            ("market-base", "approved"),
            ("market-two", "approved"),
        }, "in a sandbox nobody has to approve"
        grant = {"activity": here["activity"], "member": {"reference": tried.member}}
        assert (await done("POST", "/v1/activity-grants", grant, status=201)).json["points"] == 20
        moved = (await done("POST", "/v1/sandbox/clock", {"days": 8})).json
        assert moved["ahead_days"] == 8
        redeemed = {"member": {"reference": tried.member}, "offer": "cup"}
        voucher = (await done("POST", "/v1/sandbox/vouchers", redeemed, status=201)).json
        assert voucher["points"] == 50
        assert (await done("POST", "/v1/vouchers:check", {"code": voucher["code"]})).json["state"] == "issued"
        [listed] = (await done("GET", "/v1/vouchers/offline")).json["vouchers"]
        assert voucher["code"].endswith(listed["tail"])
        assert (await done("POST", "/v1/vouchers:use", {"code": voucher["code"]})).json["state"] == "used"
        await done("POST", "/v1/sandbox/clock", {"days": 7})
        weeks = (await done("GET", "/v1/statements")).json["statements"]
        used = next(each for each in weeks if each["positions"])
        assert used["positions"][0]["points_own"] == 50
        lines = await done("GET", f"/v1/statements/{used['week']}", at="/v1/statements/{week}")
        assert lines.json["lines"][0]["offer"] == "礼盒"
        await done("GET", f"/v1/statements/{used['week']}/file", at="/v1/statements/{week}/file")

        table = {"raw": "顾客号\n10086\n".encode(), "headers": {"Content-Type": "text/csv"}}
        sent = await done("POST", "/v1/imports?kind=members", status=202, at="/v1/imports", **table)
        file = f"/v1/imports/{sent.json['id']}"
        assert (await done("GET", file, at="/v1/imports/{import}")).json["state"] == "tried"
        await done("POST", f"{file}:confirm", {}, at="/v1/imports/{import}:confirm")
        assert (await done("GET", file)).json["state"] == "done"
        assert (await done("GET", f"{file}/rows", at="/v1/imports/{import}/rows")).json["rows"][0]["claim_code"]
        await done("GET", f"{file}/report", at="/v1/imports/{import}/report")

        await told(receiver, {"redemption.used", "refund.applied", "statement.ready"})
        for headers, body in receiver.got:
            said = dict(part.split("=") for part in headers["Jifen-Signature"].split(","))
            assert said["v1"] == webhooks.signature(hook.json["secret"], int(said["t"]), body)
            assert json.loads(body)["test"] is True
        events = (await done("GET", "/v1/sandbox/events")).json["events"]
        assert {each["state"] for each in events} == {"sent"}
        event = events[-1]["id"]
        resent = await done("POST", f"/v1/sandbox/events/{event}:again", {}, at="/v1/sandbox/events/{event}:again")
        assert resent.json["state"] == "waiting"
        async with sandbox_adds_up(scene) as holds:
            assert holds
        await done("POST", "/v1/sandbox:reset", {})

        assert {(each.method, each.path) for each in OPERATIONS if not each.applies} <= set(asked)
        after = await fingerprint(database)
        assert {name for name in before if before[name] != after[name]} == set()
        assert (await scene.ask("GET", "/v1/purchases")).json["purchases"][0]["points"] == 100, "and live goes on"


async def told(receiver: Receiver, kinds: set[str]) -> None:
    """Wait until these have arrived."""
    for _ in range(100):
        if {json.loads(body)["event"] for _, body in receiver.got} >= kinds:
            return
        await asyncio.sleep(0.1)
    raise AssertionError([body for _, body in receiver.got])


@asynccontextmanager
async def sandbox_adds_up(scene: Scene) -> AsyncIterator[bool]:
    """The ledger's own audit of the sandbox."""
    engine = create_async_engine(sandbox_of(scene).replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with engine.connect() as tx:
            proof = await audit(tx)
        assert not proof.violations, proof.violations
        yield proof.holds
    finally:
        await engine.dispose()


async def test_a_live_key_reaches_nothing_of_the_sandbox(database: Database) -> None:
    async with trial(database) as tried:
        member = await tried.joins()
        for operation in SANDBOX:
            path = operation.path.replace("{event}", "1")
            said = await tried.scene.ask(operation.method, path, {}, language="en")
            assert (said.status, said.code) == (403, "test_key_needed"), operation
            assert "jt_" in said.json["detail"]
        booked = await tried.scene.buy(tried.scene.purchase(member={"reference": member}))
        assert (booked.status, booked.code) == (404, "no_such_member")
        there = await tried.ask("POST", "/v1/purchases", tried.scene.purchase())
        assert (there.status, there.code) == (404, "no_such_member")
        assert (await tried.buy()).status == 201
        assert await tried.scene.sql("SELECT count(*) FROM purchase") == [(0,)]


async def test_the_same_idempotency_rules_and_keys_of_its_own(database: Database) -> None:
    async with trial(database) as tried:
        await tried.joins()
        body, idem = tried.purchase(), fresh()
        live = tried.scene.purchase()
        assert (await tried.scene.buy(live, idem=idem)).status == 201
        first = await tried.ask("POST", "/v1/purchases", body, idem=idem)
        assert first.status == 201
        again = await tried.ask("POST", "/v1/purchases", body, idem=idem)
        assert again.text == first.text and again.headers["Idempotent-Replayed"] == "true"
        other = await tried.ask("POST", "/v1/purchases", tried.purchase(), idem=idem)
        assert (other.status, other.code) == (422, "idempotency_key_reused")
        assert (await tried.ask("POST", "/v1/purchases", body, idem=None)).code == "idempotency_key_needed"
        assert (await tried.ask("POST", "/v1/purchases", {**body, "lines": []})).code == "malformed"
        assert (await tried.buy(0)).code == "amount_must_be_positive"
        zh, en = [await tried.buy(0, language=each) for each in ("zh", "en")]
        assert zh.json["title"] != en.json["title"]


async def test_scopes_rotation_and_revocation_hold_for_test_keys(database: Database) -> None:
    async with trial(database, servers=2) as tried:
        scene = tried.scene
        known, vouchers = await scene.new_key("vouchers", test=True)
        assert (await scene.ask("GET", "/v1/purchases", key=vouchers)).code == "out_of_scope"
        assert (await scene.ask("GET", "/v1/sandbox", key=vouchers)).status == 200
        asked = {"merchant_id": scene.market.id, "key_id": known.id, "by": "test"}
        async with database.engine.begin() as tx:
            made, new = await api_keys.rotate(tx, **asked, secret="r" * 50, now=scene.now())
        assert made.test and new.startswith("jt_")
        for server in range(2):
            assert (await scene.ask("GET", "/v1/sandbox", key=new, server=server)).status == 200
            await scene.ask("POST", "/v1/sandbox/members", {}, key=new, server=server)
        async with database.engine.begin() as tx:
            await api_keys.revoke(tx, merchant_id=scene.market.id, key_id=made.id, by="test", now=scene.now())
        for server in range(2):
            assert (await scene.ask("GET", "/v1/sandbox", key=new, server=server)).status == 401
            assert (await scene.ask("POST", "/v1/sandbox/members", {}, key=new, server=server)).status == 401
        spoofed = tried.key.replace("jt_", "jf_")
        assert (await scene.ask("GET", "/v1/purchases", key=spoofed)).status == 401
        assert (await scene.ask("GET", "/v1/sandbox", key=scene.key.replace("jf_", "jt_"))).status == 401


async def test_the_clock_moves_forward_and_what_is_due_has_happened(database: Database) -> None:
    async with trial(database) as tried:
        await tried.joins()
        start = dt.date.fromisoformat((await tried.ask("GET", "/v1/sandbox")).json["today"])
        booked = await tried.buy()
        assert booked.json["available_on"] == str(start + dt.timedelta(days=7))
        redeemed = {"member": {"reference": tried.member}, "offer": "cup"}
        await tried.ask("PUT", "/v1/catalog/cup", {"document": BOX})
        assert (await tried.ask("POST", "/v1/sandbox/vouchers", redeemed)).status in (409, 422)
        until = str(start + dt.timedelta(days=7))
        idem = fresh()
        moved = await tried.ask("POST", "/v1/sandbox/clock", {"until": until}, idem=idem)
        assert (moved.json["today"], moved.json["ahead_days"]) == (until, 7)
        assert (await tried.ask("POST", "/v1/sandbox/clock", {"until": until}, idem=idem)).text == moved.text
        assert {row["state"] for row in await tried.sql("SELECT state FROM slot")} == {"done"}
        assert await tried.sql("SELECT 1 FROM slot WHERE job = 'release'")
        assert (await tried.ask("POST", "/v1/sandbox/vouchers", redeemed)).status == 201
        assert (await tried.buy()).json["available_on"] == str(start + dt.timedelta(days=14))
        back = await tried.ask("POST", "/v1/sandbox/clock", {"until": str(start)}, language="en")
        assert (back.status, back.code) == (422, "clock_goes_forward")
        for wrong in ({}, {"days": 1, "until": until}, {"days": 0}, {"days": 10_000}):
            assert (await tried.ask("POST", "/v1/sandbox/clock", wrong)).status in (400, 422), wrong
        assert await tried.scene.sql("SELECT count(*) FROM programme_clock") == [(0,)]


async def test_a_reset_begins_anew_on_every_server_with_the_rules_of_the_day(database: Database) -> None:
    async with trial(database, servers=2) as tried:
        old = await tried.joins()
        await tried.buy()
        await tried.ask("POST", "/v1/sandbox/clock", {"days": 30})
        assert (await tried.buy(server=1)).status == 201
        await tried.scene.sql("UPDATE programme SET document = document || '{\"rules_need_approval\": false}'")
        rule = {"document": {"kind": "base", "rate": "3"}, "valid_from": str(tried.scene.today())}
        assert (await tried.scene.ask("PUT", "/v1/rules/market-base", rule)).json["state"] == "approved"
        assert (await tried.ask("POST", "/v1/quote", {"lines": [{"amount_minor": 10_000}]})).json["points"] == 100

        idem = fresh()
        said = await tried.ask("POST", "/v1/sandbox:reset", {}, idem=idem)
        assert said.status == 200 and (said.json["ahead_days"], said.json["members"]) == (0, 0)
        for server in range(2):
            gone = await tried.ask("POST", "/v1/purchases", tried.purchase(), server=server)
            assert (gone.status, gone.code) == (404, "no_such_member"), "what was given out before is good for nothing"
            assert (await tried.ask("GET", "/v1/purchases", server=server)).json["purchases"] == []
        assert await tried.joins() != old
        for server in range(2):
            assert (await tried.buy(server=server)).json["points"] == 300
        assert (await tried.ask("POST", "/v1/sandbox:reset", {}, idem=idem)).text == said.text
        assert (await tried.ask("GET", "/v1/sandbox")).json["members"] == 1, "a retry resets nothing again"


async def test_two_merchants_have_two_sandboxes(database: Database) -> None:
    async with trial(database) as tried:
        member = await tried.joins()
        _, rail = await tried.scene.new_key(merchant=tried.scene.rail, test=True)
        here = await tried.ask("GET", "/v1/sandbox", key=rail)
        assert (here.json["merchant"], here.json["members"]) == ("rail", 0)
        said = await tried.ask("POST", "/v1/sandbox/cards", {"member": {"reference": member}}, key=rail)
        assert said.code == "no_such_member"


async def test_many_first_requests_at_once_make_one_sandbox(database: Database) -> None:
    async with trial(database, servers=2) as tried:
        said = await asyncio.gather(*(tried.ask("GET", "/v1/sandbox", server=n % 2) for n in range(6)))
        assert {each.status for each in said} == {200} and len({each.text for each in said}) == 1


async def test_a_full_sandbox_says_so_until_it_is_reset(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with trial(database) as tried:
        await tried.joins()
        monkeypatch.setattr("bot.merchant_api.sandboxes.SIZE_MOST", 1_000_000)
        monkeypatch.setattr("bot.merchant_api.sandboxes.SIZE_SECONDS", 0.0)
        said = await tried.buy(language="en")
        assert (said.status, said.code) == (409, "sandbox_full") and "sandbox:reset" in said.json["detail"]
        assert (await tried.ask("GET", "/v1/purchases")).status == 200
        assert (await tried.ask("POST", "/v1/sandbox:reset", {})).status == 200


def senders() -> set[asyncio.Task[object]]:
    """Who sends events in this process."""
    return {each for each in asyncio.all_tasks() if getattr(each.get_coro(), "__qualname__", "") == "Hooks.run"}


async def test_a_sandbox_dropped_under_way_is_made_anew(database: Database) -> None:
    before = senders()
    async with trial(database) as tried:
        await tried.joins()
        assert await sandboxes.drop(database.engine.url, tried.scene.market.id) is True
        assert await sandboxes.drop(database.engine.url, tried.scene.market.id) is False
        said = [await tried.ask("GET", "/v1/sandbox") for _ in range(3)]
        assert said[-1].status == 200 and {each.status for each in said} <= {200, 503}
        assert len(senders() - before) <= 1, "nobody goes on sending for the one that is gone"
    assert senders() <= before


async def test_events_that_fail_are_seen_and_sent_again(database: Database) -> None:
    async with trial(database) as tried, system() as receiver:
        await tried.joins()
        receiver.status = 500
        await tried.ask("PUT", "/v1/sandbox/webhook", {"url": receiver.url})
        booked = (await tried.buy()).json["document"]
        await tried.ask("POST", "/v1/refunds", refund(tried.scene, "all", of=booked))
        await told(receiver, {"refund.applied"})
        for _ in range(50):
            [event] = (await tried.ask("GET", "/v1/sandbox/events?state=waiting")).json["events"]
            if event["answer"]:
                break
            await asyncio.sleep(0.1)
        assert (event["tries"], event["answer"]) == (1, "500")
        receiver.status = 200
        assert (await tried.ask("POST", f"/v1/sandbox/events/{event['id']}:again", {})).json["tries"] == 0
        for _ in range(50):
            if (await tried.ask("GET", "/v1/sandbox/events?state=sent")).json["events"]:
                break
            await asyncio.sleep(0.1)
        assert len({body for _, body in receiver.got}) == 1 and len(receiver.got) == 2
        assert (await tried.ask("POST", "/v1/sandbox/events/999:again", {})).code == "no_such_event"
        wrong = await tried.ask("PUT", "/v1/sandbox/webhook", {"url": "ftp://shop.example"})
        assert wrong.code == "address_not_usable"


async def test_an_event_that_failed_goes_on_being_tried_when_a_rested_sandbox_is_used_again(database: Database) -> None:
    async with trial(database) as tried, system() as receiver:
        receiver.status = 500
        async with served(tried.scene, inside=True) as first:
            tried.scene.addresses = [first]
            await tried.joins()
            await tried.ask("PUT", "/v1/sandbox/webhook", {"url": receiver.url})
            booked = (await tried.buy()).json["document"]
            await tried.ask("POST", "/v1/refunds", refund(tried.scene, "all", of=booked))
            await told(receiver, {"refund.applied"})
        await tried.sql("UPDATE webhook_event SET due_at = now()")  # the ten seconds are over
        receiver.status, before = 200, len(receiver.got)
        await asyncio.sleep(1.5)
        assert len(receiver.got) == before, "it rests"
        async with served(tried.scene, inside=True) as second:
            tried.scene.addresses = [second]
            assert (await tried.ask("GET", "/v1/sandbox")).status == 200
            async with asyncio.timeout(30):
                while not await tried.sql("SELECT 1 FROM webhook_event WHERE state = 'sent'"):
                    await asyncio.sleep(0.05)
        assert len(receiver.got) == before + 1


async def test_without_the_right_to_make_databases_there_is_no_sandbox_and_the_doctor_says_so(
    database: Database, tmp_path: Path
) -> None:
    async with trial(database) as tried:
        plain = f"plain_{database.name}"
        keeper = await asyncpg.connect(database.dsn.replace("jifen:", "postgres:", 1))
        try:
            await keeper.execute(f"CREATE ROLE {plain} LOGIN PASSWORD 'plain'")
            await keeper.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {plain}")
            rest = database.url.partition("@")[2]
            tried.scene.database = replace(database, url=f"postgresql+asyncpg://{plain}:plain@{rest}")
            async with served(tried.scene) as address:
                tried.scene.addresses = [address]
                zh, en = [await tried.ask("GET", "/v1/sandbox", language=each) for each in ("zh", "en")]
                assert {(each.status, each.code) for each in (zh, en)} == {(503, "no_sandbox")}
                assert "CREATEDB" in zh.json["detail"] and "CREATEDB" in en.json["detail"]
                assert (await tried.scene.ask("GET", "/v1/purchases")).status == 200, "and live goes on"
            environ = {"DATA_DIR": str(tmp_path), "DATABASE_URL": tried.scene.database.url}
            told = {check.name: check async for check in examine(load(environ, env_file=None))}
            assert "CREATEDB" in told["商户沙箱 / merchants' sandboxes"].found
        finally:
            tried.scene.database = database
            await keeper.execute(f"DROP OWNED BY {plain}")
            await keeper.execute(f"DROP ROLE {plain}")
            await keeper.close()
