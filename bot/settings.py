"""Every setting: its name, default, check and meaning, in one place.

Read from the environment and from `.env` in the project's root, under the names in the README's table, which is
rendered from here. A wrong value stops the start with a line that names the variable and says what it should be;
secrets are never shown, not even wrong ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.bilingual import both

_source = Path(__file__).resolve().parents[1]
# Where `./data` and `.env` are looked for: the clone, wherever the command was started from.
PROJECT_ROOT = _source if (_source / "pyproject.toml").exists() else Path.cwd()

TELEGRAM = "https://api.telegram.org"


class SettingsError(Exception):
    """One line for each setting that is wrong."""


def _setting(
    default: Any, zh: str, en: str, *, expects: tuple[str, str], shown: str | None = None, **bounds: Any
) -> Any:
    """A field with its words: meaning and what a right value looks like, each in Chinese and English.

    `shown` is the table's default where the real one says little (None, a path of this machine).
    """
    return Field(default, json_schema_extra={"zh": zh, "en": en, "expects": list(expects), "shown": shown}, **bounds)


class Settings(BaseSettings):
    """The process's settings; attribute names are the variables' names in lower case."""

    model_config = SettingsConfigDict(
        env_file=PROJECT_ROOT / ".env",
        env_file_encoding="utf-8-sig",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    bot_token: SecretStr | None = _setting(
        None,
        "机器人的令牌,来自 @BotFather。不设则打开演练场:内置的 Bot API 替身加聊天网页",
        "The bot's token from @BotFather. Without one the playground opens: a built-in Bot API double and a chat page",
        expects=("形如 123456:ABC-def 的令牌", "a token like 123456:ABC-def"),
    )
    public_url: str | None = _setting(
        None,
        "本机在公网上的 https 地址。设了就用 webhook 收消息,不设则轮询",
        "This machine's public https address. Set: updates come by webhook; unset: by polling",
        expects=(
            "https:// 开头的地址,不带查询(只有自建 Bot API 服务器可以用 http)",
            "an https:// address without a query (http only with a Bot API server of your own)",
        ),
    )
    payment_provider_token: SecretStr | None = _setting(
        None,
        "支付服务商的令牌,来自 @BotFather 的 Payments。设了就能在聊天里付积分加钱的那份钱;不设则只在柜台收",
        "The payment provider's token from @BotFather, Payments. Set: a cash part can be paid in the chat; unset: at counters only",
        expects=("形如 284685063:TEST:abc 的令牌", "a token like 284685063:TEST:abc"),
    )
    webhook_secret: SecretStr | None = _setting(
        None,
        "webhook 请求头里的暗号。不设则由 SECRET_KEY 派生",
        "The secret token in webhook requests. Unset: derived from SECRET_KEY",
        expects=("1–256 个 A-Z a-z 0-9 _ - 字符", "1–256 characters of A-Z a-z 0-9 _ -"),
    )
    telegram_api_url: str = _setting(
        TELEGRAM,
        "Bot API 服务器:协议、主机、端口。方法在 /bot<token>/ 下,文件在 /file/bot<token>/ 下",
        "The Bot API server: scheme, host, port. Methods under /bot<token>/, files under /file/bot<token>/",
        expects=("http(s)://主机[:端口],不带路径", "http(s)://host[:port] without a path"),
    )
    proxy_url: SecretStr | None = _setting(
        None,
        "访问 Telegram 用的代理",
        "The proxy to reach Telegram through",
        expects=(
            "http://、https:// 或 socks5:// 开头的地址(主机和端口都要写)",
            "an http://, https:// or socks5:// address with host and port",
        ),
    )
    database_url: SecretStr | None = _setting(
        None,
        "PostgreSQL 的地址(14 以上)。不设则用内置的 PostgreSQL 18",
        "Address of a PostgreSQL (14 or newer). Unset: the embedded PostgreSQL 18",
        expects=("postgresql://用户:密码@主机/库", "postgresql://user:password@host/database"),
    )
    database_connections: int = _setting(
        16,
        "每个进程最多用几条数据库连接",
        "Database connections a process may use",
        expects=("2–500 的整数", "a whole number, 2–500"),
        ge=2,
        le=500,
    )
    data_dir: Path = _setting(
        PROJECT_ROOT / "data",
        "数据目录:内置数据库、密钥文件、备份",
        "The data folder: embedded database, key file, backups",
        expects=("一个目录的路径", "the path of a folder"),
        shown="./data",
    )
    secret_key: SecretStr | None = _setting(
        None,
        "加密个人信息和签名用的主密钥。不设则在数据目录里生成 secret.key,请另外备份",
        "Master key that encrypts personal fields and signs. Unset: made as secret.key in the data folder; back it up",
        expects=("至少 32 个字符", "at least 32 characters"),
    )
    programme_zone: str = _setting(
        "Asia/Shanghai",
        "计划的时区:营业日、到期日按它算",
        "The programme's time zone, which business days and expiry dates follow",
        expects=("IANA 时区名,如 Asia/Shanghai", "an IANA zone like Asia/Shanghai"),
    )
    host: str = _setting(
        "127.0.0.1",
        "网页、webhook 和健康检查监听的地址",
        "Address that pages, webhook and health checks listen on",
        expects=("一个主机名或 IP 地址", "a host name or IP address"),
        min_length=1,
    )
    port: int = _setting(
        8080,
        "监听的端口;0 表示任选一个空闲的",
        "Port to listen on; 0 takes any free one",
        expects=("0–65535 的整数", "a whole number, 0–65535"),
        ge=0,
        le=65535,
    )
    workers: int = _setting(
        1,
        "处理消息的进程数(仅 webhook)",
        "Processes that handle updates (webhook only)",
        expects=("1–64 的整数,多于 1 时要设 PUBLIC_URL", "a whole number, 1–64; more than 1 needs PUBLIC_URL"),
        ge=1,
        le=64,
    )
    shutdown_seconds: float = _setting(
        20.0,
        "收到停止信号后,最多等手头的事多少秒",
        "Seconds that work in progress may take after a stop signal",
        expects=("0–600 的数", "a number, 0–600"),
        ge=0,
        le=600,
    )
    webhooks_inside: bool = _setting(
        False,
        "商户的事件可否发到内网地址,沙箱的可否走 http(测试或专网用)",
        "Whether merchants' events may go to private addresses, and a sandbox's over http (for tests, or your own network)",
        expects=("true 或 false", "true or false"),
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting(
        "INFO",
        "日志详细程度",
        "How much is logged",
        expects=("DEBUG、INFO、WARNING 或 ERROR", "DEBUG, INFO, WARNING or ERROR"),
    )
    log_format: Literal["auto", "console", "json"] = _setting(
        "auto",
        "日志样式;auto:终端里给人看,否则每行一个 JSON",
        "How log lines look; auto: for people on a terminal, else one JSON a line",
        expects=("auto、console 或 json", "auto, console or json"),
    )

    @field_validator("bot_token")
    @classmethod
    def _token_has_both_parts(cls, value: SecretStr | None) -> SecretStr | None:
        return _match(value, r"\d+:[A-Za-z0-9_-]+")

    @field_validator("payment_provider_token")
    @classmethod
    def _provider_token_has_three_parts(cls, value: SecretStr | None) -> SecretStr | None:
        return _match(value, r"\d+:[A-Z]+:\S+")

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_secret_is_what_telegram_takes(cls, value: SecretStr | None) -> SecretStr | None:
        return _match(value, r"[A-Za-z0-9_-]{1,256}")

    @field_validator("secret_key")
    @classmethod
    def _secret_key_is_long(cls, value: SecretStr | None) -> SecretStr | None:
        return _match(value, r"(?s).{32,}")

    @field_validator("telegram_api_url")
    @classmethod
    def _api_has_no_path(cls, value: str) -> str:
        parts = _address(value, {"http", "https"})
        if parts.path.strip("/") or parts.query:
            raise ValueError("path")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _public_url_is_an_address(cls, value: str | None) -> str | None:
        if value is not None and _address(value, {"http", "https"}).query:
            raise ValueError("query")
        return value.rstrip("/") if value else None

    @field_validator("proxy_url")
    @classmethod
    def _proxy_has_a_port(cls, value: SecretStr | None) -> SecretStr | None:
        if (
            value is not None
            and _address(value.get_secret_value(), {"http", "https", "socks5", "socks5h"}).port is None
        ):
            raise ValueError("port")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url_names_asyncpg(cls, value: SecretStr | None) -> SecretStr | None:
        """Accept libpq's forms; keep SQLAlchemy's, with `sslmode` under the name that asyncpg takes."""
        if value is None:
            return None
        parts = urlsplit(value.get_secret_value())
        query = {"ssl" if name == "sslmode" else name: each for name, each in parse_qsl(parts.query)}
        if parts.scheme not in {"postgres", "postgresql", "postgresql+asyncpg"} or not (
            parts.hostname or "host" in query
        ):
            raise ValueError("scheme")
        if not parts.path.strip("/"):
            raise ValueError("database")
        return SecretStr(urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, urlencode(query), "")))

    @field_validator("programme_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("zone") from error
        return value

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _case_is_forgiven(cls, value: object, info: Any) -> object:
        if not isinstance(value, str):
            return value
        return value.upper() if info.field_name == "log_level" else value.lower()

    @field_validator("data_dir")
    @classmethod
    def _data_dir_is_anchored(cls, value: Path) -> Path:
        """A relative path counts from the project's root, wherever the command is started."""
        path = PROJECT_ROOT / value.expanduser()
        if path.exists() and not path.is_dir():
            raise ValueError("not a folder")
        return path

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.public_url and self.public_url.startswith("http://") and self.telegram_api_url == TELEGRAM:
            raise _Disagreement("public_url")
        if self.workers > 1 and not self.public_url:
            raise _Disagreement("workers")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The programme's zone."""
        return ZoneInfo(self.programme_zone)

    @property
    def data_dir_is_chosen(self) -> bool:
        """Somebody named the data folder; then no other is taken in its place."""
        return "data_dir" in self.model_fields_set


