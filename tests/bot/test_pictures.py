"""Pictures: what is drawn can be read back, in Chinese without the system's fonts, and the event loop keeps running."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import zlib
from collections.abc import AsyncIterator

import pytest
import zxingcpp

from bot.pictures import Pictures
from chat.font import FONT_FAMILY

CARD = f"""<svg xmlns="http://www.w3.org/2000/svg" width="320" height="80" font-family="{FONT_FAMILY}">
<text x="10" y="50" font-size="36">{{words}}</text></svg>"""


@pytest.fixture(scope="module")
async def pictures() -> AsyncIterator[Pictures]:
    made = Pictures()
    yield made
    made.close()


async def test_a_qr_code_reads_back_as_what_it_was_made_of(pictures: Pictures) -> None:
    for data in ("https://t.me/jifen_demo_bot?start=c_7K3Q9", "会员码 8842-1170", "x" * 400):
        width, height, pixels = _grey(await pictures.qr_png(data))
        found = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (height, width)))
        assert [each.text for each in found] == [data]
        assert 350 <= width <= 700


async def test_every_character_of_a_name_is_drawn_and_not_as_a_box(pictures: Pictures) -> None:
    drawn = [await pictures.rasterise(CARD.format(words=char * 3)) for char in "喆祎堃昇積兌¥₂"]
    assert all(png.startswith(b"\x89PNG") for png in drawn)
    # A missing glyph draws the same box (or nothing) for each.
    assert len(set(drawn)) == len(drawn)


async def test_see_through_parts_become_white(pictures: Pictures) -> None:
    _, _, pixels = _grey(await pictures.rasterise('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))
    assert set(pixels) == {255}


async def test_the_same_picture_is_drawn_once_and_shared(pictures: Pictures) -> None:
    first, second = await asyncio.gather(pictures.qr_png("same"), pictures.qr_png("same"))
    assert first is second and await pictures.qr_png("same") is first


async def test_a_broken_svg_is_an_error_and_not_kept(pictures: Pictures) -> None:
    for _ in range(2):
        with pytest.raises(ValueError):
            await pictures.rasterise("<svg")
    assert await pictures.rasterise(CARD.format(words="好"))


async def test_the_event_loop_keeps_running_while_a_picture_is_drawn(pictures: Pictures) -> None:
    await pictures.qr_png("warm")
    large = CARD.replace('width="320" height="80"', 'width="2400" height="1600"').format(words="联盟积分" * 9)
    drawing = asyncio.create_task(pictures.rasterise(large))
    ticks = 0
    while not drawing.done():
        await asyncio.sleep(0.002)
        ticks += 1
    assert (await drawing).startswith(b"\x89PNG")
    assert ticks > 10, "the loop stood still while the picture was drawn"


async def test_a_killed_worker_is_replaced() -> None:
    pictures = Pictures()
    try:
        await pictures.qr_png("one")
        assert pictures._pool is not None
        (worker,) = pictures._pool._processes
        os.kill(worker, signal.SIGKILL)
        assert (await pictures.qr_png("two")).startswith(b"\x89PNG")
    finally:
        pictures.close()


def _grey(png: bytes) -> tuple[int, int, bytes]:
    """Decode a PNG of segno (1 bit) or resvg (8 bit RGBA) to width, height and one grey byte a pixel."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(data)
    channels = {0: 1, 3: 1, 6: 4}[colour]
    stride = (width * depth * channels + 7) // 8
    out = bytearray()
    previous = bytes(stride)
    for row in range(height):
        filter_kind, line = raw[row * (stride + 1)], bytearray(raw[row * (stride + 1) + 1 : (row + 1) * (stride + 1)])
        for i in range(stride):
            left = line[i - channels] if i >= channels else 0
            up, corner = previous[i], previous[i - channels] if i >= channels else 0
            predicted = left + up - corner
            paeth = min((left, up, corner), key=lambda value: abs(predicted - value))
            line[i] = (line[i] + (0, left, up, (left + up) // 2, paeth)[filter_kind]) & 255
        previous = bytes(line)
        if depth == 1:
            out += bytes(255 if line[x >> 3] >> (7 - (x & 7)) & 1 else 0 for x in range(width))
        else:
            out += line[0::channels]
    return width, height, bytes(out)
