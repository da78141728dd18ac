"""What a till took without network, brought as a file: each voucher once, and a reason for whatever is not honoured."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import text

from bot.clock import Clock
from bot.imports import Imports
from chat.feature import discover
from ledger.imports import used_vouchers
from ledger.imports.files import ImportFile
from ledger.members.member import Member
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.redeeming import codes, counter, offline, redemptions
from ledger.redeeming.lapses import lapse
from ledger.redeeming.redemptions import Redeemed
from tests import turns
from tests.bot.importing import Desk, file_of, nothing
from tests.conftest import Database
from tests.driver import ZONE, _log_plainly
from tests.ledger.redeeming.stage import NOW, Stage, at, entropy, offer, per_unit

BOX = offer("box", "礼盒", "Box", "fruit", per_unit(300, 1500), validity_days=5)


@dataclass
class Scene:
    """A stage, a till of the fruit shop, and somebody who works on the shop's files; the present is settable."""

    stage: Stage
    desk: Desk
    till: Staff
    box: int
    now: dt.datetime = NOW

    async def voucher(self, *, when: Moment | None = None) -> tuple[Member, Redeemed]:
        """Somebody with a voucher."""
        who = await self.stage.member((300, "-"))
        return who, await self.stage.redeem(who, self.box, when=when)

    async def bring(self, *taken: tuple[str, str]) -> tuple[ImportFile, list[str]]:
        """A file of codes with times, tried and confirmed; what became of each row."""
        file = await self.desk.done("used_vouchers", file_of("used_vouchers", *taken), by=self.till.actor)
        return file, await self.desk.outcomes(file)

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        return await self.desk.sql(statement, **values)


async def open_scene(database: Database) -> Scene:
    _log_plainly()
    discover()
    stage = await Stage(database.engine).set_up()
    async with database.engine.begin() as tx:
        await tx.execute(
            text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))"),
            {"document": turns.PROGRAMME.model_dump_json()},
        )
    [box] = await stage.publish(BOX)
    scene = cast(Scene, SimpleNamespace(now=NOW))
    clock = Clock(ZONE, lambda: scene.now)
    working = Imports(database.engine, stage.vault, clock, nothing)
    shop = cast(Any, SimpleNamespace(merchant=stage.merchants["fruit"]))
    scene = Scene(stage, Desk(database, shop, stage.vault, clock, working), await stage.staff("fruit"), box)
    return scene


def said(minutes: int = 0, days: int = 0) -> str:
    """A time as a till writes it."""
    when = NOW + dt.timedelta(days=days, minutes=minutes)
    return f"{when.astimezone(ZONE):%Y-%m-%d %H:%M}"


async def test_what_was_taken_offline_is_used_at_the_time_it_says_settles_today_and_its_member_hears(
    database: Database,
) -> None:
    scene = await open_scene(database)
    who, done = await scene.voucher()
    scene.now = NOW + dt.timedelta(days=1)
    file, became = await scene.bring((codes.spaced(done.code).lower(), said(30)))
    assert (became, file.good, file.bad) == (["done"], 1, 0)
    [row] = await scene.sql("SELECT state, used_at, used_by, settles_on FROM redemption")
    assert row == ("used", NOW + dt.timedelta(minutes=30), scene.till.id, at(days=1).today)
    [(told,)] = await scene.sql("SELECT params->>'text' FROM outbox WHERE chat_id = :who", who=who.id)
    assert told.startswith("券已用:<b>礼盒</b>")
    assert not any("code" in (each.cells or {}) for each in await scene.desk.rows(file))


async def test_a_file_brought_twice_uses_nothing_twice_and_a_trial_uses_nothing(database: Database) -> None:
    scene = await open_scene(database)
    _, done = await scene.voucher()
    file = await scene.desk.tried("used_vouchers", file_of("used_vouchers", (done.code, said(5))), by=scene.till.actor)
    assert (await scene.desk.outcomes(file), await scene.sql("SELECT state FROM redemption")) == (
        ["would"],
        [("issued",)],
    )
    scene.now += dt.timedelta(minutes=10)
    assert (await scene.bring((done.code, said(5))))[1] == ["done"]
    assert (await scene.bring((done.code, said(5))))[1] == ["already"]
    await scene.desk.confirm(file)
    assert await scene.desk.outcomes(file) == ["already"]
    assert (await scene.bring((done.code, said(6))))[1] == ["offline_lost"], "two tills took it"
    assert await scene.sql("SELECT count(*)::int FROM outbox WHERE params->>'text' LIKE '券已用%'") == [(1,)]


