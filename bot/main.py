"""The assembly: what `jifen run` starts, in which order, and how it ends.

    settings → database (embedded, or given) → tables → one worker, or a supervisor of several
    a worker: engines → bot → HTTP (health, webhook, playground) → updates → duties

SIGTERM and Ctrl-C end it in the opposite order: no more updates, turns in work finish, what they said is sent, then the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from telegram.error import InvalidToken, TelegramError

from bot import database, failures, migrate, terminal
from bot.bilingual import both
from bot.clock import Clock
from bot.commands_menu import Menus
from bot.demo.load import has_playable_people, load
from bot.demo.photos import photo
from bot.ending import end
from bot.engines import Connects, engines
from bot.health import Health
from bot.imports import Imports
from bot.leads import Lead, Lease
from bot.logs import Redaction
from bot.merchant_api.hooks import Hooks
from bot.merchant_api.server import MerchantApi
from bot.metrics import Metrics
from bot.offer_photos import OfferPhotos
from bot.outbox import POLICIES
from bot.pictures import qr_png
from bot.sandbox import Sandbox
from bot.secret_key import vault, webhook_secret
from bot.sent_files import from_telegram
from bot.settings import Settings, SettingsError
from bot.supervisor import supervise
from bot.timetable import Timetable
from bot.timetable import discover as duties
from bot.webhook import BODY_BYTES_MAX, register
from bot.worker import Parts, Worker
from chat.feature import discover
from ledger.members.vault import Vault
from ledger.redeeming.on_shelf import on_shelf
from ledger.redeeming.search import index_of

log = structlog.get_logger(__name__)

MENU_SECONDS = 300.0
GARBAGE_OBJECTS = 50_000
GAUGE_SECONDS = 15.0

_WAITING = text(
    "SELECT policy, count(*) AS rows, extract(epoch FROM now() - min(created_at))::float8 AS age"
    " FROM outbox WHERE state = 'waiting' GROUP BY policy"
)


async def serve(settings: Settings, say: Callable[[str], None] = terminal.say) -> int:
    """Run until a stop signal; the process's exit code.

    Raises:
        SettingsError, PostgresUnavailable: with what to do.
    """
    stop = asyncio.Event()
    with _stopping_by_signal(stop):
        async with database.serving(settings, say) as url:
            await migrate.upgrade(url)
            if settings.workers > 1:
                return await supervise(settings, url, stop)
            async with running(settings, url, say):
                _spare_what_stays()
                await stop.wait()
                say(both("正在收尾……", "finishing…"))
    return 0


async def serve_child(settings: Settings, number: int) -> int:
    """One worker of several: the parent has the database ready. The first one tells Telegram where to post."""
    stop = asyncio.Event()
    assert settings.database_url is not None, "the parent gives its children the database's address"
    url = settings.database_url.get_secret_value()
    with _stopping_by_signal(stop):
        async with running(settings, url, lambda line: None, shares_port=True, registers=number == 0):
            _spare_what_stays()
            await stop.wait()
    return 0


@asynccontextmanager
async def running(
    settings: Settings,
    url: str,
    say: Callable[[str], None],
    *,
    shares_port: bool = False,
    registers: bool = True,
) -> AsyncIterator[str]:
    """A working bot on the database at `url`; yields the address it listens on.

    Raises:
        SettingsError: token refused, Bot API out of reach, port taken.
    """
    async with AsyncExitStack() as stack:
        pools = engines(url, settings.database_connections)
        stack.push_async_callback(pools.dispose)
        keys, clock, metrics = vault(settings), Clock(settings.zone), Metrics()
        sandbox = None
        if settings.bot_token is None:
            sandbox = await Sandbox.open(pools.turns, keys, clock)
            stack.push_async_callback(sandbox.close)
            token, api_url = sandbox.token, sandbox.url
            provider_token: str | None = sandbox.provider_token
        else:
            token, api_url = settings.bot_token.get_secret_value(), settings.telegram_api_url
            given = settings.payment_provider_token
            provider_token = given.get_secret_value() if given else None
            await _set_up(pools.turns, keys, clock, say)
        parts = Parts(
            engines=pools,
            vault=keys,
            clock=clock,
            features=discover(),
            token=token,
            api_url=api_url,
            qr_png=qr_png,
            assets=photo,
            webhook_secret=webhook_secret(settings),
            proxy=settings.proxy_url.get_secret_value() if settings.proxy_url else None,
            provider_token=provider_token,
            redact=Redaction([token, *([provider_token] if provider_token else [])]).text,
            metrics=metrics,
        )
        worker = Worker(parts)
        await _start(worker)
        stack.push_async_callback(worker.stop, settings.shutdown_seconds)

        timetable = Timetable(pools.turns, keys, clock, duties())
        menus = Menus(worker.bot, worker.registry, pools.turns, keys)

        imports = Imports(pools.turns, keys, clock, from_telegram(worker.bot), hurry=worker.outbox.hurry)
        photos = OfferPhotos(pools.turns, keys, clock, from_telegram(worker.bot), hurry=worker.outbox.hurry)
        hooks = Hooks(pools.turns, keys, clock, inside=settings.webhooks_inside)

        async def lead(lease: Lease) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(timetable.run(lease))
                group.create_task(_keep_menus(menus))
                group.create_task(hooks.run())
                group.create_task(imports.run(lease))
                group.create_task(photos.run(lease))

        app = web.Application(client_max_size=BODY_BYTES_MAX)
        Health(pools.reads, metrics, lambda: worker.receiving).add_to(app)
        worker.webhook.add_to(app)
        api = await stack.enter_async_context(
            MerchantApi(
                pools,
                keys,
                clock,
                metrics,
                hurry=worker.outbox.hurry,
                holder=worker.holder,
                processes=settings.workers,
                inside=settings.webhooks_inside,
                bot_username=lambda: worker.bot.username,
            )
        )
        api.add_to(app)
        if sandbox is not None:
            app.add_subapp("/playground", sandbox.page(timetable))
        await _warm(pools.reads)
        address = await _listen(app, stack, settings, shares_port)
        if settings.public_url is None or sandbox is not None:
            worker.poll()
        else:
            if registers:
                await _register(worker, settings.public_url)
            worker.webhook.receiving = True
        for work in (Lead(pools.turns, "jobs", worker.holder, lead).run(), _gauge(pools.reads, metrics)):
            task = asyncio.create_task(work)
            stack.push_async_callback(end, task)
        log.info("running", bot=worker.bot.username, address=address)
        if sandbox is not None:
            say(both(f"演练场:{address}/playground", f"the playground: {address}/playground"))
        else:
            say(both(f"@{worker.bot.username} 已上线", f"@{worker.bot.username} is up"))
        yield address


async def _set_up(engine: AsyncEngine, keys: Vault, clock: Clock, say: Callable[[str], None]) -> None:
    """A programme there must be; of what the playground left, whoever starts it on Telegram shall know."""
    if await load(engine, keys, now=clock.now(), playable=False):
        log.warning("demo_loaded", because="the database had no programme")
        say(both("数据库是空的,已载入演示计划", "the database was empty: the demo programme is loaded"))
    async with engine.connect() as tx:
        if await has_playable_people(tx, keys):
            log.warning("playground_people")
            say(
                both(
                    "数据库里有演练场的人物,他们的编号在 Telegram 上是别人的。正式使用请换 DATA_DIR 或 DATABASE_URL",
                    "the playground's people are in this database; on Telegram their ids are somebody else's. For real use set "
                    "another DATA_DIR or DATABASE_URL",
                )
            )


async def _start(worker: Worker) -> None:
    try:
        await worker.start()
    except InvalidToken:
        raise SettingsError(f"BOT_TOKEN: {both('Telegram 不认这个令牌', 'Telegram refuses this token')}") from None
    except TelegramError as error:
        hint = both(
            "连不上 Bot API,检查网络或 PROXY_URL", "the Bot API is out of reach: check the network or PROXY_URL"
        )
        raise SettingsError(f"TELEGRAM_API_URL: {hint} ({error})") from None


async def _register(worker: Worker, public_url: str) -> None:
    try:
        await register(worker.bot, public_url, worker.parts.webhook_secret)
    except TelegramError as error:
        hint = both("Telegram 没有接受这个 webhook 地址", "Telegram did not accept this webhook address")
        raise SettingsError(f"PUBLIC_URL={public_url}: {hint} ({error})") from None


async def _listen(app: web.Application, stack: AsyncExitStack, settings: Settings, shares_port: bool) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=settings.shutdown_seconds)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, settings.host, settings.port, reuse_port=shares_port or None).start()
    except OSError as error:
        hint = both("端口被占用,换一个或停掉占用它的程序", "the port is taken: choose another, or stop what uses it")
        raise SettingsError(f"PORT={settings.port}: {hint} ({error.strerror})") from None
    host, port = runner.addresses[0][:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def _keep_menus(menus: Menus) -> None:
    """Menus now, and those of roles again and again: somebody may have become a cashier."""
    await menus.publish()
    while True:
        await asyncio.sleep(MENU_SECONDS)
        await menus.publish_roles()


async def _gauge(engine: Connects, metrics: Metrics) -> None:
    """Tell Prometheus how much waits to be said."""
    while True:
        try:
            async with engine.connect() as connection:
                rows = {row.policy: row for row in await connection.execute(_WAITING)}
            for policy in POLICIES:
                metrics.outbox_rows.labels(policy).set(rows[policy].rows if policy in rows else 0)
            metrics.outbox_age_seconds.set(max((row.age for row in rows.values()), default=0))
        except Exception as error:
            failures.log_round(log, "not_gauged", error)
        await asyncio.sleep(GAUGE_SECONDS)


async def _warm(engine: Connects) -> None:
    """Make what the catalog keeps in the process before the first member asks for it: of 5,000 offers, it takes half a second."""
    async with engine.connect() as connection:
        await on_shelf(connection)
        await index_of(connection)


def _spare_what_stays() -> None:
    """Modules, handlers and prices live as long as the process: the garbage collector need not walk through them (a tenth of a
    second, in the middle of somebody's turn), and looks for cycles among the others less often than after 700 new objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)


@contextlib.contextmanager
def _stopping_by_signal(stop: asyncio.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C set `stop`. Where a loop can't take signals (Windows), Ctrl-C raises as ever."""
    loop = asyncio.get_running_loop()
    taken = []
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stop.set)
            taken.append(name)
    try:
        yield
    finally:
        for name in taken:
            loop.remove_signal_handler(name)


if __name__ == "__main__":
    terminal.finish(serve_child(terminal.settings(), int(sys.argv[1])))
