"""Inviting a friend (E8): who was invited by whom, the purchase that counts, both rewards, and what undoes them.

Whoever joins by somebody's link is their friend, once ever: somebody who is a member already can't be, so nobody is rewarded for
those whom a friend invites. What counts is the first purchase of the programme's size that stands past its return window, at a
merchant where neither of the two is staff. A reward is issued under its issuer's cover; where that does not reach it waits.

    joined → bought → rewarded → refunded → undone
               ↓ ↖ (what they bought went back within its window: joined again)
             review → rewarded | not_counted

Nobody is punished by a pattern: what looks like one is set aside (`review`) until an operator has looked.

Locks, in this order: the referral → its inviter (`_alone`), under whom caps are counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import pools
from ledger.members.joining import month_end
from ledger.members.vault import Vault
from ledger.merchants import cover
from ledger.merchants import merchant as merchants
from ledger.merchants.cover import Asked
from ledger.merchants.merchant import available_on
from ledger.points.commands import Accrue, ClawBack, Moment, Receipt, member
from ledger.points.engine import apply
from ledger.programme import Programme, Referrals

LINK = "i"
"""What an inviter's link carries before its token: «start=i_…»."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

State = Literal["joined", "bought", "review", "rewarded", "refunded", "undone", "not_counted"]
Reason = Literal["late", "family", "gone", "refused"]
"""No purchase in time; of one family; an account is closed; an operator said so."""
Suspect = Literal["burst", "same_purchase", "chain"]
"""Many joined at once; friends of one inviter bought for the same money at the same merchant on one day; whoever invited was
themself invited within the burst's hours, and so was their inviter."""


@dataclass(eq=False)
class ReferralLinkWrong(Refusal):
    """Nobody's link."""


@dataclass(eq=False)
class ReferralLinkEnded(Refusal):
    """The link led here until `ended_on`."""

    ended_on: dt.date


@dataclass(eq=False)
class NoReferrals(Refusal):
    """The programme rewards no invitations."""


@dataclass(eq=False)
class ReferralDecided(Refusal):
    """Another operator has looked at it, or it is not set aside at all."""


@dataclass(frozen=True, slots=True)
class Referral:
    """A friend, whoever invited them, and how it stands.

    `counts_on`: the first day after the return window of what they bought; `inviter_points`, `friend_points`: what was given, the
    first 0 past a cap.
    """

    friend_id: int
    inviter_id: int
    joined_on: dt.date
    state: State
    counts_on: dt.date | None
    suspects: tuple[Suspect, ...]
    reason: Reason | None
    rewarded_on: dt.date | None
    inviter_points: int | None
    friend_points: int | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A referral that a duty or an operator moved on, and the receipts of what that booked."""

    referral: Referral
    inviter: Receipt | None = None
    friend: Receipt | None = None


# -- the link


def token(vault: Vault, member_id: int, *, until: dt.date) -> str:
    """What a member's link carries: who invites, the last day, signed. At most 30 characters."""
    said = f"{_digits(member_id)}_{_digits(until.toordinal())}"
    return f"{said}_{vault.sign(f'referral:{said}')}"


def inviter(vault: Vault, carried: str, *, today: dt.date) -> int:
    """Whose link it is. `ReferralLinkWrong` → `ReferralLinkEnded`."""
    parts = carried.split("_", 2)
    if len(parts) != 3 or not vault.signed_by_us(f"referral:{parts[0]}_{parts[1]}", parts[2]):
        raise ReferralLinkWrong()
    until = dt.date.fromordinal(int(parts[1], 36))
    if until < today:
        raise ReferralLinkEnded(until)
    return int(parts[0], 36)


def _digits(number: int) -> str:
    said = ""
    while number:
        number, digit = divmod(number, 36)
        said = DIGITS[digit] + said
    return said or "0"


# -- joining

_BEGIN = text(
    "INSERT INTO referral (friend_id, inviter_id, joined_at, joined_on)"
    " SELECT :friend, m.id, :now, :today FROM member m WHERE m.id = :inviter AND m.id <> :friend AND m.status = 'active'"
    " AND NOT EXISTS (SELECT FROM company c WHERE c.member_id = m.id) ON CONFLICT (friend_id) DO NOTHING RETURNING friend_id"
)


