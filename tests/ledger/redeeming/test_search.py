"""Search finds what people mean: Chinese, pinyin, initials, English, homophones, typos."""

from __future__ import annotations

import pytest

from ledger.redeeming import search
from ledger.redeeming.offers import Names
from ledger.redeeming.publish import set_active
from ledger.redeeming.search import escaped, normal, search_text
from tests.ledger.redeeming.stage import Stage, offer, per_unit

NAMES = [
    ("燕麦拿铁", "Oat Latte"), ("拿铁咖啡", "Caffe Latte"), ("美式咖啡", "Americano"), ("重庆小面", "Chongqing Noodles"),
    ("有机绿茶", "Organic Green Tea"), ("竹纤维毛巾", "Bamboo Towel"), ("不锈钢吸管", "Steel Straw"),
    ("再生纸笔记本", "Recycled Notebook"), ("环保购物袋", "Tote Bag"), ("长安烤肉", "Chang'an BBQ"),
    ("银行联名会员卡", "Bank Co-brand Card"), ("螺蛳粉优惠券", "Luosifen Voucher"), ("绿植盆栽", "Potted Plant"),
    ("公益植树一棵", "Plant A Tree"), ("洗衣液补充装", "Detergent Refill"), ("100%纯果汁_大", "100% Juice_Large"),
]  # fmt: skip


async def shelf_of(stage: Stage) -> dict[int, str]:
    ids = await stage.publish(*(offer(f"s-{n}", zh, en, "market", per_unit(9)) for n, (zh, en) in enumerate(NAMES)))
    return dict(zip(ids, (zh for zh, _ in NAMES), strict=True))


async def test_the_thirteen_ways_of_asking_all_find_it_among_the_first_five(stage: Stage) -> None:
    names = await shelf_of(stage)
    missed = {}
    async with stage.engine.begin() as tx:
        for asked, meant in (
            ("拿铁", {"燕麦拿铁", "拿铁咖啡"}), ("natie", {"燕麦拿铁", "拿铁咖啡"}), ("ymnt", {"燕麦拿铁"}),
            ("latte", {"燕麦拿铁", "拿铁咖啡"}), ("拿帖", {"燕麦拿铁", "拿铁咖啡"}), ("naite", {"燕麦拿铁", "拿铁咖啡"}),
            ("小面", {"重庆小面"}), ("cqxm", {"重庆小面"}), ("植树", {"公益植树一棵"}), ("螺丝粉", {"螺蛳粉优惠券"}),
            ("tote bag", {"环保购物袋"}), ("不锈刚", {"不锈钢吸管"}), ("茶", {"有机绿茶"}),
        ):  # fmt: skip
            found = [names[i] for i in (await search.search(tx, asked))[:5]]
            if not meant & set(found):
                missed[asked] = found
    assert not missed


@pytest.mark.parametrize(
    ("asked", "first"),
    [("LATTE oat", "燕麦拿铁"), ("  拿铁  ", "拿铁咖啡"), ("ＣＱＸＭ", "重庆小面"), ("chongqing", "重庆小面"),
     ("ameircano", "美式咖啡")],
)  # fmt: skip
async def test_what_comes_first(stage: Stage, asked: str, first: str) -> None:
    names = await shelf_of(stage)
    async with stage.engine.begin() as tx:
        assert names[(await search.search(tx, asked))[0]] == first


@pytest.mark.parametrize(
    ("asked", "count"), [("%", 1), ("_", 1), ("100%", 1), ("\\", 0), ("", 0), ("   ", 0), ("'; --", 0)]
)
async def test_signs_mean_themselves(stage: Stage, asked: str, count: int) -> None:
    await shelf_of(stage)
    async with stage.engine.begin() as tx:
        assert len(await search.search(tx, asked)) == count


async def test_a_merchants_name_finds_its_offers_after_those_that_bear_it(stage: Stage) -> None:
    plain, named = await stage.publish(
        offer("plain", "券", "Voucher", "fruit", per_unit(1)),
        offer("named", "鲜果時光定制杯超大容量款", "Fresh Fruit Time mug", "market", per_unit(1)),
    )
    async with stage.engine.begin() as tx:
        assert await search.search(tx, "鲜果時光") == [named, plain]
        assert await search.search(tx, "xgsg") == [named, plain]


async def test_what_is_off_the_shelf_is_not_found_by_any_step(stage: Stage) -> None:
    names = await shelf_of(stage)
    async with stage.engine.begin() as tx:
        for offer_id in names:
            await set_active(tx, offer_id, False)
        for asked in ("拿铁", "拿帖", "naite"):
            assert await search.search(tx, asked) == []


def test_a_search_text_says_the_name_in_every_way() -> None:
    text = search_text(Names(zh="重庆小面", en="Noodles"), Names(zh="银行|卡", en="A|B"))
    assert text == "重庆小面|noodles|chongqingxiaomian|cqxm\n银行 卡|a b|yinhangka|yhk"


def test_words_are_made_plain() -> None:
    assert normal("  Ｌatte\t 大 ") == "latte 大" and escaped(r"5%_\ ") == r"5\%\_\\ "
