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

import hashlib
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil

from bot.bilingual import both
from bot.postgres_place import SERVER_MAJOR, Place, PostgresUnavailable, choose

DATABASE = "jifen"
ROLE = "jifen"
SOCKET_PATH_BYTES_MAX = 100  # 107 on Linux, 103 on macOS
RECOVERY_SECONDS_MAX = 1800.0

_SAFE = {"max_connections": "120", "shared_buffers": "'256MB'", "max_wal_size": "'2GB'"}
_FAST = {
    "autovacuum": "off",  # a worker of it would keep a test from dropping its database
    "max_connections": "200",
    "shared_buffers": "'128MB'",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "'10min'",
    "max_wal_size": "'4GB'",
}


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
        self._place: Place | None = None
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
        if sys.platform == "win32":
            return f"postgresql://{ROLE}:{self._password}@127.0.0.1:{self._port()}/{database}"
        return f"postgresql://{ROLE}:{self._password}@/{database}?host={quote(str(self._socket_dir()))}"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data folder."""
        return self._chosen.base / "cluster"

    @property
    def programs(self) -> Path:
        """The folder of pg_dump, pg_restore, psql …"""
        return self._chosen.programs

    # -- life

    def start(self) -> None:
        """Start the server, or connect to it where another process owns it; returns when it takes connections.

        Waits for crash recovery as long as that makes progress.

        Raises:
            PostgresUnavailable: with what to do.
        """
        self._place = choose(self._data_dir, explicit=self._explicit)
        if self._place.notice:
            self._say(self._place.notice)
        base = self._place.base
        base.mkdir(mode=0o711 if self._place.user else 0o700, exist_ok=True)
        if self._place.user:
            base.chmod(0o711)  # whatever the umask was: the server's user passes through to its cluster
        begun = time.monotonic()
        while not self._take_lock(base / "lock"):
            if self._answers() == 0:
                self._read_password()
                return
            if time.monotonic() - begun > RECOVERY_SECONDS_MAX:
                raise PostgresUnavailable(
                    both(
                        f"另一个进程占着数据库目录 {base},却一直没有启动它",
                        f"another process holds {base} but never started the server",
                    )
                )
            time.sleep(0.1)
        try:
            self._start_as_owner()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server if this process owns it; otherwise nothing."""
        if not self.owner:
            return
        if self._answers() != 2:
            quick = "immediate" if self._ephemeral else "fast"
            stopped = self._run("pg_ctl", "stop", "-D", str(self.cluster), "-m", quick, "-w", "-t", "60", check=False)
            if stopped.returncode != 0 and self._answers() != 2:
                self._run("pg_ctl", "stop", "-D", str(self.cluster), "-m", "immediate", "-w", check=False)
        if self._server is not None:
            self._server.wait()
            self._server = None
        if self._watch is not None:
            assert self._watch.stdin is not None
            self._watch.stdin.close()
            self._watch.wait()
            self._watch = None
        if self._socket_dir() != self.cluster:
            shutil.rmtree(self._socket_dir(), ignore_errors=True)
        self._release_lock()

    # -- inside

    @property
    def _chosen(self) -> Place:
        if self._place is None:
            raise RuntimeError("the embedded server has not been started")
        return self._place

    def _start_as_owner(self) -> None:
        self._refuse_other_major()
        if not (self.cluster / "PG_VERSION").exists():
            self._make_cluster()
        self._read_password()
        self._write_config()
        if self._answers() == 2:
            self._clear_stale_pid_file()
            log = self.cluster / "server.log"
            if log.exists() and log.stat().st_size > 10_000_000:
                log.replace(log.with_suffix(".log.old"))
            # Not pg_ctl: its waiting gives up on a long recovery and its shell trips over odd paths. The server gets a
            # session of its own, so that Ctrl-C ends the bot first and the bot ends the server.
            with log.open("ab") as output:
                self._give_to_server(log)
                self._server = subprocess.Popen(
                    [self._program("postgres"), "-D", str(self.cluster)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.cluster.parent,
                    start_new_session=True,
                    **self._identity(),  # type: ignore[call-overload]
                )
        self._wait_ready()
        if self._ephemeral:
            self._die_with_us()
        self._make_role_and_database()

    def _refuse_other_major(self) -> None:
        version_file = self.cluster / "PG_VERSION"
        if version_file.exists() and (found := version_file.read_text().strip()) != str(SERVER_MAJOR):
            raise PostgresUnavailable(
                both(
                    f"{self.cluster} 里是 PostgreSQL {found} 的数据,现在内置的是 {SERVER_MAJOR}。"
                    f"请用旧版本做 jifen backup,移走该目录,再 jifen restore",
                    f"it holds data of PostgreSQL {found}, the server here is {SERVER_MAJOR}: run jifen backup with "
                    f"the old version, move the folder away, then jifen restore",
                )
            )

    def _make_cluster(self) -> None:
        """initdb beside the final place, then rename: a kill half-way leaves nothing that looks finished."""
        base = self._chosen.base
        password_file = base / "password"
        if not password_file.exists():
            _write_private(password_file, secrets.token_urlsafe(24))
        half_made = base / "cluster.new"
        shutil.rmtree(half_made, ignore_errors=True)
        if self.cluster.exists() and any(self.cluster.iterdir()):
            raise PostgresUnavailable(
                both(
                    f"{self.cluster} 不是空的,也不是数据库;请移走它", "it is neither empty nor a database: move it away"
                )
            )
        half_made.mkdir(mode=0o700)
        copy = base / "password.initdb"  # the server's user must read it, and may not read the other one
        _write_private(copy, password_file.read_text())
        try:
            for path in (half_made, copy):
                self._give_to_server(path)
            options = ["--no-sync"] if self._fast else []
            self._run(
                "initdb", "-D", str(half_made), "-U", "postgres", "--pwfile", str(copy), "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", *options,
            )  # fmt: skip
        finally:
            copy.unlink()
        with (half_made / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write("\ninclude_if_exists = 'jifen.conf'\n")
        if self.cluster.exists():
            self.cluster.rmdir()
        half_made.rename(self.cluster)

    def _write_config(self) -> None:
        """Written at every start, so that a moved folder or a new version of these lines takes effect."""
        lines = {
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "jit": "off",
            **(_FAST if self._fast else _SAFE),
        }
        if sys.platform == "win32":
            lines |= {"listen_addresses": "'127.0.0.1'", "port": str(self._port() or _free_port())}
        else:
            socket_dir = self._socket_dir()
            if socket_dir != self.cluster:
                user = self._chosen.user
                _make_private_dir(socket_dir, {os.geteuid(), user.uid if user else os.geteuid()})
                self._give_to_server(socket_dir)
            quoted = str(socket_dir).replace('"', '""').replace("'", "''")
            lines |= {
                "listen_addresses": "''",
                "unix_socket_directories": f"""'"{quoted}"'""",
                "unix_socket_permissions": "0700",
            }
        config = self.cluster / "jifen.conf"
        config.write_text("".join(f"{name} = {value}\n" for name, value in lines.items()), encoding="utf-8")
        self._give_to_server(config)

    def _wait_ready(self) -> None:
        begun = time.monotonic()
        told = False
        while self._answers() != 0:
            waited = time.monotonic() - begun
            ended = self._server is not None and self._server.poll() is not None
            if ended or waited > RECOVERY_SECONDS_MAX:
                raise self._failed("postgres", self._log_tail())
            if waited > 3 and not told:
                self._say(
                    both("数据库上次没有正常关闭,正在恢复 …", "the database was not shut down cleanly; recovering …")
                )
                told = True
            time.sleep(0.03)

    def _make_role_and_database(self) -> None:
        """Idempotent, so that a kill between initdb and here is made good at the next start."""
        statements = f"""
            SELECT 'CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD ''{self._password}'''
             WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') \\gexec
            SELECT 'CREATE DATABASE {DATABASE} OWNER {ROLE}'
             WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
        """
        host = "127.0.0.1" if sys.platform == "win32" else str(self._socket_dir())
        port = str(self._port()) if sys.platform == "win32" else "5432"
        command = [self._program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", port, "-U", "postgres"]
        done = subprocess.run(
            [*command, "-d", "postgres", "-f", "-"],
            input=statements.encode(),
            capture_output=True,
            env={**os.environ, "PGPASSWORD": self._password},
            check=False,
        )
        if done.returncode != 0:
            raise PostgresUnavailable(
                both(
                    f"内置数据库拒绝了 {self._chosen.base / 'password'} 里的密码,或建库失败",
                    f"the embedded database refused its own password or set-up: {done.stderr.decode(errors='replace')}",
                )
            )

    def _die_with_us(self) -> None:
        """A small watcher that reads a pipe of ours: when it closes, by whatever end of us, the server goes too."""
        if sys.platform == "win32":
            return
        script = 'cat >/dev/null; exec "$1" stop -D "$2" -m immediate -s'
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", self._program("pg_ctl"), str(self.cluster)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._identity(),  # type: ignore[call-overload]
        )

    def _answers(self) -> int:
        """pg_isready: 0 takes connections, 1 is starting or stopping, 2 nobody there."""
        if sys.platform == "win32":
            host, port = "127.0.0.1", self._port()
        else:
            host, port = str(self._socket_dir()), "5432"
        if not port:
            return 2
        done = subprocess.run(
            [self._program("pg_isready"), "-q", "-h", host, "-p", port, "-t", "2"], check=False, capture_output=True
        )
        return 2 if done.returncode > 2 else done.returncode

    def _postmaster(self) -> psutil.Process | None:
        """The process named in postmaster.pid, whatever it is by now; None when there is none."""
        try:
            return psutil.Process(int((self.cluster / "postmaster.pid").read_text().splitlines()[0]))
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return None

    def _clear_stale_pid_file(self) -> None:
        """Remove a killed server's pid file where PostgreSQL itself would not dare.

        It takes any living process of that number for the old server: a zombie that a container's first process never
        reaps, or after a restart of the container an unrelated program. (Should backends of the old server still be
        there, PostgreSQL sees their shared memory and refuses.)
        """
        begun = time.monotonic()
        while (process := self._postmaster()) is not None:
            try:
                zombie, name = process.status() == psutil.STATUS_ZOMBIE, process.name()
            except psutil.NoSuchProcess:
                return
            if not zombie and name.startswith("postgres"):
                return
            if not zombie or time.monotonic() - begun > 3:
                (self.cluster / "postmaster.pid").unlink()
                return
            time.sleep(0.05)

    def _socket_dir(self) -> Path:
        """The cluster itself (closed to others), or where its path is too long for a socket, a closed folder in tmp."""
        if len(os.fsencode(self.cluster / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES_MAX:
            return self.cluster
        name = hashlib.sha256(os.fsencode(self.cluster)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"jifen-{name}"

    def _port(self) -> str:
        """Windows only: the loopback port written at the last start, or nothing."""
        try:
            text = (self.cluster / "jifen.conf").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        return next((line.split("=")[1].strip() for line in text.splitlines() if line.startswith("port ")), "")

    def _read_password(self) -> None:
        path = self._chosen.base / "password"
        try:
            self._password = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise PostgresUnavailable(
                both(f"读不到数据库密码文件 {path}", f"the database's password file can't be read: {error.strerror}")
            ) from error

    def _program(self, name: str) -> str:
        return str(self.programs / (f"{name}.exe" if sys.platform == "win32" else name))

    def _identity(self) -> dict[str, object]:
        user = self._chosen.user
        return {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}

    def _give_to_server(self, path: Path) -> None:
        if user := self._chosen.user:
            os.chown(path, user.uid, user.gid)

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs as its user. Output goes to a file: the server inherits it, and a pipe
        that it keeps open would never end."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            done = subprocess.run(
                [self._program(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._chosen.base,
                text=True,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
                **self._identity(),  # type: ignore[call-overload]
            )
            output.seek(0)
            done.stdout = output.read()
        if check and done.returncode != 0:
            raise self._failed(program, done.stdout)
        return done

    def _failed(self, program: str, output: str) -> PostgresUnavailable:
        if "No space left" in output:
            return PostgresUnavailable(
                both(
                    f"磁盘空间不足:{self._chosen.base},请腾出空间后再试",
                    "no disk space left there: free some and try again",
                )
            )
        return PostgresUnavailable(
            both(
                f"内置数据库没有启动({program}),输出如下",
                f"the embedded database did not start, it said:\n{output.strip()}",
            )
        )

    def _log_tail(self) -> str:
        try:
            return "\n".join((self.cluster / "server.log").read_text(errors="replace").splitlines()[-12:])
        except OSError:
            return ""

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

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, from the first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _make_private_dir(path: Path, owners: set[int]) -> None:
    """A folder in a place where anyone may write: ours and closed, or refused."""
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners or status.st_mode & 0o077:
        raise PostgresUnavailable(
            both(f"{path} 不属于本用户或对他人开放,请删除它", "it is not ours or open to others: remove it")
        )


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
