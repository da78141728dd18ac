"""Migrations: they make exactly the tables that the code declares, once, whoever else is migrating."""

from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import chat.tables
import ledger.tables
from bot import migrate
from tests.conftest import Database

assert chat.tables.metadata is ledger.tables.metadata


async def test_a_migrated_database_differs_in_nothing_from_the_declared_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, ledger.tables.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await migrate.revision_of(connection) == migrate.head()


async def test_two_processes_that_migrate_at_once_migrate_once(empty_database: Database) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_database.url) for _ in range(3)))
    async with empty_database.engine.connect() as connection:
        assert await migrate.revision_of(connection) == migrate.head()
        assert await connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1


async def test_a_database_never_migrated_has_no_revision(empty_database: Database) -> None:
    async with empty_database.engine.connect() as connection:
        assert await migrate.revision_of(connection) is None


async def test_upgrading_from_every_released_revision_keeps_the_data(empty_database: Database) -> None:
    revisions = [script.revision for script in ScriptDirectory.from_config(migrate.config()).walk_revisions()][::-1]
    await migrate.upgrade(empty_database.url, revisions[0])
    async with empty_database.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO merchant (code, name_zh, name_en, category, terms) VALUES ('m', '云山', 'Yunshan', 'grocery', '{}')"
            )
        )
        # As a function of that version: its answer has another shape than today's.
        await connection.execute(
            text(
                "CREATE FUNCTION turn_look(chat bigint, who bytea, known_version integer, OUT seen boolean, OUT of_old text)"
                " LANGUAGE sql AS $$ SELECT false, '' $$"
            )
        )
    for revision in revisions[1:]:
        await migrate.upgrade(empty_database.url, revision)
        async with empty_database.engine.connect() as connection:
            assert await migrate.revision_of(connection) == revision
            assert await connection.scalar(text("SELECT name_zh FROM merchant WHERE code = 'm'")) == "云山"
    await migrate.upgrade(empty_database.url)
    async with empty_database.engine.connect() as connection:
        assert await migrate.revision_of(connection) == migrate.head()
        assert (await connection.execute(text("SELECT heard FROM turn_look(1, '', 0)"))).one() == (None,)


async def test_functions_are_this_versions_after_an_upgrade_even_when_tables_were_current(database: Database) -> None:
    name = "points_load"
    async with database.engine.begin() as connection:
        fresh = await connection.scalar(text("SELECT md5(prosrc) FROM pg_proc WHERE proname = :name"), {"name": name})
        await connection.execute(text("ALTER FUNCTION points_load RENAME TO points_load_gone"))
    await migrate.upgrade(database.url)
    async with database.engine.connect() as connection:
        found = await connection.scalar(text("SELECT md5(prosrc) FROM pg_proc WHERE proname = :name"), {"name": name})
        assert found == fresh is not None


async def test_vouchers_used_before_there_was_clearing_count_on_the_day_they_were_used(
    empty_database: Database,
) -> None:
    await migrate.upgrade(empty_database.url, "0006")
    async with empty_database.engine.begin() as connection:
        await connection.execute(text("INSERT INTO programme (one, version, document) VALUES (1, 1, '{}')"))
        await connection.exec_driver_sql(
            """
            INSERT INTO offer_version (offer_id, version, document)
            VALUES (1, 1, '{"unused": "return"}'), (2, 1, '{"unused": "forfeit"}')
            """
        )
        # The first is used at half past one at night in Shanghai, on a Monday.
        await connection.exec_driver_sql(
            """
            INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, points, value_minor,
                code_index, state, entry_id, issued_at, issued_on, undo_until, valid_until, used_at, ended_at)
            SELECT 1, n, offer, 1, 1, 1, 5, 0, n::bytea, state, 1, now(), '2026-11-01', now(), '2026-11-18', used, ended
            FROM (VALUES ('a', 1, 'used', TIMESTAMPTZ '2026-11-15 17:30+00', NULL::timestamptz),
                         ('b', 2, 'expired', NULL, TIMESTAMPTZ '2026-11-18 16:10+00'),
                         ('c', 1, 'expired', NULL, TIMESTAMPTZ '2026-11-18 16:10+00'),
                         ('d', 2, 'issued', NULL, NULL)) AS v(n, offer, state, used, ended)
            """
        )
    await migrate.upgrade(empty_database.url)
    async with empty_database.engine.connect() as connection:
        found = list(await connection.scalars(text("SELECT settles_on::text FROM redemption ORDER BY nonce")))
    assert found == ["2026-11-16", "2026-11-19", None, None]


async def test_pieces_handed_out_before_they_were_numbered_are_counted_with_those_that_came_back(
    empty_database: Database,
) -> None:
    await migrate.upgrade(empty_database.url, "0015")
    async with empty_database.engine.begin() as connection:
        await connection.exec_driver_sql(
            """
            INSERT INTO offer_stock (offer_id, day, taken, limit_to) VALUES
                (1, '0001-01-01', 3, 9), (1, '2026-11-22', 1, 5), (1, '2026-11-23', 0, 5), (2, '0001-01-01', 0, 4)
            """
        )
        await connection.exec_driver_sql(
            """
            INSERT INTO redemption (member_id, nonce, offer_id, offer_version, merchant_id, currency_id, units, points,
                value_minor, code_index, state, entry_id, issued_at, issued_on, undo_until, valid_until, ended_at)
            SELECT 1, n, 1, 1, 1, 1, units, 5, 0, n::bytea, state, 1, now(), day, now(), '2026-12-18', ended
            FROM (VALUES ('a', 2, 'issued', DATE '2026-11-21', NULL::timestamptz), ('b', 1, 'issued', '2026-11-22', NULL),
                         ('c', 4, 'taken_back', '2026-11-22', now())) v (n, units, state, day, ended)
            """
        )
    await migrate.upgrade(empty_database.url)
    async with empty_database.engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT handed FROM offer_stock ORDER BY offer_id, day")
        assert [row.handed for row in rows] == [7, 5, 0, 0]
        assert await connection.scalar(text("SELECT count(piece) FROM redemption")) == 0
