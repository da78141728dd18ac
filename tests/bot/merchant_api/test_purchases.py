"""Booking over HTTP: what a purchase earns, and that it earns once."""

from __future__ import annotations

import asyncio
import datetime as dt

from bot.merchant_api.models import BatchOut, Booked
from ledger.members import claims, walk_ins
from ledger.members.reference import reference
from ledger.points.commands import Moment
from tests.bot.merchant_api.scene import fresh, shop
from tests.conftest import Database


async def test_a_purchase_earns_and_says_what(database: Database) -> None:
    async with shop(database) as scene:
        said = await scene.buy(scene.purchase(12_350))
        assert said.status == 201, said.text
        assert said.json["points"] == 123 and said.json["member"] == scene.reference and said.json["repeated"] is False
        assert said.json["because"] is None and said.json["amount_minor"] == 12_350
        [(points, channel, actor)] = await scene.sql(
            "SELECT p.points, p.channel, e.actor FROM purchase p JOIN entry e ON e.id = p.entry_id AND e.owner_id = p.member_id"
        )
        assert (points, channel, actor) == (123, "api", scene.known.actor)
        assert await scene.holds()


async def test_answers_are_exactly_what_the_models_say(database: Database) -> None:
    async with shop(database) as scene:
        one = await scene.buy(scene.purchase(12_350))
        assert Booked.model_validate_json(one.text).model_dump_json() == one.text
        rows = {"purchases": [scene.purchase(), scene.purchase(0)]}
        many = await scene.ask("POST", "/v1/purchases:batch", rows)
        assert BatchOut.model_validate_json(many.text).model_dump_json(exclude_unset=True) == many.text


async def test_a_member_may_be_named_by_the_card_they_show_once(database: Database) -> None:
    async with shop(database) as scene:
        code = await scene.card()
        first = await scene.buy(scene.purchase(member={"card": code}))
        assert first.status == 201 and first.json["member"] == scene.reference
        again = await scene.buy(scene.purchase(member={"card": code}))
        assert (again.status, again.code) == (409, "card_used")
        assert (await scene.buy(scene.purchase(member={"card": "00000000"}))).code == "card_unknown"


