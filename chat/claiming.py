"""A return while its member is still saying it: why, words, photos, one by one or several at once.

Photos that are sent together come in updates of their own, in any order, at whichever worker. The first of them is answered; the
others are kept silently, and within seconds that answer is renewed with how many came (`Screen.renew`). A photo that comes after
that, or where the renewal was lost with its process, is answered again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from chat.screen import Line
from chat.turn import Received
from chat.words import Text, t, tn
from ledger.redeeming.return_claims import PHOTOS_MOST, WORDS_LONGEST, Reason, Shot

ALBUM_SECONDS = 1.5
"""Between the first photo of several and saying how many came."""
LATE_SECONDS = 5.0
"""So long after that a photo of the same ones is answered anew, if nothing was said meanwhile."""


@dataclass(frozen=True, slots=True)
class Claiming:
    """What was said so far. `album`: photos sent together are coming in, silently until `until`; `over`: of those that came last,
    so many were too many."""

    voucher: int
    reason: Reason | None = None
    words: str = ""
    photos: tuple[Shot, ...] = ()
    album: str | None = None
    until: str = ""
    over: int = 0

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Claiming:
        """From what a dialogue keeps."""
        return cls(**{**data, "photos": tuple(Shot(*each) for each in data["photos"])})

    def kept(self) -> dict[str, Any]:
        """As a dialogue keeps it."""
        photos = [[each.file_id, each.unique_id, each.kind] for each in self.photos]
        return {**asdict(self), "photos": photos}

    def with_photo(self, given: Received, now: dt.datetime) -> tuple[Claiming, bool]:
        """One more photo, the same one twice being one, and whether it is to be answered. What is written below it counts as words
        where there are none."""
        with_others = given.album is not None and given.album == self.album
        waits = with_others and now < dt.datetime.fromisoformat(self.until) + dt.timedelta(seconds=LATE_SECONDS)
        mine, over = self.photos, self.over if waits else 0
        if given.unique_id not in {each.unique_id for each in mine}:
            if len(mine) < PHOTOS_MOST:
                mine = (*mine, Shot(given.file_id, given.unique_id, given.kind))
            else:
                over += 1
        more = replace(self, photos=mine, over=over, words=self.words or tidied(given.caption))
        if waits:
            return more, False
        until = (now + dt.timedelta(seconds=ALBUM_SECONDS)).isoformat() if given.album else ""
        return replace(more, album=given.album, until=until), True

    def settled(self) -> Claiming:
        """The same, no photo being waited for."""
        return replace(self, album=None, until="", over=0)


def tidied(said: str) -> str:
    """Words as they are kept: on one line, no longer than they may be."""
    return " ".join(said.split())[:WORDS_LONGEST]


def came(said: Claiming) -> list[Line]:
    """What came so far: words, and photos with what is left of them to be sent."""
    lines: list[Line] = [t("您说:{words}", words=said.words)] if said.words else []
    if n := len(said.photos):
        lines.append(_counted(n, said.over))
    return lines


def _counted(n: int, over: int) -> Text:
    if over:
        return tn("收到照片 {n} 张,多的没有收", n=n)
    return (
        tn("收到照片 {n} 张", n=n) if n >= PHOTOS_MOST else tn("收到照片 {n} 张,最多 {most} 张", n=n, most=PHOTOS_MOST)
    )
