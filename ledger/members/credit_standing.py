"""Credit standing (E4): what a certified assessor says of a member; used only where they want it, and only to their advantage.

Off until they agree. Then they have a number to give to an assessor, who is told nothing else of them; the operator enters what the
assessor sends back under such numbers. Kept are the figure, who said it and until when; the member reads it, deletes it or
switches it off, which deletes it too. Merchants never see it: rules ask for it, and what they gave is all that shows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members import consent, reference
from ledger.members.vault import Vault
from ledger.points.commands import Moment

VERSION = "1"
LOWEST, HIGHEST = 1, 1000
DAYS_MOST = 731
SOURCE_LONGEST = 60
LINES_MOST = 100

_PROGRAMME = 0
"""Whose reference of a member it is: nobody else's, so that no merchant can compare it with its own."""


class Standing(NamedTuple):
    """What was said of a member, by whom, and its last good day."""

    standing: int
    source: str
    valid_until: dt.date
    entered_at: dt.datetime


class Said(NamedTuple):
    """One line of an assessor: a member's number, the figure, its last good day."""

    number: str
    standing: int
    valid_until: dt.date


@dataclass(eq=False)
class StandingSourceWrong(Refusal):
    """The assessor is named in 1 to `longest` characters."""

    longest: int


@dataclass(eq=False)
class StandingOutOfRange(Refusal):
    """A standing is `lowest` to `highest`, and good from today to at most `until`."""

    number: str
    lowest: int
    highest: int
    until: dt.date


@dataclass(eq=False)
class StandingNotWanted(Refusal):
    """No member who agreed to it has this number."""

    number: str


_MINE = text(
    "SELECT standing, source, valid_until, entered_at FROM credit_standing WHERE member_id = :member AND valid_until >= :today"
)
_ENTER = text(
    "INSERT INTO credit_standing (member_id, standing, source, valid_until, entered_by, entered_at)"
    " VALUES (:member, :standing, :source, :until, :by, :now) ON CONFLICT (member_id) DO UPDATE SET"
    " standing = excluded.standing, source = excluded.source, valid_until = excluded.valid_until,"
    " entered_by = excluded.entered_by, entered_at = excluded.entered_at"
)
_REMOVE = text("DELETE FROM credit_standing WHERE member_id = :member")
# Who switches it off at this moment is waited for, so that nothing is kept of them.
_AGREES = text(
    "SELECT 1 FROM consent WHERE member_id = :member AND purpose = :purpose AND withdrawn_at IS NULL FOR SHARE"
)
_AGREED = text(
    "SELECT EXISTS (SELECT FROM consent WHERE member_id = :member AND purpose = :purpose AND withdrawn_at IS NULL)"
)


def number(vault: Vault, member_id: int) -> str:
    """What a member gives to an assessor."""
    return reference.reference(vault, _PROGRAMME, member_id)


async def agreed(tx: AsyncConnection, member_id: int) -> bool:
    """Whether this member wants their standing to be used."""
    return bool(await tx.scalar(_AGREED, {"member": member_id, "purpose": consent.STANDING}))


async def agree(tx: AsyncConnection, member_id: int, *, now: dt.datetime) -> None:
    """From now on it may be used."""
    await consent.give(tx, member_id, consent.STANDING, VERSION, now=now)


async def refuse(tx: AsyncConnection, member_id: int, *, now: dt.datetime) -> None:
    """It may not, and what was kept is deleted."""
    await consent.withdraw(tx, member_id, consent.STANDING, now=now)
    await remove(tx, member_id)


async def remove(tx: AsyncConnection, member_id: int) -> None:
    """Delete what was said of a member."""
    await tx.execute(_REMOVE, {"member": member_id})


async def of(tx: AsyncConnection, member_id: int, today: dt.date) -> Standing | None:
    """What is said of a member; None where there is nothing, or it has run out."""
    row = (await tx.execute(_MINE, {"member": member_id, "today": today})).first()
    return None if row is None else Standing(*row)


async def enter(
    tx: AsyncConnection, vault: Vault, said: Sequence[Said], *, source: str, by: str, at: Moment
) -> list[tuple[Said, int | Refusal]]:
    """Keep what an assessor says: for each line whose it is, or why it was not kept. A later line replaces what was there.

    Raises:
        StandingSourceWrong.
    Returns:
        Per line the member, or `StandingOutOfRange` → `StandingNotWanted`.
    """
    source = " ".join(source.split())
    if not 1 <= len(source) <= SOURCE_LONGEST:
        raise StandingSourceWrong(SOURCE_LONGEST)
    last = at.today + dt.timedelta(days=DAYS_MOST)
    done: list[tuple[Said, int | Refusal]] = []
    for line in said:
        if not LOWEST <= line.standing <= HIGHEST or not at.today <= line.valid_until <= last:
            done.append((line, StandingOutOfRange(line.number, LOWEST, HIGHEST, last)))
            continue
        member_id = reference.member_of(vault, _PROGRAMME, line.number)
        if member_id is None or await tx.scalar(_AGREES, {"member": member_id, "purpose": consent.STANDING}) is None:
            done.append((line, StandingNotWanted(line.number)))
            continue
        facts = {"member": member_id, "standing": line.standing, "source": source, "until": line.valid_until}
        await tx.execute(_ENTER, {**facts, "by": by, "now": at.now})
        done.append((line, member_id))
    return done
