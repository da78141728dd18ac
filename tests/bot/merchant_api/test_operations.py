"""Refunds, vouchers, the merchant's own catalog and rules, activities and statements, over HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib

import pytest
from sqlalchemy import text

from ledger.earning import activities
from ledger.members import operators, succession
from ledger.members.member import Member
from ledger.merchants import staff
from ledger.points.commands import Moment
from ledger.redeeming import codes, redemptions, shelf
from ledger.redeeming.offers import Offer
from ledger.redeeming.publish import publish
from tests import turns
from tests.bot.merchant_api.scene import Scene, fresh, shop
from tests.conftest import Database
from tests.handlers.shop import offer

BOX = {
    "name": {"zh": "礼盒", "en": "Gift box"}, "kind": "goods", "category": "gifts",
    "price": {"kind": "per_unit", "points": 50, "value_minor": 500},
}  # fmt: skip
FRESH = {
    "name": {"zh": "鲜食", "en": "Fresh food"}, "gives": {"kind": "percent_off", "percent": 10}, "holds": {"points": 5_000},
}  # fmt: skip


def entropy() -> bytes:
    """Of a counter."""
    return hashlib.sha256(fresh().encode()).digest()


def moment(scene: Scene) -> Moment:
    """The servers' present."""
    return Moment(scene.now(), scene.now().astimezone(turns.ZONE).date())


async def bought(scene: Scene, lines: list[dict[str, object]], **more: object) -> str:
    """The document of a purchase of these lines."""
    said = await scene.buy(scene.purchase(lines=lines, **more))
    assert said.status == 201, said.text
    return str(said.json["document"])


def refund(scene: Scene, kind: str, **more: object) -> dict[str, object]:
    """The body of a refund."""
    return {"kind": kind, "document": fresh("back"), "occurred_at": scene.now().isoformat(), **more}


async def test_a_refund_of_an_amount_then_of_the_rest_takes_back_what_was_earned(database: Database) -> None:
    async with shop(database) as scene:
        of = await bought(scene, [{"amount_minor": 10_000}])
        part = refund(scene, "amount", of=of, amount_minor=2_500)
        first = await scene.ask("POST", "/v1/refunds", part)
        assert first.status == 201, first.text
        assert (first.json["amount_minor"], first.json["points"], first.json["repeated"]) == (2_500, 25, False)
        assert (await scene.ask("POST", "/v1/refunds", part)).json["repeated"] is True
        more = await scene.ask("POST", "/v1/refunds", refund(scene, "amount", of=of, amount_minor=7_501))
        assert (more.status, more.code) == (409, "more_than_purchase")
        rest = await scene.ask("POST", "/v1/refunds", refund(scene, "all", of=of))
        assert rest.json["purchases"] == [{"of": of, "amount_minor": 7_500, "points": 75}]
        [one] = (await scene.ask("GET", f"/v1/purchases?document={of}")).json["purchases"]
        assert one["refunded_minor"] == 10_000 and await scene.holds()


async def test_lines_come_back_by_their_place_in_the_bill(database: Database) -> None:
    async with shop(database) as scene:
        of = await bought(scene, [{"amount_minor": 3_000, "item": "tea"}, {"amount_minor": 800, "pieces": 4}])
        back = await scene.ask("POST", "/v1/refunds", refund(scene, "lines", of=of, lines=[{"line": 1, "pieces": 3}]))
        assert (back.json["amount_minor"], back.json["points"]) == (600, 6), back.text
        wrong = await scene.ask("POST", "/v1/refunds", refund(scene, "lines", of=of, lines=[{"line": 1, "pieces": 2}]))
        assert wrong.code == "no_such_line"


async def test_without_a_receipt_the_latest_purchases_are_matched(database: Database) -> None:
    async with shop(database) as scene:
        first = await bought(scene, [{"amount_minor": 3_000, "item": "tea"}])
        second = await bought(scene, [{"amount_minor": 4_000, "item": "tea"}])
        items = [{"item": "tea", "pieces": 3}]
        body = refund(scene, "without_reference", member={"reference": scene.reference}, items=items)
        said = await scene.ask("POST", "/v1/refunds", body)
        assert [(each["of"], each["points"]) for each in said.json["purchases"]] == [(second, 40), (first, 30)], (
            said.text
        )
        assert said.json["unmatched"] == [{"item": "tea", "pieces": 1}]


