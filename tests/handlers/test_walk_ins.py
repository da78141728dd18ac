"""Customers without Telegram: a paper card or a phone number at the till, claimed when they join; nothing is lost on the way."""

from __future__ import annotations

import io
from typing import Any

import zxingcpp
from openpyxl import load_workbook
from pypdfium2 import PdfDocument

from bot.double.people import Person
from ledger.members import walk_ins
from ledger.points.audit import audit
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import member_id
from tests.handlers.till_scene import Shop, open_shop, printed

PHONE = "13812345678"


async def some_cards(shop: Shop, count: int = 3) -> list[list[str]]:
    """A batch as the manager gets it: rows of number, front link, code, link under the scratch field."""
    manager = shop.manager
    await manager.says("/merchant")
    await manager.taps("纸卡")
    await manager.sees("要多少张", fresh=True)
    await manager.says(str(count))
    await manager.sees(f"{count} 张纸卡,交给印刷厂")
    return table(manager)


def handed(manager: Person, kind: str) -> bytes:
    """The newest file of a kind that was handed over."""
    (message,) = [m for m in manager.messages if m.wire.get("document", {}).get("file_name", "").endswith(kind)][-1:]
    content: bytes = manager._world.files.by_id(message.wire["document"]["file_id"]).content
    return content


def table(manager: Person) -> list[list[str]]:
    sheet = load_workbook(io.BytesIO(handed(manager, ".xlsx"))).active
    assert sheet is not None
    return [[str(cell) for cell in row] for row in list(sheet.values)[1:]]


async def serves(cashier: Person, said: str, amount: str, *, first: bool) -> None:
    """One award to whoever is known by this number."""
    await cashier.says(f"/award {said}")
    if first:
        await cashier.sees("第一次用", fresh=True)
        await cashier.taps("顾客同意")
    await cashier.sees("收了多少钱", fresh=True)
    await cashier.says(amount)
    await cashier.sees("→", fresh=True)
    await cashier.taps("确认")
    await cashier.sees("已记", fresh=True)


async def holdings(world: World, who: int) -> dict[str, int]:
    rows = await world.sql(
        "SELECT purpose, balance FROM account WHERE owner_kind = 'member' AND owner_id = :who AND balance <> 0", who=who
    )
    return {purpose: int(balance) for purpose, balance in rows}


async def proven(world: World) -> None:
    async with world.database.engine.connect() as tx:
        assert (await audit(tx)).violations == ()


