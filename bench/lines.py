"""import.lines: a till export booked as purchases, refunds and points, beside `COPY` of the same lines into an unindexed table.

The file is the one given with `--till` (for instance the whole UCI export); without one it is the slice that the tests keep, said
over again with other numbers until it is long enough. Timed is the whole process, `jifen import`, its start included.
import.memory: the peak of that process for the file, beside its peak for a third of it — a figure near 1 is flat.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg

from bench.figures import Figure, beside
from bench.stage import Stage

SLICE = Path(__file__).parents[1] / "tests" / "data" / "till_export_slice.csv"
LINES_WANTED = 200_000
ROUNDS = 3


def _rows(till: Path | None) -> tuple[list[str], list[list[str]]]:
    if till is not None:
        opened = gzip.open if till.suffix == ".gz" else open
        with opened(till, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            return next(reader), list(reader)
    with SLICE.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        head, rows = next(reader), list(reader)
    number, customer = head.index("Invoice"), head.index("Customer ID")
    many = []
    for copy in range(LINES_WANTED // len(rows)):
        for row in rows:
            again = list(row)
            again[number] += f"x{copy}"
            again[customer] = again[customer] and f"{again[customer]}x{copy % 40}"
            many.append(again)
    return head, many


def _write(path: Path, head: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def _imported(stage: Stage, database: str, path: Path, folder: str) -> tuple[float, float]:
    """Seconds and peak MiB of `jifen import`."""
    environment = dict(os.environ) | {
        "DATABASE_URL": stage.server.url_of(database),
        "DATA_DIR": folder,
        "SECRET_KEY": secrets.token_hex(24),
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "bot.cli", "import", str(path), "--merchant", "gifts"]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = 0.0
    while process.poll() is None:
        # Its own high-water mark: what the parent had counts in a child's accounting until it is another program.
        with suppress(OSError, StopIteration):
            status = Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
            peak = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024
        time.sleep(0.02)
    took = time.perf_counter() - began
    if process.returncode != 0:
        raise RuntimeError((process.stderr.read() if process.stderr else b"").decode()[-2000:])
    return took, peak


async def _copied(stage: Stage, database: str, path: Path, head: list[str]) -> float:
    """Seconds of COPY into text columns without an index."""
    connection = await asyncpg.connect(stage.server.dsn_of(database))
    columns = ", ".join(f"c{n} text" for n in range(len(head)))
    await connection.execute(f"DROP TABLE IF EXISTS copied; CREATE TABLE copied ({columns})")
    content = io.BytesIO(await asyncio.to_thread(path.read_bytes))
    began = time.perf_counter()
    await connection.copy_to_table("copied", source=content, format="csv", header=True)
    took = time.perf_counter() - began
    await connection.close()
    return took


async def run(stage: Stage, wanted: Callable[[str], bool], till: Path | None = None) -> list[Figure]:
    """Both figures."""
    if not any(map(wanted, ("import.lines", "import.memory"))):
        return []
    head, rows = _rows(till)
    ours, theirs, peaks, small = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="jifen-bench-till-") as folder:
        whole, third = Path(folder) / "whole.csv", Path(folder) / "third.csv"
        _write(whole, head, rows)
        _write(third, head, rows[: len(rows) // 3])
        for _ in range(ROUNDS):
            for path in (whole, third):
                name = await stage.database()
                took, peak = await asyncio.to_thread(_imported, stage, name, path, folder)
                if path is whole:
                    ours.append(len(rows) / took)
                    peaks.append(peak)
                    theirs.append(len(rows) / await _copied(stage, name, path, head))
                else:
                    small.append(peak)
                await stage.drop(name)
    note = till.name if till else "the tests' slice, repeated"
    return [
        beside("import.lines", "lines/s", ours, "COPY, unindexed", theirs, wanted="≥ 20,000/s", note=note),
        beside("import.memory", "MiB", peaks, "a third of the file", small, wanted="flat", note=f"{len(rows):,} lines"),
    ]
