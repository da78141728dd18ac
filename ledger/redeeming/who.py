"""For whom something is: what a rule may ask of a member, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True, slots=True)
class Traits:
    """What rules may ask of a member.

    `tier` is the one in force; `standing` the credit standing, None unless the member agreed to its use; `region` where they say
    they live. `tiers` and `regions` are the programme's, by code, as (Chinese, English), for telling who else it is for.
    """

    tier: str | None = None
    standing: int | None = None
    region: str | None = None
    tiers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    regions: Mapping[str, tuple[str, str]] = field(default_factory=dict)


NOBODY = Traits()
"""Somebody of whom nothing was asked."""


class Who(BaseModel):
    """Members for whom something is: all that is given must be so. Nothing given: everybody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tiers: tuple[str, ...] = Field(default=(), description="codes of tiers, one of which is theirs")
    standing: int | None = Field(default=None, ge=1, description="a credit standing of at least so much")
    regions: tuple[str, ...] = Field(default=(), description="codes of regions, in one of which they live")

    @property
    def everybody(self) -> bool:
        """Whether nothing is asked of the member."""
        return not self.tiers and self.standing is None and not self.regions

    def of_tier(self, who: Traits) -> bool:
        """Whether their tier is one of these."""
        return not self.tiers or who.tier in self.tiers

    def of_standing(self, who: Traits) -> bool:
        """Whether their credit standing reaches."""
        return self.standing is None or (who.standing is not None and who.standing >= self.standing)

    def of_region(self, who: Traits) -> bool:
        """Whether they live in one of these."""
        return not self.regions or who.region in self.regions

    def fits(self, who: Traits) -> bool:
        """Whether it is for this member."""
        return self.of_tier(who) and self.of_standing(who) and self.of_region(who)


EVERYBODY = Who()