async def test_a_paper_card_earns_at_once_and_is_claimed_with_all_it_has(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        (number, front, code, back), *_ = await some_cards(shop)
        assert (
            len(number) == 12 and front.endswith(f"?start=c_{number}") and back.endswith(f"k_{code.replace('-', '')}")
        )
        cashier = shop.cashier
        await cashier.opens(front)
        shown = (await cashier.sees("第一次用", fresh=True)).shown
        assert f"纸卡 …{number[-4:]}" in shown and "积分不是钱" in shown
        await cashier.taps("顾客同意")
        await cashier.sees("收了多少钱", fresh=True)
        await cashier.says("300")
        await cashier.sees(f"会员 纸卡 …{number[-4:]} 得 300 分", fresh=True)
        await cashier.taps("确认")
        assert "顾客没有用 Telegram,请当面说一声" in (await cashier.sees("已记", fresh=True)).shown
        await serves(cashier, number, "50", first=False)
        [[account]] = await world.sql("SELECT member_id FROM walk_in")
        assert await holdings(world, account) == {"pending": 350}
        assert await world.sql("SELECT version FROM consent WHERE member_id = :who", who=account) == [("2026-11",)]

        hong = world.person("小红")
        await hong.opens(back)
        await hong.taps("同意并加入")
        await hong.sees("欢迎您,小红")
        assert "[继续刚才的]" in printed(hong)
        await hong.says(f"/start k_{code.replace('-', '')}")
        shown = (await hong.sees(f"纸卡 …{number[-4:]} 归您了", fresh=True)).shown
        assert "+350 分" in shown and "待生效 350" in shown
        me = await member_id(world, hong)
        assert await holdings(world, account) == {} and (await holdings(world, me))["pending"] == 350
        await serves(cashier, number, "20", first=False)
        await hong.sees("+20 分 · 云山超市")
        await proven(world)


async def test_what_is_refunded_after_the_claim_is_taken_from_who_has_the_points_and_told_to_them(
    database: Database,
) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        (number, _, code, _), *_ = await some_cards(shop)
        await serves(shop.cashier, number, "300", first=True)
        [[account]] = await world.sql("SELECT member_id FROM walk_in")
        ming = shop.customer
        await ming.says(f"/claim {code}")
        await ming.sees("+300 分", fresh=True)
        await shop.manager.says("/today")
        await shop.manager.taps("¥300")
        await shop.manager.taps("退款")
        await shop.manager.says("100")
        await shop.manager.sees(f"会员 纸卡 …{number[-4:]} 收回 100 分", fresh=True)
        await shop.manager.taps("商品退回")
        assert "会员已收到通知" in (await shop.manager.sees("已退 ¥100,收回 100 分", fresh=True)).shown
        await ming.sees("-100 分 · 退货 · 云山超市")
        await ming.taps("看来由")
        await ming.sees("商品退回", fresh=True)
        assert "原来那笔" not in printed(ming)
        assert (await holdings(world, account), (await holdings(world, await member_id(world, ming)))["pending"]) == (
            {},
            200,
        )
        await proven(world)


async def test_a_phone_number_is_found_again_however_it_is_typed_and_stands_nowhere_in_plain(
    database: Database,
) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await shop.cashier.says("/award")
        await shop.cashier.sees("12 位卡号,或手机号", fresh=True)
        await shop.cashier.says("138 1234 5678")
        assert "手机 138****5678 第一次用" in (await shop.cashier.sees("第一次用", fresh=True)).shown
        rows = await world.sql("SELECT data::text FROM dialogue")
        assert rows and not any(PHONE in data for (data,) in rows)
        await shop.cashier.taps("顾客同意")
        await shop.cashier.sees("会员 手机 138****5678", fresh=True)
        await shop.cashier.says("40")
        await shop.cashier.taps("确认")
        await shop.cashier.sees("已记", fresh=True)
        await serves(shop.colleague, "+86-138-1234-5678", "60", first=False)
        assert await world.sql("SELECT count(*), sum(amount_minor) FROM purchase") == [(2, 10000)]
        tables = await world.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (name,) in tables:
            found = await world.sql(f'SELECT count(*) FROM "{name}" t WHERE t::text LIKE :plain', plain=f"%{PHONE}%")
            assert found == [(0,)], name
        for who in (shop.cashier, shop.colleague):
            assert not any(PHONE in message.shown for message in who.messages if message.from_bot)


async def test_the_number_is_claimed_by_the_key_that_shares_ones_own(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        await serves(shop.cashier, PHONE, "300", first=True)
        ming, other = shop.customer, world.person("路人")
        await ming.says("/claim")
        await ming.taps("用手机号认领")
        await ming.sees("把您自己的手机号发给我", fresh=True)
        await ming.says(PHONE)
        await ming.sees("打字发来的号码不能用", fresh=True)
        await ming.shares_contact(f"+86{PHONE}", of=other)
        await ming.sees("这不是您自己的号码", fresh=True)
        await ming.types_key("返回")
        await ming.sees("好的,没有认领", fresh=False)
        assert await holdings(world, await member_id(world, ming)) == {}
        await ming.says("/claim")
        await ming.taps("用手机号认领")
        await ming.sees("把您自己的手机号发给我", fresh=True)
        await ming.shares_contact(f"86{PHONE}")
        await ming.sees("待生效 300")
        assert any("手机号 138****5678 名下的积分归您了\n+300 分" in m.shown for m in ming.messages)
        assert await holdings(world, await member_id(world, ming)) == {"pending": 300}
        await ming.says("/claim")
        await ming.taps("用手机号认领")
        await ming.shares_contact(f"+86{PHONE}")
        await world.settled()
        assert any("没有可认领的积分" in m.shown for m in ming.messages)
        # The number goes on working at tills, and does not say to a cashier whose it is before something is sold.
        await shop.cashier.says(f"/award {PHONE}")
        await shop.cashier.sees("会员 手机 138****5678", fresh=True)
        await shop.cashier.says("10")
        assert "小明" not in (await shop.cashier.sees("→", fresh=True)).shown
        await shop.cashier.taps("确认")
        await ming.sees("+10 分 · 云山超市")
        await proven(world)


async def test_the_same_in_english(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world, language="en")
        await shop.cashier.says(f"/award {PHONE}")
        shown = (await shop.cashier.sees("First use of phone 138****5678", fresh=True)).shown
        assert "can't be cashed" in shown
        await shop.cashier.taps("They agree")
        await shop.cashier.says("30")
        await shop.cashier.taps("Confirm")
        await shop.cashier.sees("This customer has no Telegram", fresh=True)
        await shop.customer.says("/claim")
        await shop.customer.taps("Claim by phone number")
        await shop.customer.sees("your own phone number", fresh=True)
        await shop.customer.types_key("Back")
        await shop.customer.sees("0 pts")
        assert any("nothing was claimed" in m.shown for m in shop.customer.messages)
        await shop.customer.says("/claim")
        await shop.customer.taps("Claim by phone number")
        await shop.customer.shares_contact(f"+86{PHONE}")
        await shop.customer.sees("30 pending")
        assert any("The points under 138****5678 are yours now" in m.shown for m in shop.customer.messages)


async def test_a_number_with_a_slip_is_no_card(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        (number, *_), *_ = await some_cards(shop)
        slip = number[:5] + str((int(number[5]) + 1) % 10) + number[6:]
        for said, words in [
            (slip, "这不是会员码"), (walk_ins.card_number(4711), "没有这张纸卡"), ("+852 5123 4567", "这不是会员码"),
            ("12012345678", "这不是会员码"),
        ]:  # fmt: skip
            await shop.cashier.says("/award")
            await shop.cashier.sees("请会员打开会员码", fresh=True)
            await shop.cashier.says(said)
            await shop.cashier.sees(words, fresh=True)
        assert await world.sql("SELECT count(*) FROM walk_in") == [(0,)]


async def test_who_scans_the_front_without_working_here_learns_how_to_claim(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        (_, front, code, _), *_ = await some_cards(shop)
        await shop.customer.opens(front)
        await shop.customer.sees("结账时给收银员扫", fresh=True)
        await shop.customer.taps("认领")
        await shop.customer.sees("请发过来", fresh=True)
        await shop.customer.says(code)  # before it was ever used
        shown = (await shop.customer.sees("归您了", fresh=True)).shown
        assert "账户里没有可用的积分" in shown


async def test_a_claim_between_the_scan_and_the_tap_takes_the_purchase_along(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        (number, _, code, _), *_ = await some_cards(shop)
        await serves(shop.cashier, number, "30", first=True)
        await shop.cashier.says(f"/award {number}")
        await shop.cashier.sees("收了多少钱", fresh=True)
        await shop.cashier.says("70")
        await shop.cashier.sees("→", fresh=True)
        await shop.customer.says(f"/claim {code}")
        await shop.customer.sees("+30 分", fresh=True)
        await shop.cashier.taps("确认")
        await shop.cashier.sees("已记", fresh=True)
        await shop.customer.sees("+70 分 · 云山超市")
        assert await holdings(world, await member_id(world, shop.customer)) == {"pending": 100}


async def test_two_tills_that_see_a_number_first_open_one_account(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        for who in (shop.cashier, shop.colleague):
            await who.says(f"/award {PHONE}")
            await who.sees("第一次用", fresh=True)
        taps = [await who.taps("顾客同意") for who in (shop.cashier, shop.colleague)]
        for tap in taps:
            await tap.answer()
        for who in (shop.cashier, shop.colleague):
            await who.sees("收了多少钱", fresh=True)
        assert await world.sql("SELECT count(*) FROM walk_in") == [(1,)]
        assert await world.sql("SELECT count(*) FROM member WHERE status = 'unclaimed'") == [(1,)]


async def test_cards_are_printed_by_who_may_once_a_tap_and_had_again(database: Database) -> None:
    async with bot_running(database) as world:
        shop = await open_shop(world)
        manager: Any = shop.manager
        await manager.says("/merchant")
        await manager.taps("纸卡")
        await manager.sees("要多少张", fresh=True)
        message = manager.last
        for tap in [await manager.taps("50 张", message=message) for _ in range(3)]:
            await tap.answer()
        await manager.sees("50 张 · 用了 0")
        assert await world.sql("SELECT count(*), count(DISTINCT claim_index) FROM paper_card") == [(50, 50)]
        await manager.sees("要多少张", fresh=True)
        first, pages = table(manager), handed(manager, ".pdf")
        await manager.taps("再下载")
        await world.settled()
        assert table(manager) == first and len({number for number, *_ in first}) == 50
        assert handed(manager, ".pdf") == pages, "the same cards are the same pages"
        sheet = PdfDocument(pages)
        assert len(sheet) == 5
        said = sheet[0].get_textpage().get_text_bounded()
        assert "云山超市" in said and all(code in said for _, _, code, _ in first[:10])
        read = {each.text for each in zxingcpp.read_barcodes(sheet[4].render(scale=3).to_pil())}
        assert read == {front for _, front, _, _ in first[40:]}
        sheet.close()
        await manager.says("501")
        await manager.sees("一批是 1 到 500 张", fresh=True)
        await shop.owner.says("/merchant")
        await shop.owner.taps("操作记录")
        await shop.owner.sees("印了 50 张纸卡", fresh=True)
        await shop.cashier.says("/counter")
        await shop.cashier.sees("收银台", fresh=True)
        await opens(shop.cashier, "paper:home:1")
        await shop.cashier.sees("您不能印纸卡", fresh=True)
