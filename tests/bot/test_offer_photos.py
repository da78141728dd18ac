"""Photos of offers: what becomes of a picture that was sent, and what the leader does where Telegram won't give it."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text
from telegram.error import NetworkError

from bot import settings as settings_of
from bot.double.double import Double, Person
from bot.main import running
from bot.offer_photos import SIDE_MOST, NotAPhoto, OfferPhotos, assets, shrink
from bot.sent_files import Gone
from chat.words import Speaker
from ledger.merchants import merchant as merchants
from ledger.merchants import staff
from ledger.redeeming import offer_photos
from ledger.redeeming.offer_photos import BYTES_MOST, TRIES_MOST
from tests.conftest import Database
from tests.driver import World, bot_running, coalition
from tests.handlers.shelf_scene import jpeg, taps
from tests.handlers.test_own_shelf import boxes, opened
from tests.handlers.till_scene import open_shop, printed
from tests.turns import NOW, TODAY


def opened_picture(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def saved(picture: Image.Image, form: str, **how: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()


def test_a_large_picture_becomes_small_and_says_nothing_of_where_it_was_taken() -> None:
    sent = jpeg(4000, 3000, where_taken=True)
    assert dict(opened_picture(sent).getexif()) and b"Exif" in sent
    kept = shrink(sent)
    picture = opened_picture(kept)
    assert (picture.format, max(picture.size)) == ("JPEG", SIDE_MOST)
    assert not dict(picture.getexif()) and b"Exif" not in kept and b"a telephone" not in kept
    assert len(kept) <= BYTES_MOST


def test_a_picture_of_nothing_but_noise_still_fits() -> None:
    noise = Image.frombytes("RGB", (1600, 1600), random.Random(1).randbytes(1600 * 1600 * 3))
    kept = shrink(saved(noise, "PNG"))
    assert len(kept) <= BYTES_MOST and min(opened_picture(kept).size) >= 200


def test_a_picture_taken_sideways_is_put_upright() -> None:
    notes = Image.Exif()
    notes[0x0112] = 6  # turned by a quarter
    picture = opened_picture(shrink(saved(Image.new("RGB", (800, 400), "red"), "JPEG", exif=notes)))
    assert picture.size == (400, 800)


def test_see_through_parts_become_white() -> None:
    picture = opened_picture(shrink(saved(Image.new("RGBA", (300, 300), (0, 0, 0, 0)), "PNG"))).convert("RGB")
    assert min(picture.getpixel((150, 150))) > 250  # type: ignore[type-var, arg-type]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "这不是我能看的图片"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "这不是我能看的图片"),
        (jpeg()[:2_000], "这不是我能看的图片"),
        (saved(Image.new("RGB", (400, 400)), "GIF"), "这不是我能看的图片"),
        (jpeg(199, 400), "图片太小:199 × 400,至少要 200 × 200。"),
        (jpeg(1_000, 200), "图片太长"),
        (saved(Image.new("1", (10_000, 9_000)), "PNG"), "图片太大,最多 5,000 万像素。"),
    ],
    ids=["nothing", "vector", "torn", "gif", "small", "ribbon", "bomb"],
)
def test_what_is_no_photo_is_refused_in_words(content: bytes, told: str) -> None:
    with pytest.raises(NotAPhoto) as refused:
        shrink(content)
    assert Speaker("zh", TODAY).plain(refused.value.words).startswith(told)


async def test_a_name_leads_to_what_is_kept_or_to_what_comes_with_the_programme(database: Database) -> None:
    def stored(name: str) -> bytes:
        return name.encode()

    find = assets(database.engine, stored)
    assert await find("box") == b"box"
    with pytest.raises(KeyError):
        await find("photo-of-nothing")


@dataclass
class Asked:
    """A picture that a manager has sent and nobody can fetch, because of `fault`."""

    world: World
    manager: Person
    fault: Exception

    @property
    def photos(self) -> OfferPhotos:
        return OfferPhotos(self.world.database.engine, self.world.vault, self.world.worker.parts.clock, self._fails)

    async def _fails(self, file_id: str) -> bytes:
        raise self.fault


async def asked(world: World, fault: Exception) -> Asked:
    shop = await open_shop(world)
    await boxes(world, "box")
    await opened(world, shop.manager)
    await taps(world, shop.manager, "改", "照片")
    await shop.manager.sends_photo(jpeg())
    await world.settled()
    return Asked(world, shop.manager, fault)


async def test_a_network_that_is_down_is_tried_again_and_then_said(database: Database) -> None:
    async with bot_running(database) as world:
        scene = await asked(world, NetworkError("down"))
        photos = scene.photos
        for _ in range(TRIES_MOST):
            assert await photos.step()
            assert not await photos.step()  # not at once
            await world.sql("UPDATE offer_draft SET photo_due = photo_due - interval '1 minute'")
        await world.worker.outbox.clear(scene.manager.id)
        await world.settled()
        assert printed(scene.manager) == "照片没有放上\n图片没有取到。请再发一次。\n[接着写草稿]"
        assert not await photos.step()


async def test_a_file_that_is_gone_is_said_at_once_and_a_dropped_draft_hears_nothing(database: Database) -> None:
    async with bot_running(database) as world:
        photos = (await asked(world, Gone())).photos
        async with database.engine.begin() as tx:
            taken = await offer_photos.to_fetch(tx, now=world.now())
        assert taken is not None
        await world.sql("UPDATE offer_draft SET photo_due = photo_due - interval '1 minute'")
        assert await photos.step()
        assert await world.sql("SELECT photo_file FROM offer_draft") == [(None,)]
        async with database.engine.begin() as tx:
            assert not await offer_photos.failed(tx, taken)
        [[told]] = await world.sql("SELECT count(*) FROM outbox WHERE params ->> 'text' LIKE '照片没有放上%'")
        assert told == 1


async def test_the_running_process_fetches_a_photo_by_itself_and_shows_it(database: Database, tmp_path: Path) -> None:
    async with database.engine.begin() as tx:
        await coalition(tx)
    async with Double() as double:
        mine = settings_of.load(
            {"DATA_DIR": str(tmp_path), "PORT": "0", "BOT_TOKEN": double.token, "TELEGRAM_API_URL": double.url},
            env_file=None,
        )
        async with running(mine, database.url, lambda line: None):
            owner = double.person("店主", "zh-hans")
            await owner.says("/start")
            await owner.taps("同意并加入")
            await double.settled(10)
            async with database.engine.begin() as tx:
                market, member = (
                    await merchants.by_code(tx, "market"),
                    await tx.scalar(text("SELECT max(id) FROM member")),
                )
                await staff.add(
                    tx, merchant_id=market.id, member_id=member or 0, role="owner", label="店主", by="test", now=NOW
                )
            await owner.says("/shelf")
            await owner.sees("还没有可换的东西", fresh=True)
            await owner.taps("新建")
            await owner.sees("是哪一种", fresh=True)
            await owner.sends_photo(jpeg())  # earlier than it is asked for
            told = await owner.sees("照片放上了")
            async with database.engine.connect() as tx:
                kept = await tx.scalar(text("SELECT content FROM offer_photo"))
            assert told.photo == kept and kept is not None