async def test_a_reference_leads_to_who_has_the_account_now(database: Database) -> None:
    async with shop(database) as scene:
        first = await bought(scene, [{"amount_minor": 3_000, "item": "tea"}])
        async with scene.database.engine.begin() as tx:
            new = await turns.joined(tx, 501, "小新")
            await succession.follow(tx, scene.member_id, new.id)
        second = await bought(scene, [{"amount_minor": 4_000, "item": "tea"}])
        assert await scene.sql("SELECT member_id FROM purchase ORDER BY id") == [(scene.member_id,), (new.id,)]
        items = [{"item": "tea", "pieces": 2}]
        body = refund(scene, "without_reference", member={"reference": scene.reference}, items=items)
        said = await scene.ask("POST", "/v1/refunds", body)
        assert [each["of"] for each in said.json["purchases"]] == [second, first], said.text


async def test_a_refund_that_comes_before_its_purchase_may_be_tried_again(database: Database) -> None:
    async with shop(database) as scene:
        body, idem = refund(scene, "all", of="later"), fresh()
        assert (await scene.ask("POST", "/v1/refunds", body, idem=idem)).code == "no_such_purchase"
        await bought(scene, [{"amount_minor": 500}], document="later")
        assert (await scene.ask("POST", "/v1/refunds", body, idem=idem)).json["points"] == 5


