"""What a turn's exception means: try again, not now, or this update fails; and the record of those that do.

A failing update is counted in a transaction of its own (the turn's was rolled back). After a few tries within seconds it is set
aside with its error, the person hears that nothing changed and gets a short code, and their queue moves on.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.request import compact

TRIES_MAX = 3
PAUSES = (0.2, 0.6)
"""Seconds before the second and third try of a failing update."""

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_TRY_AGAIN = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "23505",  # somebody wrote the same key first: next time it is found
}
_NOT_NOW = {
    "55P03",  # lock timeout
    "57P01", "57P02", "57P03",  # the server is going, or not there yet
    "57014",  # statement cancelled
    "25P03",  # idle in transaction for too long: this process was asleep
    "53000", "53100", "53200", "53300", "53400",  # out of something
}  # fmt: skip

Meaning = Literal["again", "not now", "fails"]


class NoProgramme(Exception):
    """The database has no programme: it was migrated, but nothing was set up."""


class NotNow(Exception):
    """Nothing is wrong with the update; it can't be worked on at the moment. Telegram shall deliver it again."""


def meaning(error: BaseException) -> Meaning:
    """What to do after a turn raised `error`."""
    if isinstance(error, DBAPIError):
        state = sqlstate(error)
        if error.connection_invalidated or (state is None and isinstance(error, InterfaceError | OperationalError)):
            return "not now"
        return _by_state(state)
    if isinstance(error, asyncpg.PostgresError):
        return _by_state(getattr(error, "sqlstate", None))
    if isinstance(error, asyncpg.InterfaceError | PoolTimeout | NoProgramme | ConnectionError | TimeoutError):
        return "not now"
    return "fails"


def _by_state(state: str | None) -> Meaning:
    if state in _TRY_AGAIN:
        return "again"
    return "not now" if state in _NOT_NOW or (state or "").startswith("08") else "fails"


def sqlstate(error: SQLAlchemyError) -> str | None:
    """PostgreSQL's code of an error; None where the server had no part in it."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def log_round(log: Any, event: str, error: Exception, **facts: object) -> None:
    """Log what cost a loop a round; it goes on. What nobody expected with its traceback: there is no other trace of it."""
    if meaning(error) == "fails":
        log.error(event, error=type(error).__name__, exc_info=error, **facts)
    else:
        log.warning(event, error=type(error).__name__, **facts)


def code_of(key: str) -> str:
    """Four letters and digits for a turn's key, the same at every try; no two that look alike."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return "".join(_LETTERS[number >> (5 * place) & 31] for place in range(4))


_COUNT = text(
    "INSERT INTO failure AS f (key, tries, code, chat_id, error) VALUES (:key, 1, :code, :chat, :error)"
    " ON CONFLICT (key) DO UPDATE SET tries = f.tries + 1, error = excluded.error, at = now() RETURNING tries"
)
_SET_ASIDE = text(
    "INSERT INTO dead_letter (key, chat_id, payload, error, tries, code)"
    " VALUES (:key, :chat, CAST(:payload AS jsonb), :error, :tries, :code) ON CONFLICT (key) DO NOTHING"
)


async def count(engine: AsyncEngine, key: str, chat_id: int, error: str) -> int:
    """Note that a turn failed once more; how often it has by now."""
    values = {"key": key, "code": code_of(key), "chat": chat_id, "error": error}
    async with engine.begin() as tx:
        return int(await tx.scalar(_COUNT, values))


async def set_aside(
    tx: AsyncConnection, key: str, chat_id: int | None, payload: dict[str, Any], error: str, tries: int
) -> None:
    """Put an update into the dead letters; part of the turn that tells the person."""
    await tx.execute(
        _SET_ASIDE,
        {
            "key": key,
            "chat": chat_id,
            "payload": compact(payload),
            "error": error,
            "tries": tries,
            "code": code_of(key),
        },
    )
