"""Applying to be a merchant (C1): a draft that grows answer by answer and paper by paper, is sent, and is decided by an operator.

Sending makes the merchant, with the standing «applied»; whoever applied owns it once it is certified. A member has one open
application. The contact is sealed under a key of its own; key and papers go when the application comes to nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.vault import Vault
from ledger.merchants import certificates, files, licences, log, staff, standing
from ledger.merchants import merchant as merchants
from ledger.merchants.merchant import Merchant, Terms
from ledger.points.commands import Moment
from ledger.programme import Programme

Field = Literal["name_zh", "name_en", "category", "region", "contact", "licence"]
FIELDS: tuple[Field, ...] = get_args(Field)
"""In the order in which they are asked."""

LONGEST: dict[Field, int] = {
    "name_zh": 30,
    "name_en": 60,
    "category": 20,
    "region": 20,
    "contact": 100,
    "licence": 30,
}
NATIONWIDE = "*"
"""The answer of who sells everywhere: the merchant then has no region."""


@dataclass(eq=False)
class AnswerWrong(Refusal):
    """An answer is 1 to `longest` characters; a region or category one of `choices`."""

    field: Field
    longest: int
    choices: tuple[str, ...] = ()


@dataclass(eq=False)
class ApplicationIncomplete(Refusal):
    """These answers are missing; `licence_file`: so is the licence itself."""

    fields: tuple[Field, ...]
    licence_file: bool


@dataclass(eq=False)
class ApplicationClosed(Refusal):
    """It has been sent or decided, and can't be changed by this any more."""

    state: str


@dataclass(eq=False)
class NoSuchApplication(Refusal):
    """Nobody here applied under this number."""

    application_id: int


@dataclass(frozen=True, slots=True)
class Application:
    """An application. `contact` is read with a vault only (None otherwise, or where it has been forgotten); `member_id` None: it
    came over HTTP (`applicants`), with the numbers that it `stated`."""

    id: int
    member_id: int | None
    state: str
    name_zh: str | None
    name_en: str | None
    category: str | None
    region: str | None
    licence: str | None
    merchant_id: int | None
    begun_at: dt.datetime
    sent_at: dt.datetime | None
    decided_at: dt.datetime | None
    reason: str | None
    stated: list[dict[str, str]] | None
    taken_at: dt.datetime | None
    contact: str | None
    has_contact: bool

    def answered(self, field: Field) -> bool:
        """Whether this was answered."""
        return self.has_contact if field == "contact" else bool(getattr(self, field))

    @property
    def unanswered(self) -> tuple[Field, ...]:
        """What is still to be asked, in order."""
        return tuple(field for field in FIELDS if not self.answered(field))


_COLUMNS = (
    "id, member_id, state, name_zh, name_en, category, region, licence, merchant_id, begun_at, sent_at, decided_at, reason,"
    " stated, taken_at, contact_key, contact_box"
)
_OPEN = text(f"SELECT {_COLUMNS} FROM merchant_application WHERE member_id = :member AND state IN ('draft', 'sent')")
_LATEST = text(f"SELECT {_COLUMNS} FROM merchant_application WHERE member_id = :member ORDER BY id DESC LIMIT 1")
_ONE = text(f"SELECT {_COLUMNS} FROM merchant_application WHERE id = :id")
_LOCK = text(f"SELECT {_COLUMNS} FROM merchant_application WHERE id = :id FOR UPDATE")
_OF_MERCHANT = text(
    f"SELECT {_COLUMNS} FROM merchant_application WHERE merchant_id = :merchant ORDER BY id DESC LIMIT 1"
)
_QUEUE = text(
    f"SELECT {_COLUMNS} FROM merchant_application WHERE state = 'sent' ORDER BY id OFFSET :offset LIMIT :limit"
)
_BEGIN = text(
    "INSERT INTO merchant_application (member_id, begun_at) VALUES (:member, :at)"
    f" ON CONFLICT (member_id) WHERE state IN ('draft', 'sent') DO NOTHING RETURNING {_COLUMNS}"
)


def _application(row: Row[Any], vault: Vault | None) -> Application:
    fields = dict(row._mapping)
    key, box = fields.pop("contact_key"), fields.pop("contact_box")
    contact = vault.open(key, box)["contact"] if vault is not None and key is not None else None
    return Application(**fields, contact=contact, has_contact=key is not None)


