"""`jifen doctor`: looks at everything the bot leans on, and says how to mend what is wrong."""

from __future__ import annotations

import datetime as dt
import email.utils
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bot import database, migrate
from bot.bilingual import both
from bot.postgres_place import PostgresUnavailable
from bot.secret_key import key_file
from bot.settings import PROJECT_ROOT, Settings, unknown_names

SKEW_SECONDS_MAX = 5.0
FREE_BYTES_MIN = 500_000_000
POSTGRES_MIN = 140000

_MAY_MAKE_DATABASES = text("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")


@dataclass(frozen=True)
class Check:
    """One thing looked at: `healthy` is None where there was nothing to look at; `mend` says what to do otherwise."""

    name: str
    healthy: bool | None
    found: str
    mend: str = ""


async def examine(settings: Settings) -> AsyncIterator[Check]:
    """Yields the checks as they are made; none of them changes anything."""
    yield _names()
    yield _folder(settings)
    yield _disk(settings)
    yield _key(settings)
    async for check in _telegram(settings):
        yield check
    async for check in _database(settings):
        yield check


def _names() -> Check:
    name = both("设置", "settings")
    unknown = unknown_names(PROJECT_ROOT / ".env")
    if unknown:
        return Check(
            name,
            False,
            ", ".join(unknown),
            both(".env 里这些名字不认识,请对照说明改正", "no such settings: correct them in .env"),
        )
    return Check(name, True, both("都有效", "all valid"))


def _folder(settings: Settings) -> Check:
    name, folder = both("数据目录", "data folder"), settings.data_dir
    if not folder.exists():
        return Check(name, None, both(f"{folder} 还没有,首次启动时创建", "made at the first start"))
    if not os.access(folder, os.W_OK | os.X_OK):
        return Check(
            name,
            False,
            str(folder),
            both("本用户写不了,请 chown 给它或换 DATA_DIR", "not writable: chown it to this user or change DATA_DIR"),
        )
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o022:
        return Check(
            name, False, str(folder), both("其他用户可以写,请 chmod go-w", "other users may write to it: chmod go-w")
        )
    return Check(name, True, str(folder))


def _disk(settings: Settings) -> Check:
    name = both("磁盘", "disk")
    folder = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    found = both(f"剩余 {free / 1e9:.1f} GB", "free")
    return Check(name, free >= FREE_BYTES_MIN, found, both("请腾出至少 0.5 GB", "free at least 0.5 GB"))


def _key(settings: Settings) -> Check:
    name, path = "SECRET_KEY", key_file(settings)
    if settings.secret_key is not None:
        return Check(name, True, both("来自设置", "from the settings"))
    if not path.exists():
        return Check(name, None, both("首次启动时生成", "made at the first start"))
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Check(
            name, False, str(path), both(f"其他用户读得到,请 chmod 600 {path}", "other users may read it: chmod 600")
        )
    return Check(name, True, both(f"{path},请另外备份", "keep a copy elsewhere"))


async def _telegram(settings: Settings) -> AsyncIterator[Check]:
    token_name, clock_name = "BOT_TOKEN", both("时钟与 Telegram", "clock beside Telegram")
    if settings.bot_token is None:
        yield Check(token_name, None, both("没有设置,运行的是演练场", "not set: the playground runs"))
        return
    try:
        async with _session(settings) as session:
            base = f"{settings.telegram_api_url}/bot{settings.bot_token.get_secret_value()}"
            asked = time.time()
            async with session.get(f"{base}/getMe") as response:
                me, date, answered = await response.json(), response.headers.get("Date"), time.time()
            async with session.get(f"{base}/getWebhookInfo") as response:
                hook = await response.json()
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        yield Check(
            token_name,
            False,
            type(error).__name__,  # its text may hold the URL, and the URL the token
            both(
                f"连不上 {settings.telegram_api_url}:检查网络,或设 PROXY_URL、TELEGRAM_API_URL",
                "can't be reached: check the network, or set PROXY_URL or TELEGRAM_API_URL",
            ),
        )
        return
    if not me.get("ok"):
        mend = both("令牌无效或已撤销,请向 @BotFather 取新的", "wrong or revoked: get a new one from @BotFather")
        yield Check(token_name, False, str(me.get("description")), mend)
        return
    yield Check(token_name, True, f"@{me['result'].get('username')}")
    yield _inline(bool(me["result"].get("supports_inline_queries")))
    yield _webhook(settings, hook.get("result", {}), now=answered)
    if date:
        told = email.utils.parsedate_to_datetime(date).timestamp()
        # The header counts whole seconds and was written somewhere between asking and hearing.
        skew = max(0.0, asked - told - 1, told - answered)
        yield Check(
            clock_name,
            skew <= SKEW_SECONDS_MAX,
            both(f"相差约 {skew:.0f} 秒", "seconds apart"),
            both("请开启系统时间同步(timedatectl set-ntp true)", "turn on time synchronisation"),
        )