async def test_a_card_shown_at_two_tills_at_once_is_one_tills(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        code = await scene.card()
        both = await asyncio.gather(*(scene.buy(scene.purchase(member={"card": code}), server=n % 2) for n in range(4)))
        assert sorted(each.status for each in both) in ([201, 409, 409, 409], [201, 429, 429, 429]), both
        assert len(await scene.sql("SELECT 1 FROM purchase")) == 1


async def test_a_paper_card_is_good_for_every_purchase_whoever_has_claimed_it_since(database: Database) -> None:
    async with shop(database) as scene:
        at = Moment(scene.now(), scene.today())
        async with database.engine.begin() as tx:
            facts = {"merchant_id": scene.market.id, "by": "staff:1", "now": at.now}
            _, (paper, unused) = await walk_ins.print_cards(tx, scene.vault, count=2, **facts)
            handle = walk_ins.read(paper.number)
            assert handle is not None
            who = await walk_ins.open_account(tx, scene.vault, handle, terms="2026-11", **facts)
        scanned = f"https://t.me/jifen_demo_bot?start=c_{paper.number}"
        bodies = [scene.purchase(5_000, member={"card": each}) for each in (paper.number, scanned)]
        booked = [await scene.buy(body) for body in bodies]
        theirs = reference(scene.vault, scene.market.id, who)
        assert [(said.status, said.json["points"], said.json["member"]) for said in booked] == [(201, 50, theirs)] * 2
        rows = {"purchases": [scene.purchase(1_000, member={"card": paper.number}) for _ in range(2)]}
        rows["purchases"] += [scene.purchase(member={"card": await scene.card()})]
        assert (await scene.ask("POST", "/v1/purchases:batch", rows)).json["booked"] == 3
        for number in (unused.number, "123456789012", paper.number[:-1] + str((int(paper.number[-1]) + 1) % 10)):
            refused = await scene.buy(scene.purchase(member={"card": number}))
            assert (refused.status, refused.code) == (404, "card_unknown")
        async with database.engine.begin() as tx:
            claimed = await claims.claim(tx, scene.vault, member_id=scene.member_id, code=paper.code, at=at)
            assert isinstance(claimed, claims.Claimed)
        again = await scene.buy(bodies[0])
        assert (again.status, again.json["points"], again.json["repeated"]) == (201, 50, True)
        more = await scene.buy(scene.purchase(7_000, member={"card": paper.number}))
        assert (more.json["points"], more.json["member"]) == (70, scene.reference)
        assert await scene.holds()


async def test_a_card_is_still_good_after_a_purchase_that_was_refused(database: Database) -> None:
    async with shop(database) as scene:
        code = await scene.card()
        no = await scene.buy(scene.purchase(0, member={"card": code}))
        assert (no.status, no.code) == (422, "amount_must_be_positive")
        assert (await scene.buy(scene.purchase(member={"card": code}))).status == 201


async def test_the_same_key_gives_the_same_answer_letter_by_letter_and_does_nothing_more(database: Database) -> None:
    async with shop(database) as scene:
        body, idem = scene.purchase(), fresh()
        first = await scene.buy(body, idem=idem)
        second = await scene.buy(body, idem=idem, language="en")
        assert first.status == second.status == 201 and first.text == second.text
        assert "Idempotent-Replayed" not in first.headers and second.headers["Idempotent-Replayed"] == "true"
        assert len(await scene.sql("SELECT 1 FROM purchase")) == 1


async def test_the_same_key_with_another_body_is_refused(database: Database) -> None:
    async with shop(database) as scene:
        idem = fresh()
        assert (await scene.buy(scene.purchase(100), idem=idem)).status == 201
        other = await scene.buy(scene.purchase(200), idem=idem)
        assert (other.status, other.code) == (422, "idempotency_key_reused")
        elsewhere = await scene.ask("POST", "/v1/vouchers:use", {"code": "ABC"}, idem=idem)
        assert (elsewhere.status, elsewhere.code) == (422, "idempotency_key_reused")


async def test_one_document_is_booked_once_whatever_the_keys(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        body = scene.purchase(5_000)
        said = await asyncio.gather(*(scene.buy(body, server=n % 2) for n in range(6)))
        booked = [each.json for each in said if each.status == 201]
        busy = [each for each in said if each.status != 201]
        assert booked and {each.code for each in busy} <= {"too_many_for_member"}
        assert sum(not each["repeated"] for each in booked) == 1
        assert len(await scene.sql("SELECT 1 FROM entry WHERE kind = 'accrue'")) == 1
        other = await scene.buy({**body, "lines": [{"amount_minor": 6_000}]})
        assert (other.status, other.code) == (409, "document_taken")


async def test_duplicates_at_the_same_time_get_one_booking_and_one_answer(database: Database) -> None:
    async with shop(database, servers=2) as scene:
        body, idem = scene.purchase(), fresh()
        said = await asyncio.gather(*(scene.buy(body, idem=idem, server=n % 2) for n in range(10)))
        assert {each.status for each in said} <= {201, 409}
        assert {(each.code, each.headers["Retry-After"]) for each in said if each.status == 409} <= {("in_flight", "1")}
        assert len({each.text for each in said if each.status == 201}) == 1
        assert len(await scene.sql("SELECT 1 FROM purchase")) == 1
        assert (await scene.buy(body, idem=idem)).status == 201


async def test_many_at_once_are_each_answered_for_themselves(database: Database) -> None:
    async with shop(database) as scene:
        async with database.engine.begin() as tx:
            from tests import turns

            others = [await turns.joined(tx, 600 + n, f"会员{n}") for n in range(20)]
        from ledger.members.reference import reference

        bodies = [
            scene.purchase(100 * n, member={"reference": reference(scene.vault, scene.market.id, who.id)})
            for n, who in enumerate(others)
        ]
        said = await asyncio.gather(*(scene.buy(body) for body in bodies))
        assert said[0].code == "amount_must_be_positive"
        assert [each.json["points"] for each in said[1:]] == list(range(1, 20))
        assert await scene.holds()


async def test_a_purchase_that_earns_nothing_says_why(database: Database) -> None:
    async with shop(database) as scene:
        said = await scene.buy(scene.purchase(99))
        assert said.status == 201 and said.json["points"] == 0 and said.json["because"] == "below_one_point"
        paid = {"payments": [{"by": "voucher", "amount_minor": 10_000}]}
        assert (await scene.buy(scene.purchase(10_000, **paid))).json["because"] == "paid_otherwise"


async def test_only_what_was_paid_with_money_earns(database: Database) -> None:
    async with shop(database) as scene:
        payments = [{"by": "money", "amount_minor": 6_000}, {"by": "points", "amount_minor": 4_000}]
        assert (await scene.buy(scene.purchase(payments=payments))).json["points"] == 60
        less = await scene.buy(scene.purchase(payments=[{"by": "money", "amount_minor": 1}]))
        assert (less.status, less.code) == (422, "payments_differ")


async def test_an_answer_that_may_change_is_not_kept(database: Database) -> None:
    async with shop(database) as scene:
        late = scene.purchase(occurred_at=(scene.now() + dt.timedelta(minutes=7)).isoformat())
        idem = fresh()
        assert (await scene.buy(late, idem=idem)).code == "in_the_future"
        scene.offset = dt.timedelta(minutes=10)
        assert (await scene.buy(late, idem=idem)).status == 201


async def test_times_are_sane_and_a_tills_clock_may_be_a_little_fast(database: Database) -> None:
    async with shop(database) as scene:
        fast = await scene.buy(scene.purchase(occurred_at=(scene.now() + dt.timedelta(minutes=4)).isoformat()))
        assert fast.status == 201
        old = scene.purchase(occurred_at=(scene.now() - dt.timedelta(days=31)).isoformat())
        assert (await scene.buy(old)).code == "too_long_ago"
        _, history = await scene.new_key("award", "history")
        assert (await scene.buy(old, key=history)).status == 201
        assert (await scene.buy(scene.purchase(occurred_at="2026-11-22T10:00:00"))).code == "malformed"
        assert (await scene.buy(scene.purchase(occurred_at=1_790_000_000))).code == "malformed"


async def test_a_batch_answers_row_by_row(database: Database) -> None:
    async with shop(database) as scene:
        taken = scene.purchase(700)
        rows = [scene.purchase(500), scene.purchase(0), taken, {**taken, "lines": [{"amount_minor": 1}]}, taken]
        rows.append(scene.purchase(member={"reference": "A" * 22}))
        idem = fresh()
        said = await scene.ask("POST", "/v1/purchases:batch", {"purchases": rows}, idem=idem)
        assert said.status == 200, said.text
        codes = [row.get("problem", {}).get("code") for row in said.json["rows"]]
        assert codes == [None, "amount_must_be_positive", None, "document_taken", None, "no_such_member"]
        assert (said.json["booked"], said.json["refused"]) == (3, 3)
        assert said.json["rows"][4]["purchase"]["repeated"] is True
        again = await scene.ask("POST", "/v1/purchases:batch", {"purchases": rows}, idem=idem)
        assert again.text == said.text
        assert len(await scene.sql("SELECT 1 FROM purchase")) == 2
        assert await scene.holds()


async def test_a_batch_has_one_to_a_thousand_rows(database: Database) -> None:
    async with shop(database) as scene:
        none = await scene.ask("POST", "/v1/purchases:batch", {"purchases": []})
        assert (none.status, none.code) == (400, "malformed")
        many = await scene.ask(
            "POST", "/v1/purchases:batch", {"purchases": [scene.purchase(100) for _ in range(1_001)]}
        )
        assert (many.status, many.code) == (400, "malformed")
        full = await scene.ask(
            "POST", "/v1/purchases:batch", {"purchases": [scene.purchase(100) for _ in range(1_000)]}
        )
        assert full.json["booked"] == 1_000


async def test_purchases_are_read_page_by_page_newest_first(database: Database) -> None:
    async with shop(database) as scene:
        begin = scene.now() - dt.timedelta(hours=1)
        rows = [scene.purchase(100, occurred_at=(begin + dt.timedelta(minutes=n // 2)).isoformat()) for n in range(7)]
        assert (await scene.ask("POST", "/v1/purchases:batch", {"purchases": rows})).json["booked"] == 7
        seen: list[str] = []
        path = "/v1/purchases?limit=3"
        while True:
            page = await scene.ask("GET", path)
            seen += [each["document"] for each in page.json["purchases"]]
            if page.json["next"] is None:
                break
            path = f"/v1/purchases?limit=3&after={page.json['next']}"
        assert seen == [row["document"] for row in reversed(rows)]
        [one] = (await scene.ask("GET", f"/v1/purchases?document={rows[2]['document']}")).json["purchases"]
        assert one["document"] == rows[2]["document"]
        assert (await scene.ask("GET", "/v1/purchases?after=nonsense")).code == "no_such_place"
        assert (await scene.ask("GET", "/v1/purchases?limit=0")).code == "malformed"
        _, rival = await scene.new_key(merchant=scene.rail)
        assert (await scene.ask("GET", "/v1/purchases", key=rival)).json == {"purchases": [], "next": None}


async def test_a_quote_tells_what_a_purchase_would_earn_and_books_nothing(database: Database) -> None:
    async with shop(database) as scene:
        asked = {"lines": [{"amount_minor": 30_000}]}
        for body in (asked, {**asked, "member": {"reference": scene.reference}}):
            said = await scene.ask("POST", "/v1/quote", body, idem=None, language="en")
            assert said.json == {"points": 300, "because": None, "why": ["¥300 × 1 per yuan  = 300 pts"]}, said.text
        assert await scene.sql("SELECT 1 FROM purchase") == []
