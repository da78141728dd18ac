"""What may be asked of the engine, what it answers, and every way it can refuse.

A command is a value: who, how many, of which currency, when. `Moment` carries the clock. The key names the *intention*; the
same key with the same facts gets the same receipt, with other facts `KeyReused`. Dates that follow from the clock (expiry,
availability), actor, reason and trace are not part of that comparison, so that a retry after midnight is still the same.

Refusals, in the order in which they are checked (each verb skips those that cannot concern it):
`KeyReused` → `ReasonRequired` → `PointsMustBePositive` → `OwnersMustDiffer` → `ExpiresBeforeAvailable` → `NoSuchEntry` →
`NotThatKind` → `NoSuchHold` → `HoldResolved` → `PointsHeld` → `MoreThanEntry` → `NothingDue` → `NotEnoughPoints` →
`PointsMovedOn`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from ledger.errors import Refusal
from ledger.values import value


class Owner(NamedTuple):
    """Whose account it is: `kind` is member, pool, merchant or programme; `id` is that thing's own id."""

    kind: str
    id: int


def member(member_id: int) -> Owner:
    """The owner that a member is."""
    return Owner("member", member_id)


PROGRAMME = Owner("programme", 0)


@value(frozen=True, slots=True)
class Moment:
    """When a command happens: the instant (UTC) and the programme's business date, both given by the edge.

    `ahead_days`: how far the programme's clock was moved ahead of the wall's; in `today` already.
    """

    now: dt.datetime
    today: dt.date
    ahead_days: int = 0

    @property
    def programme_now(self) -> dt.datetime:
        """The instant on the programme's clock. Holds begin and end by it, so that moving the clock ends them."""
        return self.now + dt.timedelta(days=self.ahead_days)


@value(frozen=True, kw_only=True, slots=True)
class Command:
    """What every command says. `facts` is JSON for the entry; `trace` the arithmetic that «why» shows."""

    verb: ClassVar[str]
    key: str
    owner: Owner
    currency: int
    at: Moment
    actor: str
    occurred_at: dt.datetime | None = None
    reason: str | None = None
    merchant_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    trace: Sequence[Any] | None = None

    def substance(self) -> tuple[Any, ...]:
        """The verb's own figures that a repeat of the key must equal."""
        return ()

    def fingerprint(self) -> bytes:
        """SHA-256 of what this command asks, without what the clock or the teller adds."""
        said = [self.verb, self.owner, self.currency, self.merchant_id, self.substance(), dict(self.facts)]
        return hashlib.sha256(_written(said).encode()).digest()


_written = json.JSONEncoder(sort_keys=True, default=str, ensure_ascii=False, check_circular=False).encode


@value(frozen=True, kw_only=True, slots=True)
class Accrue(Command):
    """Issue `points` to the owner as one lot; pending until `available_on` where that is later than today.

    A deficit towards the same issuer is filled first. Zero points leave a record that says why nothing was earned.
    """

    verb: ClassVar[str] = "accrue"
    issuer_id: int
    points: int
    available_on: dt.date
    expires_on: dt.date | None
    rule: str | None = None
    transferable: bool = True

    def substance(self) -> tuple[Any, ...]:
        return (self.issuer_id, self.points)


@value(frozen=True, kw_only=True, slots=True)
class OpenBalance(Accrue):
    """Points brought in from before: an accrual without a purchase behind it."""

    verb: ClassVar[str] = "open_balance"


@value(frozen=True, kw_only=True, slots=True)
class Release(Command):
    """Make the owner's pending points available whose day has come."""

    verb: ClassVar[str] = "release"


@value(frozen=True, kw_only=True, slots=True)
class Expire(Command):
    """Expire the owner's available points whose last day has passed."""

    verb: ClassVar[str] = "expire"


@value(frozen=True, kw_only=True, slots=True)
class Hold(Command):
    """Set `points` aside, soonest-expiring first, until burned, given, voided or — at `ends_at` — lapsed by the job.

    `ends_at` is an instant on the programme's clock (`Moment.programme_now`). `movable`: only of lots that may change hands.
    """

    verb: ClassVar[str] = "hold"
    points: int
    ends_at: dt.datetime | None = None
    movable: bool = False

    def substance(self) -> tuple[Any, ...]:
        return (self.points, True) if self.movable else (self.points,)


@value(frozen=True, kw_only=True, slots=True)
class Burn(Command):
    """Spend at `merchant_id`: a whole hold (`hold_id`), or `points` of what is available, soonest-expiring first."""

    verb: ClassVar[str] = "burn"
    points: int = 0
    hold_id: int | None = None

    def substance(self) -> tuple[Any, ...]:
        return (self.points, self.hold_id)


