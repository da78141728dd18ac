"""What every request meets before its operation: key, scope, rate, form, language — and how it is refused."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.merchant_api.door import language_of
from bot.merchant_api.limits import AtOnce, Rates
from bot.merchant_api.problems import Problem
from ledger.members import claims, walk_ins
from ledger.merchants import api_keys
from ledger.points.commands import Moment
from tests.bot.merchant_api.scene import fresh, secret, shop
from tests.conftest import Database


async def test_without_a_key_that_works_nothing_is_served(database: Database) -> None:
    async with shop(database) as scene:
        for key in ("", "nonsense", "jf_abcdefgh_" + "x" * 40, scene.key[:-1] + "!"):
            said = await scene.buy(key=key)
            assert (said.status, said.code) == (401, "key_needed")
            assert said.headers["WWW-Authenticate"].startswith("Bearer")


async def test_of_a_key_only_its_hash_is_kept(database: Database) -> None:
    async with shop(database) as scene:
        [(row,)] = await scene.sql("SELECT to_jsonb(k)::text FROM api_key k")
        assert scene.key not in row and scene.key.partition("_")[2].partition("_")[2] not in row
        assert scene.known.prefix in row and scene.known.prefix in scene.key


async def test_a_key_does_what_its_scopes_say(database: Database) -> None:
    async with shop(database) as scene:
        _, vouchers = await scene.new_key("vouchers")
        said = await scene.buy(key=vouchers, language="en")
        assert (said.status, said.code) == (403, "out_of_scope") and "award" in said.json["detail"]
        assert (await scene.ask("POST", "/v1/vouchers:check", {"code": "x"}, key=vouchers)).code == "code_mistyped"
        assert (await scene.ask("GET", "/v1/purchases", key=vouchers)).status == 403


async def test_a_revoked_key_ends_at_once_on_every_server_and_for_reads_too(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        for n in range(2):
            assert (await scene.buy(server=n)).status == 201
            assert (await scene.ask("GET", "/v1/purchases", server=n)).status == 200
        async with database.engine.begin() as tx:
            await api_keys.revoke(tx, merchant_id=scene.market.id, key_id=scene.known.id, by="test", now=scene.now())
        for n in range(2):
            assert (await scene.buy(server=n)).status == 401
            assert (await scene.ask("GET", "/v1/purchases", server=n)).status == 401
        async with database.engine.begin() as tx:
            with pytest.raises(api_keys.ApiKeyEnded):
                await api_keys.revoke(
                    tx, merchant_id=scene.market.id, key_id=scene.known.id, by="test", now=scene.now()
                )


async def test_rotating_leaves_both_keys_working_for_a_day(database: Database) -> None:
    import datetime as dt

    async with shop(database) as scene:
        asked = {"merchant_id": scene.market.id, "key_id": scene.known.id, "by": "test"}
        async with database.engine.begin() as tx:
            made, new = await api_keys.rotate(tx, **asked, secret=secret(), now=scene.now())
            assert made.replaces == scene.known.id and made.scopes == scene.known.scopes
            with pytest.raises(api_keys.ApiKeyEnded):
                await api_keys.rotate(tx, **asked, secret=secret(), now=scene.now())
        assert (await scene.buy()).status == (await scene.buy(key=new)).status == 201
        scene.offset = dt.timedelta(hours=25)
        assert (await scene.buy()).status == 401
        assert (await scene.buy(key=new)).status == 201


async def test_a_retry_under_the_new_key_gets_the_answer_the_old_one_got(database: Database) -> None:
    async with shop(database) as scene:
        _, other = await scene.new_key()
        body, idem = scene.purchase(), fresh()
        assert (await scene.buy(body, idem=idem)).text == (await scene.buy(body, idem=idem, key=other)).text


async def test_another_merchants_idempotency_keys_and_references_are_its_own(database: Database) -> None:
    async with shop(database) as scene:
        _, rival = await scene.new_key(merchant=scene.rail)
        body, idem = scene.purchase(), fresh()
        assert (await scene.buy(body, idem=idem)).status == 201
        said = await scene.buy(body, idem=idem, key=rival)
        assert (said.status, said.code) == (404, "no_such_member")


async def test_a_tills_key_speaks_for_that_till_alone(database: Database) -> None:
    async with shop(database) as scene:
        _, key = await scene.new_key("award", till="3号台")
        assert (await scene.buy(key=key)).status == 201
        assert (await scene.buy(scene.purchase(till="4号台"), key=key)).code == "another_till"
        assert await scene.sql("SELECT till FROM purchase") == [("3号台",)]
        assert (await scene.buy(scene.purchase(outlet="没有的店"))).code == "no_such_outlet"


async def test_the_rate_of_a_key_is_told_and_kept(database: Database) -> None:
    async with shop(database) as scene:
        _, key = await scene.new_key("statements", per_minute=3)
        told = [await scene.ask("GET", "/v1/purchases", key=key) for _ in range(5)]
        assert [each.status for each in told] == [200, 200, 200, 429, 429]
        assert told[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'
        assert told[0].headers["RateLimit"].startswith('"key";r=2;')
        assert told[3].code == "too_fast" and 1 <= int(told[3].headers["Retry-After"]) <= 20
        assert told[3].headers["RateLimit"].startswith('"key";r=0;')
        assert (await scene.ask("GET", "/v1/purchases")).status == 200


def test_a_bucket_refills_evenly() -> None:
    now = 0.0
    rates = Rates(lambda: now)
    key = api_keys.ApiKey(1, 1, None, "", "", b"", frozenset(), 60, None, None, None, None)  # type: ignore[arg-type]
    for _ in range(60):
        rates.take(key)
    with pytest.raises(Problem) as no:
        rates.take(key)
    assert no.value.headers["Retry-After"] == "1"
    now = 2.0
    rates.take(key)
    rates.take(key)
    with pytest.raises(Problem):
        rates.take(key)


def test_one_member_has_a_few_requests_at_a_time() -> None:
    at_once = AtOnce()
    with at_once.member(7), at_once.member(7), at_once.member(7), at_once.member(7):
        with pytest.raises(Problem) as no, at_once.member(7):
            pass
        assert (no.value.status, no.value.code) == (429, "too_many_for_member")
        with at_once.member(8):
            pass
    with at_once.member(7):
        pass


async def test_every_write_needs_an_idempotency_key(database: Database) -> None:
    async with shop(database) as scene:
        for idem in (None, "", "has space", "x" * 256):
            said = await scene.buy(idem=idem)
            assert (said.status, said.code) == (400, "idempotency_key_needed"), idem
        assert (await scene.buy(idem="x" * 255)).status == 201


async def test_bodies_are_json_of_the_right_shape_and_size(database: Database) -> None:
    async with shop(database) as scene:
        assert (await scene.ask("POST", "/v1/purchases", raw=b"{")).code == "malformed"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await scene.ask("POST", "/v1/purchases", raw=b"a=b", headers=form)).status == 415
        large = await scene.ask("POST", "/v1/purchases", raw=b" " * 270_000)
        assert (large.status, large.code) == (413, "too_large")
        wrong = await scene.buy({**scene.purchase(), "lines": [{"amount_minor": "100"}], "surprise": 1}, language="en")
        assert wrong.status == 400
        assert {each["pointer"] for each in wrong.json["errors"]} == {"/lines/0/amount_minor", "/surprise"}

        async def dripping():  # type: ignore[no-untyped-def]
            for _ in range(270):
                yield b" " * 1_000

        headers = {
            "Authorization": f"Bearer {scene.key}",
            "Idempotency-Key": fresh(),
            "Content-Type": "application/json",
        }
        async with scene.session.post(f"{scene.addresses[0]}/v1/purchases", data=dripping(), headers=headers) as answer:
            assert answer.status == 413


async def test_problems_are_said_in_both_languages(database: Database) -> None:
    async with shop(database) as scene:
        zh, en = [await scene.buy(scene.purchase(0), language=each) for each in ("zh-CN", "en-GB,zh;q=0.5")]
        assert zh.code == en.code == "amount_must_be_positive"
        assert (zh.headers["Content-Language"], en.headers["Content-Language"]) == ("zh", "en")
        assert zh.json["title"] != en.json["title"] and zh.json["title"].isascii() is False
        assert en.json["title"].isascii() and "<" not in json.dumps(en.json)
        assert en.json["type"] == "/docs#amount_must_be_positive"


def test_the_preferred_language_of_the_two_is_taken() -> None:
    for accepts, language in [
        ("", "zh"), ("en", "en"), ("en-US,en;q=0.9", "en"), ("fr,en;q=0.8,zh;q=0.9", "zh"), ("de", "zh"), ("en;q=x", "zh"),
        ("*", "zh"), ("zh;q=0, en;q=0.1", "en"),
    ]:  # fmt: skip
        assert language_of(accepts) == language, accepts


async def test_what_is_not_there_is_said_so(database: Database) -> None:
    async with shop(database) as scene:
        assert (await scene.ask("GET", "/v1/nothing")).code == "no_such_path"
        wrong = await scene.ask("DELETE", "/v1/purchases")
        assert (wrong.status, wrong.code) == (405, "method_not_allowed")
        assert set(wrong.headers["Allow"].split(", ")) == {"POST", "GET"}
        assert (await scene.ask("PATCH", "/v1/catalog/box")).headers["Allow"] == "PUT"


async def test_a_merchant_that_may_not_issue_is_refused_and_may_later(database: Database) -> None:
    async with shop(database) as scene:
        await scene.sql("UPDATE merchant SET status = 'suspended' WHERE id = :id", id=scene.market.id)
        body, idem = scene.purchase(), fresh()
        said = await scene.buy(body, idem=idem)
        assert (said.status, said.code) == (403, "merchant_may_not_issue")
        await scene.sql("UPDATE merchant SET status = 'certified' WHERE id = :id", id=scene.market.id)
        assert (await scene.buy(body, idem=idem)).status == 201


async def test_a_database_out_of_reach_is_not_now_and_nothing_happened(database: Database) -> None:
    async with shop(database) as scene:
        body, idem = scene.purchase(), fresh()
        async with database.engine.connect() as holding:
            await holding.exec_driver_sql("LOCK TABLE purchase IN ACCESS EXCLUSIVE MODE")
            said = await scene.buy(body, idem=idem)
        assert (said.status, said.code) == (503, "not_now") and said.headers["Retry-After"] == "1"
        assert (await scene.buy(body, idem=idem)).json["repeated"] is False


async def test_a_paper_card_is_looked_up_again_and_again_and_leads_to_who_claimed_it(database: Database) -> None:
    async with shop(database) as scene:
        at = Moment(scene.now(), scene.today())
        async with scene.database.engine.begin() as tx:
            facts = {"merchant_id": scene.market.id, "by": "staff:1", "now": at.now}
            _, (paper, unused) = await walk_ins.print_cards(tx, scene.vault, count=2, **facts)
            handle = walk_ins.read(paper.number)
            assert handle is not None
            await walk_ins.open_account(tx, scene.vault, handle, terms="2026-11", **facts)
        said = [await scene.ask("POST", "/v1/members:lookup", {"card": paper.number}) for _ in range(2)]
        assert said[0].json == said[1].json and said[0].json["display_name"] == ""
        reference = said[0].json["reference"]
        assert (await scene.buy(scene.purchase(5_000, member={"reference": reference}))).json["points"] == 50
        for number in (unused.number, "900000000001", "123456789012"):
            assert (await scene.ask("POST", "/v1/members:lookup", {"card": number})).code == "card_unknown"
        async with scene.database.engine.begin() as tx:
            claimed = await claims.claim(tx, scene.vault, member_id=scene.member_id, code=paper.code, at=at)
            assert isinstance(claimed, claims.Claimed)
        after = await scene.ask("POST", "/v1/members:lookup", {"card": paper.number})
        assert (after.json["reference"], after.json["display_name"]) == (scene.reference, "小明")
        bought = scene.purchase(7_000, member={"reference": reference})  # a till that remembers the old reference
        assert (await scene.buy(bought)).json["points"] == 70
        assert (await scene.buy(bought)).json["points"] == 70, "its repeat is the same purchase"
        rows = await scene.sql(
            "SELECT balance FROM account WHERE owner_id = :who AND purpose = 'pending'", who=scene.member_id
        )
        assert rows == [(120,)] and await scene.holds()


async def test_a_lookup_gives_a_reference_and_a_name_and_nothing_else(database: Database) -> None:
    async with shop(database) as scene:
        code, idem = await scene.card(), fresh()
        said = await scene.ask("POST", "/v1/members:lookup", {"card": code}, idem=idem)
        assert said.json == {"reference": scene.reference, "display_name": "小明"}
        assert (await scene.ask("POST", "/v1/members:lookup", {"card": code}, idem=idem)).text == said.text
        assert (await scene.ask("POST", "/v1/members:lookup", {"card": code})).code == "card_used"
        assert await scene.sql("SELECT member_id FROM turn_key WHERE answer LIKE '%小明%'") == [(scene.member_id,)]
        _, rival = await scene.new_key(merchant=scene.rail)
        other = await scene.ask("POST", "/v1/members:lookup", {"card": await scene.card()}, key=rival)
        assert other.json["reference"] != scene.reference
        assert str(scene.member_id) != scene.reference
        scanned = f"https://t.me/jifen_demo_bot?start=c_{await scene.card()}"
        assert (await scene.ask("POST", "/v1/members:lookup", {"card": scanned})).json["display_name"] == "小明"
        wrong = await scene.ask("POST", "/v1/members:lookup", {"card": f"https://example.com/c_{await scene.card()}"})
        assert wrong.status == 400


async def test_keys_are_limited_in_number_and_labelled(database: Database) -> None:
    async with shop(database) as scene, database.engine.begin() as tx:
        asked = {"merchant_id": scene.market.id, "by": "test", "now": scene.now()}
        with pytest.raises(api_keys.ApiKeyLabelTooLong):
            await api_keys.create(tx, **asked, label=" ", scopes=["award"], secret=secret())
        for scopes in ([], ["everything"]):
            with pytest.raises(api_keys.ScopesNeeded):
                await api_keys.create(tx, **asked, label="x", scopes=scopes, secret=secret())
        for _ in range(api_keys.KEYS_MOST - 1):
            await api_keys.create(tx, **asked, label="x", scopes=["award"], secret=secret())
        with pytest.raises(api_keys.TooManyApiKeys):
            await api_keys.create(tx, **asked, label="x", scopes=["award"], secret=secret())
        with pytest.raises(api_keys.NoSuchApiKey):
            await api_keys.one(tx, scene.rail.id, scene.known.id)


async def test_a_request_whose_caller_went_away_is_booked_and_answered_to_the_retry(database: Database) -> None:
    async with shop(database) as scene:
        body, idem = scene.purchase(), fresh()
        gone = asyncio.create_task(scene.buy(body, idem=idem))
        await asyncio.sleep(0.004)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        for _ in range(50):
            said = await scene.buy(body, idem=idem)
            if said.status == 201:
                break
            await asyncio.sleep(0.02)
        assert said.status == 201
        assert len(await scene.sql("SELECT 1 FROM purchase")) == 1
