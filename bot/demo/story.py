"""people.toml as what happened, in order: each person's lists unrolled into dated events."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Model = TypeVar("Model", bound=BaseModel)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(_Told):
    """Something that happened `ago` days before the day of loading, at a local time."""

    ago: int = Field(ge=0)
    time: dt.time


class Buy(Event):
    """A purchase; with `every` and `times`, a series of them, growing younger."""

    merchant: str
    amount: str = Field(pattern=r"^\d+\.\d\d$")
    document: str | None = None
    green: str | None = Field(None, description="the green class of what was bought")
    every: int = Field(0, ge=0)
    times: int = Field(1, ge=1)

    @property
    def amount_minor(self) -> int:
        """The amount in fen."""
        yuan, fen = self.amount.split(".")
        return int(yuan) * 100 + int(fen)


class Refund(Event):
    """The whole of purchase `of` goes back."""

    merchant: str
    of: str
    reason: str


class Redeem(Event):
    """An offer redeemed; `used` days ago a till of its merchant took the code."""

    offer: str
    amount: int = 1
    used: int | None = Field(None, ge=0)


class CarriedIn(Event):
    """Points brought over from the merchant's old card."""

    merchant: str
    points: int
    expires_in: int | None = None


class Hold(Event):
    """Points set aside for so many hours from then."""

    points: int
    hours: int
    what_zh: str
    what_en: str


class Post(_Told):
    """A place at a merchant's counter."""

    merchant: str
    role: Literal["owner", "manager", "cashier"]
    label: str


class OldAccount(_Told):
    """An account that the merchant kept before, and the code by which its owner may claim it."""

    merchant: str
    number: str
    code: str


class Told(_Told):
    """One person of the story. Without `joined` they have not joined."""

    key: str
    telegram_id: int | None = None
    name: str = ""
    joined: int | None = None
    region: str | None = None
    born: dt.date | None = None
    external: OldAccount | None = None
    staff: tuple[Post, ...] = ()
    operator: tuple[str, ...] = ()
    buy: tuple[Buy, ...] = ()
    refund: tuple[Refund, ...] = ()
    redeem: tuple[Redeem, ...] = ()
    carried_in: tuple[CarriedIn, ...] = ()
    hold: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of one person, dated; `number` tells apart what one list unrolled into."""

    at: dt.datetime
    person: Told
    event: Event
    number: int = 0

    @property
    def document(self) -> str:
        """The receipt number of a purchase: its own, or one that follows from who, where and when."""
        assert isinstance(self.event, Buy)
        return self.event.document or f"{self.at:%Y%m%d}-{self.person.key}-{self.at:%H%M}"


def read(name: str, model: type[Model], table: str) -> list[Model]:
    """The tables of one kind in one of the demo's files."""
    return [model.model_validate(row) for row in document(name)[table]]


def document(name: str) -> dict[str, Any]:
    """One of the demo's files."""
    return tomllib.loads((files("bot.demo") / f"{name}.toml").read_text("utf-8"))


def people() -> list[Told]:
    """Everybody in the story."""
    return read("people", Told, "people")


def happenings(told: list[Told], *, now: dt.datetime, zone: dt.tzinfo) -> list[Happening]:
    """What everybody did, oldest first, and nothing later than `now`.

    An event of today that would still lie ahead is put a little before `now`.
    """
    return sorted(_unrolled(told, now, zone), key=lambda h: (h.at, h.person.key))


def _unrolled(told: list[Told], now: dt.datetime, zone: dt.tzinfo) -> Iterator[Happening]:
    today = now.astimezone(zone).date()

    def moment(ago: int, time: dt.time) -> dt.datetime:
        at = dt.datetime.combine(today - dt.timedelta(days=ago), time, zone)
        midnight = dt.datetime.combine(today, dt.time(), zone)
        return at if at < now else max(midnight, now - dt.timedelta(minutes=20))

    for person in told:
        for buy in person.buy:
            for number in range(buy.times):
                yield Happening(moment(buy.ago - number * buy.every, buy.time), person, buy, number)
        for event in (*person.refund, *person.redeem, *person.carried_in, *person.hold):
            yield Happening(moment(event.ago, event.time), person, event)
