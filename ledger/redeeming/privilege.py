"""What a privilege says: what it asks of a member, what it gives, where and when. Nothing is ever spent on one.

A document is immutable; changing it publishes a new version (`privileges.publish`), and each use names the version that it was
made under.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.redeeming.offers import Names
from ledger.redeeming.windows import When

NAME_LONGEST, CONDITION_LONGEST = 24, 60
"""Characters."""
_MINOR_MOST = 10**12

_Minor = Annotated[int, Field(ge=1, le=_MINOR_MOST)]
_Times = Annotated[int, Field(ge=1, le=999)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PercentOff(_Document):
    """So many per cent less to pay for what the privilege names."""

    kind: Literal["percent_off"] = "percent_off"
    percent: int = Field(ge=1, le=99)
    least_minor: _Minor | None = Field(default=None, description="for an amount of at least so much")
    most_off_minor: _Minor | None = Field(default=None, description="so much is taken off in one use, at most")

    def after(self, amount_minor: int) -> int:
        """What is left to pay of an amount: a broken fen is the member's."""
        left = amount_minor * (100 - self.percent) // 100
        return left if self.most_off_minor is None else max(left, amount_minor - self.most_off_minor)


class Free(_Document):
    """A service or a small gift, for nothing."""

    kind: Literal["free"] = "free"


Gives = Annotated[PercentOff | Free, Field(discriminator="kind")]


class Held(_Document):
    """Points that have to be there at the moment of use, available ones; they stay where they are."""

    currency: str = Field(default="common", description="code of the currency: the common one, or the merchant's own")
    points: int = Field(ge=1, le=10**12)


class Privilege(_Document):
    """Something that a merchant gives to members who hold enough, or who are of a tier. `merchant` is a code; money is its own."""

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{1,39}$")
    merchant: str
    name: Names = Field(description="what it is on: «鲜食», «停车 2 小时»; what it gives is said beside it")
    conditions: tuple[Names, ...] = Field(default=(), max_length=2, description="one short sentence each")
    gives: Gives
    holds: Held | None = Field(default=None, description="points that the member has to hold")
    tiers: tuple[str, ...] = Field(default=(), max_length=10, description="codes of tiers, one of which is theirs")
    region: str | None = Field(default=None, description="code of a region: for members who live there, nobody else")
    when: When | None = Field(default=None, description="the days on which it holds; none: always")
    outlets: tuple[str, ...] = Field(default=(), max_length=50, description="names of the outlets; none: all of them")
    per_day: _Times | None = Field(default=None, description="uses by one member in a day")
    per_month: _Times | None = Field(default=None, description="uses by one member in a calendar month")

    @model_validator(mode="after")
    def _asks_for_something(self) -> Privilege:
        if self.holds is None and not self.tiers:
            raise ValueError("a privilege asks for points held, for tiers, or for both")
        return self

    @model_validator(mode="after")
    def _fits_a_line(self) -> Privilege:
        for names, longest in ((self.name, NAME_LONGEST), *((each, CONDITION_LONGEST) for each in self.conditions)):
            if max(len(names.zh), len(names.en)) > longest:
                facts = {"name": names.zh, "longest": longest}
                raise PydanticCustomError("longer_than", "«{name}» is longer than {longest} characters", facts)
        return self


@lru_cache(maxsize=5_000)
def parse(document: str) -> Privilege:
    """A privilege from its JSON text. Versions never change, so the text itself is the key of the cache."""
    return Privilege.model_validate_json(document)
