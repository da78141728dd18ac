"""expire.million: a million lots of 200,000 members and four issuers that end in one night, beside one hand-written statement.

Ours is the nightly duty as the leader runs it: the timetable opens the slot and goes on, chunk by chunk, each a transaction that
checks the lease and keeps its progress, until nothing is due. The limit (`expire.sql`) does the same bookkeeping on an identical
copy. The members have no chat, as customers of paper cards have none: each notice is made, and none is put into the outbox. Both
ledgers are audited afterwards.

expire.memory: the peak of the duty's process after the million, beside its peak after a tenth — near 1 is flat.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from bench.figures import Figure, beside
from bench.stage import Stage, fill
from bot.clock import Clock
from bot.engines import engines
from bot.leads import take
from bot.main import GARBAGE_OBJECTS
from bot.timetable import Timetable
from jobs import expire
from ledger.members.vault import Vault
from ledger.points.audit import audit
from ledger.programme import Programme

MEMBERS, LOTS, ISSUERS = 200_000, 5, 4
POINTS = 100
ROUNDS = 3
ZONE = ZoneInfo("Asia/Shanghai")
NOON = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)
YESTERDAY = "2026-11-21"
RIVAL = (files("bench") / "expire.sql").read_text("utf-8")
PROGRAMME = Programme(
    name_zh="联盟", name_en="Coalition", terms_version="1", terms_zh="条款", terms_en="Terms", welcome_issuer="m"
)


async def _filled(stage: Stage, members: int) -> str:
    name = await stage.database()
    connection = await asyncpg.connect(stage.server.dsn_of(name))
    await connection.execute("CREATE SEQUENCE rival_ids START 100000000000")
    document = PROGRAMME.model_dump_json()
    await connection.execute("INSERT INTO programme (one, version, document) VALUES (1, 1, $1)", document)
    await fill(connection, members=members, lots=LOTS, points=POINTS, expires=YESTERDAY, issuers=ISSUERS)
    await connection.close()
    return name


async def _copied(stage: Stage, name: str) -> str:
    copy = f"{name}_copy"
    connection = await asyncpg.connect(stage.server.dsn_of("postgres"))
    await connection.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
    await connection.close()
    return copy


async def night(url: str) -> float:
    """Seconds in which the duty ends whatever is due in a database."""
    made = engines(url, 2)
    clock = Clock(ZONE, lambda: NOON)
    timetable = Timetable(made.turns, Vault(secrets.token_hex(24), secrets.token_bytes), clock, [expire.duty])
    async with made.turns.begin() as tx:
        lease = await take(tx, "jobs", "bench", 3600)
    assert lease is not None
    began = time.perf_counter()
    await timetable.catch_up(lease)
    took = time.perf_counter() - began
    await made.dispose()
    return took


def _ours(url: str) -> tuple[float, float]:
    """Seconds and peak MiB of `night` in a process of its own."""
    done = subprocess.run([sys.executable, "-m", "bench.night", url], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    took, peak = json.loads(done.stdout)
    return took, peak


async def _theirs(stage: Stage, name: str) -> float:
    connection = await asyncpg.connect(stage.server.dsn_of(name))
    began = time.perf_counter()
    await connection.execute(RIVAL)
    took = time.perf_counter() - began
    await connection.close()
    return took


async def _proven(stage: Stage, name: str) -> None:
    """Everything has ended, and the books hold."""
    engine = create_async_engine(stage.server.url_of(name))
    async with engine.connect() as tx:
        found = await audit(tx)
        left = await tx.exec_driver_sql("SELECT count(*) FROM position")
    await engine.dispose()
    if not found.holds or left.scalar_one():
        raise RuntimeError(f"{name}: {found.violations[:3]}")


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """Both figures."""
    if not any(map(wanted, ("expire.million", "expire.memory"))):
        return []
    lots = MEMBERS * LOTS
    ours, theirs, peaks, small = [], [], [], []
    for number in range(ROUNDS):
        tenth = await _filled(stage, MEMBERS // 10)
        small.append((await asyncio.to_thread(_ours, stage.server.url_of(tenth)))[1])
        name = await _filled(stage, MEMBERS)
        copy = await _copied(stage, name)
        for whose in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
            if whose == "ours":
                took, peak = await asyncio.to_thread(_ours, stage.server.url_of(name))
                ours.append(lots / took)
                peaks.append(peak)
            else:
                theirs.append(lots / await _theirs(stage, copy))
        for each in (name, copy):
            await _proven(stage, each)
        for each in (tenth, name, copy):
            await stage.drop(each)
    note = f"{lots:,} lots, {MEMBERS:,} members, {ISSUERS} issuers"
    return [
        beside("expire.million", "lots/s", ours, "one SQL statement", theirs, wanted="≥ 0.6", note=note),
        beside("expire.memory", "MiB", peaks, "a tenth of the lots", small, wanted="flat", note=note),
    ]


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # as `bot.main` has it
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)
    print(json.dumps([asyncio.run(night(sys.argv[1])), _peak_mib()]))
