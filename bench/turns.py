"""turn.balance and turn.redeem: whole updates through a webhook, beside echo bots that touch no database.

One Bot API double (its flood limits off) on processor 1 posts updates to one bot process on processor 0 and takes its answers;
PostgreSQL goes where the kernel puts it. So many people talk at once, each saying the next thing when the answer is there. Ours is
`jifen run` with a webhook, as in production. Echo bots: stock python-telegram-bot, the same on our transport, aiogram.

`turn.redeem` is the tap on «confirm» alone, until the code is shown: lots burned, stock taken, code made, everything committed.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import psutil
from sqlalchemy.ext.asyncio import create_async_engine

from bench.figures import Figure
from bench.journey import endow, join, to_confirm
from bench.stage import Stage
from bot.double.double import Double, Keep, Limits, Person
from ledger.points.commands import Moment

AT_ONCE = 48
PEOPLE = 600
"""So many that nobody is answered more often than once a second, the most that Telegram allows in one chat."""
UPDATES = 1_800
ROUNDS = 3
STOCK = "stock echo bot"
ECHO_BOTS = {
    STOCK: "bench.bots.stock",
    "echo bot on our transport": "bench.bots.on_our_transport",
    "aiogram echo bot": "bench.bots.by_aiogram",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run's readings, CPU per update: the bot's own processes', the database's, and that of double and load together."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    rss_mb: float
    database_us: float
    load_us: float


class Crowd:
    """People of a double who wait for answers without polling."""

    def __init__(self, double: Double) -> None:
        self.double = double
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._watch = asyncio.create_task(self._look())

    async def _look(self) -> None:
        async for event in self.double.events():
            answered = event["kind"] in ("message", "edited") and event["message"]["from"]["is_bot"]
            if answered and (waiter := self._waiting.pop(event["chat_id"], None)) and not waiter.done():
                waiter.set_result(None)

    async def answer_to(self, person: Person, act: Callable[[], Awaitable[object]]) -> float:
        """Seconds from an act to the bot's next message."""
        began = time.perf_counter()
        done = asyncio.get_running_loop().create_future()
        self._waiting[person.id] = done
        await act()
        await asyncio.wait_for(done, 30)
        return time.perf_counter() - began

    def leave(self) -> None:
        """Stop watching."""
        self._watch.cancel()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    head = psutil.Process(process.pid)
    return [head, *head.children(recursive=True)]


def _cpu(processes: Iterable[psutil.Process]) -> float:
    total = 0.0
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total


def _database() -> list[psutil.Process]:
    """Every PostgreSQL process of this machine: the bench's own, unless somebody runs another."""
    return [each for each in psutil.process_iter(["name"]) if each.info["name"] == "postgres"]


