"""QR codes: what is drawn can be read back, and is large enough for a phone and light enough for a chat."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from PIL import Image

from bot.pictures import QUIET_ZONE, qr_png
from chat.qr import modules


@pytest.mark.parametrize("data", ["https://t.me/jifen_demo_bot?start=c_7K3Q9", "会员码 8842-1170", "x" * 400, "1"])
def test_a_qr_code_reads_back_as_what_it_was_made_of(data: str) -> None:
    picture = Image.open(io.BytesIO(qr_png(data)))
    assert [each.text for each in zxingcpp.read_barcodes(picture)] == [data]
    assert picture.width == picture.height and 350 <= picture.width <= 700
    assert len(qr_png(data)) < 10_000


def test_it_is_read_small_and_askew_too() -> None:
    data = "https://t.me/jifen_demo_bot?start=v_7K3Q9XM2WPLR4T"
    seen = Image.open(io.BytesIO(qr_png(data))).convert("L").resize((120, 120)).rotate(17, expand=True, fillcolor=255)
    assert [each.text for each in zxingcpp.read_barcodes(seen)] == [data]


def test_there_is_light_around_it_and_a_finder_in_three_corners() -> None:
    rows = modules("https://t.me/jifen_demo_bot?start=c_7K3Q9")
    assert {len(row) for row in rows} == {len(rows)} and set(b"".join(rows)) == {0, 1}
    finder = [bytes([1] * 7), bytes([1, 0, 0, 0, 0, 0, 1])]
    assert (
        [row[:7] for row in rows[:2]] == [row[-7:] for row in rows[:2]] == [row[:7] for row in rows[:-3:-1]] == finder
    )
    picture = Image.open(io.BytesIO(qr_png("1"))).convert("L")
    side = picture.width // (len(modules("1")) + 2 * QUIET_ZONE)
    assert set(picture.crop((0, 0, picture.width, QUIET_ZONE * side)).tobytes()) == {255}


@pytest.mark.parametrize("data", ["", "x" * 3000])
def test_what_is_no_code_is_refused(data: str) -> None:
    with pytest.raises(ValueError):
        qr_png(data)