async def current(tx: AsyncConnection, member_id: int, *, vault: Vault | None = None) -> Application | None:
    """What this member has open: a draft, or what was sent and waits."""
    row = (await tx.execute(_OPEN, {"member": member_id})).first()
    return None if row is None else _application(row, vault)


async def latest(tx: AsyncConnection, member_id: int) -> Application | None:
    """This member's last application, also when it was decided."""
    row = (await tx.execute(_LATEST, {"member": member_id})).first()
    return None if row is None else _application(row, None)


async def by_id(
    tx: AsyncConnection, application_id: int, *, vault: Vault | None = None, lock: bool = False
) -> Application:
    """One application, or `NoSuchApplication`."""
    row = (await tx.execute(_LOCK if lock else _ONE, {"id": application_id})).first()
    if row is None:
        raise NoSuchApplication(application_id)
    return _application(row, vault)


async def of_merchant(tx: AsyncConnection, merchant_id: int, *, vault: Vault | None = None) -> Application | None:
    """The application that a merchant came by."""
    row = (await tx.execute(_OF_MERCHANT, {"merchant": merchant_id})).first()
    return None if row is None else _application(row, vault)


async def queue(tx: AsyncConnection, *, offset: int = 0, limit: int = 10) -> list[Application]:
    """What waits for an operator, oldest first."""
    return [_application(row, None) for row in await tx.execute(_QUEUE, {"offset": offset, "limit": limit})]


async def queue_length(tx: AsyncConnection) -> int:
    """How many wait."""
    return int(await tx.scalar(text("SELECT count(*) FROM merchant_application WHERE state = 'sent'")) or 0)


async def begin(tx: AsyncConnection, member_id: int, *, now: dt.datetime) -> Application:
    """The member's open application, begun where there is none."""
    row = (await tx.execute(_BEGIN, {"member": member_id, "at": now})).first()
    if row is not None:
        return _application(row, None)
    found = await current(tx, member_id)
    assert found is not None
    return found


async def answer(
    tx: AsyncConnection, application_id: int, field: Field, said: str, *, programme: Programme, vault: Vault
) -> Application:
    """Write an answer into a draft, over the one before. `ApplicationClosed` → `AnswerWrong` → `LicenceWrong`."""
    draft = await _draft(tx, application_id)
    return await write(tx, draft, field, said, programme=programme, vault=vault)


async def write(
    tx: AsyncConnection, known: Application, field: Field, said: str, *, programme: Programme, vault: Vault
) -> Application:
    """The same for whoever has seen that it may be changed: `known` is how it stands. `AnswerWrong` → `LicenceWrong`."""
    said = " ".join(said.split())
    if not 1 <= len(said) <= LONGEST[field]:
        raise AnswerWrong(field, LONGEST[field])
    if field == "licence":
        said = licences.read(said, mainland=licences.on_mainland(programme, known.region))
    if field == "contact":
        key = vault.new_key()
        values: dict[str, Any] = {"contact_key": key, "contact_box": vault.seal(key, {"contact": said})}
    else:
        values = {field: said}
    changes = ", ".join(f"{name} = :{name}" for name in values)  # names of FIELDS, never of what was said
    query = text(f"UPDATE merchant_application SET {changes} WHERE id = :id RETURNING {_COLUMNS}")
    return _application((await tx.execute(query, {"id": known.id, **values})).one(), None)


async def send(
    tx: AsyncConnection, application_id: int, *, programme: Programme, by: str, now: dt.datetime
) -> Application:
    """Send a draft: the merchant is made, as «applied», with the programme's usual terms.

    Raises:
        ApplicationClosed → ApplicationIncomplete → LicenceWrong.
    """
    draft = await _draft(tx, application_id)
    papers = await files.of_application(tx, application_id)
    licence_file = not any(each.purpose == "licence" for each in papers)
    if draft.unanswered or licence_file:
        raise ApplicationIncomplete(draft.unanswered, licence_file)
    assert draft.name_zh and draft.name_en and draft.category and draft.region and draft.licence
    # The region may have been changed since the number was given.
    licences.read(draft.licence, mainland=licences.on_mainland(programme, draft.region))
    made = await merchants.create(
        tx,
        code=f"joined-{application_id}",
        name_zh=draft.name_zh,
        name_en=draft.name_en,
        category=draft.category,
        region=None if draft.region == NATIONWIDE else draft.region,
        money=programme.money,
        terms=Terms(currency=programme.common_currency),
        status="applied",
    )
    await files.hand_over(tx, application_id, made.id)
    await log.write(tx, made.id, "applied", who=by, at=now)
    query = text(
        "UPDATE merchant_application SET state = 'sent', merchant_id = :merchant, sent_at = :at WHERE id = :id"
        f" RETURNING {_COLUMNS}"
    )
    return _application((await tx.execute(query, {"id": application_id, "merchant": made.id, "at": now})).one(), None)


