"""The database server that needs no set-up: PostgreSQL from a wheel, in a folder, for this machine only.

One process owns it: whoever holds the lock file starts and stops the server, every other process that asks only
connects. A server left running by a killed owner is adopted by the next. Nobody else gets in: it listens on a socket
in a folder closed to other users (on Windows on loopback), and wants a password that lies in a file closed likewise.

    <base>/lock        held by the owner
    <base>/password    of both roles
    <base>/cluster/    PostgreSQL's own data; `server.log` inside

Two roles: `postgres` keeps the server, `jifen` is what the bot uses — no superuser, so that whatever works here works
on a hosted PostgreSQL too.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bot.bilingual import both
from bot.postgres_cluster import BUSY, NOBODY, READY, ROLE, Cluster
from bot.postgres_place import PostgresUnavailable, choose

DATABASE = "jifen"
RECOVERY_SECONDS_MAX = 1800.0
LOG_BYTES_MAX = 10_000_000


class EmbeddedPostgres:
    """A PostgreSQL 18 in `data_dir`, started and stopped by one process.

    Args:
        data_dir: the project's data folder; the cluster goes to `postgres/` in it (see `postgres_place`).
        explicit: the person chose `data_dir`; then no other place is taken instead.
        ephemeral: the data is thrown away afterwards: the server ends with this process even when that is killed.
        fast: for tests only. Ephemeral, and without fsync.
        say: receives the few lines a person should read (where data went instead, recovery in progress).
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        explicit: bool = False,
        fast: bool = False,
        ephemeral: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._explicit = explicit
        self._fast = fast
        self._ephemeral = ephemeral or fast
        self._say = say
        self._chosen: Cluster | None = None
        self._lock: IO[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        self._password = ""

    # -- what others ask for

    @property
    def owner(self) -> bool:
        """True in the process that will stop the server."""
        return self._lock is not None

    @property
    def url(self) -> str:
        """For SQLAlchemy: `postgresql+asyncpg://…`. Known after `start`."""
        return self.url_of(DATABASE)

    @property
    def dsn(self) -> str:
        """For asyncpg and libpq: `postgresql://…`. Known after `start`."""
        return self.dsn_of(DATABASE)

    def url_of(self, database: str) -> str:
        """SQLAlchemy's URL of another database of this server."""
        return self.dsn_of(database).replace("postgresql://", "postgresql+asyncpg://", 1)

    def dsn_of(self, database: str) -> str:
        """libpq's URL of another database of this server."""
        return self._cluster.dsn(database, ROLE, self._password)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data folder."""
        return self._cluster.data

    @property
    def programs(self) -> Path:
        """The folder of pg_dump, pg_restore, psql …"""
        return self._cluster.programs

    # -- life

    def start(self) -> None:
        """Start the server, or connect to it where another process owns it; returns when it takes connections.

        Waits for crash recovery as long as that makes progress.

        Raises:
            PostgresUnavailable: with what to do.
        """
        place = choose(self._data_dir, explicit=self._explicit)
        if place.notice:
            self._say(place.notice)
        place.base.mkdir(mode=0o711 if place.user else 0o700, exist_ok=True)
        if place.user:
            place.base.chmod(0o711)  # whatever the umask was: the server's user passes through to its cluster
        cluster = self._chosen = Cluster(place, fast=self._fast)
        begun = time.monotonic()
        while not self._take_lock(place.base / "lock"):
            if cluster.answers() == READY:
                self._password = cluster.read_password()
                return
            if time.monotonic() - begun > RECOVERY_SECONDS_MAX:
                raise PostgresUnavailable(
                    both(
                        f"另一个进程占着数据库目录 {place.base},却一直没有启动它",
                        f"another process holds {place.base} but never started the server",
                    )
                )
            time.sleep(0.1)
        try:
            self._start_as_owner(cluster)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server if this process owns it; otherwise nothing."""
        if self._lock is None:
            return
        cluster = self._cluster
        if cluster.answers() != NOBODY:
            quick = "immediate" if self._ephemeral else "fast"
            words = ("pg_ctl", "stop", "-D", str(cluster.data), "-w", "-t", "60", "-m")
            if cluster.run(*words, quick, check=False).returncode != 0 and cluster.answers() != NOBODY:
                cluster.run(*words, "immediate", check=False)
        if self._server is not None:
            self._server.wait()
            self._server = None
        if self._watch is not None:
            assert self._watch.stdin is not None
            self._watch.stdin.close()
            self._watch.wait()
            self._watch = None
        if cluster.socket_dir() != cluster.data:
            shutil.rmtree(cluster.socket_dir(), ignore_errors=True)
        self._lock.close()
        self._lock = None

    # -- inside

    @property
    def _cluster(self) -> Cluster:
        if self._chosen is None:
            raise RuntimeError("the embedded server has not been started")
        return self._chosen

    def _start_as_owner(self, cluster: Cluster) -> None:
        cluster.refuse_other_major()
        if not (cluster.data / "PG_VERSION").exists():
            cluster.make()
        self._password = cluster.read_password()
        cluster.write_config()
        # A server that a killed owner left may be on its way up, or down: see where it goes before starting another.
        self._wait(cluster, lambda: cluster.answers() != BUSY)
        if cluster.answers() == NOBODY:
            cluster.clear_stale_pid_file()
            self._launch(cluster)
            self._wait(cluster, lambda: cluster.answers() == READY)
        if self._ephemeral:
            self._die_with_us(cluster)
        self._make_role_and_database(cluster)

    def _launch(self, cluster: Cluster) -> None:
        """Not by pg_ctl: its waiting gives up on a long recovery and its shell trips over odd paths. The server gets a
        session of its own, so that Ctrl-C ends the bot first and the bot ends the server."""
        log = cluster.data / "server.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.old"))
        with log.open("ab") as output:
            cluster.give_to_server(log)
            self._server = subprocess.Popen(
                [cluster.program("postgres"), "-D", str(cluster.data)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cluster.base,
                start_new_session=True,
                **cluster.identity(),
            )

    def _wait(self, cluster: Cluster, until: Callable[[], bool]) -> None:
        begun = time.monotonic()
        told = False
        while not until():
            waited = time.monotonic() - begun
            ended = self._server is not None and self._server.poll() is not None
            if ended or waited > RECOVERY_SECONDS_MAX:
                raise cluster.failed("postgres", cluster.log_tail())
            if waited > 3 and not told:
                self._say(
                    both("数据库上次没有正常关闭,正在恢复 …", "the database was not shut down cleanly; recovering …")
                )
                told = True
            time.sleep(0.03)

    def _make_role_and_database(self, cluster: Cluster) -> None:
        """Idempotent, so that a kill between initdb and here is made good at the next start."""
        statements = f"""
            SELECT 'CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD ''{self._password}'''
             WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') \\gexec
            SELECT 'CREATE DATABASE {DATABASE} OWNER {ROLE}'
             WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
        """
        where = cluster.dsn("postgres", "postgres", self._password)
        done = cluster.psql(statements, where)
        if done.returncode != 0:
            raise PostgresUnavailable(
                both(
                    f"内置数据库拒绝了 {cluster.base / 'password'} 里的密码,或建库失败",
                    f"the embedded database refused its own password or set-up: {done.stderr.decode(errors='replace')}",
                )
            )

    def _die_with_us(self, cluster: Cluster) -> None:
        """A small watcher that reads a pipe of ours: when it closes, by whatever end of us, the server goes too."""
        if sys.platform == "win32":
            return
        script = 'cat >/dev/null; exec "$1" stop -D "$2" -m immediate -s'
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", cluster.program("pg_ctl"), str(cluster.data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **cluster.identity(),
        )

    def _take_lock(self, path: Path) -> bool:
        handle = path.open("ab")
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return False
        self._lock = handle
        return True
