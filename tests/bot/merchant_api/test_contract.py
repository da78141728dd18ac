"""What holds for every operation alike, asked of each; and what only shows while something else is under way."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.clock import Clock
from bot.leads import take
from bot.merchant_api.operations import OPERATIONS
from bot.timetable import Timetable, discover
from ledger.earning import activities, rulebook
from ledger.earning.rules.documents import RULE
from ledger.members.reference import reference
from ledger.merchants import guarantee, staff, webhooks
from ledger.merchants.api_keys import SCOPES
from ledger.redeeming.offers import Offer
from ledger.redeeming.publish import publish
from tests import turns
from tests.bot.merchant_api.scene import Scene, fresh, shop
from tests.bot.merchant_api.test_hooks import receiving, send
from tests.bot.merchant_api.test_operations import BOX, FRESH, bought, moment, refund, voucher
from tests.conftest import Database

LIVE = [each for each in OPERATIONS if each.scope is not None]
JSON = [each for each in LIVE if each.scope != "imports"]  # files have tests of their own
WRITES = [each for each in JSON if each.kind == "write"]


async def bodies(scene: Scene) -> dict[str, tuple[str, dict[str, Any], dict[str, Any]]]:
    """For each write: its path, a body that passes, and one that says something else."""
    at = moment(scene)
    async with scene.database.engine.begin() as tx:
        owner = await staff.add(
            tx, merchant_id=scene.market.id, member_id=9_999, role="owner", label="店主", by="test", now=at.now
        )
        day = dt.timedelta(days=1)
        planned = activities.Planned("check_in", "环保讲座", 20, 5, at.now - day, at.now + day)
        talk = await activities.make(tx, scene.market, owner, planned, at=at)
        asked = Offer.model_validate({**BOX, "code": "ride-box", "merchant": "rail", "fulfillers": ["market"]})
        await publish(tx, asked, now=at.now, today=at.today)
    of = await bought(scene, [{"amount_minor": 10_000}])
    member = {"reference": scene.reference}
    rule = {"kind": "multiplier", "name_zh": "双倍", "name_en": "Double", "factor": "2"}
    day_ = at.today.isoformat()
    said = {
        "/v1/purchases": ({}, scene.purchase(), scene.purchase()),
        "/v1/purchases:batch": ({}, {"purchases": [scene.purchase()]}, {"purchases": [scene.purchase()]}),
        "/v1/refunds": ({}, refund(scene, "all", of=of), refund(scene, "amount", of=of, amount_minor=1)),
        "/v1/members:lookup": ({}, {"card": await scene.card()}, {"card": await scene.card()}),
        "/v1/vouchers:use": ({}, {"code": await voucher(scene)}, {"code": "X"}),
        "/v1/catalog/{code}": ({"code": "cup"}, {"document": BOX}, {"document": BOX, "active": False}),
        "/v1/fulfilments/{code}": ({"code": "ride-box"}, {"agrees": True}, {"agrees": False}),
        "/v1/privileges/{code}": ({"code": "fresh"}, {"document": FRESH}, {"document": FRESH, "active": False}),
        "/v1/rules/{code}": (
            {"code": "market-x"},
            {"document": rule, "valid_from": day_},
            {"document": {**rule, "factor": "3"}, "valid_from": day_},
        ),
        "/v1/activity-grants": ({}, {"activity": talk.id, "member": member}, {"activity": 999, "member": member}),
    }
    return {path: (path.format(**names), body, other) for path, (names, body, other) in said.items()}


async def test_every_write_takes_a_key_and_gives_its_first_answer_again(database: Database) -> None:
    async with shop(database) as scene:
        told = await bodies(scene)
        assert {each.path for each in WRITES} == set(told)
        for operation in WRITES:
            path, body, other = told[operation.path]
            without = await scene.ask(operation.method, path, body, idem=None, language="en")
            assert (without.status, without.code) == (400, "idempotency_key_needed"), path
            idem = fresh()
            first = await scene.ask(operation.method, path, body, idem=idem)
            assert first.status == operation.status, (path, first.text)
            again = await scene.ask(operation.method, path, body, idem=idem)
            assert (again.status, again.text) == (first.status, first.text), path
            assert again.headers["Idempotent-Replayed"] == "true", path
            reused = await scene.ask(operation.method, path, other, idem=idem)
            assert (reused.status, reused.code) == (422, "idempotency_key_reused"), path
        assert await scene.holds()


async def test_every_operation_asks_for_its_scope_and_tells_what_of_the_rate_is_left(database: Database) -> None:
    async with shop(database) as scene:
        all_but = {scope: (await scene.new_key(*(each for each in SCOPES if each != scope)))[1] for scope in SCOPES}
        alone = {scope: (await scene.new_key(scope))[1] for scope in SCOPES}
        for operation in LIVE:
            assert operation.scope is not None
            path = operation.path.format(**{"code": "cup", "week": "2026-11-16", "import": 1})
            for language in ("zh", "en"):
                said = await scene.ask(operation.method, path, {}, key=all_but[operation.scope], language=language)
                assert (said.status, said.code) == (403, "out_of_scope"), operation
                assert operation.scope in said.json["detail"] and said.headers["Content-Language"] == language
            said = await scene.ask(operation.method, path, {}, key=alone[operation.scope])
            assert said.status not in (401, 403, 500), (operation.path, said.text)
        booked = await scene.buy()
        assert booked.headers["RateLimit-Policy"] == '"key";q=6000;w=60'
        assert booked.headers["RateLimit"].startswith('"key";r=59')


async def test_every_body_is_bounded_as_it_is_said(database: Database) -> None:
    async with shop(database) as scene:
        for operation in JSON:
            if operation.method == "GET":
                continue
            path = operation.path.format(code="cup")
            said = await scene.ask(operation.method, path, raw=b" " * (operation.bytes_most + 1), language="en")
            assert (said.status, said.code) == (413, "too_large"), operation.path
            assert (
                f"{operation.bytes_most:,}" in said.json["detail"] or str(operation.bytes_most) in said.json["detail"]
            )


@asynccontextmanager
async def under_way(scene: Scene, *asked: asyncio.Task[Any]) -> AsyncIterator[None]:
    """While purchases can't be written: whatever asks for one has its key and waits."""
    async with scene.database.engine.connect() as holding:
        await holding.exec_driver_sql("LOCK TABLE purchase IN ACCESS EXCLUSIVE MODE")
        yield
        await holding.rollback()


