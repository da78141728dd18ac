"""A believable catalogue of five thousand offers: 57 merchants, 174 things, and many near-duplicates of each.

The same at every call. Names are composed as shops compose them, in both languages: a manner, a thing, a size, a form («冰燕麦拿铁
大杯代金券», "Iced oat latte, large, voucher"). What is looked for is thus never the only one of its kind.
"""

from __future__ import annotations

import datetime as dt
import random
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import asyncpg

from ledger.redeeming.offers import Category, Names, Offer, PerUnit
from ledger.redeeming.spelling import search_text

OFFERS = 5000
LONGEST = 60
"""So many letters fit a name."""

_WORDS: dict[str, dict[str, list[str]]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_FOOD: frozenset[Category] = frozenset({"grocery", "fruit", "drinks", "dining"})
_SERVICE: frozenset[Category] = frozenset({"film", "travel", "sport"})


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant of the catalogue; its id is its place, from 1."""

    id: int
    category: Category
    name: Names


def _names(item: str) -> tuple[str, str]:
    """«中文 English» apart; a space before them belongs to the Chinese."""
    zh, _, en = item.lstrip().partition(" ")
    return (" " if item.startswith(" ") else "") + zh, en


def _listed(table: str) -> list[tuple[Category, str, str]]:
    return [(cast(Category, category), *_names(item)) for category, items in _WORDS[table].items() for item in items]


def shops() -> list[Shop]:
    """Every merchant."""
    return [
        Shop(number, category, Names(zh=zh, en=en)) for number, (category, zh, en) in enumerate(_listed("merchants"), 1)
    ]


def offers(count: int = OFFERS) -> list[tuple[Shop, Offer]]:
    """So many offers, no two of a merchant by the same name. The first of each thing is the plain one."""
    rng = random.Random(5000)
    by_category: dict[Category, list[Shop]] = {}
    for shop in shops():
        by_category.setdefault(shop.category, []).append(shop)
    things = _listed("things")
    made: dict[tuple[int, str], tuple[Shop, Offer]] = {}
    while len(made) < count:
        category, zh, en = things[len(made)] if len(made) < len(things) else rng.choice(things)
        shop = rng.choice(by_category[category])
        if len(made) >= len(things):
            zh, en = _dressed(rng, category, zh, en)
        if (shop.id, zh) not in made and len(en) <= LONGEST:
            made[shop.id, zh] = shop, _offer(rng, f"offer-{len(made)}", shop, Names(zh=zh, en=en[0].upper() + en[1:]))
    return list(made.values())


def _dressed(rng: random.Random, category: Category, zh: str, en: str) -> tuple[str, str]:
    kind = "food" if category in _FOOD else "service" if category in _SERVICE else "goods"
    if rng.random() < 0.75:
        manner_zh, manner_en = _names(rng.choice(_WORDS["manners"][kind]))
        zh, en = manner_zh + zh, f"{manner_en} {en}"
    if rng.random() < 0.6:
        size_zh, size_en = _names(rng.choice(_WORDS["sizes"][kind]))
        zh, en = zh + size_zh, f"{en}, {size_en}"
    if rng.random() < 0.5:
        form_zh, form_en = _names(rng.choice(_WORDS["forms"]["all"]))
        zh, en = zh + form_zh, f"{en}, {form_en}"
    return zh, en


def _offer(rng: random.Random, code: str, shop: Shop, name: Names) -> Offer:
    price = PerUnit(points=rng.randint(2, 80) * 50, value_minor=rng.randint(2, 80) * 100)
    merchant = f"shop-{shop.id}"
    return Offer(code=code, kind="goods", name=name, merchant=merchant, category=shop.category, price=price)


async def fill(
    connection: asyncpg.Connection, count: int = OFFERS, *, dressed: Callable[[Offer], Offer] = lambda offer: offer
) -> dict[int, tuple[Shop, Offer]]:
    """Puts the catalogue into an empty database, past the command that publishes one offer; the offers by id. `dressed` gives
    each offer its rules."""
    await connection.execute(
        "INSERT INTO currency VALUES (1, 'common', NULL, '积分', 'points', 2, 1, 'CNY') ON CONFLICT DO NOTHING"
    )
    await connection.executemany(
        "INSERT INTO merchant (id, code, name_zh, name_en, category, status, terms, created_at)"
        " OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, 'certified', '{}', $6)",
        [
            (s.id, f"shop-{s.id}", s.name.zh, s.name.en, s.category, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
            for s in shops()
        ],
    )
    placed = {number: (shop, dressed(offer)) for number, (shop, offer) in enumerate(offers(count), 1)}
    await connection.executemany(
        "INSERT INTO offer (id, code, merchant_id, category, currency_id, least_points, document, search_text)"
        " OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, 1, $5, $6, $7)",
        [
            (
                number,
                offer.code,
                shop.id,
                offer.category,
                offer.least_points,
                offer.model_dump_json(),
                search_text(offer.name, shop.name),
            )
            for number, (shop, offer) in placed.items()
        ],
    )
    await connection.execute("VACUUM ANALYZE")
    return placed
