"""Favourites: kept once, newest first, at most so many, and only while they can be had at all."""

from __future__ import annotations

import datetime as dt

import pytest

from ledger.redeeming import favourites
from ledger.redeeming.favourites import KEPT_MAX, FavouritesFull
from ledger.redeeming.offers import Offer
from ledger.redeeming.publish import set_active
from ledger.redeeming.shelf import NoSuchOffer
from tests.ledger.redeeming.stage import Stage, offer, per_unit

MEMBER = 7


def at(minute: int) -> dt.datetime:
    """Some instant of one day."""
    return dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)


def thing(code: str) -> Offer:
    """Something of the fruit shop's for 500 points."""
    return offer(code, f"物{code}", f"Thing {code}", "fruit", per_unit(500))


async def test_the_newest_comes_first_and_keeping_again_changes_nothing(stage: Stage) -> None:
    box, tea = await stage.publish(thing("box"), thing("tea"))
    async with stage.engine.begin() as tx:
        await favourites.keep(tx, MEMBER, box, now=at(1))
        await favourites.keep(tx, MEMBER, tea, now=at(2))
        await favourites.keep(tx, MEMBER, box, now=at(3))
        assert await favourites.ids(tx, MEMBER) == [tea, box]
        assert await favourites.is_kept(tx, MEMBER, box)
        assert not await favourites.is_kept(tx, MEMBER + 1, box)


async def test_letting_go_twice_is_calm(stage: Stage) -> None:
    [box] = await stage.publish(thing("box"))
    async with stage.engine.begin() as tx:
        await favourites.keep(tx, MEMBER, box, now=at(1))
        await favourites.let_go(tx, MEMBER, box)
        await favourites.let_go(tx, MEMBER, box)
        assert await favourites.ids(tx, MEMBER) == []


async def test_one_too_many_is_refused_until_another_is_let_go(stage: Stage) -> None:
    offers = await stage.publish(*(thing(f"o{n}") for n in range(KEPT_MAX + 1)))
    async with stage.engine.begin() as tx:
        for number, each in enumerate(offers[:-1]):
            await favourites.keep(tx, MEMBER, each, now=at(number))
        with pytest.raises(FavouritesFull) as refused:
            await favourites.keep(tx, MEMBER, offers[-1], now=at(99))
        assert refused.value.facts == {"limit": KEPT_MAX}
        await favourites.keep(tx, MEMBER, offers[0], now=at(99))  # kept already: nothing to refuse
        await favourites.let_go(tx, MEMBER, offers[0])
        await favourites.keep(tx, MEMBER, offers[-1], now=at(100))
        assert len(await favourites.ids(tx, MEMBER)) == KEPT_MAX


async def test_what_does_not_exist_cannot_be_kept(stage: Stage) -> None:
    async with stage.engine.begin() as tx:
        with pytest.raises(NoSuchOffer):
            await favourites.keep(tx, MEMBER, 999_999, now=at(1))


async def test_a_paused_offer_is_kept_but_not_listed(stage: Stage) -> None:
    box, tea = await stage.publish(thing("box"), thing("tea"))
    async with stage.engine.begin() as tx:
        for number, each in enumerate((box, tea)):
            await favourites.keep(tx, MEMBER, each, now=at(number))
        await set_active(tx, box, False)
        assert [one.id for one in await favourites.on_shelf(tx, MEMBER)] == [tea]
        assert await favourites.ids(tx, MEMBER) == [tea, box]
