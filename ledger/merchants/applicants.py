"""Applying over HTTP, without being anybody here yet: the same application, papers and queue as in chat (`onboarding`).

Who applied proves it by a token that follows from the programme's key and the application's number: nothing of it is stored.
Answers and papers may be corrected until an operator decides. Certified, the applicant takes the owner's one-time link and a first
key, once; they follow from the programme's key too, so a repeated request gets them again. Abuse is bounded by the address that it
comes from, blinded, and over all of them.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.invitations import Invitation
from ledger.members.vault import Vault
from ledger.merchants import api_keys, files, log, onboarding, staff
from ledger.merchants.api_keys import ApiKey
from ledger.merchants.files import Paper, Purpose
from ledger.merchants.onboarding import Application, Field
from ledger.programme import Programme

BEGUN_A_DAY_MOST, OPEN_MOST, OPEN_IN_ALL_MOST = 5, 3, 300
"""From one address; from all of them together."""
PAPER_BYTES_MOST, PAPERS_BYTES_MOST = 1_000_000, 6_000_000
DRAFT_DAYS = 7
"""So long is a draft kept that nobody sends."""

_MARK = "ja"
_HALVES = 43  # characters of 32 bytes, url-safe


@dataclass(eq=False)
class TooManyApplications(Refusal):
    """From one address `most` are open, or were begun within a day; or there are too many altogether."""

    most: int


@dataclass(eq=False)
class NotCertifiedYet(Refusal):
    """There is nothing to be taken before an operator has certified; `state` is where it stands."""

    state: str


@dataclass(eq=False)
class TakenAlready(Refusal):
    """Link and key were taken at `at`; an operator can hand out another link."""

    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Stated:
    """A certificate as an applicant states it; what counts is what an operator enters."""

    kind: Literal["credit", "assessment", "filing"]
    number: str
    issuer: str
    valid_until: dt.date


@dataclass(frozen=True, slots=True)
class Taken:
    """What a certified applicant is handed: who may become owner by which token, and a key with its whole text."""

    invitation: Invitation
    token: str
    key: ApiKey
    whole: str


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('applicants', 0))")
_COUNTS = text(
    "SELECT count(*) FILTER (WHERE from_index = :index AND state IN ('draft', 'sent')) AS open,"
    " count(*) FILTER (WHERE from_index = :index AND begun_at > CAST(:now AS timestamptz) - interval '1 day') AS begun,"
    " count(*) FILTER (WHERE state IN ('draft', 'sent')) AS all_open"
    " FROM merchant_application WHERE from_index IS NOT NULL"
)
_BEGIN = text("INSERT INTO merchant_application (from_index, begun_at) VALUES (:index, :now) RETURNING id")
_STATE = text("UPDATE merchant_application SET stated = CAST(:stated AS jsonb) WHERE id = :id")
_MERCHANT = text(
    "UPDATE merchant SET name_zh = :name_zh, name_en = :name_en, category = :category, region = :region"
    " WHERE id = :id AND status = 'applied'"
)
_TAKEN = text("UPDATE merchant_application SET taken_at = :now WHERE id = :id")
_HELD = text("SELECT coalesce(sum(size), 0) FROM merchant_file WHERE application_id = :id AND unique_id <> :print")
_OLD = text(
    "SELECT id FROM merchant_application WHERE state = 'draft' AND from_index IS NOT NULL"
    " AND begun_at < CAST(:now AS timestamptz) - make_interval(days => :days) ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED"
)


def token_of(vault: Vault, application_id: int) -> str:
    """By which an application is followed."""
    return f"{_MARK}_{application_id}_{_secret(vault, 'applicant', application_id)}"


def application_of(vault: Vault, token: str) -> int | None:
    """The application that a token is for; None for anything else."""
    mark, _, rest = token.partition("_")
    number, _, _ = rest.partition("_")
    if mark != _MARK or not number.isascii() or not number.isdecimal() or len(number) > 18:
        return None
    fits = hmac.compare_digest(token_of(vault, int(number)).encode(), token.encode())
    return int(number) if fits else None


def _secret(vault: Vault, use: str, application_id: int) -> str:
    return base64.urlsafe_b64encode(vault.blind(use, application_id)).rstrip(b"=").decode()


def index_of(vault: Vault, address: str) -> bytes:
    """A network address, blinded."""
    return vault.blind("applicant-address", address)


async def begin(tx: AsyncConnection, from_index: bytes, *, now: dt.datetime) -> int:
    """A new draft. `TooManyApplications`."""
    await tx.execute(_LOCK)
    row = (await tx.execute(_COUNTS, {"index": from_index, "now": now})).one()
    if row.open >= OPEN_MOST:
        raise TooManyApplications(OPEN_MOST)
    if row.begun >= BEGUN_A_DAY_MOST:
        raise TooManyApplications(BEGUN_A_DAY_MOST)
    if row.all_open >= OPEN_IN_ALL_MOST:
        raise TooManyApplications(OPEN_IN_ALL_MOST)
    return int((await tx.execute(_BEGIN, {"index": from_index, "now": now})).scalar_one())


async def write(
    tx: AsyncConnection,
    application_id: int,
    answers: Mapping[Field, str],
    stated: Sequence[Stated] | None,
    *,
    programme: Programme,
    vault: Vault,
    by: str,
    now: dt.datetime,
) -> Application:
    """Write answers, over those before; the merchant that was made by sending changes with them.

    Raises:
        NoSuchApplication → ApplicationClosed → AnswerWrong → LicenceWrong.
    """
    known = found = await onboarding.opened(tx, application_id)
    for field, said in answers.items():
        found = await onboarding.write(tx, found, field, said, programme=programme, vault=vault)
    if stated is not None:
        document = json.dumps([asdict(each) for each in stated], ensure_ascii=False, default=str)
        await tx.execute(_STATE, {"id": application_id, "stated": document})
    found = await onboarding.by_id(tx, application_id, vault=vault)
    if known.merchant_id is not None:
        region = None if found.region == onboarding.NATIONWIDE else found.region
        names = {"name_zh": found.name_zh, "name_en": found.name_en, "category": found.category, "region": region}
        await tx.execute(_MERCHANT, {"id": known.merchant_id, **names})
        await log.write(tx, known.merchant_id, "corrected", who=by, at=now)
    return found


async def add_paper(
    tx: AsyncConnection, application_id: int, purpose: Purpose, name: str, content: bytes, *, by: str, now: dt.datetime
) -> Paper:
    """Keep a paper. The same content again is one paper.

    Raises:
        NoSuchApplication → ApplicationClosed → FileTooLarge (one, or all of them together) → TooManyFiles.
    """
    known = await onboarding.opened(tx, application_id)
    mark = hashlib.sha256(content).hexdigest()
    held = await tx.scalar(_HELD, {"id": application_id, "print": mark}) or 0
    if len(content) > PAPER_BYTES_MOST:
        raise files.FileTooLarge(PAPER_BYTES_MOST)
    if held + len(content) > PAPERS_BYTES_MOST:
        raise files.FileTooLarge(PAPERS_BYTES_MOST)
    return await files.add(
        tx,
        application_id=application_id,
        merchant_id=known.merchant_id,
        purpose=purpose,
        kind="document",
        given=None,
        content=content,
        unique_id=mark,
        name=name,
        size=len(content),
        caption="",
        by=by,
        now=now,
    )


async def take(
    tx: AsyncConnection, application_id: int, *, label: str, by: str, vault: Vault, now: dt.datetime
) -> Taken:
    """Hand the owner's link and a first key over, once.

    Raises:
        NoSuchApplication → NotCertifiedYet → TakenAlready.
    """
    found = await onboarding.by_id(tx, application_id, lock=True)
    if found.state != "accepted" or found.merchant_id is None:
        raise NotCertifiedYet(found.state)
    if found.taken_at is not None:
        raise TakenAlready(found.taken_at)
    token, secret = handed_over(vault, application_id)
    offered = await staff.invite_owner(
        tx, merchant_id=found.merchant_id, label=label, by=by, token=token, vault=vault, now=now
    )
    key, whole = await api_keys.create(
        tx,
        merchant_id=found.merchant_id,
        label="API",
        scopes=("award", "refund", "vouchers"),
        secret=secret,
        by=by,
        now=now,
    )
    await tx.execute(_TAKEN, {"id": application_id, "now": now})
    await log.write(tx, found.merchant_id, "key_made", who=by, at=now, label=key.label)
    return Taken(offered, token, key, whole)


def handed_over(vault: Vault, application_id: int) -> tuple[str, str]:
    """The owner's token and the key's secret, always the same for an application."""
    token = _secret(vault, "applicant-owner", application_id)[:24].replace("_", "-")
    return token, _secret(vault, "applicant-key", application_id)


async def forget_old(tx: AsyncConnection, *, now: dt.datetime, limit: int) -> int:
    """Drop drafts that nobody sent, with their papers; how many there were."""
    old = list(await tx.scalars(_OLD, {"now": now, "days": DRAFT_DAYS, "limit": limit}))
    for application_id in old:
        await onboarding.withdraw(tx, application_id, by="job:prune", now=now)
    return len(old)
