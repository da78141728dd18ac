"""Events to merchants' systems: signed, sent after the commit, tried again, set aside, and never sent inside."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, TCPConnector, web

from bot.clock import Clock
from bot.merchant_api.hooks import WAITS, Hooks, Outside, is_outside
from ledger.merchants import webhooks
from ledger.merchants.webhooks import AddressNotUsable, NoSuchEvent, NoWebhook, Webhook
from tests import turns
from tests.bot.merchant_api.scene import Scene, fresh, shop
from tests.bot.merchant_api.test_operations import refund, voucher
from tests.conftest import Database


@dataclass
class Receiver:
    """A merchant's system: what it was sent, and how it answers."""

    url: str = ""
    status: int = 200
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(
            status=self.status, headers={"Location": "http://127.0.0.1:1/"} if self.status == 302 else None
        )


@asynccontextmanager
async def system() -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hooks", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def receiving(scene: Scene) -> AsyncIterator[Receiver]:
    """A receiver, and the market's events directed to it."""
    async with system() as receiver:
        async with scene.database.engine.begin() as tx:
            await webhooks.direct(tx, merchant_id=scene.market.id, url=receiver.url, by="test", now=scene.now())
        yield receiver


async def emit(scene: Scene, key: str | None = None) -> None:
    """Something happened."""
    async with scene.database.engine.begin() as tx:
        await webhooks.emit(
            tx,
            scene.market.id,
            "refund.applied",
            key=key or fresh("event"),
            facts={"document": "退货1"},
            now=scene.now(),
        )


async def send(scene: Scene, *, inside: bool = True) -> int:
    """Send what is due, once; how many there were."""
    hooks = Hooks(scene.database.engine, scene.vault, Clock(turns.ZONE, scene.now), inside=inside)
    connector = None if inside else TCPConnector(resolver=Outside())
    async with ClientSession(connector=connector) as session:
        return await hooks.send_due(session)


async def states(scene: Scene) -> list[tuple[str, int, str | None]]:
    """State, tries and answer of every event."""
    return [tuple(row) for row in await scene.sql("SELECT state, tries, answer FROM webhook_event ORDER BY id")]


async def test_a_used_voucher_and_a_refund_are_told_signed(database: Database) -> None:
    async with shop(database) as scene, receiving(scene) as receiver:
        assert (await scene.ask("POST", "/v1/vouchers:use", {"code": await voucher(scene)})).status == 200
        of = (await scene.buy()).json["document"]
        back = refund(scene, "all", of=of)
        assert (await scene.ask("POST", "/v1/refunds", back)).status == 201
        assert await send(scene) == 2
        kinds = []
        async with database.engine.connect() as tx:
            hook = await webhooks.of_merchant(tx, scene.market.id)
        assert hook is not None
        for headers, body in receiver.got:
            said = dict(part.split("=") for part in headers["Jifen-Signature"].split(","))
            assert said["v1"] == webhooks.signature(webhooks.secret(scene.vault, hook), int(said["t"]), body)
            assert abs(int(said["t"]) - scene.now().timestamp()) < 60
            kinds.append(json.loads(body)["event"])
        assert sorted(kinds) == ["redemption.used", "refund.applied"]
        told = {json.loads(body)["event"]: json.loads(body)["data"] for _, body in receiver.got}
        assert told["refund.applied"]["document"] == back["document"] and told["refund.applied"]["points"] == 100
        assert told["redemption.used"]["till"] == "收银系统"
        assert [state for state, _, _ in await states(scene)] == ["sent", "sent"]
        assert await send(scene) == 0


async def test_what_was_rolled_back_and_what_nobody_listens_to_is_not_told(database: Database) -> None:
    async with shop(database) as scene:
        await emit(scene)
        assert await states(scene) == []
        async with receiving(scene):
            with pytest.raises(RuntimeError):
                async with database.engine.begin() as tx:
                    await webhooks.emit(tx, scene.market.id, "refund.applied", key="x", facts={}, now=scene.now())
                    raise RuntimeError
            await emit(scene, "once")
            await emit(scene, "once")
            assert await states(scene) == [("waiting", 0, None)]