async def withdraw(tx: AsyncConnection, application_id: int, *, by: str, now: dt.datetime) -> None:
    """Take an application back, drafted or sent. Of a draft nothing is kept. `ApplicationClosed` once decided."""
    known = await opened(tx, application_id)
    if known.state == "draft":
        await files.forget(tx, application_id)
        await tx.execute(text("DELETE FROM merchant_application WHERE id = :id"), {"id": application_id})
        return
    assert known.merchant_id is not None
    await standing.move(tx, known.merchant_id, "withdraw", by=by, now=now)
    await _decide(tx, application_id, "withdrawn", by=by, now=now, reason=None)


@dataclass(frozen=True, slots=True)
class Certified:
    """A merchant that may issue from now on, and its owner; `applicant` None: it came by another way than an application in
    chat."""

    merchant: Merchant
    applicant: int | None


async def certify(
    tx: AsyncConnection, merchant_id: int, *, programme: Programme, label: str, by: str, at: Moment
) -> Certified:
    """Certify who has applied, and make the applicant its owner, named `label` on receipts.

    Raises:
        those of `certificates.certify`.
    """
    await certificates.certify(
        tx,
        merchant_id,
        required=programme.certificates_required,
        by=by,
        two_persons=programme.certificates_need_two,
        at=at,
    )
    found = await of_merchant(tx, merchant_id)
    if found is not None:
        await _decide(tx, found.id, "accepted", by=by, now=at.now, reason=None)
    if found is not None and found.member_id is not None:
        await staff.add(
            tx, merchant_id=merchant_id, member_id=found.member_id, role="owner", label=label, by=by, now=at.now
        )
    return Certified(await merchants.by_id(tx, merchant_id), found.member_id if found is not None else None)


async def reject(
    tx: AsyncConnection, merchant_id: int, *, reason: str, by: str, now: dt.datetime
) -> Application | None:
    """Turn an application down, with a reason that the applicant is told. Those of `standing.move`."""
    await standing.move(tx, merchant_id, "reject", by=by, now=now, reason=reason)
    found = await of_merchant(tx, merchant_id)
    if found is None:
        return None
    return await _decide(tx, found.id, "rejected", by=by, now=now, reason=standing.tidy_reason(reason))


async def _decide(
    tx: AsyncConnection, application_id: int, state: str, *, by: str, now: dt.datetime, reason: str | None
) -> Application:
    forget = "" if state == "accepted" else ", contact_key = NULL, contact_box = NULL"
    if forget:
        await files.forget(tx, application_id)
    query = text(
        "UPDATE merchant_application SET state = :state, decided_at = :at, decided_by = :by, reason = :reason"
        f"{forget} WHERE id = :id RETURNING {_COLUMNS}"
    )
    values = {"id": application_id, "state": state, "at": now, "by": by, "reason": reason}
    return _application((await tx.execute(query, values)).one(), None)


async def opened(tx: AsyncConnection, application_id: int) -> Application:
    """An application that is not decided, locked. `NoSuchApplication` → `ApplicationClosed`."""
    found = await _locked(tx, application_id)
    if found.state not in ("draft", "sent"):
        raise ApplicationClosed(found.state)
    return found


async def _locked(tx: AsyncConnection, application_id: int) -> Application:
    row = (await tx.execute(_LOCK, {"id": application_id})).first()
    if row is None:
        raise NoSuchApplication(application_id)
    return _application(row, None)


async def _draft(tx: AsyncConnection, application_id: int) -> Application:
    found = await _locked(tx, application_id)
    if found.state != "draft":
        raise ApplicationClosed(found.state)
    return found