async def test_a_key_still_in_flight_is_said_so_on_every_server(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        body, idem = scene.purchase(), fresh()
        async with under_way(scene):
            first = asyncio.create_task(scene.buy(body, idem=idem))
            await asyncio.sleep(0.5)
            for server in range(2):
                for language in ("zh", "en"):
                    said = await scene.buy(body, idem=idem, server=server, language=language)
                    assert (said.status, said.code) == (409, "in_flight"), server
                    assert said.headers["Retry-After"] == "1"
        assert (await first).status == 201
        assert (await scene.buy(body, idem=idem, server=1)).text == (await first).text


async def test_a_member_with_too_many_in_flight_waits_and_others_do_not(database: Database) -> None:
    async with shop(database) as scene:
        async with database.engine.begin() as tx:
            other = await turns.joined(tx, 601, "小红")
        hers = {"reference": reference(scene.vault, scene.market.id, other.id)}
        async with under_way(scene):
            his = [asyncio.create_task(scene.buy()) for _ in range(4)]
            await asyncio.sleep(0.5)
            fifth = await scene.buy(language="en")
            assert (fifth.status, fifth.code) == (429, "too_many_for_member") and fifth.headers["Retry-After"] == "1"
            her = asyncio.create_task(scene.buy(scene.purchase(member=hers)))
            await asyncio.sleep(0.1)
        assert {(await each).status for each in (*his, her)} == {201}
        assert (await scene.buy()).status == 201


async def test_a_document_is_booked_once_whichever_of_the_merchants_keys_brings_it(database: Database) -> None:
    async with shop(database) as scene:
        _, till = await scene.new_key("award", till="3号台")
        _, office = await scene.new_key("award")
        body = scene.purchase(2_000)
        first, second = await scene.buy(body, key=till), await scene.buy(body, key=office)
        assert (first.json["repeated"], second.json["repeated"]) == (False, True)
        batch = await scene.ask("POST", "/v1/purchases:batch", {"purchases": [body]}, key=office)
        assert batch.json["rows"][0]["purchase"]["repeated"] is True
        other = await scene.buy({**body, "lines": [{"amount_minor": 2_001}]}, key=office, language="en")
        assert (other.status, other.code) == (409, "document_taken")
        assert await scene.sql("SELECT count(*) FROM entry WHERE kind = 'accrue'") == [(1,)]
        _, rival = await scene.new_key(merchant=scene.rail)
        hers = {"reference": reference(scene.vault, scene.rail.id, scene.member_id)}
        booked = await scene.buy({**body, "member": hers}, key=rival)
        assert booked.json["repeated"] is False, "numbers are a merchant's own"


async def test_green_lines_earn_what_the_rule_for_their_class_says(database: Database) -> None:
    async with shop(database) as scene:
        async with database.engine.begin() as tx:
            rule = {
                "kind": "green", "name_zh": "节能灯", "name_en": "LED lamps", "green_class": "led",
                "rate": "2", "factor_grams": "120", "factor_source": "GB/T 51366-2019",
            }  # fmt: skip
            await rulebook.publish(
                tx, code="market-led", merchant_id=scene.market.id, rule=RULE.validate_python(rule),
                valid_from=dt.date(2000, 1, 1), made_by="test", at=turns.NOW,
            )  # fmt: skip
        lines = [{"amount_minor": 5_000, "green_class": "led", "pieces": 2, "item": "灯"}, {"amount_minor": 3_000}]
        said = await scene.buy(scene.purchase(lines=lines))
        assert said.json["points"] == 80 + 2 * 50, said.text
        quoted = await scene.ask("POST", "/v1/quote", {"lines": lines}, language="en")
        assert quoted.json["points"] == 180 and len(quoted.json["why"]) >= 2
        [(bill,)] = await scene.sql("SELECT bill::text FROM purchase")
        assert '[5000, null, "led", 2, "灯"]' in bill


async def test_a_cover_alert_of_the_duty_is_sent_signed(database: Database) -> None:
    async with shop(database) as scene, receiving(scene) as receiver:
        at = moment(scene)
        async with database.engine.begin() as tx:
            await guarantee.set_limit(tx, scene.market.id, 250, actor="operator:1", at=at)
        assert (await scene.buy(scene.purchase(11_000))).json["points"] == 110  # worth ¥2.20 of ¥2.50
        async with database.engine.begin() as tx:
            lease = await take(tx, "jobs", "test")
        assert lease is not None
        await Timetable(database.engine, scene.vault, Clock(turns.ZONE, scene.now), discover()).catch_up(lease)
        assert await send(scene) == 1
        [(headers, body)] = receiver.got
        told = json.loads(body)
        assert told["event"] == "cover.alert" and "test" not in told
        assert told["data"] == {"used_percent": 88, "free_minor": 30, "money": "CNY"}
        async with database.engine.connect() as tx:
            hook = await webhooks.of_merchant(tx, scene.market.id)
        assert hook is not None
        said = dict(part.split("=") for part in headers["Jifen-Signature"].split(","))
        assert said["v1"] == webhooks.signature(webhooks.secret(scene.vault, hook), int(said["t"]), body)
        full = await scene.buy(scene.purchase(5_000), language="en")
        assert (full.status, full.code) == (409, "cover_exhausted"), "and never half a purchase"
        assert await scene.sql("SELECT count(*) FROM purchase") == [(1,)]


async def test_a_problem_is_what_rfc_9457_says_in_the_language_asked_for(database: Database) -> None:
    async with shop(database) as scene:
        for language, sample in (("zh", "时间在将来"), ("en", "in the future")):
            late = (scene.now() + dt.timedelta(hours=1)).isoformat()
            said = await scene.buy(scene.purchase(occurred_at=late), language=language)
            assert said.headers["Content-Type"] == "application/problem+json"
            assert said.json == {
                "type": "/docs#in_the_future", "title": said.json["title"], "status": 422, "detail": said.json["detail"],
                "code": "in_the_future",
            }  # fmt: skip
            assert sample in said.json["title"].lower()


@pytest.mark.parametrize("combine", [True, False])
async def test_booking_alone_and_together_say_the_same(database: Database, combine: bool) -> None:
    from tests.bot.merchant_api.scene import served

    async with shop(database) as scene, served(scene, combine=combine) as address:
        scene.addresses = [address]
        body, idem = scene.purchase(12_350), fresh()
        first = await scene.buy(body, idem=idem)
        assert (first.status, first.json["points"]) == (201, 123)
        assert (await scene.buy(body, idem=idem)).text == first.text
