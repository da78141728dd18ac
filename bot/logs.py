"""Logs: one shape for our lines and every library's, with the turn and the member bound to each, and no secrets.

Lines of structlog and of the standard library pass the same processors. Redaction looks at the values just before
they are drawn, so that texts of exceptions and of libraries are covered too: bot tokens (also inside URLs), passwords
in URLs, phone numbers, fields whose name says secret, and every secret of this process's settings wherever it turns up.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from pydantic import SecretStr
from structlog.stdlib import ProcessorFormatter

from bot.settings import Settings

# These log every request, URL and payload below WARNING; LOG_LEVEL=DEBUG is for our own lines.
_QUIET = ("httpx", "httpcore", "telegram", "apscheduler", "aiohttp.access", "asyncio", "alembic")

_TOKEN = re.compile(r"\b\d{5,}:[A-Za-z0-9_-]{30,}|(?<=/bot)\d+:[A-Za-z0-9_-]+")
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):([^/\s]+)@")
_PHONE = re.compile(r"(?<![\w.:-])(\+\d{1,3}[ -]?\d{2,4}|(?:86[ -]?)?1[3-9]\d)[ -]?\d{3,4}[ -]?(\d{4})(?![\w:-]|\.\d)")
_SECRET_NAME = re.compile(r"token|secret|password|passwd|api_key|authorization|cookie", re.IGNORECASE)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Set up logging for this process; call it once, before anything logs."""
    stream = stream or sys.stderr
    redact = Redaction(_secrets_of(settings))
    shared: list[structlog.typing.Processor] = [
        with_turn,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor
    if settings.log_format == "json" or (settings.log_format == "auto" and not _watched(stream)):
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=_watched(stream))
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=shared, processors=[ProcessorFormatter.remove_processors_meta, redact, renderer]
        )
    )
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


_turn: ContextVar[dict[str, object] | None] = ContextVar("turn_in_logs", default=None)


@contextmanager
def turn_context(turn_id: str, member_id: int | None = None) -> Iterator[None]:
    """Every line logged inside, by whatever library, names this turn and member."""
    token = _turn.set({"turn_id": turn_id})
    try:
        if member_id is not None:
            name_member(member_id)
        yield
    finally:
        _turn.reset(token)


def name_member(member_id: int) -> None:
    """From now on the turn's lines name this member: who it is turns out while it runs."""
    if (known := _turn.get()) is not None:
        known["member_id"] = member_id


def with_turn(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A structlog processor: adds the turn that a line is logged in."""
    return {**known, **event} if (known := _turn.get()) is not None else event


class Redaction:
    """A structlog processor that hides what no log may show; also `text`, for single texts (error records)."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first: a secret that is part of another must not leave the rest of it standing.
        self._secrets = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)

    def __call__(self, logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {name: self._field(name, value) for name, value in event.items()}

    def text(self, text: str) -> str:
        """The text with everything secret masked; phone numbers keep their last four digits."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = _TOKEN.sub("***", text)
        text = _URL_PASSWORD.sub(r"\1:***@", text)
        return _PHONE.sub(r"\1****\2", text)

    def _field(self, name: object, value: Any) -> Any:
        if isinstance(name, str) and _SECRET_NAME.search(name) and value is not None:
            return "***"
        return self._value(value)

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {name: self._field(name, each) for name, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(each) for each in value]
        return self.text(value if isinstance(value, str) else str(value))


def _secrets_of(settings: Settings) -> list[str]:
    values = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    # A token is also recognisable by the half after the colon.
    return values + [value.split(":", 1)[1] for value in values if re.fullmatch(r"\d+:[\w-]{6,}", value)]


def _watched(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
