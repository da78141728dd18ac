"""The owner's keys and webhook in chat: made, shown once, used against the real API, rotated, revoked."""

from __future__ import annotations

import re

import pytest

from bot.double.double import Person
from ledger.merchants import api_keys, staff, webhooks
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.shop import member_id


async def owner(world: World, language: str = "zh-hans") -> Person:
    """Somebody who owns the supermarket."""
    person = await world.member("王姐", language)
    async with world.database.engine.begin() as tx:
        await staff.add(
            tx,
            merchant_id=1,
            member_id=await member_id(world, person),
            role="owner",
            label="店主",
            by="test",
            now=world.now(),
        )
    return person


async def taps(world: World, person: Person, label: str) -> None:
    """Taps, and waits for the screen: the next label may be on an older one too."""
    await person.taps(label)
    await world.settled()


def key_on(person: Person) -> str:
    """The key on the newest screen."""
    found = re.search(r"j[ft]_[\w-]{8}_[\w-]+", person.last.text)
    assert found is not None, person.last.text
    return found[0]


async def works(world: World, key: str) -> bool:
    """Whether the API would serve it."""
    async with world.database.engine.connect() as tx:
        found = await api_keys.find(tx, key)
    return found is not None and found.works(world.now())


async def test_an_owner_makes_a_key_with_the_scopes_they_choose_and_sees_it_once(database: Database) -> None:
    async with bot_running(database) as world:
        wang = await owner(world)
        await wang.says("/merchant")
        await taps(world, wang, "接口")
        await wang.sees("还没有密钥")
        await taps(world, wang, "新密钥")
        await wang.sees("能办什么")
        await taps(world, wang, "流水和对账单")
        await taps(world, wang, "✓ 退款")
        await taps(world, wang, "下一步")
        await wang.says("3号收银机")
        await wang.sees("只显示这一次")
        key = key_on(wang)
        assert "spoiler" in {entity["type"] for entity in wang.last.entities}
        async with world.database.engine.connect() as tx:
            made = await api_keys.find(tx, key)
        assert made is not None and made.label == "3号收银机"
        assert made.scopes == {"award", "vouchers", "statements"}
        await taps(world, wang, "返回")
        await wang.sees("1 把密钥在用")
        assert key not in wang.last.text


async def test_rotating_and_revoking(database: Database) -> None:
    async with bot_running(database) as world:
        wang = await owner(world)
        async with world.database.engine.begin() as tx:
            _, old = await api_keys.create(
                tx, merchant_id=1, label="网店", scopes=["award"], secret="x" * 60, by="test", now=world.now()
            )
        await wang.says("/merchant")
        await taps(world, wang, "接口")
        await taps(world, wang, "网店")
        await taps(world, wang, "换一把")
        await wang.sees("旧的还能用 24 小时")
        new = key_on(wang)
        assert await works(world, old) and await works(world, new)
        await taps(world, wang, "返回")
        await taps(world, wang, f"网店 · {new.split('_')[1]}")
        await taps(world, wang, "马上停用")
        await wang.sees("停用 网店")
        await taps(world, wang, "确认停用")
        await wang.sees("已停用")
        assert await works(world, old) and not await works(world, new)
        logged = await world.sql("SELECT what FROM merchant_log ORDER BY id")
        assert [row[0] for row in logged] == ["key_rotated", "key_revoked"]


@pytest.mark.parametrize(
    ("language", "api", "new", "next_", "once", "listed"),
    [
        ("zh-hans", "接口", "新测试密钥", "下一步", "加测试会员、拨日期、清空", "1 把测试密钥,只通沙箱"),
        ("en", "API", "New test key", "Next", "add test members, move the date", "1 test key, for the sandbox alone"),
    ],
)
async def test_an_owner_makes_a_test_key_that_reaches_the_sandbox_alone(
    database: Database, language: str, api: str, new: str, next_: str, once: str, listed: str
) -> None:
    async with bot_running(database) as world:
        wang = await owner(world, language)
        await wang.says("/merchant")
        await taps(world, wang, api)
        await taps(world, wang, new)
        await taps(world, wang, next_)
        await wang.says("CI")
        await wang.sees(once)
        key = key_on(wang)
        async with world.database.engine.connect() as tx:
            made = await api_keys.find(tx, key)
        assert made is not None and made.test and key.startswith("jt_")
        assert made.scopes == set(api_keys.SCOPES) and made.per_minute == api_keys.TEST_PER_MINUTE
        await taps(world, wang, "返回" if language == "zh-hans" else "Back")
        await wang.sees(listed)


async def test_who_does_not_own_the_merchant_gets_no_keys(database: Database) -> None:
    async with bot_running(database) as world:
        li = await world.member("小李")
        async with world.database.engine.begin() as tx:
            who = await member_id(world, li)
            await staff.add(tx, merchant_id=1, member_id=who, role="manager", label="店长", by="test", now=world.now())
        await li.says("/merchant")
        await li.sees("云山超市")
        assert "接口" not in [button.text for row in li.last.buttons for button in row]


async def test_where_events_go_and_what_did_not_arrive(database: Database) -> None:
    async with bot_running(database) as world:
        wang = await owner(world, "en")
        await wang.says("/merchant")
        await taps(world, wang, "API")
        await taps(world, wang, "Events")
        await taps(world, wang, "Set the address")
        await wang.says("ftp://example.com")
        await wang.sees("can't be used")
        await wang.says("https://shop.example/hooks")
        await wang.sees("Secret whs_")
        first = re.search(r"whs_[0-9a-f]{64}", wang.last.text)
        await taps(world, wang, "Renew the secret")
        await world.settled()
        await wang.sees("Secret whs_")
        second = re.search(r"whs_[0-9a-f]{64}", wang.last.text)
        assert first is not None and second is not None and first[0] != second[0]
        async with world.database.engine.begin() as tx:
            await webhooks.emit(tx, 1, "refund.applied", key="r1", facts={"document": "R-1"}, now=world.now())
            await webhooks.emit(tx, 2, "refund.applied", key="r1", facts={}, now=world.now())
        await world.sql("UPDATE webhook_event SET state = 'dead', tries = 6, answer = '503'")
        await taps(world, wang, "Back")
        await wang.sees("Not delivered")
        await taps(world, wang, "Refund booked")
        await wang.sees("Answered: 503")
        await taps(world, wang, "Send again")
        await wang.sees("on its way")
        assert await world.sql("SELECT merchant_id, state, tries FROM webhook_event") == [(1, "waiting", 0)]
        await taps(world, wang, "Back")
        await taps(world, wang, "Turn off")
        await wang.sees("signed")
        assert await world.sql("SELECT 1 FROM webhook") == []
