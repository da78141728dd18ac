"""Applying to be a merchant over HTTP, from nothing to the first purchase; and that nobody can make a nuisance of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.double.double import Person
from bot.merchant_api.applying import address_of
from ledger.members.reference import reference
from ledger.merchants import applicants
from ledger.merchants import merchant as merchants
from tests.bot.merchant_api.scene import Said, Scene, fresh, served
from tests.bot.merchant_api.test_statements import duties_run
from tests.conftest import Database
from tests.driver import World
from tests.handlers import shop
from tests.handlers.at import bot_then
from tests.handlers.settled import opens, runs_the_programme

PDF = b"%PDF-1.7\n" + b"licence " * 100


def answers(**more: Any) -> dict[str, Any]:
    """What a bakery says of itself."""
    said = {
        "name_zh": "晨光面包", "name_en": "Morning Bakery", "category": "grocery", "region": "sh", "licence": "91310000MA1FL1A232",
        "contact": "陈老板 13800000000",
        "certificates": [{"kind": "credit", "number": "C-7", "issuer": "沪信", "valid_until": "2027-12-31"}],
    }  # fmt: skip
    return {**said, **more}


@dataclass
class Desk:
    """The bot with an operator, and the API before it."""

    world: World
    scene: Scene
    admin: Person
    token: str = ""

    async def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Said:
        """A request with the application's token, or without any."""
        return await self.scene.ask(method, path, body, **{"key": self.token, **how})

    async def applies(self, **how: Any) -> Said:
        """A new application."""
        said = await self.ask("POST", "/v1/applications", answers(), **how)
        if said.status == 201:
            self.token = said.json["token"]
        return said

    async def paper(
        self, content: bytes = PDF, media: str = "application/pdf", purpose: str = "licence", **how: Any
    ) -> Said:
        """A document."""
        path = f"/v1/application/documents?purpose={purpose}&name=licence.pdf"
        return await self.ask("POST", path, raw=content, headers={"Content-Type": media}, **how)


@asynccontextmanager
async def desk(database: Database, language: str = "zh-hans") -> AsyncIterator[Desk]:
    """An operator who waits for applications."""
    async with bot_then(database) as world, ClientSession() as session:
        admin = await world.member("林运营", language)
        await runs_the_programme(world, admin, "admin")
        async with database.engine.connect() as tx:
            market, rail = [await merchants.by_code(tx, code) for code in ("market", "rail")]
        scene = Scene(database, market, rail, 1)
        scene.vault, scene.offset, scene.session = world.vault, world.wall_offset, session
        async with served(scene, bot_username=lambda: "jifen_test_bot") as address:
            scene.addresses = [address]
            yield Desk(world, scene, admin)


@pytest.mark.parametrize(
    ("language", "queue", "stated"),
    [
        ("zh-hans", "新的入驻申请:晨光面包", "自报信用证书:C-7"),
        ("en", "New application: Morning Bakery", "States: Credit certificate C-7"),
    ],
)
async def test_from_an_application_to_the_first_purchase(
    database: Database, language: str, queue: str, stated: str
) -> None:
    async with desk(database, language) as here:
        begun = await here.applies()
        assert (begun.json["state"], begun.json["missing"]) == ("draft", ["document:licence"])
        early = await here.ask("POST", "/v1/application:send", {}, language="en")
        assert (early.status, early.code) == (422, "application_incomplete")
        kept = await here.paper()
        assert kept.status == 201 and kept.json["size"] == len(PDF)
        assert (await here.ask("POST", "/v1/application:send", {})).json["state"] == "sent"
        await here.admin.sees(queue)

        fixed = await here.ask("PUT", "/v1/application", answers(name_en="Morning Bread"))
        assert (fixed.json["state"], fixed.json["name_en"]) == ("sent", "Morning Bread")
        assert (await here.paper(PDF + b"2", purpose="credit")).status == 201
        [(merchant_id, name)] = await here.scene.sql("SELECT id, name_en FROM merchant WHERE status = 'applied'")
        assert name == "Morning Bread", "what the operator sees is what was corrected"

        await opens(here.admin, f"applications:open:{merchant_id}")
        shown = (await here.admin.sees(stated)).shown
        assert "C-7" in shown and "沪信" in shown and "13800000000" in shown
        [(paper,)] = await here.scene.sql("SELECT min(id) FROM merchant_file")
        await opens(here.admin, f"applications:paper:{paper}")
        await here.world.settled()
        assert here.admin.last.document == PDF and here.admin.last.file.name == "licence.pdf"

        zh = language == "zh-hans"
        await opens(here.admin, f"certification:kind:{merchant_id}:credit")
        await here.admin.sees(stated, fresh=True)
        await here.admin.taps("照这样录入" if zh else "Enter it like this")
        shown = (await here.admin.sees("信用证书已录入" if zh else "Entered: Credit certificate", fresh=True)).shown
        assert "C-7 · 沪信" in shown and "2027" in shown
        await opens(here.admin, f"certification:stated:{merchant_id}:credit")  # a second tap
        await here.world.settled()
        assert await here.scene.sql("SELECT count(*) FROM certificate") == [(1,)]

        not_yet = await here.ask("POST", "/v1/application:take", {})
        assert (not_yet.status, not_yet.code) == (409, "not_certified_yet")
        await certified(here, merchant_id)
        assert (await here.ask("GET", "/v1/application")).json["state"] == "accepted"
        idem = fresh()
        taken = await here.ask("POST", "/v1/application:take", {}, idem=idem)
        assert taken.status == 200, taken.text
        again = await here.ask("POST", "/v1/application:take", {}, idem=idem)
        assert again.text == taken.text and again.headers["Idempotent-Replayed"] == "true", "a lost answer comes again"
        other = await here.ask("POST", "/v1/application:take", {}, language="en")
        assert (other.status, other.code) == (409, "taken_already")

        owner = await here.world.member("陈老板", language)
        start = taken.json["owner_link"].partition("start=")[2]
        assert taken.json["owner_link"].startswith("https://t.me/jifen_test_bot?start=")
        await owner.says(f"/start {start}")
        await owner.taps("接受" if language == "zh-hans" else "Accept")
        await here.world.settled()
        owners = "SELECT role FROM staff WHERE merchant_id = :id AND removed_at IS NULL"
        assert await here.scene.sql(owners, id=merchant_id) == [("owner",)]
        member = {"reference": reference(here.scene.vault, merchant_id, await shop.member_id(here.world, owner))}
        booked = await here.scene.buy(here.scene.purchase(member=member), key=taken.json["api_key"])
        assert booked.status == 201, booked.text

        rows = "SELECT coalesce(string_agg(answer, ' '), '') FROM turn_key WHERE key LIKE 'apply:%'"
        [(stored,)] = await here.scene.sql(rows)
        for secret in (here.token, taken.json["api_key"], start):
            assert secret not in stored, "what is secret is stored nowhere"


