"""Certificates of a merchant (C1): credit certificate, third-party assessment, filing; each with number, issuer and last good day.

Of each kind the one that was confirmed last counts, so a renewal or a correction is simply entered. Where the programme wants two
persons, an entry waits for another one to confirm it. The day after the end of any kind issuing is suspended, and nothing else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.merchants import log, standing
from ledger.points.commands import Moment

Kind = Literal["credit", "assessment", "filing"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WARN_DAYS = (60, 30, 7)
"""An owner is warned once when so many days are left, or fewer."""

TEXT_LONGEST = 60


@dataclass(eq=False)
class CertificateTextWrong(Refusal):
    """Number and issuer are 1 to `longest` characters each."""

    longest: int


@dataclass(eq=False)
class CertificateEnded(Refusal):
    """Its last good day is over, so it certifies nothing."""

    kind: Kind
    valid_until: dt.date


@dataclass(eq=False)
class CertificatesMissing(Refusal):
    """To be certified, a merchant needs these kinds too."""

    kinds: tuple[Kind, ...]


@dataclass(eq=False)
class EnteredBySame(Refusal):
    """Whoever entered a certificate can't be the one who confirms it."""

    kind: Kind


@dataclass(eq=False)
class NoSuchCertificate(Refusal):
    """No certificate of this id waits here."""

    certificate_id: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate. `confirmed_by` None: it waits for a second person and does not count yet."""

    id: int
    merchant_id: int
    kind: Kind
    number: str
    issuer: str
    valid_until: dt.date
    entered_by: str
    entered_at: dt.datetime
    confirmed_by: str | None


_COLUMNS = "id, merchant_id, kind, number, issuer, valid_until, entered_by, entered_at, confirmed_by"
_OF = text(
    f"SELECT {_COLUMNS} FROM certificate WHERE merchant_id = :merchant ORDER BY coalesce(confirmed_at, entered_at), id"
)
_ENTER = text(
    "INSERT INTO certificate (merchant_id, kind, number, issuer, valid_until, entered_by, entered_at, confirmed_by, confirmed_at)"
    " VALUES (:merchant, :kind, :number, :issuer, :until, :by, :at, :confirmed_by, :confirmed_at)"
    f" RETURNING {_COLUMNS}"
)
_CONFIRM = text(
    "UPDATE certificate SET confirmed_by = :by, confirmed_at = :at WHERE id = :id AND confirmed_at IS NULL"
    f" RETURNING {_COLUMNS}"
)
_ONE = text(f"SELECT {_COLUMNS} FROM certificate WHERE id = :id FOR UPDATE")


def _certificate(row: Row[Any]) -> Certificate:
    return Certificate(**row._mapping)


async def of(tx: AsyncConnection, merchant_id: int) -> list[Certificate]:
    """Everything that was ever entered for a merchant, the newest last."""
    return [_certificate(row) for row in await tx.execute(_OF, {"merchant": merchant_id})]


def counting(certificates: Iterable[Certificate]) -> dict[Kind, Certificate]:
    """Of each kind the one that counts: confirmed last. As `of` orders them."""
    found = {each.kind: each for each in certificates if each.confirmed_by is not None}
    return {kind: found[kind] for kind in KINDS if kind in found}


def waiting(certificates: Iterable[Certificate]) -> list[Certificate]:
    """Those that wait for a second person."""
    return [each for each in certificates if each.confirmed_by is None]


def ended(counted: Mapping[Kind, Certificate], today: dt.date) -> Certificate | None:
    """The first to have ended, of those that count; its last good day still is one."""
    over = [each for each in counted.values() if each.valid_until < today]
    return min(over, key=lambda each: each.valid_until, default=None)


async def enter(
    tx: AsyncConnection,
    *,
    merchant_id: int,
    kind: Kind,
    number: str,
    issuer: str,
    valid_until: dt.date,
    by: str,
    two_persons: bool,
    at: Moment,
) -> Certificate:
    """Enter a certificate. With `two_persons` it waits for `confirm`, else it counts at once and may lift a suspension.

    Raises:
        CertificateTextWrong → CertificateEnded.
    """
    number, issuer = tidy(number), tidy(issuer)
    check_end(kind, valid_until, at.today)
    values = {"merchant": merchant_id, "kind": kind, "number": number, "issuer": issuer, "until": valid_until, "by": by}
    confirmed = {"confirmed_by": None if two_persons else by, "confirmed_at": None if two_persons else at.now}
    row = (await tx.execute(_ENTER, {**values, "at": at.now, **confirmed})).one()
    facts = {"kind": kind, "number": number, "until": valid_until.isoformat()}
    await log.write(tx, merchant_id, "certificate_entered", who=by, at=at.now, **facts)
    if not two_persons:
        await lift(tx, merchant_id, by=by, at=at)
    return _certificate(row)


def tidy(said: str) -> str:
    """A number or an issuer on one line. `CertificateTextWrong`."""
    said = " ".join(said.split())
    if not 1 <= len(said) <= TEXT_LONGEST:
        raise CertificateTextWrong(TEXT_LONGEST)
    return said


def check_end(kind: Kind, valid_until: dt.date, today: dt.date) -> None:
    """`CertificateEnded` where it would certify nothing any more."""
    if valid_until < today:
        raise CertificateEnded(kind, valid_until)


async def confirm(tx: AsyncConnection, certificate_id: int, *, merchant_id: int, by: str, at: Moment) -> Certificate:
    """A second person has seen it: from now on it counts, and may lift a suspension. Once confirmed, it stays so.

    Raises:
        NoSuchCertificate → EnteredBySame → CertificateEnded.
    """
    row = (await tx.execute(_ONE, {"id": certificate_id})).first()
    if row is None or row.merchant_id != merchant_id:
        raise NoSuchCertificate(certificate_id)
    known = _certificate(row)
    if known.confirmed_by is not None:
        return known
    if known.entered_by == by:
        raise EnteredBySame(known.kind)
    check_end(known.kind, known.valid_until, at.today)
    done = _certificate((await tx.execute(_CONFIRM, {"id": certificate_id, "by": by, "at": at.now})).one())
    await log.write(tx, merchant_id, "certificate_confirmed", who=by, at=at.now, kind=done.kind, number=done.number)
    await lift(tx, merchant_id, by=by, at=at)
    return done


async def lift(tx: AsyncConnection, merchant_id: int, *, by: str, at: Moment) -> bool:
    """Let a merchant issue again that was suspended for a certificate, where none of those that count has ended."""
    if await standing.of(tx, merchant_id) != standing.LAPSED:
        return False
    if ended(counting(await of(tx, merchant_id)), at.today) is not None:
        return False
    await standing.move(tx, merchant_id, "renew", by=by, now=at.now)
    return True


async def certify(
    tx: AsyncConnection, merchant_id: int, *, required: Iterable[Kind], by: str, two_persons: bool, at: Moment
) -> None:
    """Certify who has applied, on certificates of every required kind; what still waited is confirmed by this.

    Raises:
        CertificatesMissing → CertificateEnded → EnteredBySame, then those of `standing.move`.
    """
    entered = await of(tx, merchant_id)
    newest = {each.kind: each for each in entered}
    missing = tuple(kind for kind in required if kind not in newest)
    if missing:
        raise CertificatesMissing(missing)
    for each in newest.values():
        check_end(each.kind, each.valid_until, at.today)
        if two_persons and each.entered_by == by:
            raise EnteredBySame(each.kind)
    for each in newest.values():
        await confirm(tx, each.id, merchant_id=merchant_id, by=by, at=at)
    await standing.move(tx, merchant_id, "certify", by=by, now=at.now)


async def reinstate(tx: AsyncConnection, merchant_id: int, *, by: str, at: Moment) -> None:
    """Let a merchant issue again that the operator had suspended.

    Raises:
        CertificateEnded: meanwhile one has; then those of `standing.move`.
    """
    over = ended(counting(await of(tx, merchant_id)), at.today)
    if over is not None:
        raise CertificateEnded(over.kind, over.valid_until)
    await standing.move(tx, merchant_id, "reinstate", by=by, now=at.now)


# -- what the calendar brings


class Ending(NamedTuple):
    """A certificate that counts, of a merchant that issues, within `WARN_DAYS` of its end or past it."""

    id: int
    merchant_id: int
    kind: Kind
    number: str
    valid_until: dt.date
    warned_days: int | None


_ENDING = text(
    """
    SELECT c.id, c.merchant_id, c.kind, c.number, c.valid_until, c.warned_days
    FROM (SELECT DISTINCT ON (merchant_id, kind) id, merchant_id, kind, number, valid_until, warned_days
          FROM certificate WHERE confirmed_at IS NOT NULL ORDER BY merchant_id, kind, confirmed_at DESC, id DESC) c
    JOIN merchant m ON m.id = c.merchant_id AND m.status = 'certified'
    WHERE c.valid_until <= :until AND c.id > :after ORDER BY c.id LIMIT :limit
    """
)
_WARNED = text("UPDATE certificate SET warned_days = :days WHERE id = :id")


async def ending(tx: AsyncConnection, *, today: dt.date, after: int, limit: int) -> list[Ending]:
    """A page of them, by id."""
    values = {"until": today + dt.timedelta(days=max(WARN_DAYS)), "after": after, "limit": limit}
    return [Ending(*row) for row in await tx.execute(_ENDING, values)]


def warning_due(each: Ending, today: dt.date) -> int | None:
    """Which warning is due: the nearest of `WARN_DAYS` that was not given; None where none is, or the end is over."""
    left = (each.valid_until - today).days
    if left < 0:
        return None
    reached = min((days for days in WARN_DAYS if left <= days), default=None)
    return reached if reached is not None and (each.warned_days is None or reached < each.warned_days) else None


async def warned(tx: AsyncConnection, certificate_id: int, days: int) -> None:
    """Remember that this warning was given, and with it those before."""
    await tx.execute(_WARNED, {"id": certificate_id, "days": days})
