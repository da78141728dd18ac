"""Joining happens once per Telegram account, seals what is personal, and is welcomed once."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import text

from ledger.members import consent, joining, operators, person, profile
from ledger.members.person import Forgotten, Person
from ledger.points import statements
from ledger.points.commands import Moment
from tests.conftest import Database
from tests.turns import NOW, PROGRAMME, TODAY, coalition, vault

AT = Moment(NOW, TODAY)
WHO = Person(telegram_id=4711, chat_id=4711, name="小明")


async def test_a_newcomer_becomes_a_member_with_consent_and_welcome_points(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        joined = await joining.join(tx, vault(), PROGRAMME, WHO, welcome_issuer_id=market.id, at=AT)
        assert joined.new
        assert joined.welcome is not None
        assert joined.welcome.points == 100
        mine = await profile.load(tx, joined.member.id)
        assert (mine.status, mine.joined_on, mine.birthday) == ("active", TODAY, None)
        assert [(c.purpose, c.version) for c in await consent.in_force(tx, joined.member.id)] == [("terms", "2026-11")]
        due = await statements.schedule(tx, joined.member.owner, today=TODAY)
        assert [(d.expires_on, d.points, d.issuer_id) for d in due] == [(dt.date(2027, 11, 30), 100, market.id)]


async def test_joining_again_gives_the_same_member_and_nothing_more(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)
        first = await joining.join(tx, vault(), PROGRAMME, WHO, welcome_issuer_id=market.id, at=AT)
        again = await joining.join(tx, vault(), PROGRAMME, WHO, welcome_issuer_id=market.id, at=AT)
        assert (again.member.id, again.new, again.welcome) == (first.member.id, False, None)
        assert await tx.scalar(text("SELECT count(*) FROM entry")) == 1


async def test_joining_twice_at_once_makes_one_member(database: Database) -> None:
    async with database.engine.begin() as tx:
        market, _ = await coalition(tx)

    async def join() -> joining.Joined:
        async with database.engine.begin() as tx:
            return await joining.join(tx, vault(), PROGRAMME, WHO, welcome_issuer_id=market.id, at=AT)

    both = await asyncio.gather(*(join() for _ in range(8)))
    assert len({joined.member.id for joined in both}) == 1
    assert sum(joined.new for joined in both) == 1
    async with database.engine.connect() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM member")) == 1
        assert await tx.scalar(text("SELECT count(*) FROM entry")) == 1


async def test_what_is_personal_is_unreadable_in_the_database(database: Database) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        await joining.join(tx, vault(), PROGRAMME, WHO, welcome_issuer_id=None, at=AT)
        row = (await tx.execute(text("SELECT telegram_index, key, box FROM person"))).one()
        stored = b"".join(row)
        assert "小明".encode() not in stored
        assert b"4711" not in stored


async def test_a_person_is_found_renamed_and_forgotten(database: Database) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        joined = await joining.join(tx, vault(), PROGRAMME, WHO, welcome_issuer_id=None, at=AT)
        assert await person.find(tx, vault(), 4711) == joined.member.id
        assert await person.find(tx, vault(), 4712) is None
        await person.rename(tx, vault(), joined.member.id, "明明")
        assert (await person.load(tx, vault(), joined.member.id)).name == "明明"
        await tx.execute(text("DELETE FROM person"))
        with pytest.raises(Forgotten):
            await person.load(tx, vault(), joined.member.id)
        assert await person.load_many(tx, vault(), [joined.member.id]) == {}


async def test_a_birthday_is_kept_with_consent_and_deleted_with_it(database: Database) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        member = (await joining.join(tx, vault(), PROGRAMME, WHO, welcome_issuer_id=None, at=AT)).member
        told = await profile.tell_birthday(tx, vault(), member.id, month=3, day=8, year=1966, at=AT)
        assert told.told_on == TODAY
        later = Moment(NOW + dt.timedelta(days=90), TODAY + dt.timedelta(days=90))
        again = await profile.tell_birthday(tx, vault(), member.id, month=3, day=8, year=1966, at=later)
        assert again.told_on == TODAY, "the same date again does not start anew"
        changed = await profile.tell_birthday(tx, vault(), member.id, month=3, day=9, year=None, at=later)
        assert changed.told_on == later.today
        assert {c.purpose for c in await consent.in_force(tx, member.id)} == {"terms", "birthday"}
        await profile.forget_birthday(tx, vault(), member.id, at=later)
        assert (await profile.load(tx, member.id, vault())).birthday is None
        assert {c.purpose for c in await consent.in_force(tx, member.id)} == {"terms"}


async def test_only_the_programmes_regions_can_be_chosen(database: Database) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
        member = (await joining.join(tx, vault(), PROGRAMME, WHO, welcome_issuer_id=None, at=AT)).member
        await profile.choose_region(tx, PROGRAMME, member.id, "sh")
        assert (await profile.load(tx, member.id)).region == "sh"
        with pytest.raises(profile.NoSuchRegion):
            await profile.choose_region(tx, PROGRAMME, member.id, "mars")


async def test_consent_withdrawn_and_given_again_starts_anew(database: Database) -> None:
    later = NOW + dt.timedelta(days=1)
    async with database.engine.begin() as tx:
        await consent.give(tx, 1, "birthday", "1", now=NOW)
        await consent.give(tx, 1, "birthday", "1", now=later)
        assert [c.given_at for c in await consent.in_force(tx, 1)] == [NOW]
        await consent.withdraw(tx, 1, "birthday", now=later)
        assert await consent.in_force(tx, 1) == []
        await consent.give(tx, 1, "birthday", "1", now=later)
        assert [c.given_at for c in await consent.in_force(tx, 1)] == [later]


async def test_operators_are_added_and_removed_but_never_the_last_admin(database: Database) -> None:
    async with database.engine.begin() as tx:
        assert await operators.add(tx, 1, "admin", now=NOW)
        assert not await operators.add(tx, 1, "admin", now=NOW)
        assert await operators.add(tx, 2, "auditor", now=NOW)
        with pytest.raises(operators.LastAdmin):
            await operators.remove(tx, 1, "admin", now=NOW)
        await operators.add(tx, 2, "admin", now=NOW)
        assert await operators.remove(tx, 1, "admin", now=NOW)
        assert not await operators.remove(tx, 1, "admin", now=NOW)
        assert await operators.roles(tx, 1) == frozenset()
        assert await operators.roles(tx, 2) == {"admin", "auditor"}
        assert await operators.add(tx, 1, "admin", now=NOW), "who left may come back"
        with pytest.raises(operators.NoSuchRole):
            await operators.add(tx, 1, "king", now=NOW)