async def certified(here: Desk, merchant_id: int) -> None:
    """The operator certifies."""
    await here.scene.sql("UPDATE programme SET document = document || '{\"certificates_required\": []}'")
    await here.world.restart()
    await opens(here.admin, f"certification:certify:{merchant_id}")
    await here.world.settled()
    assert await here.scene.sql("SELECT status FROM merchant WHERE id = :id", id=merchant_id) == [("certified",)]
    assert re.search("还没有店主|No owner yet", here.admin.last.shown), here.admin.last.shown


async def test_a_rejection_is_read_with_its_reason_and_everything_is_forgotten(database: Database) -> None:
    async with desk(database) as here:
        await here.applies()
        await here.paper()
        await here.ask("POST", "/v1/application:send", {})
        [(merchant_id,)] = await here.scene.sql("SELECT id FROM merchant WHERE status = 'applied'")
        await here.admin.sees("新的入驻申请")
        await opens(here.admin, f"applications:reject:{merchant_id}")
        await here.admin.sees("把原因发给我", fresh=True)
        await here.admin.says("执照看不清")
        await here.admin.sees("已拒绝", fresh=True)
        said = (await here.ask("GET", "/v1/application")).json
        assert (said["state"], said["reason"], said["documents"]) == ("rejected", "执照看不清", [])
        assert await here.scene.sql("SELECT count(*) FROM merchant_file") == [(0,)]
        closed = await here.ask("PUT", "/v1/application", answers())
        assert (closed.status, closed.code) == (409, "application_closed")
        assert (await here.paper()).code == "application_closed"


async def test_nothing_is_guessable_and_nobody_elses(database: Database) -> None:
    async with desk(database) as here:
        await here.applies()
        mine = here.token
        for token in (
            "",
            "ja_1_x",
            mine[:-1] + ("A" if mine[-1] != "A" else "B"),
            mine.replace("ja_1", "ja_2"),
            here.scene.key,
        ):
            for method, path in (("GET", "/v1/application"), ("PUT", "/v1/application")):
                said = await here.ask(method, path, answers(), key=token, language="en")
                assert (said.status, said.code) == (401, "token_needed"), token
        assert (await here.scene.ask("GET", "/v1/purchases", key=mine)).code == "key_needed"
        body = (await here.ask("GET", "/v1/application")).text
        assert "13800000000" not in body, "the contact is sealed"


async def test_the_same_key_begins_one_application(database: Database) -> None:
    async with desk(database) as here:
        idem = fresh()
        first = await here.ask("POST", "/v1/applications", answers(), idem=idem)
        again = await here.ask("POST", "/v1/applications", answers(), idem=idem)
        assert first.text == again.text and again.headers["Idempotent-Replayed"] == "true"
        other = await here.ask("POST", "/v1/applications", answers(name_zh="别家"), idem=idem)
        assert (other.status, other.code) == (422, "idempotency_key_reused")
        assert (await here.ask("POST", "/v1/applications", answers(), idem=None)).code == "idempotency_key_needed"
        assert await here.scene.sql("SELECT count(*) FROM merchant_application") == [(1,)]


