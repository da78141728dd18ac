"""A merchant's shelf in chat, for dialogues: who runs it, what is tapped, what the leader fetches, pictures."""

from __future__ import annotations

import io
import random

from PIL import Image

from bot.double.people import Person
from bot.offer_photos import OfferPhotos
from bot.sent_files import from_telegram
from tests.driver import World
from tests.handlers.till_scene import printed


async def taps(world: World, who: Person, *labels: str) -> str:
    """Press buttons one after the other; the screen after the last."""
    for label in labels:
        await who.taps(label)
        await world.settled()
    return printed(who)


async def says(world: World, who: Person, *words: str) -> str:
    """Say one thing after the other; the screen after the last."""
    for each in words:
        await who.says(each)
        await world.settled()
    return printed(who)


async def fetched(world: World) -> None:
    """What the leader does with pictures that were sent."""
    await world.settled()
    worker = world.worker
    clock = worker.parts.clock
    photos = OfferPhotos(
        world.database.engine, world.vault, clock, from_telegram(worker.bot), hurry=worker.outbox.hurry
    )
    while await photos.step():
        pass
    await world.settled()


def jpeg(width: int = 800, height: int = 600, *, seed: int = 1, where_taken: bool = False) -> bytes:
    """A picture of coloured squares; another seed, another picture. With notes of where it was taken, if asked."""
    chance = random.Random(seed)
    small = Image.new("RGB", (8, 6))
    for x in range(8):
        for y in range(6):
            small.putpixel((x, y), tuple(chance.randrange(256) for _ in range(3)))
    picture, out = small.resize((width, height), Image.Resampling.NEAREST), io.BytesIO()
    notes = Image.Exif()
    if where_taken:
        notes[0x010F] = "a telephone"
        notes.get_ifd(0x8825)[2] = (30.0, 15.0, 0.0)  # latitude
    picture.save(out, "JPEG", exif=notes)
    return out.getvalue()
