"""The one predicate of privileges: may this member use it now, here — and if not, which rules say so and what lifts them.

It is pure, and both lists and using ask it, so what is shown as there can be used. Reasons are given in this order, all that apply:

`MemberMayNotUse` → `PrivilegePaused` → `GiverNotServing` → `PrivilegeOver` or `PrivilegeNotYet` → `TierNeeded` → `RegionNeeded` →
`HoldingShort` → `UsedUp` (month, then day) → `NotAtThisOutlet` → `AmountTooSmall`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from ledger.errors import Refusal
from ledger.redeeming.offers import Names
from ledger.redeeming.privilege import Privilege
from ledger.redeeming.windows import ALWAYS

Period = Literal["month", "day"]
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Listed:
    """A privilege of a merchant. `serves`: the merchant takes part (certified or suspended). `currency` is that of the points that
    have to be held, None where none have to; `common`: it is the coalition's. `outlets` maps ids to names; empty: all of them."""

    id: int
    version: int
    active: bool
    merchant_id: int
    merchant: Names
    serves: bool
    money: str
    currency_id: int | None
    currency: Names | None
    common: bool
    outlets: tuple[tuple[int, str], ...]
    privilege: Privilege


@dataclass(frozen=True, slots=True)
class Facts:
    """What one privilege and one member are to each other at one moment.

    Points are of the privilege's currency. `used` counts uses that stand, today and this month. `tier` is the one in force (None:
    a company), `region` where the member says they live; `tiers` and `regions` are the programme's by code, as (Chinese, English).
    """

    status: str = "active"
    tier: str | None = None
    tiers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    available: int = 0
    pending: int = 0
    next_release: tuple[dt.date, int] | None = None
    used_today: int = 0
    used_month: int = 0
    region: str | None = None
    regions: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Here:
    """The till at which a card is shown: its outlet, None where no shift says which."""

    outlet_id: int | None = None


@dataclass(eq=False)
class MemberMayNotUse(Refusal):
    """The member's account is frozen or closed; `status` says which."""

    status: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class PrivilegePaused(Refusal):
    """The merchant has switched it off for now."""

    merchant_id: int
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class GiverNotServing(Refusal):
    """The merchant does not take part any more, or not yet."""

    merchant: Names
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class PrivilegeOver(Refusal):
    """Its days are over; `last_on` was the last of them."""

    last_on: dt.date
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class PrivilegeNotYet(Refusal):
    """It does not hold today; it does from `opens_on`."""

    opens_on: dt.date
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class TierNeeded(Refusal):
    """It is for members of these tiers."""

    tiers: tuple[Names, ...]
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class RegionNeeded(Refusal):
    """It is for members who live in this region; they live elsewhere, or have not said where (`told`: they have)."""

    region: Names
    told: bool
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class HoldingShort(Refusal):
    """Fewer points are available than have to be held."""

    needed: int
    available: int
    currency: Names
    common: bool
    pending: int
    next_release: tuple[dt.date, int] | None
    may_succeed_later: ClassVar[bool] = True

    @property
    def lacking(self) -> int:
        """How many points are missing."""
        return self.needed - self.available


@dataclass(eq=False)
class UsedUp(Refusal):
    """The member has used it `limit` times in the period; it can be used again on `again_on` (None: its days are over by then)."""

    period: Period
    limit: int
    again_on: dt.date | None
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NotAtThisOutlet(Refusal):
    """It holds at these outlets; `known`: the till says where it is, and it is elsewhere."""

    merchant_id: int
    outlets: tuple[str, ...]
    known: bool
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class AmountTooSmall(Refusal):
    """It takes an amount of at least `least_minor`."""

    least_minor: int
    money: str
    may_succeed_later: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Yes:
    """It may be used. `after_minor`: what is left to pay of the amount asked about. Uses left count this one; None: no limit."""

    after_minor: int | None
    left_month: int | None
    left_day: int | None


@dataclass(frozen=True, slots=True)
class No:
    """It may not be used, for all of these reasons."""

    reasons: tuple[Refusal, ...]


def may_use(
    listed: Listed, facts: Facts, *, today: dt.date, here: Here | None = None, amount_minor: int | None = None
) -> Yes | No:
    """Whether a member may use a privilege.

    Args:
        here: the till; None: a member asks, wherever they will be.
        amount_minor: the amount that less is paid for; None: not said yet.
    """
    reasons = tuple(_reasons(listed, facts, today, here, amount_minor))
    if reasons:
        return No(reasons)
    said, gives = listed.privilege, listed.privilege.gives
    after = gives.after(amount_minor) if gives.kind == "percent_off" and amount_minor is not None else None
    return Yes(after, _left(said.per_month, facts.used_month), _left(said.per_day, facts.used_today))


def _reasons(
    listed: Listed, facts: Facts, today: dt.date, here: Here | None, amount_minor: int | None
) -> Iterator[Refusal]:
    said = listed.privilege
    if facts.status not in ("active", "unclaimed"):  # a paper card proves as much as a chat does
        yield MemberMayNotUse(facts.status)
    if not listed.active:
        yield PrivilegePaused(listed.merchant_id)
    if not listed.serves:
        yield GiverNotServing(listed.merchant)
    opens_on = said.when.next(today) if said.when is not None else today
    if opens_on is None:
        yield PrivilegeOver(min((said.when or ALWAYS).until or today, today - _DAY))
    elif opens_on > today:
        yield PrivilegeNotYet(opens_on)
    if said.tiers and facts.tier not in said.tiers:
        yield TierNeeded(tuple(Names(zh=zh, en=en) for zh, en in (facts.tiers.get(t, (t, t)) for t in said.tiers)))
    if said.region is not None and facts.region != said.region:
        zh, en = facts.regions.get(said.region, (said.region, said.region))
        yield RegionNeeded(Names(zh=zh, en=en), facts.region is not None)
    if said.holds is not None and facts.available < said.holds.points:
        name = listed.currency or Names(zh=said.holds.currency, en=said.holds.currency)
        held = (facts.available, name, listed.common, facts.pending, facts.next_release)
        yield HoldingShort(said.holds.points, *held)
    if said.per_month is not None and facts.used_month >= said.per_month:
        yield UsedUp("month", said.per_month, _again(said, (today.replace(day=1) + 32 * _DAY).replace(day=1)))
    elif said.per_day is not None and facts.used_today >= said.per_day:
        yield UsedUp("day", said.per_day, _again(said, today + _DAY))
    if here is not None and listed.outlets and here.outlet_id not in dict(listed.outlets):
        yield NotAtThisOutlet(listed.merchant_id, tuple(name for _, name in listed.outlets), here.outlet_id is not None)
    if said.gives.kind == "percent_off" and amount_minor is not None and amount_minor < (said.gives.least_minor or 0):
        yield AmountTooSmall(said.gives.least_minor or 0, listed.money)


def _again(said: Privilege, day: dt.date) -> dt.date | None:
    return said.when.next(day) if said.when is not None else day


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else limit - used