async def test_answers_and_documents_are_of_the_right_form_and_size(database: Database) -> None:
    async with desk(database) as here:
        for wrong in ({"category": "nothing-known"}, {"region": "mars"}):
            said = await here.ask("POST", "/v1/applications", answers(**wrong), language="en")
            assert (said.status, said.code) == (422, "answer_wrong")
        said = await here.ask("POST", "/v1/applications", answers(licence="91310000MA1FL1A233"), language="zh")
        assert (said.status, said.code) == (422, "licence_wrong") and "第 18 位校验码不对" in said.text
        assert (await here.ask("POST", "/v1/applications", answers(name_zh="面" * 31))).code == "malformed"
        assert (await here.ask("POST", "/v1/applications", answers(name_zh="  "))).code == "malformed"
        assert (await here.ask("POST", "/v1/applications", raw=b" " * 20_000)).code == "too_large"
        assert await here.scene.sql("SELECT count(*) FROM merchant_application") == [(0,)]
        await here.applies()
        fake = await here.paper(b"MZ not a picture", "image/png", language="en")
        assert (fake.status, fake.code) == (415, "not_a_document") and "image/png" in fake.json["detail"]
        assert (await here.paper(b"<svg>", "image/svg+xml")).code == "not_a_document"
        assert (await here.paper(PDF + b"x" * 1_000_000)).code == "too_large"
        assert (await here.paper(purpose="holiday")).code == "malformed"
        for n in range(6):
            assert (await here.paper(b"\xff\xd8\xff" + bytes([n]) * 980_000, "image/jpeg")).status == 201
        full = await here.paper(PDF + b"y" * 300_000, language="en")
        assert (full.status, full.code) == (413, "file_too_large")
        same = await here.paper(b"\xff\xd8\xff" + bytes([0]) * 980_000, "image/jpeg")
        assert same.status == 201 and await here.scene.sql("SELECT count(*) FROM merchant_file") == [(6,)]


async def test_an_address_has_few_applications_and_a_rate(database: Database) -> None:
    async with desk(database) as here:
        tokens = []
        for _ in range(applicants.OPEN_MOST):
            assert (await here.applies()).status == 201
            tokens.append(here.token)
        for language in ("zh", "en"):
            said = await here.applies(language=language)
            assert (said.status, said.code) == (429, "too_many_applications")
        elsewhere = await here.applies(headers={"X-Forwarded-For": "8.8.8.8, 203.0.114.9"})
        assert elsewhere.status == 201, "a proxy of ours says for whom it speaks"
        for token in tokens[:2]:
            assert (await here.ask("POST", "/v1/application:withdraw", {}, key=token)).json["state"] == "withdrawn"
            assert (await here.ask("GET", "/v1/application", key=token)).code == "token_needed", (
                "of a draft nothing is kept"
            )
        assert await here.scene.sql("SELECT count(*) FROM merchant_application") == [(2,)]
        told = [await here.ask("GET", "/v1/application", key="x") for _ in range(60)]
        assert told[0].code == "token_needed" and told[-1].code == "too_fast"
        assert int(told[-1].headers["Retry-After"]) >= 1 and told[-1].headers["RateLimit-Policy"].endswith("q=60;w=60")


async def test_drafts_that_nobody_sends_are_forgotten_after_a_week(database: Database) -> None:
    async with desk(database) as here:
        await here.applies()
        await here.paper()
        await here.scene.sql("UPDATE merchant_application SET begun_at = begun_at - interval '8 days'")
        await here.applies()
        await duties_run(here.world)
        assert await here.scene.sql("SELECT count(*) FROM merchant_application") == [(1,)]
        assert await here.scene.sql("SELECT count(*) FROM merchant_file") == [(0,)]


class _Asked:
    """A request, as far as its address goes."""

    def __init__(self, remote: str, told: str = "") -> None:
        self.remote = remote
        self.headers = {"X-Forwarded-For": told} if told else {}


@pytest.mark.parametrize(
    ("remote", "told", "address"),
    [
        ("203.0.114.9", "", "203.0.114.9"),
        ("93.184.216.34", "8.8.8.8", "93.184.216.34"),  # anybody may claim to be a proxy
        ("10.0.0.2", "1.1.1.1, 8.8.8.8", "8.8.8.8"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("2606:2800:220:1:248:1893:25c8:1946", "", "2606:2800:220:1::/64"),
    ],
)
def test_whose_address_counts(remote: str, told: str, address: str) -> None:
    assert address_of(_Asked(remote, told)) == address  # type: ignore[arg-type]
