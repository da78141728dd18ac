"""A started double, and python-telegram-bot's own Bot pointed at it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import AsyncIterator

import pytest
from telegram import Bot
from telegram.request import HTTPXRequest

from bot.double.double import Double, Limits
from bot.double.people import Person


@pytest.fixture(autouse=True)
def _waits_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library warns otherwise whenever it raises RetryAfter.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    """Content rules in force, no rates."""
    async with Double(limits=Limits.off()) as running:
        yield running


@pytest.fixture
async def bot(double: Double) -> AsyncIterator[Bot]:
    """The library's Bot, unmodified."""
    async with client(double) as connected:
        yield connected


@pytest.fixture
async def person(double: Double) -> Person:
    """Somebody who pressed Start; the update of that is already confirmed."""
    someone = double.person("小明")
    await someone.says("/start")
    double.world.updates.clear()
    return someone


def client(double: Double) -> Bot:
    """A Bot for this double. It need not read the system's certificates, which takes longer than most tests."""
    plain, polling = (HTTPXRequest(httpx_kwargs={"verify": False}) for _ in range(2))
    return Bot(
        double.token,
        base_url=f"{double.url}/bot",
        base_file_url=f"{double.url}/file/bot",
        request=plain,
        get_updates_request=polling,
    )


def png(width: int, height: int) -> bytes:
    """A valid picture of one colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    picture = io.BytesIO()
    picture.write(b"\x89PNG\r\n\x1a\n")
    picture.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)))
    row = b"\x00" + b"\xff" * ((width + 7) // 8)
    picture.write(chunk(b"IDAT", zlib.compress(row * height)))
    picture.write(chunk(b"IEND", b""))
    return picture.getvalue()
