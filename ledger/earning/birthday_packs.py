"""Birthday packs (E7): a greeting and points once a year, to a member on the day their birthday is kept, and to whoever told of a
child on that child's. When a told day begins to count is `members.birthdays`'.

Points are issued under their issuer's cover; where that does not reach there is the greeting alone.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.birthdays import Birthday, is_kept
from ledger.members.joining import month_end
from ledger.merchants import cover
from ledger.merchants import merchant as merchants
from ledger.merchants.cover import Asked
from ledger.points.commands import Accrue, Moment, Receipt, member
from ledger.points.engine import apply
from ledger.programme import BirthdayPacks, Programme


@dataclass(frozen=True, slots=True)
class Kept:
    """Somebody's birthday today, or (`child_id`) a child's of theirs; `receipt` of the points, None where there are none."""

    member_id: int
    child_id: int | None
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of birthdays gave, and the id that it ended with; `last`: there are no more."""

    kept: list[Kept]
    after: int
    last: bool


_DAYS = "(:month, :day), (CAST(:other_month AS int), CAST(:other_day AS int))"
_MEMBERS = text(
    "SELECT m.id AS id, m.id AS member_id, m.birth_month, m.birth_day, m.birth_told_on AS told_on FROM member m"
    " WHERE m.status = 'active' AND m.birth_month IS NOT NULL AND m.id > :after"
    f" AND (m.birth_month, m.birth_day) IN ({_DAYS}) ORDER BY m.id LIMIT :limit"
)
_CHILDREN = text(
    "SELECT c.id AS id, c.member_id, c.birth_month, c.birth_day, c.told_on FROM child c"
    " JOIN member m ON m.id = c.member_id AND m.status = 'active'"
    f" WHERE c.id > :after AND (c.birth_month, c.birth_day) IN ({_DAYS}) ORDER BY c.id LIMIT :limit"
)
_HAD = text(
    "SELECT facts ->> 'child' AS child, count(*) OVER () AS n FROM entry WHERE owner_id = :member AND owner_kind = 'member'"
    " AND kind = 'accrue' AND facts ->> 'what' = 'child_birthday' AND posted_on >= date_trunc('year', CAST(:today AS date))"
)


async def page(
    tx: AsyncConnection, programme: Programme, *, children: bool, after: int, limit: int, at: Moment
) -> Page:
    """Give the next packs of today, of members or of children. A pack is given once in a calendar year, and to nobody more for
    children than there may be of them, whatever is deleted and told anew."""
    rules = programme.birthdays
    if rules is None:
        return Page([], after, True)
    other = (2, 29) if (at.today.month, at.today.day) == (2, 28) and not calendar.isleap(at.today.year) else (0, 0)
    asked = {"month": at.today.month, "day": at.today.day, "other_month": other[0], "other_day": other[1]}
    rows = (await tx.execute(_CHILDREN if children else _MEMBERS, {**asked, "after": after, "limit": limit})).all()
    due = [row for row in rows if is_kept(Birthday(row.birth_month, row.birth_day, row.told_on), at.today)]
    points = rules.child_points if children else rules.points
    if children:
        due = [row for row in due if await _may_have(tx, rules, row, at.today)]
    receipts = await _issued(tx, programme, rules, due, points, children, at) if points and due else {}
    kept = [Kept(row.member_id, row.id if children else None, receipts.get(row.id)) for row in due]
    return Page(kept, rows[-1].id if rows else after, len(rows) < limit)


async def _may_have(tx: AsyncConnection, rules: BirthdayPacks, row: Any, today: dt.date) -> bool:
    had = (await tx.execute(_HAD, {"member": row.member_id, "today": today})).all()
    return str(row.id) in {each.child for each in had} or len(had) < rules.children_most


async def _issued(
    tx: AsyncConnection,
    programme: Programme,
    rules: BirthdayPacks,
    due: list[Any],
    points: int,
    children: bool,
    at: Moment,
) -> dict[int, Receipt]:
    issuer = await merchants.by_code(tx, rules.issuer)
    if issuer.status_on(at.today) != "certified":
        return {}
    taken = await cover.admit(tx, [Asked(issuer.id, points) for _ in due], None, at)
    covered = [row for row, there in zip(due, taken.covered, strict=True) if there]
    commands = [_accrual(programme, rules, issuer.id, row, points, children, at) for row in covered]
    given: dict[int, Receipt] = {}
    for row, outcome in zip(covered, await apply(tx, commands), strict=True):
        if isinstance(outcome, Refusal):
            raise outcome
        given[row.id] = outcome
    return given


def _accrual(
    programme: Programme, rules: BirthdayPacks, issuer_id: int, row: Any, points: int, children: bool, at: Moment
) -> Accrue:
    whose = f"child:{row.id}" if children else str(row.member_id)
    facts: dict[str, Any] = {"what": "child_birthday", "child": str(row.id)} if children else {"what": "birthday"}
    return Accrue(
        key=f"birthday:{whose}:{at.today.year}",
        owner=member(row.member_id),
        currency=programme.common_currency,
        at=at,
        actor="programme",
        issuer_id=issuer_id,
        merchant_id=issuer_id,
        points=points,
        available_on=at.today,
        expires_on=month_end(at.today, rules.life_months),
        rule="birthday",
        facts=facts,
    )
