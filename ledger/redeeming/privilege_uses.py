"""Using a privilege at a till, once per tap, and undoing it; what was used in a day.

Locks: the member and the privilege (advisory), nothing else; of two tills that come with the last use of a month, the second
finds the first one's row. The schema says so too: each use that stands has a place of its own in its month.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import succession
from ledger.merchants.authority import demand, may
from ledger.merchants.shifts import Shift
from ledger.merchants.staff import Staff
from ledger.points.commands import Moment
from ledger.redeeming import privileges
from ledger.redeeming.may_use import Here, No, may_use
from ledger.redeeming.privilege import Privilege, parse
from ledger.redeeming.privileges import NoSuchPrivilege

REASON_LONGEST = 100


@dataclass(eq=False)
class PrivilegeChanged(Refusal):
    """It is not what the confirm screen showed any more: it is shown anew, nothing was written."""

    privilege_id: int
    may_succeed_later: ClassVar[bool] = True


@dataclass(eq=False)
class NoSuchUse(Refusal):
    """Nobody used anything under this number, or at another merchant."""

    use_id: int


@dataclass(eq=False)
class UseUndone(Refusal):
    """The use was undone before, at `at`."""

    at: dt.datetime


@dataclass(eq=False)
class TooLateToUndo(Refusal):
    """A cashier undoes a use of theirs within `minutes`, a manager any on the same day."""

    minutes: int
    used_at: dt.datetime


@dataclass(eq=False)
class UndoReasonNeeded(Refusal):
    """Undoing says why, in at most `longest` characters."""

    longest: int


@dataclass(frozen=True, slots=True)
class Use:
    """A privilege that was used. Amounts in minor units of `money`; None where nothing was to pay."""

    id: int
    key: str
    privilege_id: int
    privilege: Privilege
    member_id: int
    merchant_id: int
    staff_id: int
    label: str
    till: str | None
    before_minor: int | None
    after_minor: int | None
    money: str
    used_at: dt.datetime
    used_on: dt.date
    undone_at: dt.datetime | None
    reason: str | None


class Used(NamedTuple):
    """Uses that stand, what was taken off in them, in minor units, and how many were undone."""

    uses: int
    off_minor: int
    undone: int


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('privilege:' || :privilege || ':' || :member, 0))")
_USES = """
    SELECT u.id, u.key, u.privilege_id, v.document::text AS document, u.member_id, u.merchant_id, u.staff_id, s.label, u.till,
           u.before_minor, u.after_minor, u.money, u.used_at, u.used_on, u.undone_at, u.reason
    FROM privilege_use u
    JOIN privilege_version v ON v.privilege_id = u.privilege_id AND v.version = u.version
    JOIN staff s ON s.id = u.staff_id