def _inline(on: bool) -> Check:
    """Whether members may pass invitations on by the bot's name."""
    name = both("内联模式", "inline mode")
    if on:
        return Check(name, True, both("开着", "on"))
    return Check(
        name,
        None,
        both(
            "没开:邀请只能用链接发。要开,在 @BotFather 发 /setinline",
            "off: invitations go out as links only. To open it, send /setinline to @BotFather",
        ),
    )


def _webhook(settings: Settings, hook: dict[str, object], *, now: float) -> Check:
    name, url = "webhook", str(hook.get("url") or "")
    waiting = both(f"待收 {hook.get('pending_update_count', 0)}", "updates waiting")
    wanted = settings.public_url
    if bool(url) != bool(wanted) or (wanted and not url.startswith(wanted)):
        found = url or both("没有登记", "none registered")
        return Check(
            name,
            False,
            found,
            both(
                "与 PUBLIC_URL 不一致;启动机器人会重新登记",
                "differs from PUBLIC_URL: starting the bot registers it anew",
            ),
        )
    failed_at = hook.get("last_error_date")
    if isinstance(failed_at, int) and now - failed_at < 600:
        return Check(
            name,
            False,
            str(hook.get("last_error_message")),
            both(
                "十分钟内 Telegram 投递失败过:检查 PUBLIC_URL 的证书、反向代理和端口",
                "Telegram failed to deliver lately: check certificate, reverse proxy and port of PUBLIC_URL",
            ),
        )
    return Check(name, True, waiting if wanted else both("轮询", "polling") + f", {waiting}")


async def _database(settings: Settings) -> AsyncIterator[Check]:
    name = both("数据库", "database")
    try:
        async with database.serving(settings, say=lambda line: None) as url:
            engine = create_async_engine(url, poolclass=NullPool)
            try:
                async with engine.connect() as connection:
                    version = int(await connection.scalar(text("SHOW server_version_num")) or 0)
                    shown = f"PostgreSQL {version // 10000}.{version % 10000}"
                    yield Check(
                        name, version >= POSTGRES_MIN, shown, both("请升级到 14 以上", "upgrade it to 14 or newer")
                    )
                    before = dt.datetime.now(dt.UTC)
                    theirs = await connection.scalar(text("SELECT clock_timestamp()"))
                    after = dt.datetime.now(dt.UTC)
                    skew = max(0.0, (before - theirs).total_seconds(), (theirs - after).total_seconds())
                    yield Check(
                        both("时钟与数据库", "clock beside the database"),
                        skew <= SKEW_SECONDS_MAX,
                        both(f"相差 {skew:.1f} 秒", "seconds apart"),
                        both("请让两台机器同步时间", "synchronise the time of both machines"),
                    )
                    at, head = await migrate.revision_of(connection), migrate.head()
                    yield Check(
                        both("数据库版本", "migrations"),
                        at == head,
                        str(at),
                        both(f"应为 {head},请运行 jifen migrate", "run jifen migrate"),
                    )
                    may = await connection.scalar(_MAY_MAKE_DATABASES)
                    lacks = both("开不了:数据库账号没有 CREATEDB", "none can be made: the database role lacks CREATEDB")
                    yield Check(
                        both("商户沙箱", "merchants' sandboxes"),
                        True if may else None,
                        both("开得了", "can be made") if may else lacks,
                    )
            finally:
                await engine.dispose()
    except PostgresUnavailable as error:
        yield Check(name, False, both("内置数据库没有启动", "the embedded database did not start"), str(error))
    except (OSError, SQLAlchemyError) as error:
        cause = getattr(error, "orig", None) or error
        yield Check(
            name,
            False,
            type(cause).__name__,
            both("连不上:检查 DATABASE_URL、网络和密码", "can't be reached: check DATABASE_URL, network and password"),
        )


def _session(settings: Settings) -> aiohttp.ClientSession:
    connector = None
    if settings.proxy_url is not None:
        from aiohttp_socks import ProxyConnector

        connector = ProxyConnector.from_url(settings.proxy_url.get_secret_value().replace("socks5h:", "socks5:"))
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15))