class _Detached(Settings):
    """Settings that don't look at the process's environment."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: Any, init_settings: Any, env_settings: Any, dotenv_settings: Any, file_secret_settings: Any
    ) -> Any:
        return init_settings, dotenv_settings


class _Disagreement(ValueError):
    """Two settings that don't go together; its text is the field to name."""


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = PROJECT_ROOT / ".env") -> Settings:
    """The settings of this process.

    Args:
        environ: in place of the process's environment (tests).
    Raises:
        SettingsError: some value is wrong; one line a variable, in both languages.
    """
    try:
        if environ is None:
            return Settings(_env_file=env_file)  # type: ignore[call-arg]
        given: dict[str, Any] = {name.lower(): value for name, value in environ.items() if value}
        return _Detached(_env_file=env_file, **given)  # type: ignore[call-arg]
    except ValidationError as error:
        raise SettingsError("\n".join(dict.fromkeys(_line(dict(each)) for each in error.errors()))) from None


def _line(error: dict[str, Any]) -> str:
    cause = error.get("ctx", {}).get("error")
    name = str(cause) if isinstance(cause, _Disagreement) else str(error["loc"][0])
    field = Settings.model_fields[name]
    zh, en = _words(name)["expects"]
    value = "" if "SecretStr" in str(field.annotation) or isinstance(cause, _Disagreement) else f"={error['input']!r}"
    return f"{name.upper()}{value}: " + both(f"应为{zh}", f"must be {en}")