async def test_a_failing_receiver_is_tried_later_and_later_then_the_event_is_set_aside_and_can_be_sent_again(
    database: Database,
) -> None:
    async with shop(database) as scene, receiving(scene) as receiver:
        await emit(scene)
        receiver.status = 500
        for n, wait in enumerate(WAITS):
            assert await send(scene) == 1
            assert await states(scene) == [("waiting", n + 1, "500")]
            assert await send(scene) == 0
            scene.offset += dt.timedelta(seconds=wait + 1)
        assert await send(scene) == 1
        assert await states(scene) == [("dead", len(WAITS) + 1, "500")]
        async with database.engine.begin() as tx:
            assert await webhooks.dead_count(tx, scene.market.id) == 1
            [dead] = await webhooks.events(tx, scene.market.id, state="dead")
            with pytest.raises(NoSuchEvent):
                await webhooks.again(tx, scene.market.id, dead.id + 1, now=scene.now())
            with pytest.raises(NoWebhook):
                await webhooks.again(tx, scene.rail.id, dead.id, now=scene.now())
            await webhooks.again(tx, scene.market.id, dead.id, now=scene.now())
        receiver.status = 204
        assert await send(scene) == 1
        assert await states(scene) == [("sent", 1, "204")]
        assert len({body for _, body in receiver.got}) == 1


async def test_two_senders_send_an_event_once_and_a_dead_senders_lease_ends(database: Database) -> None:
    async with shop(database) as scene, receiving(scene) as receiver:
        for _ in range(6):
            await emit(scene)
        assert sum(await asyncio.gather(send(scene), send(scene))) == 6 and len(receiver.got) == 6
        await emit(scene)
        await scene.sql("UPDATE webhook_event SET lease_until = now() + interval '20 seconds' WHERE state = 'waiting'")
        assert await send(scene) == 0
        scene.offset = dt.timedelta(seconds=40)
        assert await send(scene) == 1


async def test_redirects_are_not_followed(database: Database) -> None:
    async with shop(database) as scene, receiving(scene) as receiver:
        receiver.status = 302
        await emit(scene)
        await send(scene)
        assert await states(scene) == [("waiting", 1, "302")]


async def test_nothing_is_sent_to_our_own_network(database: Database) -> None:
    async with shop(database) as scene, receiving(scene) as receiver:
        port = receiver.url.rpartition(":")[2]
        urls = [receiver.url, f"https://127.0.0.1:{port}", f"https://localhost:{port}", f"https://[::1]:{port}"]
        urls += [f"https://[::ffff:127.0.0.1]:{port}", f"https://2130706433:{port}", "https://169.254.169.254/latest"]
        for url in urls:
            async with database.engine.begin() as tx:
                await webhooks.direct(tx, merchant_id=scene.market.id, url=url, by="test", now=scene.now())
            await emit(scene)
            assert await send(scene, inside=False) == 1
            [(state, _, answer)] = [each for each in await states(scene)][-1:]
            assert state == "waiting" and answer in ("not a public https address", "InvalidUrlClientError"), url
        assert receiver.got == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "::1",
     "fe80::1", "fc00::1", "::ffff:10.0.0.1", "2002:7f00:1::", "not an address"],
)  # fmt: skip
def test_addresses_of_private_and_special_networks_are_inside(address: str) -> None:
    assert not is_outside(address)


def test_public_addresses_are_outside() -> None:
    assert is_outside("93.184.216.34") and is_outside("2606:2800:220:1:248:1893:25c8:1946")


async def test_an_address_is_http_without_a_user(database: Database) -> None:
    async with shop(database) as scene, database.engine.begin() as tx:
        for url in ("", "shop.example", "ftp://shop.example", "https://", "https://u:p@shop.example", "https://a.example/#x",
                    "https://a.example:99999/", "https://" + "a" * 600):  # fmt: skip
            with pytest.raises(AddressNotUsable):
                await webhooks.direct(tx, merchant_id=scene.market.id, url=url, by="test", now=scene.now())


def test_each_generation_and_each_merchant_has_a_secret_of_its_own() -> None:
    vault = turns.vault()
    secrets = {webhooks.secret(vault, Webhook(m, "https://a.example", g)) for m in (1, 2) for g in (1, 2)}
    assert len(secrets) == 4