async def test_what_became_of_a_voucher_meanwhile_is_the_reports_reason(database: Database) -> None:
    scene = await open_scene(database)
    elsewhere, back, ended, late, early = [await scene.voucher() for _ in range(5)]
    theirs = await scene.stage.publish(offer("mine", "米", "Rice", "market", per_unit(10)))
    other = await scene.stage.redeem(await scene.stage.member((10, "-")), theirs[0])
    async with scene.stage.engine.begin() as tx:
        await counter.use(tx, scene.till, elsewhere[1].code, vault=scene.stage.vault, at=at(minutes=3))
        await redemptions.undo(tx, back[0].id, back[1].redemption.id, grace_days=30, at=at(minutes=3), actor="test")
        await tx.execute(
            text("UPDATE redemption SET valid_until = :on WHERE id = :id"),
            {"on": at(days=-1).today, "id": ended[1].redemption.id},
        )
        await lapse(tx, at=at(), grace_days=30)
    scene.now += dt.timedelta(days=7)
    file, became = await scene.bring(
        (elsewhere[1].code, said(5)),
        (back[1].code, said(5)),
        (ended[1].code, said(5)),
        (late[1].code, said(0, days=6)),
        (early[1].code, said(0, days=-1)),
        (other.code, said(5)),
        (codes.mint(entropy(24)), said(5)),
        (late[1].code[:-1] + ("2" if late[1].code[-1] != "2" else "3"), said(5)),
        (late[1].code, said(5)),
        (early[1].code, "2026-11-22"),
    )
    assert became == [
        *["offline_lost"] * 5, "offline_of_another", "offline_unknown", "code_mistyped", "row_twice", "cell_unreadable",
    ]  # fmt: skip
    why = [each.trouble.zh for each in await scene.desk.rows(file) if each.trouble is not None]
    tail = elsewhere[1].code[-4:]
    assert why[0].startswith(f"{tail} 礼盒:") and why[0].endswith("已经用过。300 分 没有入账,由店里承担")
    assert "已经撤回" in why[1] and "已到期" in why[2] and "那天已经过期" in why[3] and "才换的" in why[4]
    states = {state for (state,) in await scene.sql("SELECT state FROM redemption WHERE id = ANY(:ids)", ids=[
        late[1].redemption.id, early[1].redemption.id])}  # fmt: skip
    assert states == {"issued"}
    assert await scene.desk.holds()


async def test_a_last_day_that_is_over_by_now_counts_where_it_was_taken_in_time(database: Database) -> None:
    scene = await open_scene(database)
    _, done = await scene.voucher()
    scene.now += dt.timedelta(days=6)
    assert (await scene.bring((done.code, said(0, days=5))))[1] == ["done"]


async def test_a_till_and_the_file_at_once_use_it_once(database: Database) -> None:
    scene = await open_scene(database)
    made = [await scene.voucher() for _ in range(6)]
    scene.now += dt.timedelta(minutes=10)
    file = await scene.desk.tried(
        "used_vouchers", file_of("used_vouchers", *((done.code, said(2)) for _, done in made)), by=scene.till.actor
    )

    async def till(code: str) -> bool:
        async with scene.stage.engine.begin() as tx:
            used = await counter.use(tx, scene.till, code, vault=scene.stage.vault, at=at(minutes=10))
        return isinstance(used, redemptions.Redemption)

    mine, *taken = await asyncio.gather(scene.desk.confirm(file), *(till(done.code) for _, done in made))
    became = await scene.desk.outcomes(mine)
    assert [each == "done" for each in became] == [not each for each in taken]
    assert await scene.sql("SELECT count(*)::int FROM redemption WHERE state = 'used'") == [(6,)]


async def test_two_workers_use_each_voucher_once(database: Database) -> None:
    scene = await open_scene(database)
    made = [await scene.voucher() for _ in range(8)]
    scene.now += dt.timedelta(minutes=10)
    content = file_of("used_vouchers", *((done.code, said(2)) for _, done in made))
    sent = [await scene.desk.tried("used_vouchers", content, by=scene.till.actor) for _ in range(2)]
    await asyncio.gather(*(scene.desk.confirm(file) for file in sent))
    became = [await scene.desk.outcomes(file) for file in sent]
    assert sorted(became) == [["already"] * 8, ["done"] * 8]


async def test_a_file_of_guesses_is_not_looked_at_further(database: Database) -> None:
    scene = await open_scene(database)
    _, done = await scene.voucher()
    most = used_vouchers.UNKNOWN_MOST
    scene.now += dt.timedelta(minutes=10)
    guesses = [(codes.mint(entropy(24)), said(1)) for _ in range(most + 3)]
    _, became = await scene.bring(*guesses)
    assert became == ["offline_unknown"] * most + ["file_of_guesses"] * 3
    assert (await scene.bring((done.code, said(1))))[1] == ["file_of_guesses"]
    scene.now += dt.timedelta(days=2)
    assert (await scene.bring((done.code, said(1))))[1] == ["done"]


async def test_a_list_names_what_is_open_here_without_its_code_and_a_till_can_check_one(database: Database) -> None:
    scene = await open_scene(database)
    _, open_ = await scene.voucher()
    _, used = await scene.voucher()
    theirs = await scene.stage.publish(offer("mine", "米", "Rice", "market", per_unit(10)))
    await scene.stage.redeem(await scene.stage.member((10, "-")), theirs[0])
    async with scene.stage.engine.begin() as tx:
        await counter.use(tx, scene.till, used.code, vault=scene.stage.vault, at=at())
        made = await offline.listed(tx, scene.stage.vault, scene.till, at=at())
        again = await offline.listed(tx, scene.stage.vault, scene.till, at=at())
    [line] = made.lines
    assert (line.tail, line.voucher.id, made.left_out) == (open_.code[-4:], open_.redemption.id, 0)
    assert line.check == offline.check(made.key, open_.code) and len(line.check) == 6
    assert (again.key, again.lines[0].check) == (made.key, line.check)  # two lists tell no more of a code than one
    chance = random.Random(7)
    forged = ["".join(chance.choices(codes.ALPHABET, k=10)) + line.tail for _ in range(300)]
    assert line.check not in {offline.check(made.key, each) for each in forged}


async def test_what_a_merchants_own_system_brings_is_named_by_its_key(database: Database) -> None:
    scene = await open_scene(database)
    _, done = await scene.voucher()
    scene.now += dt.timedelta(minutes=10)
    content = file_of("used_vouchers", (done.code, said(1)))
    file = await scene.desk.tried("used_vouchers", content, by="api_key:5", at_once=True)
    assert await scene.desk.outcomes(file) == ["done"]
    assert await scene.sql("SELECT used_by::int FROM redemption") == [(-5,)]