async def begin(tx: AsyncConnection, friend_id: int, inviter_id: int, *, at: Moment) -> bool:
    """Remember who invited somebody who has just joined; False where whoever did has no account to be rewarded any more."""
    values = {"friend": friend_id, "inviter": inviter_id, "now": at.now, "today": at.today}
    return (await tx.execute(_BEGIN, values)).first() is not None


# -- looking

_COLUMNS = """
    friend_id, inviter_id, joined_on, state, counts_on, suspects, reason, rewarded_on, inviter_points, friend_points
"""
_MINE = text(
    f"SELECT {_COLUMNS} FROM referral WHERE inviter_id = :inviter ORDER BY friend_id DESC LIMIT :limit OFFSET :skip"
)
_COUNTS = text("SELECT state, count(*) AS n FROM referral WHERE inviter_id = :inviter GROUP BY state")
_OF = text(f"SELECT {_COLUMNS} FROM referral WHERE friend_id = :friend")
_WAITING = text(f"SELECT {_COLUMNS} FROM referral WHERE state = 'review' ORDER BY friend_id LIMIT :limit")
_WAITING_COUNT = text("SELECT count(*) FROM referral WHERE state = 'review'")


def _referral(row: Row[tuple[object, ...]]) -> Referral:
    fields = {name: row._mapping[name] for name in Referral.__dataclass_fields__}
    return Referral(**fields | {"suspects": tuple(row.suspects)})


async def of_inviter(tx: AsyncConnection, inviter_id: int, *, skip: int = 0, limit: int = 10) -> list[Referral]:
    """Whom somebody invited, the latest first."""
    rows = await tx.execute(_MINE, {"inviter": inviter_id, "skip": skip, "limit": limit})
    return [_referral(row) for row in rows]


async def counts(tx: AsyncConnection, inviter_id: int) -> dict[str, int]:
    """How many of them stand where, by state; states that nobody is in are left out."""
    return {row.state: row.n for row in await tx.execute(_COUNTS, {"inviter": inviter_id})}


async def of_friend(tx: AsyncConnection, friend_id: int) -> Referral | None:
    """How somebody's own invitation stands; None: nobody invited them."""
    row = (await tx.execute(_OF, {"friend": friend_id})).first()
    return None if row is None else _referral(row)


async def waiting_count(tx: AsyncConnection) -> int:
    """How many operators have to look at."""
    return int(await tx.scalar(_WAITING_COUNT) or 0)


async def waiting(tx: AsyncConnection, *, limit: int = 10) -> list[Referral]:
    """What operators have to look at, the longest waiting first."""
    return [_referral(row) for row in await tx.execute(_WAITING, {"limit": limit})]


# -- what came of it