def table(language: Literal["zh", "en"]) -> str:
    """The README's table of settings, in Markdown."""
    heads = {"zh": ("变量", "默认", "说明"), "en": ("variable", "default", "meaning")}[language]
    lines = ["| " + " | ".join(heads) + " |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        words = _words(name)
        shown = words["shown"] or ("" if field.default is None else str(field.default))
        lines.append(f"| `{name.upper()}` | {f'`{shown}`' if shown else ''} | {words[language]} |")
    return "\n".join(lines) + "\n"


def unknown_names(env_file: Path) -> list[str]:
    """Names in an `.env` file that are no setting: most likely misspelt. Read by `jifen doctor`."""
    from dotenv import dotenv_values

    known = {name.upper() for name in Settings.model_fields}
    return sorted(name for name in dotenv_values(env_file) if name.upper() not in known) if env_file.exists() else []


def libpq_url(url: str) -> str:
    """The same database for asyncpg, psql and pg_dump."""
    return (
        re.sub(r"^postgresql\+asyncpg:", "postgresql:", url).replace("?ssl=", "?sslmode=").replace("&ssl=", "&sslmode=")
    )


def _words(name: str) -> dict[str, Any]:
    extra = Settings.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return dict(extra)


def _match(value: SecretStr | None, pattern: str) -> SecretStr | None:
    if value is not None and not re.fullmatch(pattern, value.get_secret_value()):
        raise ValueError("form")
    return value


def _address(value: str, schemes: set[str]) -> Any:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname or (parts.port or 1) < 1:
        raise ValueError("address")
    return parts