@asynccontextmanager
async def running(
    command: list[str], environment: dict[str, str], double: Double, cpus: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A bot process that has set its webhook."""
    pin = ["taskset", "-c", cpus]
    process = subprocess.Popen([*pin, *command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for _ in range(600):
            if any(c.method.lower() == "setwebhook" and c.status == 200 for c in double.calls):
                break
            if process.poll() is not None:
                raise RuntimeError((process.stderr.read() if process.stderr else b"").decode()[-2000:])
            await asyncio.sleep(0.1)
        else:
            raise RuntimeError("the bot did not set its webhook")
        await asyncio.sleep(0.5)
        yield process
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 20)
        except subprocess.TimeoutExpired:
            process.kill()


Act = Callable[[], Awaitable[object]]


async def measured(
    process: subprocess.Popen[bytes], crowd: Crowd, stories: Sequence[tuple[Person, list[Act]]], callers: int
) -> Run:
    """Play all stories, so many at once; a person does the next thing when the answer to the last is there."""
    seconds: list[float] = []
    queue = iter(stories)

    async def caller() -> None:
        for person, acts in queue:
            for act in acts:
                seconds.append(await crowd.answer_to(person, act))

    everybody = [_family(process), _database(), [psutil.Process()]]
    before, began = [_cpu(each) for each in everybody], time.perf_counter()
    await asyncio.gather(*[caller() for _ in range(callers)])
    took = time.perf_counter() - began
    bot, database, load = ((_cpu(each) - cpu) / len(seconds) * 1e6 for each, cpu in zip(everybody, before, strict=True))
    cuts = statistics.quantiles(seconds, n=100)
    rss = sum(each.memory_info().rss for each in _family(process)) / 2**20
    return Run(len(seconds) / took, cuts[49] * 1000, cuts[98] * 1000, bot, rss, database, load)


def _saying(people: list[Person], text: str, updates: int) -> list[tuple[Person, list[Act]]]:
    return [(person, [partial(person.says, text)] * (updates // len(people))) for person in people]


@asynccontextmanager
async def _double() -> AsyncIterator[tuple[Double, Crowd]]:
    double = Double("42:BENCH", limits=Limits.off(), keep=Keep(messages_per_chat=60, calls=200, updates=500))
    await double.start()
    crowd = Crowd(double)
    try:
        yield double, crowd
    finally:
        crowd.leave()
        await double.stop()


async def _echo(module: str) -> Run:
    async with _double() as (double, crowd):
        people = [double.person(f"P{n}") for n in range(PEOPLE)]
        command = [sys.executable, "-m", module, double.url, str(_free_port()), double.token]
        async with running(command, dict(os.environ), double, "0") as process:
            await measured(process, crowd, _saying(people[:200], "hello there", 400), AT_ONCE)
            return await measured(process, crowd, _saying(people, "hello there", UPDATES), AT_ONCE)


@asynccontextmanager
async def _ours(stage: Stage, workers: int, double: Double) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    name = await stage.database()
    with tempfile.TemporaryDirectory(prefix="jifen-bench-data-") as folder:
        port = _free_port()
        environment = dict(os.environ) | {
            "BOT_TOKEN": double.token,
            "TELEGRAM_API_URL": double.url,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATABASE_URL": stage.server.url_of(name),
            "DATA_DIR": folder,
            "SECRET_KEY": secrets.token_hex(24),
            "WORKERS": str(workers),
            "LOG_LEVEL": "WARNING",
        }
        jifen = [sys.executable, "-m", "bot.cli"]
        subprocess.run([*jifen, "demo"], env=environment, check=True, stdout=subprocess.DEVNULL)
        cpus = "0" if workers == 1 else "0,1"
        async with running([*jifen, "run"], environment, double, cpus) as process:
            yield process, environment["DATABASE_URL"]
    await stage.drop(name)


async def _joined(double: Double, people: list[Person]) -> None:
    """Every person goes through joining as a person does."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(person: Person) -> None:
        async with gate:
            await join(person)

    await asyncio.gather(*map(one, people))


async def _balance(stage: Stage, workers: int = 1) -> Run:
    async with _double() as (double, crowd):
        people = [double.person(f"P{n}", language="zh-hans") for n in range(PEOPLE)]
        async with _ours(stage, workers, double) as (process, _):
            await _joined(double, people)
            await measured(process, crowd, _saying(people[:200], "/balance", 400), AT_ONCE)
            await asyncio.sleep(5)
            return await measured(process, crowd, _saying(people, "/balance", UPDATES), AT_ONCE)


async def _redeem(stage: Stage, workers: int = 1) -> Run:
    async with _double() as (double, crowd):
        people = [double.person(f"P{n}", language="zh-hans") for n in range(PEOPLE)]
        async with _ours(stage, workers, double) as (process, url):
            await _joined(double, people)
            engine = create_async_engine(url)
            async with engine.begin() as tx:
                now = dt.datetime.now(dt.UTC)
                await endow(tx, 5_000, Moment(now, now.date()))
            await engine.dispose()
            gate = asyncio.Semaphore(AT_ONCE)

            async def ready(person: Person) -> tuple[Person, list[Act]]:
                async with gate:
                    return person, [await to_confirm(person)]

            confirms = await asyncio.gather(*map(ready, people))
            return await measured(process, crowd, confirms, AT_ONCE)


async def run(stage: Stage, wanted: Callable[[str], bool]) -> list[Figure]:
    """All figures whose names are asked for; echo bots are run in the same rounds."""
    os.sched_setaffinity(0, {1} if (os.cpu_count() or 1) > 1 else {0})
    figures: list[Figure] = []
    for name, ours in (("turn.balance", _balance), ("turn.redeem", _redeem)):
        if not any(wanted(f"{name}{end}") for end in ("", ".two_workers")):
            continue
        runs: dict[str, list[Run]] = {"ours": [], "two": [], **{bot: [] for bot in ECHO_BOTS}}
        for _ in range(ROUNDS):
            runs["ours"].append(await ours(stage))
            for bot, module in ECHO_BOTS.items():
                runs[bot].append(await _echo(module))
            runs["two"].append(await ours(stage, 2))
        figures += _figures(name, runs)
    return figures


def _median(runs: list[Run], field: str) -> float:
    return float(statistics.median(getattr(r, field) for r in runs))


def _figures(name: str, runs: dict[str, list[Run]]) -> list[Figure]:
    wanted = {STOCK: "≥ 1.0", "echo bot on our transport": "≥ 0.5"} if name == "turn.balance" else {}
    mine = runs["ours"]
    figures = []
    for bot in ECHO_BOTS:
        theirs = runs[bot]
        ratio = statistics.median(a.per_second / b.per_second for a, b in zip(mine, theirs, strict=True))
        beside = "" if bot == STOCK else f".vs_{bot.replace(' ', '_')}"
        figures.append(
            Figure(
                f"{name}{beside}",
                _median(mine, "per_second"),
                "updates/s",
                bot,
                _median(theirs, "per_second"),
                ratio,
                wanted.get(bot, ""),
            )
        )
        for field, unit in (("p50_ms", "ms"), ("p99_ms", "ms"), ("cpu_us", "µs CPU"), ("rss_mb", "MiB")):
            a, b = _median(mine, field), _median(theirs, field)
            figures.append(Figure(f"{name}.{field}{beside}", a, unit, bot, b, a / b))
    one, two = _median(mine, "per_second"), _median(runs["two"], "per_second")
    figures.append(Figure(f"{name}.two_workers", two, "updates/s", "one worker", one, two / one, "≥ 1.6"))
    # What this machine could do at most: double and load share its processors with workers and database.
    for ending, each in ((".vs_machine", "ours"), (".two_workers.vs_machine", "two")):
        bots, database, load = (_median(runs[each], field) for field in ("cpu_us", "database_us", "load_us"))
        full, value = (os.cpu_count() or 1) * 1e6 / (bots + database + load), _median(runs[each], "per_second")
        note = f"CPU per update: workers {bots:.0f} µs, database {database:.0f} µs, double and load {load:.0f} µs"
        figures.append(
            Figure(f"{name}{ending}", value, "updates/s", "all processors full", full, value / full, note=note)
        )
    return figures
