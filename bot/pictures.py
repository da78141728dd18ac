"""Pictures for the chat: QR codes, and SVG turned into PNG.

Drawing takes from 1 (a QR code) to 150 ms and holds the interpreter's lock all the while, so it happens in one worker
process; the event loop only waits. The same picture is drawn once: results are kept, by a hash of what was asked for.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import multiprocessing
import signal
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from chat.font import FONT_FAMILY, FONT_FILE

KEPT_PICTURES_MAX = 64
QR_MASK = 2
QUIET_ZONE = 4
"""Light modules around a QR code, as its standard asks for."""


class Pictures:
    """The worker process and the pictures it has drawn. The process starts with the first picture."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._kept: OrderedDict[str, asyncio.Task[bytes]] = OrderedDict()

    async def qr_png(self, data: str) -> bytes:
        """A QR code of `data` as PNG: medium error correction, quiet zone included, large enough for a phone."""
        return await self._once(_draw_qr, data)

    async def rasterise(self, svg: str) -> bytes:
        """An SVG as PNG, at 1.5 times its size, on white (Telegram would turn see-through parts black).

        Text is drawn in `FONT_FAMILY` only: Chinese and Latin, no emoji.

        Raises:
            ValueError: not an SVG.
        """
        return await self._once(_draw_svg, svg)

    def close(self) -> None:
        """End the worker process; pictures under way are given up."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    async def _once(self, draw: Callable[[str], bytes], what: str) -> bytes:
        key = f"{draw.__name__}:{hashlib.sha256(what.encode()).hexdigest()}"
        task = self._kept.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._kept[key] = asyncio.create_task(self._draw(draw, what))
            while len(self._kept) > KEPT_PICTURES_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        # Shielded: one asker who gives up must not take the picture from the others.
        return await asyncio.shield(task)

    async def _draw(self, draw: Callable[[str], bytes], what: str) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._running_pool(), draw, what)
        except BrokenProcessPool:  # the worker was killed (memory, an operator): once more in a new one
            self.close()
            return await loop.run_in_executor(self._running_pool(), draw, what)

    def _running_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_ignore_interrupts)
        return self._pool


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole group; the parent ends this process when its work is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw_qr(data: str) -> bytes:
    import segno
    from PIL import Image

    # Trying all eight masks takes four fifths of the time, and readers find the one no easier than the other: with codes made
    # small and noisy, zxing reads as many of those with the best mask as of those with this one.
    code = segno.make(data, error="m", micro=False, mask=QR_MASK)
    modules = b"".join(bytes(0 if dark else 255 for dark in line) for line in code.matrix_iter(border=QUIET_ZONE))
    side = len(code.matrix) + 2 * QUIET_ZONE
    # About 600 pixels wide whatever the amount of data. Pillow writes the picture: segno's own writer goes pixel by pixel.
    scale = max(4, 600 // side)
    png = io.BytesIO()
    picture = Image.frombytes("L", (side, side), modules).convert("1", dither=Image.Dither.NONE)
    picture.resize((side * scale, side * scale), Image.Resampling.NEAREST).save(png, "PNG", compress_level=1)
    return png.getvalue()


def _draw_svg(svg: str) -> bytes:
    import resvg_py

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=1.5,
            background="#ffffff",
            skip_system_fonts=True,
            font_files=[str(FONT_FILE)],
            font_family=FONT_FAMILY,
            sans_serif_family=FONT_FAMILY,
        )
    )