_REFUNDED = text(
    "UPDATE referral r SET state = 'refunded' FROM purchase p WHERE r.purchase_id = ANY(CAST(:purchases AS bigint[]))"
    " AND r.state = 'rewarded' AND p.id = r.purchase_id"
    " AND (p.taken_back_at IS NOT NULL OR p.amount_minor - p.refunded_minor < r.least_minor)"
)
_PAGE = text(
    """
    SELECT r.friend_id, r.inviter_id, r.joined_on, r.joined_at, r.state, r.purchase_id, r.counts_on,
           p.id AS found, p.merchant_id, p.bought_on
    FROM referral r LEFT JOIN LATERAL (
        SELECT p.id, p.merchant_id, p.bought_on FROM purchase p
        WHERE p.member_id IN (SELECT r.friend_id UNION ALL SELECT s.member_id FROM succession s WHERE s.holder_id = r.friend_id)
          AND p.taken_back_at IS NULL AND p.money = :money
          AND p.amount_minor - p.refunded_minor >= :least
          AND p.occurred_at >= r.joined_at AND p.bought_on <= r.joined_on + CAST(:days AS int)
          AND NOT EXISTS (SELECT FROM staff s WHERE s.merchant_id = p.merchant_id AND s.removed_at IS NULL
                          AND s.member_id IN (r.friend_id, r.inviter_id))
        ORDER BY p.bought_on, p.id LIMIT 1) p ON true
    WHERE r.state IN ('joined', 'bought') AND r.friend_id > :after
    ORDER BY r.friend_id LIMIT :limit FOR UPDATE OF r SKIP LOCKED
    """
)
_STAND = text(
    "UPDATE referral SET state = CASE WHEN CAST(:purchase AS bigint) IS NULL THEN 'joined' ELSE 'bought' END,"
    " purchase_id = :purchase, counts_on = CAST(:counts AS date), least_minor = :least WHERE friend_id = :friend"
)
_END = text("UPDATE referral SET state = 'not_counted', reason = :reason, decided_by = :by WHERE friend_id = :friend")
_ASIDE = text("UPDATE referral SET state = 'review', suspects = CAST(:suspects AS text[]) WHERE friend_id = :friend")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('referral:' || CAST(:inviter AS text), 0))")
_FACTS = text(
    """
    SELECT (SELECT count(*) FROM member WHERE id IN (:friend, :inviter) AND status = 'active') < 2 AS gone,
        EXISTS (SELECT FROM family_place a JOIN family_place b ON b.family_id = a.family_id
                WHERE a.member_id = :friend AND b.member_id = :inviter
                  AND (a.left_on IS NULL OR a.left_on > CAST(:since AS date))
                  AND (b.left_on IS NULL OR b.left_on > CAST(:since AS date))) AS family,
        (SELECT count(*) FROM referral o JOIN referral r ON r.friend_id = :friend AND r.inviter_id = o.inviter_id
         WHERE o.joined_at BETWEEN r.joined_at - CAST(:span AS interval) AND r.joined_at + CAST(:span AS interval)) AS near,
        EXISTS (SELECT FROM referral r JOIN purchase p ON p.id = r.purchase_id
                JOIN referral o ON o.inviter_id = r.inviter_id AND o.friend_id <> r.friend_id
                JOIN purchase q ON q.id = o.purchase_id AND q.merchant_id = p.merchant_id AND q.bought_on = p.bought_on
                    AND q.amount_minor = p.amount_minor
                WHERE r.friend_id = :friend) AS same_purchase,
        EXISTS (SELECT FROM referral r JOIN referral up ON up.friend_id = r.inviter_id
                JOIN referral top ON top.friend_id = up.inviter_id
                WHERE r.friend_id = :friend AND r.joined_at - top.joined_at < CAST(:span AS interval)) AS chain
    """
)
_GIVEN = text(
    "SELECT count(*) FILTER (WHERE rewarded_on >= date_trunc('month', CAST(:today AS date))) AS month, count(*) AS year"
    " FROM referral WHERE inviter_id = :inviter AND state = 'rewarded' AND inviter_points > 0"
    " AND rewarded_on >= date_trunc('year', CAST(:today AS date)) AND rewarded_on <= CAST(:today AS date)"
)
_REWARD = text(
    "UPDATE referral SET state = 'rewarded', rewarded_on = :today, issuer_id = :issuer, inviter_points = :inviter_points,"
    " inviter_entry_id = :inviter_entry, friend_points = :friend_points, friend_entry_id = :friend_entry,"
    f" decided_by = :by WHERE friend_id = :friend RETURNING {_COLUMNS}"
)
_TO_UNDO = text(
    f"SELECT {_COLUMNS}, issuer_id, inviter_entry_id, friend_entry_id FROM referral WHERE state = 'refunded'"
    " ORDER BY friend_id LIMIT :limit FOR UPDATE SKIP LOCKED"
)
_UNDONE = text("UPDATE referral SET state = 'undone' WHERE friend_id = ANY(CAST(:friends AS bigint[]))")
_REVIEW = text(
    "SELECT friend_id, inviter_id, purchase_id FROM referral WHERE friend_id = :friend AND state = 'review' FOR UPDATE"
)


