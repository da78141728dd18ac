"""A week that the duty closed, over the API: what it came to, its lines and its files — the very files that the chat hands over."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest
from aiohttp import ClientSession
from openpyxl import load_workbook

from bot import leads
from bot.clock import Clock
from bot.double.double import Person
from bot.timetable import Timetable, discover
from ledger.earning import rulebook
from ledger.earning.rules.documents import Base
from ledger.members.member import Member
from ledger.members.reference import reference
from ledger.merchants import merchant as merchants
from ledger.merchants import webhooks
from ledger.redeeming import codes, redemptions, shelf
from tests import turns
from tests.bot.merchant_api.scene import Said, Scene, fresh, served
from tests.bot.merchant_api.test_hooks import send, system
from tests.conftest import Database
from tests.driver import World
from tests.handlers import shop
from tests.handlers.at import bot_then
from tests.handlers.settled import moment, opens, runs_the_programme, works

WEEK = "2026-11-30"
_codes = itertools.count(1)


@dataclass
class Week:
    """Who is there: the customer, who runs the supermarket and the fruit shop, an operator; keys by merchant."""

    world: World
    scene: Scene
    keys: dict[str, str]
    owner: Person
    manager: Person
    operator: Person

    async def ask(self, merchant: str, path: str, language: str = "zh") -> Said:
        """A read with a merchant's key."""
        return await self.scene.ask("GET", path, key=self.keys[merchant], language=language)

    async def file(self, merchant: str, kind: str, language: str = "zh") -> tuple[bytes, str]:
        """A statement as a file, and how it is called."""
        url = f"{self.scene.addresses[0]}/v1/statements/{WEEK}/file?format={kind}"
        headers = {"Authorization": f"Bearer {self.keys[merchant]}", "Accept-Language": language}
        async with self.scene.session.get(url, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read(), answer.headers["Content-Disposition"]

    async def chats_file(self, who: Person, merchant_id: int, kind: str) -> bytes:
        """The same from the chat."""
        await who.says("/start")
        await self.world.settled()
        await opens(who, f"settlement:file:{merchant_id}:{WEEK}:{kind}")
        await self.world.settled()
        content = who.last.document
        assert content is not None, who.transcript()
        return content


async def redeemed(world: World, who: Person, offer: str, days: int) -> str:
    """The code of a voucher that somebody redeemed."""
    code = codes.mint(bytes([next(_codes)] * 24))
    async with world.database.engine.begin() as tx:
        (offer_id,) = (await tx.exec_driver_sql(f"SELECT id FROM offer WHERE code = '{offer}'")).one()
        member = await shop.member_id(world, who)
        listed = await shelf.one(tx, offer_id)
        await redemptions.redeem(
            tx, Member(member, "active"), offer_id, amount=1, version=listed.version,
            points=listed.offer.price.quote(1).points, nonce=fresh("n"), code=code, vault=world.vault, undo_minutes=10,
            at=moment(world, days), actor=f"member:{member}",
        )  # fmt: skip
    return code


async def duties_run(world: World) -> None:
    """What falls due by the programme's clock is done, as the leading process does it."""
    async with world.database.engine.begin() as tx:
        lease = await leads.take(tx, "jobs", "test", 60)
    assert lease is not None
    table = Timetable(world.database.engine, world.vault, Clock(turns.ZONE, world.now), discover())
    await table.catch_up(lease)
    await world.settled()


@asynccontextmanager
async def closed_week(database: Database, language: str = "zh-hans") -> AsyncIterator[Week]:
    """Purchases at three shops over the API; points of the supermarket spent at the fruit shop, of the railway at the railway;
    then Monday comes."""
    async with bot_then(database, setup=shop.shop) as world, ClientSession() as session:
        customer, owner, manager, operator = [
            await world.member(name, language) for name in ("小明", "王店长", "鲜果店长", "林运营")
        ]
        await works(world, owner, "market", "owner")
        await works(world, manager, "fruit", "manager")
        await runs_the_programme(world, operator)
        await world.sql("UPDATE programme SET document = document || '{\"clearing_fee_bp\": 100}'")
        async with database.engine.begin() as tx:
            found = {code: await merchants.by_code(tx, code) for code in ("market", "rail", "fruit")}
            for code, each in found.items():
                await rulebook.publish(
                    tx, code=f"{code}-base", merchant_id=each.id, rule=Base(rate=Decimal(1)),
                    valid_from=dt.date(2000, 1, 1), made_by="test", at=turns.NOW,
                )  # fmt: skip
        member_id = await shop.member_id(world, customer)
        scene = Scene(database, found["market"], found["rail"], member_id)
        scene.vault, scene.offset, scene.session = world.vault, world.wall_offset, session
        async with database.engine.begin() as tx:
            await webhooks.direct(
                tx, merchant_id=scene.market.id, url="https://shop.example/", by="test", now=scene.now()
            )
        keys = {code: (await scene.new_key(merchant=each))[1] for code, each in found.items()}
        async with served(scene) as address:
            scene.addresses = [address]
            for code, amount in (("market", 100_000), ("rail", 120_000), ("fruit", 5_000)):
                who = {"reference": reference(world.vault, found[code].id, member_id)}
                said = await scene.buy(scene.purchase(amount, member=who), key=keys[code])
                assert said.status == 201, said.text
            await world.clock.move(8)
            await duties_run(world)
            for offer, code in (("box", "fruit"), ("box", "fruit"), ("ticket", "rail")):
                voucher = await redeemed(world, customer, offer, 8)
                used = await scene.ask("POST", "/v1/vouchers:use", {"code": voucher}, key=keys[code])
                assert used.status == 200, used.text
            await world.clock.move(7)
            await duties_run(world)
            yield Week(world, scene, keys, owner, manager, operator)


async def test_a_week_closed_by_the_duty_is_read_by_each_sides_key(database: Database) -> None:
    async with closed_week(database) as week:
        newest = (await week.ask("market", "/v1/statements?limit=1")).json
        assert newest["next"] == WEEK and newest["statements"][0]["week"] == WEEK
        [market] = newest["statements"][0]["positions"]
        assert (market["currency"], market["points_spent_elsewhere"]) == ("common", 1_000)
        assert (market["pays_minor"], market["net_minor"]) == (2_000, -2_000)
        [fruit] = (await week.ask("fruit", "/v1/statements?limit=1")).json["statements"][0]["positions"]
        assert (fruit["points_taken"], fruit["gets_minor"]) == (1_000, 2_000)
        assert (fruit["fee_minor"], fruit["net_minor"]) == (20, 1_980)
        [rail] = (await week.ask("rail", "/v1/statements?limit=1")).json["statements"][0]["positions"]
        assert (rail["currency"], rail["points_own"], rail["net_minor"]) == ("rail", 1_000, 0)
        older = (await week.ask("market", f"/v1/statements?limit=1&after={WEEK}")).json["statements"]
        assert older == []

        lines = (await week.ask("fruit", f"/v1/statements/{WEEK}", "en")).json["lines"]
        assert [(line["offer"], line["points"], line["net_minor"]) for line in lines] == [
            ("Imported fruit box", 500, 990), ("Imported fruit box", 500, 990)
        ]  # fmt: skip
        first = (await week.ask("fruit", f"/v1/statements/{WEEK}?limit=1")).json
        assert first["lines"][0]["offer"] == "进口水果礼盒" and first["next"] == "1"
        rest = (await week.ask("fruit", f"/v1/statements/{WEEK}?limit=1&after=1")).json["lines"]
        assert rest[0]["number"] > first["lines"][0]["number"]


@pytest.mark.parametrize(("language", "tag", "head"), [("zh-hans", "zh", "序号"), ("en", "en", "No.")])
async def test_the_files_are_the_chats_byte_for_byte(database: Database, language: str, tag: str, head: str) -> None:
    async with closed_week(database, language) as week:
        for kind in ("csv", "xlsx"):
            content, called = await week.file("market", kind, tag)
            assert called == f'attachment; filename="market-{WEEK}.{kind}"'
            assert content == await week.chats_file(week.owner, 1, kind), kind
            await asyncio.sleep(1.1)  # a workbook says to the second when it was saved, unless it is kept from it
            assert content == (await week.file("market", kind, tag))[0]
        content, _ = await week.file("fruit", "csv", tag)
        assert content == await week.chats_file(week.manager, 3, "csv")
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        assert rows[0][0] == head and [row[12] for row in rows[1:]] == ["9.90", "9.90"]
        sheet = load_workbook(io.BytesIO((await week.file("market", "xlsx", tag))[0])).active
        assert [sheet["M2"].value, sheet["M3"].value] == [-10, -10]


async def test_that_a_statement_is_ready_is_sent_signed(database: Database) -> None:
    async with closed_week(database) as week, system() as receiver:
        scene = week.scene
        async with database.engine.begin() as tx:
            hook = await webhooks.direct(tx, merchant_id=1, url=receiver.url, by="test", now=scene.now())
        assert await send(scene) == 1
        [(headers, body)] = receiver.got
        told = json.loads(body)
        assert told["event"] == "statement.ready"
        assert told["data"] == {"week": WEEK, "net_minor": {"CNY": -2_000}}
        said = dict(part.split("=") for part in headers["Jifen-Signature"].split(","))
        assert said["v1"] == webhooks.signature(webhooks.secret(scene.vault, hook), int(said["t"]), body)


async def test_a_dispute_filed_in_chat_is_seen_and_its_correction_is_next_weeks_line(database: Database) -> None:
    async with closed_week(database) as week:
        world, owner = week.world, week.owner
        before = (await week.ask("market", f"/v1/statements/{WEEK}")).json["lines"]
        assert [line["dispute"] for line in before] == [None, None]
        number = before[0]["number"]
        await owner.says("/start")
        await world.settled()
        await opens(owner, f"settlement:why:1:{WEEK}:{number}")
        await owner.sees("哪里不对", fresh=True)
        await owner.says("货没有给客人")
        await owner.sees("异议已提交", fresh=True)
        for merchant in ("market", "fruit"):
            lines = (await week.ask(merchant, f"/v1/statements/{WEEK}")).json["lines"]
            assert [line["dispute"] is not None for line in lines] == [True, False], merchant
        dispute = lines[0]["dispute"]
        await opens(week.operator, f"disputes:upheld:{dispute}")
        await world.settled()
        await world.clock.move(7)
        await duties_run(world)
        after = (await week.ask("market", "/v1/statements/2026-12-07")).json["lines"]
        assert [(line["kind"], line["net_minor"]) for line in after] == [("dispute", 1_000)]
        assert (await week.ask("market", f"/v1/statements/{WEEK}")).json["lines"][0]["net_minor"] == -1_000


async def test_only_closed_weeks_and_only_with_the_scope(database: Database) -> None:
    async with closed_week(database) as week:
        for path in ("/v1/statements/2026-12-07/file", "/v1/statements/2026-12-01", "/v1/statements/2026-99-99/file"):
            said = await week.ask("market", path, "en")
            assert (said.status, said.code) == (404, "no_such_statement"), path
        assert (await week.ask("market", f"/v1/statements/{WEEK}/file?format=pdf")).code == "malformed"
        _, tills = await week.scene.new_key("award")
        said = await week.scene.ask("GET", f"/v1/statements/{WEEK}/file", key=tills)
        assert (said.status, said.code) == (403, "out_of_scope")