async def test_a_refund_document_is_booked_once_whatever_it_comes_with(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        tea = await bought(scene, [{"amount_minor": 3_000, "item": "tea"}])
        cup = await bought(scene, [{"amount_minor": 4_000, "item": "cup"}])
        booked = refund(scene, "amount", of=tea, amount_minor=500)
        assert (await scene.ask("POST", "/v1/refunds", booked)).status == 201
        by_item = {"member": {"reference": scene.reference}, "items": [{"item": "cup", "pieces": 1}]}
        for other in (
            {**booked, "of": cup},
            {**booked, "amount_minor": 501},
            refund(scene, "without_reference", **by_item) | {"document": booked["document"]},
        ):
            said = await scene.ask("POST", "/v1/refunds", other)
            assert (said.status, said.code) == (409, "document_taken"), said.text
        first = refund(scene, "without_reference", **by_item)
        assert (await scene.ask("POST", "/v1/refunds", first)).json["points"] == 40
        said = await scene.ask("POST", "/v1/refunds", {**first, "items": [{"item": "tea", "pieces": 1}]})
        assert (said.status, said.code) == (409, "document_taken"), said.text


async def test_one_refund_document_for_two_purchases_at_once_is_booked_for_one(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        sold = [await bought(scene, [{"amount_minor": 3_000}]) for _ in range(6)]
        one = refund(scene, "all")
        said = await asyncio.gather(
            *(scene.ask("POST", "/v1/refunds", {**one, "of": of}, server=n % 2) for n, of in enumerate(sold))
        )
        assert sorted(each.status for each in said) == [201, 409, 409, 409, 409, 409]


async def voucher(scene: Scene, *fulfillers: str, **price: int) -> str:
    """The code of a voucher that the member has, for the market's box; `price` says more of its price, `fulfillers` who are asked
    to hand it over too."""
    at = moment(scene)
    usual = Offer.model_validate({**BOX, "code": "box", "merchant": "market"}).price
    document = offer("box", "礼盒", "Gift box", "market", usual.model_copy(update=price), fulfillers=fulfillers)
    async with scene.database.engine.begin() as tx:
        offer_id = await publish(tx, document, now=at.now, today=at.today)
        who = Member(scene.member_id, "active", None, None, at.today, (), frozenset())
        await turns.earn(tx, who, scene.market, 500, at=at, available_on=at.today)
        code = codes.mint(entropy())
        await redemptions.redeem(
            tx, who, offer_id, amount=1, version=1, points=50, nonce=fresh("n"), code=code, vault=scene.vault, undo_minutes=0,
            at=at, actor="test",
        )  # fmt: skip
    return code


async def test_a_voucher_is_checked_and_used_once_of_many_tills_at_once(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        code = await voucher(scene)
        seen = await scene.ask("POST", "/v1/vouchers:check", {"code": code}, idem=None, language="en")
        assert seen.status == 200 and (seen.json["name"], seen.json["state"]) == ("Gift box", "issued"), seen.text
        idem = fresh()
        tills = await asyncio.gather(
            *(scene.ask("POST", "/v1/vouchers:use", {"code": code}, server=n % 2) for n in range(5)),
            scene.ask("POST", "/v1/vouchers:use", {"code": code}, idem=idem),
        )
        assert sorted(each.status for each in tills) == [200, 409, 409, 409, 409, 409]
        assert {each.code for each in tills if each.status == 409} == {"voucher_used"}
        again = await scene.ask("POST", "/v1/vouchers:use", {"code": code}, idem=idem)
        assert again.text == tills[5].text
        [(by,)] = await scene.sql("SELECT used_by FROM redemption")
        assert by == -scene.known.id


async def test_a_voucher_whose_cash_part_is_unpaid_says_how_much_and_is_not_used(database: Database) -> None:
    async with shop(database) as scene:
        code = await voucher(scene, cash_minor=300)
        seen = await scene.ask("POST", "/v1/vouchers:check", {"code": code}, idem=None)
        assert (seen.status, seen.json["state"], seen.json["cash_minor"]) == (200, "held", 300), seen.text
        used = await scene.ask("POST", "/v1/vouchers:use", {"code": code}, language="en")
        assert (used.status, used.code, used.json["title"]) == (409, "cash_due", "¥3 is still to pay")
        assert await scene.sql("SELECT state FROM redemption") == [("held",)]


async def test_a_service_is_booked_at_outlets_and_a_till_sees_at_which(database: Database) -> None:
    async with shop(database) as scene:
        hours = [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "open": "00:00", "close": "00:00"}]
        booking = {
            "slot_minutes": 60,
            "hours": hours,
            "outlets": [{"outlet": "江北店"}, {"outlet": "江南店", "at_once": 3}],
        }
        body = {"document": {**BOX, "kind": "service", "booking": booking}}
        no = await scene.ask("PUT", "/v1/catalog/wash", body)
        assert (no.status, no.code) == (422, "no_outlet_of_that_name") and await scene.sql("SELECT 1 FROM offer") == []
        for name in ("江北店", "江南店"):
            await scene.sql(
                "INSERT INTO outlet (merchant_id, name, opened_at) VALUES (:id, CAST(:name AS text), now())",
                id=scene.market.id,
                name=name,
            )
        twice = {**booking, "outlets": [{"outlet": "江北店"}, {"outlet": "江北店"}]}
        wrong = await scene.ask("PUT", "/v1/catalog/wash", {"document": {**BOX, "kind": "service", "booking": twice}})
        assert wrong.status == 422 and "一家门店的预约只写一次" in wrong.text
        made = await scene.ask("PUT", "/v1/catalog/wash", body)
        assert made.status == 200, made.text
        [offer_id] = [row.id for row in await scene.sql("SELECT id FROM offer")]
        at, code = moment(scene), codes.mint(entropy())
        async with database.engine.begin() as tx:
            who = Member(scene.member_id, "active", None, None, at.today, (), frozenset())
            await turns.earn(tx, who, scene.market, 500, at=at, available_on=at.today)
            seen = await shelf.judged(tx, who, offer_id, today=at.today, now=at.programme_now)
            first = seen.facts.openings
            assert first is not None and first.first is not None and first.outlet is not None
            await redemptions.redeem(
                tx, who, offer_id, amount=1, version=1, points=50, slot=first.first.starts_at, outlet_id=first.outlet.id,
                nonce=fresh("n"), code=code, vault=scene.vault, undo_minutes=0, at=at, actor="test",
            )  # fmt: skip
        told = await scene.ask("POST", "/v1/vouchers:check", {"code": code}, idem=None)
        assert told.status == 200 and told.json["outlet"] == "江北店", told.text
        assert dt.datetime.fromisoformat(told.json["booked_at"]) == first.first.starts_at


async def test_another_merchants_voucher_and_guessing_are_refused(database: Database) -> None:
    async with shop(database) as scene:
        code = await voucher(scene)
        _, rival = await scene.new_key(merchant=scene.rail)
        assert (await scene.ask("POST", "/v1/vouchers:use", {"code": code}, key=rival)).code == "voucher_of_another"
        for _ in range(5):
            said = await scene.ask("POST", "/v1/vouchers:check", {"code": codes.mint(entropy())}, key=rival)
            assert (said.status, said.code) == (404, "code_unknown")
        paused = await scene.ask("POST", "/v1/vouchers:use", {"code": code}, key=rival)
        assert (paused.status, paused.code) == (429, "guessing_paused")
        assert (await scene.ask("POST", "/v1/vouchers:use", {"code": code})).status == 200


async def test_who_runs_the_merchant_hears_once_that_a_key_guesses(database: Database) -> None:
    async with shop(database) as scene:
        _, rival = await scene.new_key(merchant=scene.rail)
        who = {"member_id": scene.member_id, "role": "owner", "label": "店主"}
        async with database.engine.begin() as tx:
            await staff.add(tx, merchant_id=scene.rail.id, **who, by="test", now=scene.now())  # type: ignore[arg-type]
        for number in range(7):
            path = "/v1/vouchers:use" if number == 4 else "/v1/vouchers:check"
            await scene.ask("POST", path, {"code": codes.mint(entropy())}, key=rival)
        told = await scene.sql("SELECT member_id, params FROM outbox WHERE key LIKE 'guessing:%'")
        assert [row.member_id for row in told] == [scene.member_id]
        [[label, prefix]] = await scene.sql(
            "SELECT label, prefix FROM api_key WHERE merchant_id = :id", id=scene.rail.id
        )
        assert told[0].params["text"].splitlines() == [
            f"<b>密钥「{label}」报错了 5 个券码</b>",
            "江南铁路 · 都不是任何人的券,可能有人在猜",
            f"jf_{prefix}_… 先停 15 分钟,别的照常",
            "不是自己的系统,就换密钥",
        ]


async def test_own_offers_are_put_on_the_shelf_read_and_taken_off(database: Database) -> None:
    async with shop(database) as scene:
        made = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": BOX})
        assert made.status == 200 and made.json["document"]["name"]["en"] == "Gift box", made.text
        off = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": BOX, "active": False})
        assert off.json["active"] is False
        [one] = (await scene.ask("GET", "/v1/catalog")).json["offers"]
        assert (one["code"], one["active"]) == ("tea-box", False)
        again = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": one["document"]})
        assert again.status == 200 and await scene.sql("SELECT count(*) FROM offer_version") == [(1,)]
        _, rival = await scene.new_key(merchant=scene.rail)
        rail = {**BOX, "currency": "rail"}
        assert (await scene.ask("PUT", "/v1/catalog/tea-box", {"document": rail}, key=rival)).code == "code_of_another"
        assert (await scene.ask("PUT", "/v1/catalog/b-2", {"document": rail})).code == "currency_not_accepted"
        nonsense = await scene.ask("PUT", "/v1/catalog/b-2", {"document": {"kind": "goods"}})
        assert (nonsense.status, nonsense.code) == (422, "not_sensible")
        assert {each["pointer"] for each in nonsense.json["errors"]} >= {"/document/name", "/document/price"}
        assert (await scene.ask("PUT", "/v1/catalog/Not-A-Code", {"document": BOX})).code == "no_such_path"


async def test_an_offer_has_special_prices_and_days_and_comes_back_as_it_was_sent(database: Database) -> None:
    season = {"from_on": "2026-07-01", "until": "2026-08-31", "weekdays": [], "days_of_month": []}
    price = {**BOX["price"], "points": BOX["price"]["points"] // 2}
    cheap = {"name": {"zh": "旺季价", "en": "Season price"}, "when": season, "price": price}
    document = {**BOX, "specials": [cheap], "blackout": [{"from_on": "2026-08-15", "until": "2026-08-16"}]}
    async with shop(database) as scene:
        made = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": document})
        assert made.status == 200, made.text
        [one] = (await scene.ask("GET", "/v1/catalog")).json["offers"]
        assert one["document"] == made.json["document"] and one["document"]["specials"][0]["when"] == season
        assert one["document"]["blackout"] == document["blackout"] and "who" not in one["document"]
        least = await scene.sql("SELECT least_points FROM offer")
        assert least == [(price["points"],)]
        unknown = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": {**BOX, "who": {"tiers": ["platinum"]}}})
        assert (unknown.status, unknown.code) == (422, "no_such_tier")
        dearer = {**cheap, "price": {**BOX["price"], "points": BOX["price"]["points"] * 2}}
        no = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": {**BOX, "specials": [dearer]}})
        assert (no.status, no.code) == (422, "not_sensible")


async def test_an_offer_limits_households_and_one_that_does_not_says_nothing_of_them(database: Database) -> None:
    async with shop(database) as scene:
        plain = (await scene.ask("PUT", "/v1/catalog/tea-box", {"document": BOX})).json["document"]
        assert not any(name.startswith("household") for name in plain["limits"])
        limited = {**BOX, "limits": {"household_month": 2, "household_ever": 5}}
        made = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": limited})
        assert made.status == 200, made.text
        [one] = (await scene.ask("GET", "/v1/catalog")).json["offers"]
        limits = one["document"]["limits"]
        assert (limits["household_month"], limits["household_ever"], "household_day" in limits) == (2, 5, False)
        none = {**BOX, "limits": {"household_day": 0}}
        no = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": none})
        assert [each["pointer"] for each in no.json["errors"]] == ["/document/limits/household_day"]


async def test_what_is_handed_over_in_the_chat_is_published_by_what_it_needs(database: Database) -> None:
    gift = {**BOX, "kind": "donation", "does": {"zh": "种 1 棵树", "en": "1 tree planted"}}
    async with shop(database) as scene:
        made = await scene.ask("PUT", "/v1/catalog/tree", {"document": gift})
        assert made.status == 200 and made.json["document"]["does"] == gift["does"], made.text
        for document, code in (
            ({**BOX, "kind": "partner_code", "pool": "nowhere"}, "no_such_pool"),
            ({**gift, "green_class": "coal"}, "no_such_green_class"),
            ({**BOX, "kind": "membership", "membership": {"tier": "platinum", "days": 30}}, "no_such_tier"),
            ({**BOX, "pool": "nowhere"}, "not_sensible"),
        ):
            no = await scene.ask("PUT", "/v1/catalog/other", {"document": document})
            assert (no.status, no.code) == (422, code), no.text


async def test_the_catalog_is_read_page_by_page(database: Database) -> None:
    async with shop(database) as scene:
        for n in range(5):
            await scene.ask("PUT", f"/v1/catalog/box-{n}", {"document": BOX})
        seen, after = [], ""
        while True:
            page = (await scene.ask("GET", f"/v1/catalog?limit=2{after}")).json
            seen += [each["code"] for each in page["offers"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert seen == [f"box-{n}" for n in range(5)]


async def test_own_privileges_are_published_read_and_switched_off(database: Database) -> None:
    async with shop(database) as scene:
        made = await scene.ask("PUT", "/v1/privileges/fresh", {"document": FRESH})
        assert (made.status, made.json["version"]) == (200, 1), made.text
        again = await scene.ask("PUT", "/v1/privileges/fresh", {"document": made.json["document"]})
        assert again.json == made.json, "what is read can be sent, and makes no version"
        off = await scene.ask("PUT", "/v1/privileges/fresh", {"document": FRESH, "active": False})
        assert (off.json["active"], off.json["version"]) == (False, 1)
        more = {**FRESH, "gives": {"kind": "percent_off", "percent": 20}, "per_month": 4}
        assert (await scene.ask("PUT", "/v1/privileges/fresh", {"document": more})).json["version"] == 2
        for code in ("b-2", "c-3"):
            await scene.ask("PUT", f"/v1/privileges/{code}", {"document": FRESH})
        first = (await scene.ask("GET", "/v1/privileges?limit=2")).json
        second = (await scene.ask("GET", f"/v1/privileges?limit=2&after={first['next']}")).json
        assert [each["code"] for each in first["privileges"] + second["privileges"]] == ["b-2", "c-3", "fresh"]
        assert second["privileges"][0]["document"]["per_month"] == 4 and second["next"] is None
        _, rival = await scene.new_key(merchant=scene.rail)
        own = await scene.ask("PUT", "/v1/privileges/fresh", {"document": FRESH}, key=rival)
        assert own.status == 200 and len((await scene.ask("GET", "/v1/privileges", key=rival)).json["privileges"]) == 1
        logged = await scene.sql(
            "SELECT what, who FROM merchant_log WHERE merchant_id = :id ORDER BY id", id=scene.market.id
        )
        published = [what for what, who in logged if what.startswith("privilege_") and who.startswith("api_key:")]
        assert published[:4] == ["privilege_published", "privilege_paused", "privilege_published", "privilege_resumed"]


@pytest.mark.parametrize(
    ("wrong", "status", "code", "pointer", "zh", "en"),
    [
        ({"holds": None}, 422, "not_sensible", "/document", "权益要写持有多少分、哪些等级,或两样都写",
         "A privilege asks for points held, for tiers, or for both"),
        ({"gives": {"kind": "percent_off", "percent": 0}}, 422, "not_sensible", "/document/gives/percent", "不能小于 1",
         "It may not be below 1"),
        ({"gives": {"kind": "half"}}, 422, "not_sensible", "/document/gives/kind", "只能是 percent_off, free",
         "One of these: percent_off, free"),
        ({"name": {"zh": "鲜" * 25, "en": "Fresh"}}, 422, "not_sensible", "/document",
         f"「{'鲜' * 25}」长过 24 个字", f"“{'鲜' * 25}” is longer than 24 characters"),
        ({"tiers": ["platinum"]}, 422, "no_such_tier", "", "没有这个等级", "There is no such tier"),
        ({"holds": {"currency": "rail", "points": 5}}, 422, "currency_not_held_for", "", "不能要求持有「rail」",
         "“rail” can't be asked for"),
        ({"outlets": ["月球店"]}, 422, "no_outlet_of_that_name", "", "没有门店「月球店」", "No outlet “月球店”"),
    ],
)  # fmt: skip
async def test_what_is_no_privilege_is_said_in_both_languages(
    database: Database, wrong: dict[str, object], status: int, code: str, pointer: str, zh: str, en: str
) -> None:
    async with shop(database) as scene:
        for language, words in (("zh", zh), ("en", en)):
            no = await scene.ask("PUT", "/v1/privileges/fresh", {"document": {**FRESH, **wrong}}, language=language)
            assert (no.status, no.code) == (status, code), no.text
            if pointer:
                assert (pointer, words) in [(each["pointer"], each["detail"]) for each in no.json["errors"]], no.text
            else:
                assert no.json["title"] == words
        assert await scene.sql("SELECT count(*) FROM privilege") == [(0,)]


async def test_a_rule_is_proposed_and_waits_where_an_operator_approves(database: Database) -> None:
    async with shop(database) as scene:
        today = moment(scene).today
        async with database.engine.begin() as tx:
            await operators.add(tx, scene.member_id, "finance", now=scene.now())
        body = {
            "document": {"kind": "multiplier", "name_zh": "双倍", "name_en": "Double", "factor": "2"},
            "valid_from": today.isoformat(),
        }
        said = await scene.ask("PUT", "/v1/rules/market-double", body)
        assert said.status == 200 and (said.json["state"], said.json["version"]) == ("proposed", 1), said.text
        rules = (await scene.ask("GET", "/v1/rules")).json["rules"]
        assert {(each["code"], each["state"]) for each in rules} == {
            ("market-base", "approved"),
            ("market-double", "proposed"),
        }
        told = await scene.sql("SELECT member_id, policy, params::text FROM outbox WHERE key LIKE 'rule-proposed:%'")
        assert [(row.member_id, row.policy) for row in told] == [(scene.member_id, "operational")]
        assert "rule_approvals:open:market-double@1" in told[0].params, "and it leads to that very rule"
        late = {**body, "valid_from": (today - dt.timedelta(days=1)).isoformat()}
        assert (await scene.ask("PUT", "/v1/rules/market-double", late)).code == "rule_begins_in_the_past"
        assert (await scene.ask("PUT", "/v1/rules/rail-base", body)).code == "code_of_another"
        nowhere = {**body, "document": {**body["document"], "when": {"regions": ["atlantis"]}}}
        said = await scene.ask("PUT", "/v1/rules/market-x", nowhere)
        assert (said.status, said.code) == (422, "no_such_region") and "atlantis" in said.json["detail"]
        wrong = await scene.ask("PUT", "/v1/rules/market-x", {**body, "document": {"kind": "multiplier"}})
        assert (wrong.status, wrong.code) == (422, "not_sensible")
        ended = {**body, "valid_to": (today - dt.timedelta(days=2)).isoformat()}
        assert (await scene.ask("PUT", "/v1/rules/market-x", ended)).code == "ends_before_it_begins"


async def test_a_rule_is_in_force_at_once_where_nobody_has_to_approve(database: Database) -> None:
    async with shop(database) as scene:
        await scene.sql("UPDATE programme SET document = document || '{\"rules_need_approval\": false}'")
        body = {"document": {"kind": "base", "rate": "3"}, "valid_from": moment(scene).today.isoformat()}
        assert (await scene.ask("PUT", "/v1/rules/market-base", body)).json["state"] == "approved"
        assert (await scene.buy(scene.purchase(1_000))).json["points"] == 30


async def test_taking_part_in_an_activity_gives_its_points_once(database: Database) -> None:
    async with shop(database) as scene:
        at = moment(scene)
        async with database.engine.begin() as tx:
            owner = await staff.add(
                tx, merchant_id=scene.market.id, member_id=9_999, role="owner", label="店主", by="test", now=at.now
            )
            planned = activities.Planned(
                "check_in", "环保讲座", 20, 5, at.now - dt.timedelta(hours=1), at.now + dt.timedelta(hours=1)
            )
            made = await activities.make(tx, scene.market, owner, planned, at=at)
        body = {"activity": made.id, "member": {"reference": scene.reference}}
        assert (await scene.ask("POST", "/v1/activity-grants", body)).json["points"] == 20
        again = await scene.ask("POST", "/v1/activity-grants", body)
        assert (again.status, again.code) == (409, "took_part")
        _, rival = await scene.new_key(merchant=scene.rail)
        other = await scene.ask("POST", "/v1/activity-grants", body, key=rival)
        assert other.code == "no_such_activity"


async def test_statements_are_of_closed_weeks(database: Database) -> None:
    async with shop(database) as scene:
        assert (await scene.ask("GET", "/v1/statements")).json == {"statements": [], "next": None}
        for week in ("2026-11-16", "2026-99-99"):
            assert (await scene.ask("GET", f"/v1/statements/{week}")).code == "no_such_statement"
        async with database.engine.connect() as tx:
            assert await tx.scalar(text("SELECT count(*) FROM clearing_close")) == 0


async def test_another_merchant_is_asked_over_http_and_agrees_there(database: Database) -> None:
    async with shop(database) as scene:
        _, rival = await scene.new_key("catalog", "vouchers", merchant=scene.rail)
        made = await scene.ask("PUT", "/v1/catalog/tea-box", {"document": {**BOX, "fulfillers": ["rail"]}})
        assert (made.status, made.json["fulfillers"]) == (200, [{"merchant": "rail", "state": "asked"}]), made.text
        code = await voucher(scene, "rail")
        assert (await scene.ask("POST", "/v1/vouchers:use", {"code": code}, key=rival)).code == "voucher_of_another"
        [asked, _] = (await scene.ask("GET", "/v1/fulfilments", key=rival)).json["fulfilments"]
        assert (asked["code"], asked["owner"], asked["state"], asked["version"]) == ("box", "market", "asked", 1)
        agreed = await scene.ask("PUT", "/v1/fulfilments/box", {"agrees": True}, key=rival)
        assert (agreed.status, agreed.json["state"], agreed.json["agreed_version"]) == (200, "agreed", 1)
        one, _ = (await scene.ask("GET", "/v1/catalog")).json["offers"]
        assert one["fulfillers"] == [{"merchant": "rail", "state": "agreed"}]
        code = await voucher(scene, "rail")
        assert (await scene.ask("POST", "/v1/vouchers:use", {"code": code}, key=rival)).json["state"] == "used"
        assert await scene.sql("SELECT count(*) FROM redemption WHERE merchant_id = :id", id=scene.rail.id) == [(1,)]
        left = await scene.ask("PUT", "/v1/fulfilments/box", {"agrees": False}, key=rival)
        assert left.json["state"] == "left"
        unknown = await scene.ask("PUT", "/v1/fulfilments/other", {"agrees": True}, key=rival, language="en")
        assert (unknown.status, unknown.code) == (404, "not_asked") and "not asked" in unknown.json["title"]
        nobody = await scene.ask("PUT", "/v1/catalog/box", {"document": {**BOX, "fulfillers": ["nobody"]}})
        assert (nobody.status, nobody.code) == (404, "no_such_merchant")
        assert await scene.holds()
