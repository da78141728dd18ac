"""Photos of offers: those that merchants send are fetched, made small and kept; those that are kept are read to be shown.

Content sent in chat is fetched outside of turns, by the leader, as imports are. A picture becomes a JPEG of at most `SIDE_MOST`
pixels a side without any of its notes: where it was taken is nobody's business.
"""

from __future__ import annotations

import asyncio
import io
import warnings
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from telegram.error import TelegramError

from bot.leads import Lease
from bot.sent_files import Gone, SentFiles
from chat import desk_doors
from chat.screen import Photo, Screen, screen
from chat.words import Text, t
from jobs.duty import Chunk
from ledger.imports.reading import ImportTooLarge
from ledger.redeeming import offer_photos
from ledger.redeeming.offer_photos import BYTES_MOST, PREFIX, TRIES_MOST, Asked

log = structlog.get_logger(__name__)

SIDE_MOST, SIDE_LEAST = 1280, 200
PIXELS_MOST = 50_000_000
SLIMMEST = 4
"""How many times as long as wide a picture may be: Telegram shows no ribbons."""
_QUALITIES = (85, 70, 50)


class NotAPhoto(Exception):
    """What was sent can't be shown; in words."""

    def __init__(self, words: Text) -> None:
        super().__init__(words.msgid)
        self.words = words


def shrink(content: bytes) -> bytes:
    """A picture as a JPEG of at most `SIDE_MOST` a side and `BYTES_MOST` bytes, upright, without notes, on white.

    Raises:
        NotAPhoto: it is none, too small, too large, or a ribbon.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    unreadable = NotAPhoto(t("这不是我能看的图片。请发照片,JPEG 或 PNG 都行。"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture: Image.Image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP"))
        if picture.width * picture.height > PIXELS_MOST:
            raise NotAPhoto(t("图片太大,最多 5,000 万像素。"))
        if min(picture.size) < SIDE_LEAST:
            width, height = picture.size
            raise NotAPhoto(
                t("图片太小:{width} × {height},至少要 {n} × {n}。", width=width, height=height, n=SIDE_LEAST)
            )
        if max(picture.size) > SLIMMEST * min(picture.size):
            raise NotAPhoto(t("图片太长。裁成接近方形的再发。"))
        picture.draft("RGB", (SIDE_MOST, SIDE_MOST))
        picture = ImageOps.exif_transpose(picture)
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            see_through = picture.convert("RGBA")
            picture = Image.new("RGB", picture.size, "white")
            picture.paste(see_through, mask=see_through.getchannel("A"))
        picture = picture.convert("RGB")
        picture.thumbnail((SIDE_MOST, SIDE_MOST), Image.Resampling.LANCZOS)
        clean = Image.frombytes("RGB", picture.size, picture.tobytes())  # pixels alone: no notes come along
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise unreadable from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise NotAPhoto(t("图片太大,最多 5,000 万像素。")) from error
    while True:  # noise hardly shrinks by quality alone; a quarter of its pixels always do
        for quality in _QUALITIES:
            out = io.BytesIO()
            clean.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= BYTES_MOST:
                return out.getvalue()
        clean = clean.reduce(2)


def assets(engine: AsyncEngine, stored: Callable[[str], bytes]) -> Callable[[str], Awaitable[bytes]]:
    """What finds a picture by name: one that was sent in the database, any other among those `stored` with the programme.

    Raises:
        KeyError: there is none.
        OSError: the database could not be asked.
    """

    async def find(name: str) -> bytes:
        if not name.startswith(PREFIX):
            return stored(name)
        try:
            async with engine.connect() as tx:
                found = await offer_photos.content(tx, name)
        except SQLAlchemyError as error:
            raise OSError("the photo could not be read") from error
        if found is None:
            raise KeyError(name)
        return found

    return find


class OfferPhotos(SentFiles):
    """Fetches what was sent for drafts."""

    name = "photos"

    async def step(self, lease: Lease | None = None) -> bool:
        """Fetch one and say so. False: there was none."""
        async with self._engine.connect() as tx:
            if not await offer_photos.any_waiting(tx, now=self._clock.now()):
                return False
        async with self._chunk(lease) as chunk:
            asked = await offer_photos.to_fetch(chunk.tx, now=chunk.at.now)
        if asked is None:
            return False
        found: bytes | Text
        try:
            found = await asyncio.to_thread(shrink, await self._fetch(asked.file_id))
        except NotAPhoto as no:
            found = no.words
        except (Gone, ImportTooLarge, TelegramError, OSError, TimeoutError) as error:
            log.warning("photo_not_fetched", error=type(error).__name__)
            if not isinstance(error, Gone | ImportTooLarge) and asked.tries < TRIES_MOST:
                return True  # it comes again after a while
            found = t("图片没有取到。请再发一次。")
        async with self._chunk(lease) as chunk:
            await self._done(chunk, asked, found)
        return True

    async def _done(self, chunk: Chunk, asked: Asked, found: bytes | Text) -> None:
        if isinstance(found, bytes):
            name = await offer_photos.keep(chunk.tx, asked.merchant_id, found, now=chunk.at.now)
            if await offer_photos.arrived(chunk.tx, asked, name):
                chunk.tell(asked.member_id, _arrived(asked.merchant_id, name))
        elif await offer_photos.failed(chunk.tx, asked):
            chunk.tell(asked.member_id, _refused(asked.merchant_id, found))


def _arrived(merchant_id: int, name: str) -> Screen:
    lines = [t("照片放上了"), t("发布后会员就看得到。")]
    return screen(lines, [[desk_doors.offer_draft(merchant_id, t("接着写草稿"))]], picture=Photo(name))


def _refused(merchant_id: int, why: Text) -> Screen:
    return screen([t("照片没有放上"), why], [[desk_doors.offer_draft(merchant_id, t("接着写草稿"))]])
