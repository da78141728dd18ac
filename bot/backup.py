"""Backup and restore: PostgreSQL's own dump in its compressed format, made and read by programs of the server's version.

A dump is one consistent moment, taken while the bot works. It holds personal fields encrypted; the key isn't in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from bot.bilingual import both
from bot.postgres_place import packaged_programs
from bot.settings import libpq_url


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
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        try:
            await _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges"], stdout=file.fileno())
            os.fsync(file.fileno())
        except BackupFailed:
            part.unlink()
            raise
    part.replace(target)
    return target.stat().st_size


async def load(url: str, source: Path, *, force: bool = False) -> None:
    """Fill the database at `url` from a dump, in one transaction: all of it, or nothing changes.

    Args:
        force: replace what the database holds. Without it only an empty database is filled.
    Raises:
        BackupFailed: not a dump, a database in use without `force`, or what pg_restore says.
    """
    await _run("pg_restore", None, ["--list", str(source)])
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
    clean = ["--clean", "--if-exists"] if force else []
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", *clean]
    await _run("pg_restore", url, [*options, "--dbname", _without_password(url), str(source)])


async def _run(
    program: str, url: str | None, arguments: list[str], *, stdout: int = asyncio.subprocess.DEVNULL
) -> None:
    """Run a program of PostgreSQL's; the password goes by environment, where `ps` doesn't show it."""
    environ = dict(os.environ)
    if url is not None:
        if password := urlsplit(url).password:
            environ["PGPASSWORD"] = unquote(password)
        if program == "pg_dump":
            arguments = [*arguments, "--dbname", _without_password(url)]
    process = await asyncio.create_subprocess_exec(
        _program(program), *arguments, stdout=stdout, stderr=asyncio.subprocess.PIPE, env=environ
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    if process.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-3:]
        raise BackupFailed(both(f"{program} 失败", "failed: ") + "\n".join(last))


def _without_password(url: str) -> str:
    parts = urlsplit(libpq_url(url))
    user = f"{parts.username}@" if parts.username else ""
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}{where}"))


def _program(name: str) -> str:
    """The wheel's program: newer than, or as new as, any server that we support. Else the system's."""
    packaged = packaged_programs() / (f"{name}.exe" if os.name == "nt" else name)
    return str(packaged) if packaged.exists() else shutil.which(name) or name