@value(frozen=True, kw_only=True, slots=True)
class Void(Command):
    """Give a hold back, lot by lot; a lot that has expired meanwhile returns as its one grace lot of `grace_days`."""

    verb: ClassVar[str] = "void"
    hold_id: int
    grace_days: int

    def substance(self) -> tuple[Any, ...]:
        return (self.hold_id,)


@value(frozen=True, kw_only=True, slots=True)
class Give(Command):
    """Give a whole hold to another member: each lot goes on as one of theirs with its issuer and expiry. What has run out meanwhile
    expires with the giver: changing hands lengthens nothing."""

    verb: ClassVar[str] = "give"
    hold_id: int
    to: Owner

    def substance(self) -> tuple[Any, ...]:
        return (self.hold_id, self.to)


@value(frozen=True, kw_only=True, slots=True)
class Transfer(Command):
    """Move `points` (all that may move, when None; `NothingDue` where that is nothing) to another owner, soonest-expiring first.
    Issuer and expiry stay. A member who receives becomes the
    owner of new lots that name their parents; in and out of a pool the lots themselves move and keep their owner."""

    verb: ClassVar[str] = "transfer"
    to: Owner
    points: int | None

    def substance(self) -> tuple[Any, ...]:
        return (self.to, self.points)


@value(frozen=True, kw_only=True, slots=True)
class HandOver(Command):
    """Give another member, `to`, everything that the owner has of a currency: each lot goes on as a lot of theirs with its issuer,
    rule and days, what is pending stays pending, what is owed is owed by them. What is held stays, and refuses (`PointsHeld`).

    `debts` are the entries that left the owner a deficit, claw-backs or hand-overs to them, by issuer: where the lots are found
    that the debt is named by.

    `lots`: of these only, as far as they are still there, what is held left where it is; `NothingDue` where nothing is left to
    give. `owing`: at most so much of a debt, by issuer; one that is not in it goes whole.
    """

    verb: ClassVar[str] = "hand_over"
    to: Owner
    debts: Mapping[int, int] = field(default_factory=dict)
    lots: tuple[int, ...] | None = None
    owing: Mapping[int, int] = field(default_factory=dict)

    def substance(self) -> tuple[Any, ...]:
        return (self.to,) if self.lots is None else (self.to, self.lots)


@value(frozen=True, kw_only=True, slots=True)
class ClawBack(Command):
    """Take back `points` of what accrual `entry_id` gave: from its lot where it still is, from what of it has expired (takes
    nothing more), from the owner's other lots of that issuer, and the rest as a deficit. Never from who received a gift.

    `of`: whose entry it was, where they have handed everything over to this owner since. `pool`: where the owner may have put lots;
    those of them are the last before a deficit.
    """

    verb: ClassVar[str] = "claw_back"
    entry_id: int
    issuer_id: int
    points: int
    of: Owner | None = None
    pool: Owner | None = None

    def substance(self) -> tuple[Any, ...]:
        return (self.entry_id, self.issuer_id, self.points)


@value(frozen=True, kw_only=True, slots=True)
class Reinstate(Command):
    """Return `points` (all that is left, when None) of burn `entry_id` to the lots they came from; see `Void` for grace."""

    verb: ClassVar[str] = "reinstate"
    entry_id: int
    grace_days: int
    points: int | None = None

    def substance(self) -> tuple[Any, ...]:
        return (self.entry_id, self.points)


@value(frozen=True, kw_only=True, slots=True)
class Reverse(Command):
    """Undo entry `entry_id` whole by its mirror: an accrual, opening balance, adjustment, transfer, exchange or expiry; once, and
    only while its points are still where it put them. What a reversed expiry gives back lives until `expires_on`, or
    for `grace_days`; what any other reversal gives back of a lot that has expired meanwhile returns as its grace lot."""

    verb: ClassVar[str] = "reverse"
    entry_id: int
    grace_days: int
    expires_on: dt.date | None = None

    def substance(self) -> tuple[Any, ...]:
        return (self.entry_id,)


@value(frozen=True, kw_only=True, slots=True)
class Restore(Command):
    """Give back what is still expired of expiry `entry_id`, as lots that go on until `expires_on`: all of it, or only what
    `issuer_id` had issued, or only lots whose last good day was `last_day`. What was clawed back or restored since stays away.

    `of`: whose expiry it was, where they have handed everything over to this owner since.
    """

    verb: ClassVar[str] = "restore"
    entry_id: int
    expires_on: dt.date
    issuer_id: int | None = None
    last_day: dt.date | None = None
    of: Owner | None = None

    def substance(self) -> tuple[Any, ...]:
        return (self.entry_id, self.expires_on, self.issuer_id, self.last_day)


