"""Backup and restore, rehearsed: what comes back is what was there, row for row, or nothing has changed."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from bot import backup
from bot.backup import BackupFailed
from tests.conftest import Database


async def test_a_restored_database_holds_the_same_rows_tables_and_functions(
    database: Database, empty_database: Database, tmp_path: Path
) -> None:
    await _fill(database.dsn)
    file = tmp_path / "backups" / "one.dump"
    size = await backup.save(database.url, file)
    assert size == file.stat().st_size > 1000
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]

    await backup.load(empty_database.url, file)
    assert await _contents(empty_database.dsn) == await _contents(database.dsn)
    assert await _functions(empty_database.dsn) == await _functions(database.dsn)
    assert any(rows for rows in (await _contents(empty_database.dsn)).values())

    # And from the restored one again: nothing is lost on the way.
    await backup.save(empty_database.url, tmp_path / "two.dump")
    await backup.load(empty_database.url, tmp_path / "two.dump", force=True)
    assert await _contents(empty_database.dsn) == await _contents(database.dsn)


async def test_a_database_in_use_is_only_replaced_on_purpose_and_then_wholly(
    database: Database, empty_database: Database, tmp_path: Path
) -> None:
    await _fill(database.dsn)
    await backup.save(database.url, tmp_path / "a.dump")
    await _execute(empty_database.dsn, "CREATE TABLE newer (n int); INSERT INTO newer VALUES (1)")
    with pytest.raises(BackupFailed, match="--force"):
        await backup.load(empty_database.url, tmp_path / "a.dump")
    assert await _contents(empty_database.dsn) == {"newer": ["(1)"]}
    await backup.load(empty_database.url, tmp_path / "a.dump", force=True)
    assert await _contents(empty_database.dsn) == await _contents(database.dsn)


async def test_a_damaged_dump_changes_nothing(database: Database, empty_database: Database, tmp_path: Path) -> None:
    await _fill(database.dsn)
    file = tmp_path / "a.dump"
    await backup.save(database.url, file)
    whole = file.read_bytes()
    await _execute(empty_database.dsn, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
    half = len(whole) // 2
    at = whole.index(b"CREATE TABLE public.sample")  # among the commands, where the format itself notices nothing
    flipped = [whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :] for n in (half, at + 20, len(whole) - 1)]
    for damaged in (b"no dump at all", b"", whole[:half], whole[: half // 8], *flipped):
        file.write_bytes(damaged)
        with pytest.raises(BackupFailed, match="失败"):
            await backup.load(empty_database.url, file, force=True)
        assert await _contents(empty_database.dsn) == {"kept": ["(1)"]}


async def test_a_dump_that_pg_dump_made_for_somebody_else_is_taken_as_it_is(
    database: Database, empty_database: Database, tmp_path: Path
) -> None:
    await _fill(database.dsn)
    file = tmp_path / "a.dump"
    await backup.save(database.url, file)
    file.write_bytes(file.read_bytes()[: -backup._SEAL_BYTES])
    await backup.load(empty_database.url, file)
    assert await _contents(empty_database.dsn) == await _contents(database.dsn)


async def test_a_dump_that_fails_leaves_no_file(database: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed):
        await backup.save(database.url.replace(f"/{database.name}?", "/nowhere?"), tmp_path / "a.dump")
    assert list(tmp_path.iterdir()) == []


async def _fill(dsn: str) -> None:
    await _execute(
        dsn,
        """CREATE TABLE sample (id int PRIMARY KEY, name text, at timestamptz, box bytea, facts jsonb);
        INSERT INTO sample SELECT n, '会员' || n, '2026-11-22 04:00Z'::timestamptz + n * interval '1 h',
               sha256(n::text::bytea), jsonb_build_object('n', n) FROM generate_series(1, 5000) n""",
    )


async def _execute(dsn: str, statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def _contents(dsn: str) -> dict[str, list[str]]:
    """Every table of the public schema and its rows as text, sorted."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return {
            name: sorted(row[0] for row in await connection.fetch(f'SELECT t::text FROM "{name}" t'))
            for (name,) in tables
        }
    finally:
        await connection.close()


async def _functions(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        query = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()