"""
_BY_KEY = text(f"{_USES} WHERE u.key = :key")
_BY_ID = text(f"{_USES} WHERE u.id = :id")
_LIST = text(
    f"{_USES} WHERE u.merchant_id = :merchant AND u.used_at >= :since AND u.used_at < :until"
    " AND (CAST(:staff AS bigint) IS NULL OR u.staff_id = :staff) ORDER BY u.id DESC OFFSET :offset LIMIT :limit"
)
_SUMS = (
    "SELECT count(*) FILTER (WHERE undone_at IS NULL) AS uses,"
    " CAST(coalesce(sum(before_minor - after_minor) FILTER (WHERE undone_at IS NULL), 0) AS bigint) AS off_minor,"
    " count(*) FILTER (WHERE undone_at IS NOT NULL) AS undone FROM privilege_use"
)
# With what was used by a paper card that the member claimed since.
_OF_MEMBER = text(
    f"{_USES} WHERE u.member_id = ANY(ARRAY(SELECT CAST(:member AS bigint) UNION ALL"
    " SELECT member_id FROM succession WHERE holder_id = :member)) ORDER BY u.id DESC LIMIT :limit"
)
_COUNT = text(
    f"{_SUMS} WHERE merchant_id = :merchant AND used_at >= :since AND used_at < :until"
    " AND (CAST(:staff AS bigint) IS NULL OR staff_id = :staff)"
)
_OF_MONTH = text(f"{_SUMS} WHERE privilege_id = :privilege AND month = :month")
# The lowest place of the month that is free: an undone use leaves its own behind.
_INSERT = text(
    """
    INSERT INTO privilege_use (key, privilege_id, version, member_id, merchant_id, staff_id, till, before_minor, after_minor, money,
        used_at, used_on, month, place)
    SELECT :key, :privilege, :version, :member, :merchant, :staff, :till, :before, :after, :money, :now, :today,
           CAST(:month AS date), min(n)
    FROM generate_series(1, (SELECT count(*) + 1 FROM privilege_use
                             WHERE privilege_id = :privilege AND member_id = :member AND month = :month)) n
    WHERE NOT EXISTS (SELECT FROM privilege_use u WHERE u.privilege_id = :privilege AND u.member_id = :member
                      AND u.month = :month AND u.undone_at IS NULL AND u.place = n)
    """
)
_UNDO = text(
    "UPDATE privilege_use SET undone_at = :now, undone_by = :staff, reason = :reason WHERE id = :id AND undone_at IS NULL"
    " RETURNING id"
)


async def use(
    tx: AsyncConnection,
    staff: Staff,
    member_id: int,
    privilege_id: int,
    shown: tuple[int, int | None],
    *,
    amount_minor: int | None,
    nonce: str,
    shift: Shift | None,
    at: Moment,
) -> tuple[Use, bool]:
    """Use a privilege for whoever showed their card; points stay where they are. Whether it is new: the same nonce again uses
    nothing.

    Args:
        shown: version and what is left to pay, as the confirm screen said them.
        shift: the one that is worked; it says till and outlet.
    Raises:
        NotAllowed → NoSuchPrivilege → PrivilegeChanged → the first reason of `may_use`.
    """
    staff.demand("give_privileges")
    holder = await succession.holder(tx, member_id)
    await tx.execute(_LOCK, {"privilege": str(privilege_id), "member": str(holder)})
    if (before := await find(tx, staff.merchant_id, nonce)) is not None:
        return before, False
    this = await privileges.one(tx, privilege_id)
    if this.merchant_id != staff.merchant_id:
        raise NoSuchPrivilege(privilege_id)
    known = (await privileges.facts(tx, holder, [this], today=at.today))[this.id]
    here = Here(shift.outlet_id if shift else None)
    amount = amount_minor if this.privilege.gives.kind == "percent_off" else None
    verdict = may_use(this, known, today=at.today, here=here, amount_minor=amount)
    if this.version != shown[0]:
        raise PrivilegeChanged(privilege_id)
    if isinstance(verdict, No):
        raise verdict.reasons[0]
    if verdict.after_minor != shown[1]:
        raise PrivilegeChanged(privilege_id)
    await tx.execute(
        _INSERT,
        {
            "key": key_of(staff.merchant_id, nonce), "privilege": this.id, "version": this.version, "member": holder,
            "merchant": staff.merchant_id, "staff": staff.id, "till": shift.till if shift else None, "before": amount,
            "after": verdict.after_minor, "money": this.money, "now": at.now, "today": at.today,
            "month": at.today.replace(day=1),
        },
    )  # fmt: skip
    made = await find(tx, staff.merchant_id, nonce)
    assert made is not None
    return made, True


def key_of(merchant_id: int, nonce: str) -> str:
    """Names a use by the tap that made it."""
    return f"privilege:{merchant_id}:{nonce}"


async def find(tx: AsyncConnection, merchant_id: int, nonce: str) -> Use | None:
    """The use that a tap made, where it made one already."""
    row = (await tx.execute(_BY_KEY, {"key": key_of(merchant_id, nonce)})).first()
    return None if row is None else _use(row)


async def by_id(tx: AsyncConnection, use_id: int) -> Use:
    """One use, or `NoSuchUse`."""
    row = (await tx.execute(_BY_ID, {"id": use_id})).first()
    if row is None:
        raise NoSuchUse(use_id)
    return _use(row)


async def listed(
    tx: AsyncConnection,
    merchant_id: int,
    *,
    since: dt.datetime,
    until: dt.datetime,
    staff_id: int | None = None,
    offset: int = 0,
    limit: int = 10,
) -> list[Use]:
    """What was used at a merchant between two instants (the first included), newest first; by one staff member where named."""
    values = {"merchant": merchant_id, "since": since, "until": until, "staff": staff_id}
    return [_use(row) for row in await tx.execute(_LIST, {**values, "offset": offset, "limit": limit})]


async def of_member(tx: AsyncConnection, member_id: int, *, limit: int) -> list[Use]:
    """What a member used last, newest first."""
    return [_use(row) for row in await tx.execute(_OF_MEMBER, {"member": member_id, "limit": limit})]


async def count(
    tx: AsyncConnection, merchant_id: int, *, since: dt.datetime, until: dt.datetime, staff_id: int | None = None
) -> Used:
    """How often privileges were used between two instants, and what was taken off."""
    values = {"merchant": merchant_id, "since": since, "until": until, "staff": staff_id}
    return Used(*(await tx.execute(_COUNT, values)).one())


async def of_month(tx: AsyncConnection, privilege_id: int, *, today: dt.date) -> Used:
    """How often a privilege was used in this calendar month."""
    return Used(*(await tx.execute(_OF_MONTH, {"privilege": privilege_id, "month": today.replace(day=1)})).one())


def check_undo(this: Use, staff: Staff, *, minutes: int, at: Moment) -> None:
    """`NotAllowed` → `UseUndone` → `TooLateToUndo`."""
    own = this.staff_id == staff.id
    demand(staff.role, "take_back_own" if own else "take_back_any")
    if this.undone_at is not None:
        raise UseUndone(this.undone_at)
    in_time = own and at.now <= this.used_at + dt.timedelta(minutes=minutes)
    same_day = may(staff.role, "take_back_any") and this.used_on == at.today
    if not (in_time or same_day):
        raise TooLateToUndo(minutes, this.used_at)


def may_undo(this: Use, staff: Staff, *, minutes: int, at: Moment) -> bool:
    """Whether `undo` would be allowed now."""
    try:
        check_undo(this, staff, minutes=minutes, at=at)
    except Refusal:
        return False
    return True


async def undo(tx: AsyncConnection, staff: Staff, use_id: int, reason: str, *, minutes: int, at: Moment) -> Use:
    """Undo a use: it counts towards no limit any more. What was awarded on its amount is taken back on its own.

    Raises:
        NoSuchUse → NotAllowed → UseUndone → TooLateToUndo → UndoReasonNeeded.
    """
    this = await by_id(tx, use_id)
    if this.merchant_id != staff.merchant_id:
        raise NoSuchUse(use_id)
    check_undo(this, staff, minutes=minutes, at=at)
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= REASON_LONGEST:
        raise UndoReasonNeeded(REASON_LONGEST)
    values = {"id": use_id, "now": at.now, "staff": staff.id, "reason": reason}
    done = await tx.scalar(_UNDO, values)
    this = await by_id(tx, use_id)
    if done is None:  # another till was faster
        assert this.undone_at is not None
        raise UseUndone(this.undone_at)
    return this


def _use(row: Row[tuple[object, ...]]) -> Use:
    facts = dict(row._mapping)
    return Use(privilege=parse(facts.pop("document")), **facts)
