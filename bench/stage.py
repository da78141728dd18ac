"""Where the figures are taken: a throw-away PostgreSQL as members would have it (fsync on), migrated, filled by set-based SQL."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bot import migrate
from bot.postgres import EmbeddedPostgres

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stage:
    """A running server; `database()` makes a fresh migrated database on it."""

    server: EmbeddedPostgres

    async def database(self) -> str:
        """The name of a new migrated database."""
        name = f"bench_{next(_numbers)}"
        connection = await asyncpg.connect(self.server.dsn_of("postgres"))
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        await migrate.upgrade(self.server.url_of(name))
        return name

    async def drop(self, name: str) -> None:
        """Remove a database."""
        connection = await asyncpg.connect(self.server.dsn_of("postgres"))
        try:
            await connection.execute(f"DROP DATABASE {name}")
        finally:
            await connection.close()


@contextmanager
def stage() -> Iterator[Stage]:
    """Start the server, and remove it and its data afterwards."""
    with tempfile.TemporaryDirectory(prefix="jifen-bench-") as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder) / "data", explicit=True, ephemeral=True)
        server.start()
        try:
            yield Stage(server)
        finally:
            server.stop()


async def fill(
    connection: asyncpg.Connection, *, members: int, lots: int, points: int, expires: str | None, issuers: int = 1
) -> None:
    """`members` members (ids 1 …) with available, pending and held accounts and `lots` lots of `points` points each, of issuers 1
    to `issuers` in turn, currency 1, expiring on `expires` — or, where None, one month after the other from 2027 on."""
    issuer = f"1 + (m + k) % {issuers}"
    last_day = f"DATE '{expires}'" if expires else "(DATE '2027-01-31' + k * 31)"
    await connection.execute(
        f"""
        INSERT INTO currency VALUES (1, 'common', NULL, '积分', 'points', 2, 1, 'CNY') ON CONFLICT DO NOTHING;
        INSERT INTO account (id, owner_kind, owner_id, purpose, currency_id)
        VALUES (1, 'merchant', 1, 'issued', 1), (2, 'merchant', 1, 'burned', 1),
               (3, 'programme', 0, 'expired', 1), (4, 'programme', 0, 'clawed_back', 1);
        INSERT INTO account (id, owner_kind, owner_id, purpose, currency_id)
        SELECT i + 3, 'merchant', i, 'issued', 1 FROM generate_series(2, {issuers}) i;
        INSERT INTO account (id, owner_kind, owner_id, purpose, currency_id, balance, version)
        SELECT m * 640, 'member', m, 'available', 1, {lots * points}, {lots} FROM generate_series(1, {members}) m
        UNION ALL SELECT m * 640 + 1, 'member', m, 'pending', 1, 0, 0 FROM generate_series(1, {members}) m
        UNION ALL SELECT m * 640 + 2, 'member', m, 'held', 1, 0, 0 FROM generate_series(1, {members}) m;
        INSERT INTO entry (owner_id, id, key, fingerprint, kind, owner_kind, currency_id, points, issuer_id, actor, facts,
            occurred_at, posted_at, posted_on)
        SELECT m, m * 640 + 64 + k * 2, 'fill:' || m || ':' || k, '\\x00', 'accrue', 'member', 1, {points}, {issuer}, 'bench',
            '{{}}', '2026-11-01', '2026-11-01', '2026-11-01'
        FROM generate_series(1, {members}) m, generate_series(0, {lots - 1}) k;
        INSERT INTO lot (id, owner_kind, owner_id, issuer_id, currency_id, entry_id, available_on, expires_on, points)
        SELECT m * 640 + 65 + k * 2, 'member', m, {issuer}, 1, m * 640 + 64 + k * 2, '2026-10-01', {last_day}, {points}
        FROM generate_series(1, {members}) m, generate_series(0, {lots - 1}) k;
        INSERT INTO posting (account_id, number, entry_id, lot_id, issuer_id, points, balance_after)
        SELECT m * 640, k + 1, m * 640 + 64 + k * 2, m * 640 + 65 + k * 2, {issuer}, {points}, (k + 1) * {points}
        FROM generate_series(1, {members}) m, generate_series(0, {lots - 1}) k
        UNION ALL
        SELECT CASE {issuer} WHEN 1 THEN 1 ELSE {issuer} + 3 END, m * 640 + 66 + k * 2, m * 640 + 64 + k * 2, m * 640 + 65 + k * 2,
               {issuer}, -{points}, NULL
        FROM generate_series(1, {members}) m, generate_series(0, {lots - 1}) k;
        INSERT INTO position (account_id, lot_id, points, due_on)
        SELECT m * 640, m * 640 + 65 + k * 2, {points}, {last_day} + 1
        FROM generate_series(1, {members}) m, generate_series(0, {lots - 1}) k;
        SELECT setval('points_ids', {members} * 10 + 100);
        """
    )
    await connection.execute("VACUUM ANALYZE")