@value(frozen=True, kw_only=True, slots=True)
class Adjust(Command):
    """Correct by hand: `points` > 0 issues a lot, < 0 takes from the owner's lots of that issuer. `reason` is required."""

    verb: ClassVar[str] = "adjust"
    issuer_id: int
    points: int
    expires_on: dt.date | None = None

    def substance(self) -> tuple[Any, ...]:
        return (self.issuer_id, self.points)


class UnitValue(NamedTuple):
    """Published value of a currency: `points` points are worth `minor` minor units of `money`."""

    minor: int
    points: int
    money: str = "CNY"


@value(frozen=True, kw_only=True, slots=True)
class Exchange(Command):
    """Turn `points` of `currency` into `to_currency` at the published unit values, rounded down once; each new lot keeps its
    parent's issuer, and of the two expiries (the parent's, `expires_on`) the earlier."""

    verb: ClassVar[str] = "exchange"
    to_currency: int
    points: int
    value: UnitValue
    to_value: UnitValue
    expires_on: dt.date | None

    def substance(self) -> tuple[Any, ...]:
        return (self.to_currency, self.points, self.value, self.to_value)


class Leg(NamedTuple):
    """One posting as a receipt shows it. `balance_after` is None on issuers' accounts."""

    owner: Owner
    purpose: str
    currency: int
    lot_id: int
    issuer_id: int
    points: int
    balance_after: int | None


@value(frozen=True, slots=True)
class Receipt:
    """What a command did. A repeated key gives the same receipt again, with `repeated` set."""

    entry_id: int
    key: str
    kind: str
    owner: Owner
    currency: int
    points: int
    facts: Mapping[str, Any]
    legs: tuple[Leg, ...]
    posted_at: dt.datetime
    repeated: bool = field(default=False, compare=False)

    def moved(self, purpose: str, owner: Owner | None = None) -> int:
        """The net change of `purpose` for `owner` (default: the entry's owner)."""
        whose = owner or self.owner
        return sum(leg.points for leg in self.legs if leg.owner == whose and leg.purpose == purpose)

    def balance(self, purpose: str = "available", owner: Owner | None = None) -> int | None:
        """The balance of `purpose` right after this entry; None where the entry did not touch it."""
        whose = owner or self.owner
        for leg in reversed(self.legs):
            if leg.owner == whose and leg.purpose == purpose:
                return leg.balance_after
        return None


@dataclass(eq=False)
class KeyReused(Refusal):
    """The key was used for something else."""

    key: str


@dataclass(eq=False)
class ReasonRequired(Refusal):
    """A correction by hand says why."""


@dataclass(eq=False)
class PointsMustBePositive(Refusal):
    points: int


@dataclass(eq=False)
class OwnersMustDiffer(Refusal):
    """A transfer to oneself."""


@dataclass(eq=False)
class ExpiresBeforeAvailable(Refusal):
    """The lot would be dead on arrival."""

    available_on: dt.date
    expires_on: dt.date


@dataclass(eq=False)
class NoSuchEntry(Refusal):
    """This owner has no such entry."""

    entry_id: int


@dataclass(eq=False)
class NotThatKind(Refusal):
    """The entry is of a kind that this verb does not undo."""

    entry_id: int
    kind: str


@dataclass(eq=False)
class NoSuchHold(Refusal):
    hold_id: int


@dataclass(eq=False)
class HoldResolved(Refusal):
    """The hold was burned, given or voided already."""

    hold_id: int
    state: str


@dataclass(eq=False)
class MoreThanEntry(Refusal):
    """More is asked back than the entry still has to give."""

    entry_id: int
    asked: int
    left: int


@dataclass(eq=False)
class PointsHeld(Refusal):
    """So many points are on hold, and must be spent or given back first."""

    points: int
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NothingDue(Refusal):
    """Nothing of this owner's is due for release or expiry today, or may move where all should."""

    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NotEnoughPoints(Refusal):
    """What is available falls short. `pending` becomes available on `next_release_on` at the earliest."""

    needed: int
    available: int
    pending: int
    next_release_on: dt.date | None
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class PointsMovedOn(Refusal):
    """A strict reversal found that the points are no longer where the entry put them."""

    entry_id: int
    missing: int