async def refunded(tx: AsyncConnection, purchase_ids: Sequence[int]) -> None:
    """Of these purchases something went back: whoever was rewarded for one that is too small now is no more. The points follow
    within minutes (`undo`)."""
    await tx.execute(_REFUNDED, {"purchases": list(purchase_ids)})


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of open referrals came to, and the friend it ended with; `last`: there are no more."""

    moved: list[Moved]
    after: int
    last: bool


async def look(tx: AsyncConnection, programme: Programme, *, after: int, limit: int, at: Moment) -> Page:
    """Go through a page of open referrals: find what friends bought, and reward what counts by now."""
    rules = programme.referrals
    if rules is None:
        return Page([], after, True)
    least = max(1, rules.spend_minor)
    values = {"money": programme.money, "least": least, "days": rules.purchase_days}
    rows = (await tx.execute(_PAGE, {**values, "after": after, "limit": limit})).all()
    shops = await merchants.by_ids(tx, (row.merchant_id for row in rows if row.found is not None))
    due: list[Row[tuple[object, ...]]] = []
    moved: list[Moved] = []
    for row in rows:
        if row.found is None:
            if row.joined_on + dt.timedelta(days=rules.purchase_days) < at.today:
                moved.append(await _not_counted(tx, row.friend_id, "late"))
            elif row.state == "bought":
                nothing = {"purchase": None, "counts": None, "least": None}
                await tx.execute(_STAND, {**nothing, "friend": row.friend_id})
            continue
        counts_on = available_on(shops[row.merchant_id].terms, row.bought_on)
        if (row.state, row.purchase_id, row.counts_on) != ("bought", row.found, counts_on):
            stands = {"purchase": row.found, "counts": counts_on, "least": least}
            await tx.execute(_STAND, {**stands, "friend": row.friend_id})
        if counts_on <= at.today:
            due.append(row)
    for row in sorted(due, key=lambda row: (row.inviter_id, row.friend_id)):
        found = await _weighed(tx, programme, rules, row.friend_id, row.inviter_id, at=at)
        if found is not None:
            moved.append(found)
    return Page(moved, rows[-1].friend_id if rows else after, len(rows) < limit)


async def _weighed(
    tx: AsyncConnection, programme: Programme, rules: Referrals, friend_id: int, inviter_id: int, *, at: Moment
) -> Moved | None:
    """Reward a friend's purchase that stands, or say why it does not count, or set it aside. None: its issuer can't issue now."""
    await tx.execute(_ALONE, {"inviter": str(inviter_id)})
    facts = (await tx.execute(_FACTS, _asked(rules, friend_id, inviter_id, at))).one()
    if facts.gone:
        return await _not_counted(tx, friend_id, "gone")
    if facts.family:
        return await _not_counted(tx, friend_id, "family")
    suspects: list[Suspect] = []
    if facts.near >= rules.burst_people:
        suspects.append("burst")
    if facts.same_purchase:
        suspects.append("same_purchase")
    if facts.chain:
        suspects.append("chain")
    if suspects:
        await tx.execute(_ASIDE, {"suspects": suspects, "friend": friend_id})
        return Moved(await _one(tx, friend_id))
    return await _reward(tx, programme, rules, friend_id, inviter_id, by=None, at=at)


def _asked(rules: Referrals, friend_id: int, inviter_id: int, at: Moment) -> dict[str, object]:
    since, span = at.today - dt.timedelta(days=rules.family_days), dt.timedelta(hours=rules.burst_hours)
    return {"friend": friend_id, "inviter": inviter_id, "since": since, "span": span}


async def _reward(
    tx: AsyncConnection,
    programme: Programme,
    rules: Referrals,
    friend_id: int,
    inviter_id: int,
    *,
    by: str | None,
    at: Moment,
) -> Moved | None:
    issuer = await merchants.by_code(tx, rules.issuer)
    if issuer.status_on(at.today) != "certified":
        return None
    given = (await tx.execute(_GIVEN, {"inviter": inviter_id, "today": at.today})).one()
    capped = given.month >= rules.per_month or given.year >= rules.per_year
    amounts = {inviter_id: 0 if capped else rules.inviter_points, friend_id: rules.friend_points}
    taken = await cover.admit(tx, [Asked(issuer.id, sum(amounts.values()))], None, at)
    if not taken.covered[0]:
        return None
    wanted = [each for each, points in amounts.items() if points]
    commands = [_accrual(programme, rules, issuer.id, friend_id, each, amounts[each], at) for each in wanted]
    receipts: dict[int, Receipt] = {}
    for each, outcome in zip(wanted, await apply(tx, commands), strict=True):
        if isinstance(outcome, Refusal):
            raise outcome
        receipts[each] = outcome
    entries = {each: receipt.entry_id for each, receipt in receipts.items()}
    row = await tx.execute(
        _REWARD,
        {"today": at.today, "by": by, "friend": friend_id, "issuer": issuer.id,
         "inviter_points": amounts[inviter_id], "inviter_entry": entries.get(inviter_id),
         "friend_points": amounts[friend_id], "friend_entry": entries.get(friend_id)},
    )  # fmt: skip
    return Moved(_referral(row.one()), receipts.get(inviter_id), receipts.get(friend_id))


def _accrual(
    programme: Programme, rules: Referrals, issuer_id: int, friend_id: int, to_id: int, points: int, at: Moment
) -> Accrue:
    whose = "friend" if to_id == friend_id else "inviter"
    return Accrue(
        key=f"referral:{friend_id}:{whose}",
        owner=member(to_id),
        currency=programme.common_currency,
        at=at,
        actor="programme",
        issuer_id=issuer_id,
        merchant_id=issuer_id,
        points=points,
        available_on=at.today,
        expires_on=month_end(at.today, rules.life_months),
        rule="referral",
        facts={"what": "referral", "as": whose},
    )


async def undo(tx: AsyncConnection, programme: Programme, *, limit: int, at: Moment) -> list[Moved]:
    """Take both rewards back where the purchase behind them was refunded, oldest friends first: from the lots that were given,
    what is spent of them as a deficit towards their issuer."""
    rows = (await tx.execute(_TO_UNDO, {"limit": limit})).all()
    commands: list[ClawBack] = []
    for row in rows:
        for whose, owner_id, entry_id, points in (
            ("inviter", row.inviter_id, row.inviter_entry_id, row.inviter_points),
            ("friend", row.friend_id, row.friend_entry_id, row.friend_points),
        ):
            if entry_id is not None:
                about = (row.friend_id, whose, owner_id, row.issuer_id)
                commands.append(_taking_back(programme, *about, entry_id=entry_id, points=points, at=at))
    pooled = await pools.of_members(tx, (each.owner.id for each in commands), programme.common_currency)
    commands = [replace(each, pool=pooled.get(each.owner.id)) for each in commands]
    outcomes = await apply(tx, commands)
    receipts: dict[tuple[str, int], Receipt] = {}
    for command, outcome in zip(commands, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            raise outcome
        receipts[command.key, command.owner.id] = outcome
    await tx.execute(_UNDONE, {"friends": [row.friend_id for row in rows]})
    return [
        Moved(
            await _one(tx, row.friend_id),
            receipts.get((f"referral:{row.friend_id}:inviter:undo", row.inviter_id)),
            receipts.get((f"referral:{row.friend_id}:friend:undo", row.friend_id)),
        )
        for row in rows
    ]


def _taking_back(
    programme: Programme,
    friend_id: int,
    whose: str,
    owner_id: int,
    issuer_id: int,
    *,
    entry_id: int,
    points: int,
    at: Moment,
) -> ClawBack:
    return ClawBack(
        key=f"referral:{friend_id}:{whose}:undo",
        owner=member(owner_id),
        currency=programme.common_currency,
        at=at,
        actor="programme",
        merchant_id=issuer_id,
        issuer_id=issuer_id,
        entry_id=entry_id,
        points=points,
        facts={"what": "referral", "as": whose},
    )


# -- an operator looks


async def counted(tx: AsyncConnection, programme: Programme, friend_id: int, *, by: str, at: Moment) -> Moved | None:
    """An operator lets a referral count that was set aside: it is rewarded. None: its issuer can't issue now. `ReferralDecided`."""
    rules, row = programme.referrals, await _set_aside(tx, friend_id)
    if rules is None:
        raise NoReferrals()
    await tx.execute(_ALONE, {"inviter": str(row.inviter_id)})
    return await _reward(tx, programme, rules, friend_id, row.inviter_id, by=by, at=at)


async def refused(tx: AsyncConnection, friend_id: int, *, by: str) -> Moved:
    """An operator lets it not count. `ReferralDecided`."""
    await _set_aside(tx, friend_id)
    return await _not_counted(tx, friend_id, "refused", by=by)


async def _set_aside(tx: AsyncConnection, friend_id: int) -> Row[tuple[object, ...]]:
    row = (await tx.execute(_REVIEW, {"friend": friend_id})).first()
    if row is None:
        raise ReferralDecided()
    return row


async def _not_counted(tx: AsyncConnection, friend_id: int, reason: Reason, by: str | None = None) -> Moved:
    await tx.execute(_END, {"reason": reason, "by": by, "friend": friend_id})
    return Moved(await _one(tx, friend_id))


async def _one(tx: AsyncConnection, friend_id: int) -> Referral:
    found = await of_friend(tx, friend_id)
    assert found is not None, "it was locked"
    return found
