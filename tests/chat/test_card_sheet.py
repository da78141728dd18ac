"""Paper cards as pages: what is printed can be read back, whatever the shop is called, and each page holds ten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zxingcpp
from pypdfium2 import PdfDocument

from chat.card_sheet import Face, Lettering, card_sheet

CARDS = [Face(f"9{n:011d}", f"https://t.me/jifen_demo_bot?start=c_9{n:011d}", f"ABCD-EFGH-{n:04d}") for n in range(11)]


def letters(shop: str = "云山超市") -> Lettering:
    return Lettering(shop, "积分纸卡", "给收银员扫", "认领码", "在 Telegram 找 @jifen_demo_bot,发 /claim", "先向上折")


@contextmanager
def opened(content: bytes) -> Iterator[PdfDocument]:
    document = PdfDocument(content)
    try:
        yield document
    finally:
        document.close()


def test_ten_cards_stand_on_a_page_each_with_its_number_its_code_and_a_qr_code_that_scans() -> None:
    with opened(card_sheet(CARDS, letters())) as document:
        assert len(document) == 2
        for page, cards in zip(document, (CARDS[:10], CARDS[10:]), strict=True):
            assert [round(each / 72 * 25.4) for each in page.get_size()] == [210, 297]
            lines = page.get_textpage().get_text_bounded().splitlines()
            numbers = [line.replace(" ", "") for line in lines if line.startswith("9")]
            assert numbers == [card.number for card in cards]
            codes = [line.split(" 在 Telegram 找")[0] for line in lines if "ABCD" in line]
            assert codes == [f"认领码 {card.code}" for card in cards]
            read = {each.text for each in zxingcpp.read_barcodes(page.render(scale=3).to_pil())}
            assert read == {card.link for card in cards}


@pytest.mark.parametrize("shop", ["云", "云山超市" * 7 + "云山", "The " + "Very Long " * 5 + "Shop"])
def test_a_long_name_is_made_smaller_or_cut_and_leaves_the_qr_code_alone(shop: str) -> None:
    with opened(card_sheet(CARDS[:1], letters(shop))) as document:
        first = document[0].get_textpage().get_text_bounded().splitlines()[0]
        assert first == shop or (first.endswith("…") and shop.startswith(first[:-1]) and len(first) > 15)
        (read,) = zxingcpp.read_barcodes(document[0].render(scale=3).to_pil())
        assert read.text == CARDS[0].link


def test_five_hundred_cards_travel_through_a_chat() -> None:
    cards = [Face(f"9{n:011d}", f"https://t.me/jifen_demo_bot?start=c_9{n:011d}", "ABCD-EFGH-JKMN") for n in range(500)]
    assert len(card_sheet(cards, letters())) < 600_000
