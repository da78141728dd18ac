"""The embedded server: who owns it, what survives a kill, who is kept out, and what it says when it can't run."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from bot import postgres_place
from bot.postgres import EmbeddedPostgres
from bot.postgres_place import PostgresUnavailable
from tests.conftest import Database

needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has a second user")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder that root's server user can enter (pytest's own folders are closed)."""
    for path in (tmp_path, *tmp_path.parents):
        if not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o011)
    return tmp_path / "data"


async def test_a_test_database_is_migrated_and_the_role_is_no_superuser(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert await connection.fetchval("SHOW server_version_num") >= "180000"
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") > 0
    finally:
        await connection.close()


async def test_data_outlives_a_stop_and_a_kill_of_the_server(folder: Path) -> None:
    server = EmbeddedPostgres(folder, explicit=True)
    server.start()
    try:
        assert server.owner
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW data_checksums") == "on"
        await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        await connection.close()
        postmaster = int((server.cluster / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGKILL)
        _wait_gone(postmaster)
        server.stop()

        again = EmbeddedPostgres(folder, explicit=True)
        again.start()
        try:
            connection = await asyncpg.connect(again.dsn)
            assert await connection.fetchval("SELECT n FROM kept") == 7
            await connection.close()
        finally:
            again.stop()
    finally:
        server.stop()
    with pytest.raises(OSError):
        await asyncpg.connect(server.dsn)


async def test_a_second_asker_connects_and_does_not_stop_it(folder: Path) -> None:
    first = EmbeddedPostgres(folder, explicit=True, fast=True)
    first.start()
    try:
        second = EmbeddedPostgres(folder, explicit=True, fast=True)
        second.start()
        assert not second.owner
        assert second.url == first.url
        second.stop()
        connection = await asyncpg.connect(first.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    finally:
        first.stop()


def test_a_server_left_by_a_killed_owner_is_adopted(folder: Path) -> None:
    owner = (
        "import sys, time; from pathlib import Path; from bot.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]), explicit=True); server.start(); print('up', flush=True)\n"
        "time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", owner, folder], stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        process.kill()
    heir = EmbeddedPostgres(folder, explicit=True)
    heir.start()
    assert heir.owner
    postmaster = int((heir.cluster / "postmaster.pid").read_text().splitlines()[0])
    heir.stop()
    _wait_gone(postmaster)


@pytest.mark.parametrize("how", ["fast", "ephemeral"])
def test_a_throwaway_server_ends_with_its_killed_owner(folder: Path, how: str) -> None:
    owner = (
        "import sys, time; from pathlib import Path; from bot.postgres import EmbeddedPostgres\n"
        f"server = EmbeddedPostgres(Path(sys.argv[1]), explicit=True, {how}=True); server.start()\n"
        "print((server.cluster / 'postmaster.pid').read_text().splitlines()[0], flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", owner, folder], stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        postmaster = int(process.stdout.readline())
        process.kill()
    _wait_gone(postmaster)


def test_nobody_else_can_reach_password_data_or_socket(postgres: EmbeddedPostgres) -> None:
    base = postgres.cluster.parent
    assert stat.S_IMODE((base / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE(postgres.cluster.stat().st_mode) == 0o700
    assert (postgres.cluster / ".s.PGSQL.5432").is_socket()
    assert "listen_addresses = ''" in (postgres.cluster / "jifen.conf").read_text()
    assert "trust" not in _hba_lines(postgres.cluster)


async def test_a_wrong_password_is_refused(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn, password="guess")


def test_another_major_version_is_refused_with_the_way_out(folder: Path) -> None:
    cluster = folder / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(PostgresUnavailable, match=r"PostgreSQL 16.*jifen backup"):
        EmbeddedPostgres(folder, explicit=True).start()


def test_a_half_made_cluster_is_made_again(folder: Path) -> None:
    (folder / "postgres" / "cluster.new" / "base").mkdir(parents=True)
    (folder / "postgres" / "cluster.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(folder, explicit=True, fast=True)
    server.start()
    server.stop()
    assert not (folder / "postgres" / "cluster.new").exists()


async def test_a_path_too_long_for_a_socket_or_with_quotes_works(folder: Path) -> None:
    long = folder / 'it\'s, a "long" 数据' / ("x" * 60) / ("y" * 60)
    server = EmbeddedPostgres(long, explicit=True, fast=True)
    server.start()
    try:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    finally:
        server.stop()


@needs_root
def test_root_is_told_which_setting_to_change_when_the_chosen_folder_is_closed(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(parents=True, mode=0o700)
    with pytest.raises(PostgresUnavailable, match=r"DATA_DIR=.*/var/lib/jifen"):
        EmbeddedPostgres(closed / "data", explicit=True).start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700, "a folder that isn't ours was opened up"


@needs_root
def test_root_with_a_closed_project_gets_another_place_and_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = folder / "closed"
    closed.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(postgres_place, "SHARED_HOME", folder / "shared")
    # The programs lie in a closed home folder as well, as they do in a project cloned there.
    package = postgres_place.packaged_programs().parents[1]
    for name in (package.name, f"{package.name}.libs"):
        (closed / name).symlink_to(package.with_name(name))
    programs = closed / package.name / "pginstall18" / "bin"
    monkeypatch.setattr(postgres_place, "packaged_programs", lambda: programs)
    lines: list[str] = []
    server = EmbeddedPostgres(closed / "data", fast=True, say=lines.append)
    server.start()
    try:
        assert server.cluster.is_relative_to(folder / "shared")
        assert server.programs.is_relative_to(folder / "shared")
        assert len(lines) == 1 and "DATA_DIR" in lines[0] and str(server.cluster.parent) in lines[0]
    finally:
        server.stop()


def _hba_lines(cluster: Path) -> str:
    lines = (cluster / "pg_hba.conf").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


def _wait_gone(pid: int) -> None:
    for _ in range(200):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "Z":
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} still runs")
