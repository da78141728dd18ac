"""What people of one family see of each other: names, the pool and what it paid. Somebody's own wallet, purchases and vouchers
nobody else sees, whatever they tap and whichever number they put into a button.
"""

from __future__ import annotations

from collections import deque

from bot.double.double import Person
from bot.double.messages import Button
from tests.conftest import Database
from tests.driver import World, bot_running
from tests.handlers.settled import opens
from tests.handlers.shop import code_on, gives, member_id, shop
from tests.handlers.test_family import of_three
from tests.handlers.test_merging import redeems
from tests.handlers.test_pool import pooled

PRESSED_MOST = 120
CHANGES = {
    "puts",
    "takes",
    "gives",
    "limit",
    "answer",
    "give",
    "accept",
    "withdraw",
    "left",
    "undone",
    "dissolved",
    "removed",
    "handed",
    "found",
}
PAGES = ("family", "pool", "gift", "children", "history", "vouchers", "expiry", "home")


async def everything(world: World, who: Person) -> str:
    """All that somebody reads who opens every page of these features, and every line and button on them that changes nothing."""
    waiting: deque[Button] = deque()
    seen: set[str] = set()
    said: list[str] = []

    async def look() -> None:
        await world.settled()
        page = who.screen
        assert page is not None
        said.append(page.shown + "\n" + "\n".join(page.labels))
        for button in (each for row in page.buttons for each in row if each.data):
            name, action, *_ = button.data.split(":")
            if name in PAGES and action not in CHANGES and button.data not in seen:
                seen.add(button.data)
                waiting.append(button)

    for command in ("/start", "/family", "/pool", "/gift", "/history", "/vouchers"):
        await who.says(command)
        await look()
    while waiting and len(said) < PRESSED_MOST:
        who.presses(who.last, waiting.popleft())
        await look()
    assert len(said) > 20, "it hardly looked"
    return "\n".join(said)


async def test_a_wallet_purchases_and_vouchers_are_nobody_elses_business(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, gang = await of_three(world)
        await gives(world, gang, 1737)
        await redeems(gang)
        code = code_on(gang)
        await pooled(gang, 41)
        secret = ["1,737", "1,237", "1,196", code, code.replace("-", "")]
        mine = await everything(world, gang)
        assert "1,196" in mine and "41 分" in mine, "who it is sees it"
        for other in (head, hong):
            read = await everything(world, other)
            assert "小刚" in read and "41 分" in read, "names and the pool are everybody's"
            for each in secret:
                assert each not in read
            assert not [line for line in read.splitlines() if "小刚" in line and "水果礼盒" in line]


async def test_numbers_put_into_buttons_open_nobody_elses(database: Database) -> None:
    async with bot_running(database, setup=shop) as world:
        head, hong, gang = await of_three(world)
        await gives(world, gang, 1737)
        await redeems(gang)
        code = code_on(gang)
        rows = await world.sql("SELECT id FROM entry WHERE owner_id = :id", id=await member_id(world, gang))
        [voucher] = await world.sql("SELECT id FROM redemption")
        taps = [f"vouchers:{deed}:{voucher.id}" for deed in ("show", "reveal", "shops", "undo", "undone")]
        taps += [f"history:why:{row.id}" for row in rows]
        for other in (head, hong):
            for data in taps:
                await other.says("/start")
                await other.sees("可用", fresh=True)
                await opens(other, data)
                await world.settled()
                assert (
                    code not in other.last.shown and "1,737" not in other.last.shown and "1,237" not in other.last.shown
                )
        assert await world.sql("SELECT state FROM redemption") == [("issued",)]
