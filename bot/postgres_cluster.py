"""The embedded server's files and programs: making a cluster, configuring it, asking whether it answers.

Nothing here starts or stops the server; `postgres` does.
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
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from bot.bilingual import both
from bot.postgres_place import SERVER_MAJOR, Place, PostgresUnavailable

ROLE = "jifen"
SOCKET_PATH_BYTES_MAX = 100  # 107 on Linux, 103 on macOS

# What `answers` says, as pg_isready exits.
READY, BUSY, NOBODY = 0, 1, 2

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


class Cluster:
    """One cluster in its place; `fast` gives durability away for speed."""

    def __init__(self, place: Place, *, fast: bool) -> None:
        self.base = place.base
        self.data = place.base / "cluster"
        self.programs = place.programs
        self._user = place.user
        self._fast = fast

    def refuse_other_major(self) -> None:
        """Raises PostgresUnavailable where the data is another version's."""
        version_file = self.data / "PG_VERSION"
        if version_file.exists() and (found := version_file.read_text().strip()) != str(SERVER_MAJOR):
            raise PostgresUnavailable(
                both(
                    f"{self.data} 里是 PostgreSQL {found} 的数据,现在内置的是 {SERVER_MAJOR}。"
                    f"请用旧版本做 jifen backup,移走该目录,再 jifen restore",
                    f"it holds data of PostgreSQL {found}, the server here is {SERVER_MAJOR}: run jifen backup with "
                    f"the old version, move the folder away, then jifen restore",
                )
            )

    def make(self) -> None:
        """initdb beside the final place, then rename: a kill half-way leaves nothing that looks finished."""
        base = self.base
        password_file = base / "password"
        if not password_file.exists():
            _write_private(password_file, secrets.token_urlsafe(24))
        half_made = base / "cluster.new"
        shutil.rmtree(half_made, ignore_errors=True)
        if self.data.exists() and any(self.data.iterdir()):
            raise PostgresUnavailable(
                both(f"{self.data} 不是空的,也不是数据库;请移走它", "it is neither empty nor a database: move it away")
            )
        half_made.mkdir(mode=0o700)
        copy = base / "password.initdb"  # the server's user must read it, and may not read the other one
        _write_private(copy, password_file.read_text())
        try:
            for path in (half_made, copy):
                self.give_to_server(path)
            options = ["--no-sync"] if self._fast else []
            self.run(
                "initdb", "-D", str(half_made), "-U", "postgres", "--pwfile", str(copy), "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", *options,
            )  # fmt: skip
        finally:
            copy.unlink()
        with (half_made / "postgresql.conf").open("a", encoding="utf-8") as config:
            config.write("\ninclude_if_exists = 'jifen.conf'\n")
        if self.data.exists():
            self.data.rmdir()
        half_made.rename(self.data)

    def write_config(self) -> None:
        """Written at every start, so that a moved folder or a new version of these lines takes effect."""
        lines = {
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "jit": "off",
            "temp_file_limit": "'4GB'",  # one query that runs wild must not fill the disk that the ledger is on
            **(_FAST if self._fast else _SAFE),
        }
        if sys.platform == "win32":
            lines |= {"listen_addresses": "'127.0.0.1'", "port": str(self._port() or _free_port())}
        else:
            socket_dir = self.socket_dir()
            if socket_dir != self.data:
                user = self._user
                _make_private_dir(socket_dir, {os.geteuid(), user.uid if user else os.geteuid()})
                self.give_to_server(socket_dir)
            quoted = str(socket_dir).replace('"', '""').replace("'", "''")
            lines |= {
                "listen_addresses": "''",
                "unix_socket_directories": f"""'"{quoted}"'""",
                "unix_socket_permissions": "0700",
            }
        config = self.data / "jifen.conf"
        config.write_text("".join(f"{name} = {value}\n" for name, value in lines.items()), encoding="utf-8")
        self.give_to_server(config)

    def read_password(self) -> str:
        """The password of both roles."""
        path = self.base / "password"
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise PostgresUnavailable(
                both(f"读不到数据库密码文件 {path}", f"the database's password file can't be read: {error.strerror}")
            ) from error

    def dsn(self, database: str, role: str, password: str) -> str:
        """libpq's URL of one of its databases."""
        if sys.platform == "win32":
            return f"postgresql://{role}:{password}@127.0.0.1:{self._port()}/{database}"
        return f"postgresql://{role}:{password}@/{database}?host={quote(str(self.socket_dir()))}"

    def psql(self, statements: str, where: str) -> subprocess.CompletedProcess[bytes]:
        """Run statements on one of its databases, stopping at the first error; `where` may carry the password."""
        before, _, after = where.partition("@")
        scheme, _, credentials = before.partition("://")
        user, _, password = credentials.partition(":")
        # By environment: `ps` shows arguments to everybody.
        return subprocess.run(
            [self.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", f"{scheme}://{user}@{after}"],
            input=statements.encode(),
            capture_output=True,
            env={**os.environ, "PGPASSWORD": password},
            check=False,
        )

    def answers(self) -> int:
        """READY: it takes connections. BUSY: it is starting or stopping. NOBODY: there is none."""
        if sys.platform == "win32":
            host, port = "127.0.0.1", self._port()
        else:
            host, port = str(self.socket_dir()), "5432"
        if not port:
            return NOBODY
        done = subprocess.run(
            [self.program("pg_isready"), "-q", "-h", host, "-p", port, "-t", "2"], check=False, capture_output=True
        )
        return min(done.returncode, NOBODY)

    def _postmaster(self) -> psutil.Process | None:
        """The process named in postmaster.pid, whatever it is by now; None when there is none."""
        try:
            return psutil.Process(int((self.data / "postmaster.pid").read_text().splitlines()[0]))
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return None

    def clear_stale_pid_file(self) -> None:
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
                (self.data / "postmaster.pid").unlink()
                return
            time.sleep(0.05)

    def socket_dir(self) -> Path:
        """The cluster itself (closed to others), or where its path is too long for a socket, a closed folder in tmp."""
        if len(os.fsencode(self.data / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES_MAX:
            return self.data
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"jifen-{name}"

    def _port(self) -> str:
        """Windows only: the loopback port written at the last start, or nothing."""
        try:
            text = (self.data / "jifen.conf").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        return next((line.split("=")[1].strip() for line in text.splitlines() if line.startswith("port ")), "")

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.programs / (f"{name}.exe" if sys.platform == "win32" else name))

    def identity(self) -> dict[str, Any]:
        """Arguments for `subprocess` that make a program run as the server's user."""
        user = self._user
        return {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}

    def give_to_server(self, path: Path) -> None:
        """Make a file or folder the server user's."""
        if user := self._user:
            os.chown(path, user.uid, user.gid)

    def run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs as its user. Output goes to a file: the server inherits it, and a pipe
        that it keeps open would never end."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            done = subprocess.run(
                [self.program(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.base,
                text=True,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
                **self.identity(),
            )
            output.seek(0)
            done.stdout = output.read()
        if check and done.returncode != 0:
            raise self.failed(program, done.stdout)
        return done

    def failed(self, program: str, output: str) -> PostgresUnavailable:
        """What to raise for a program that said `output` and failed."""
        if "No space left" in output:
            return PostgresUnavailable(
                both(
                    f"磁盘空间不足:{self.base},请腾出空间后再试",
                    "no disk space left there: free some and try again",
                )
            )
        return PostgresUnavailable(
            both(
                f"内置数据库没有启动({program}),输出如下",
                f"the embedded database did not start, it said:\n{output.strip()}",
            )
        )

    def log_tail(self) -> str:
        """The last lines of the server's log."""
        try:
            return "\n".join((self.data / "server.log").read_text(errors="replace").splitlines()[-12:])
        except OSError:
            return ""


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
