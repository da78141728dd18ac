"""Backup and restore: PostgreSQL's own dump in its compressed format, made and read by the wheel's programs.

A dump is one consistent moment, taken while the bot works. It holds personal fields encrypted; the key isn't in it. Behind what
pg_dump wrote stands its digest, which pg_restore passes over: the format itself would not notice a changed byte among the commands.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from bot.bilingual import both
from bot.postgres_place import packaged_programs
from bot.settings import libpq_url

# Everything of ours is in this schema; nobody sees it missing, because the transaction holds until COMMIT.
_REPLACE = (
    b"BEGIN; SET LOCAL lock_timeout = '10s'; SET LOCAL client_min_messages = warning;"
    b" DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"
)

_SEAL = b"\njifen sha256 "
_SEAL_BYTES = len(_SEAL) + 64


class BackupFailed(Exception):
    """Nothing was saved or restored; the message says why, in both languages."""


async def save(url: str, target: Path) -> int:
    """Write the database at `url` (SQLAlchemy form) to `target`, readable by its owner only; returns its bytes.

    The file appears when it is complete.

    Raises:
        BackupFailed
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        await _finish("pg_dump", await _begin("pg_dump", url, "--format=custom", "--file", str(part)))
    except BackupFailed:
        part.unlink()
        raise
    digest = await asyncio.to_thread(_digest, part, part.stat().st_size)
    with part.open("ab") as file:
        file.write(_SEAL + digest)
    part.replace(target)
    return target.stat().st_size


async def load(url: str, source: Path, *, force: bool = False) -> None:
    """Fill the database at `url` from a dump, in one transaction: all of it, or nothing changes.

    Args:
        force: replace what the database holds. Without it only an empty database is filled.
    Raises:
        BackupFailed: not a dump, or a damaged one, a database in use without `force`, or what PostgreSQL says.
    """
    await asyncio.to_thread(_check, source)
    connection = await asyncpg.connect(libpq_url(url))
    try:
        if await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") and not force:
            raise BackupFailed(
                both(
                    "数据库不是空的。确定要覆盖它,请加 --force(建议先备份)",
                    "the database is not empty. To replace what it holds add --force (back it up first)",
                )
            )
    finally:
        await connection.close()
    reading = await _begin("pg_restore", None, "--file=-", "--no-owner", "--no-privileges", str(source), stdout=PIPE)
    writing = await _begin("psql", url, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", stdin=PIPE)
    assert reading.stdout is not None and writing.stdin is not None
    # The dump is passed on by us, so that COMMIT is only said once all of it could be read.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        writing.stdin.write(_REPLACE)
        while block := await reading.stdout.read(1 << 18):
            writing.stdin.write(block)
            await writing.stdin.drain()
        if await reading.wait() == 0:
            writing.stdin.write(b"\nCOMMIT;\n")
        writing.stdin.close()
    await _finish("psql", writing)
    await _finish("pg_restore", reading)


def _check(source: Path) -> None:
    """Compare a dump with the digest behind it. One that pg_dump wrote for somebody else has none, and is taken as it is."""
    whole = source.stat().st_size
    with source.open("rb") as file:
        file.seek(max(0, whole - _SEAL_BYTES))
        seal = file.read()
    if seal.startswith(_SEAL) and seal[len(_SEAL) :] != _digest(source, whole - _SEAL_BYTES):
        raise BackupFailed(both("备份文件坏了,恢复失败,什么都没改", "the backup is damaged: nothing was changed"))


def _digest(source: Path, count: int) -> bytes:
    """SHA-256 of a file's first bytes, in hexadecimal digits."""
    found = hashlib.sha256()
    with source.open("rb") as file:
        while count and (block := file.read(min(count, 1 << 20))):
            found.update(block)
            count -= len(block)
    return found.hexdigest().encode()


async def _begin(
    program: str, url: str | None, *arguments: str, stdin: int = DEVNULL, stdout: int = DEVNULL
) -> Process:
    """Start a program of PostgreSQL's; the password goes by environment, where `ps` doesn't show it."""
    environ = dict(os.environ)
    if url is not None:
        arguments = (*arguments, "--dbname", _without_password(url))
        if password := urlsplit(url).password:
            environ["PGPASSWORD"] = unquote(password)
    return await asyncio.create_subprocess_exec(
        _program(program), *arguments, stdin=stdin, stdout=stdout, stderr=PIPE, env=environ
    )


async def _finish(program: str, process: Process) -> None:
    assert process.stderr is not None
    try:
        said = (await process.stderr.read()).decode(errors="replace").strip()
        await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    if process.returncode:
        raise BackupFailed(both(f"{program} 失败", "failed:\n") + "\n".join(said.splitlines()[-3:]))


def _without_password(url: str) -> str:
    parts = urlsplit(libpq_url(url))
    user = f"{parts.username}@" if parts.username else ""
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}{where}"))


def _program(name: str) -> str:
    """The wheel's program: newer than, or as new as, any server that we support. Else the system's."""
    packaged = packaged_programs() / (f"{name}.exe" if os.name == "nt" else name)
    return str(packaged) if packaged.exists() else shutil.which(name) or name
