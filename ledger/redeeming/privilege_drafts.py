"""Privileges being written in chat. What drafts are in general is `drafts`; here is what a privilege's must say, and publishing it.

Whatever is added must fit the document's own rules; only the parts of `NEEDED`, and whom it is for, may still be missing.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.redeeming import drafts, privileges
from ledger.redeeming.drafts import Document, Drafts, Published, merged
from ledger.redeeming.privilege import Privilege
from ledger.redeeming.privileges import NoSuchPrivilege

NEEDED = ("name", "gives")
"""What a draft must have, besides one of `holds` and `tiers` and what is known from its beginning."""

_FILLERS: Document = {"name": {"zh": "…", "en": "…"}, "gives": {"kind": "percent_off", "percent": 1}}
_ANYBODY: Document = {"holds": {"points": 1}}


@dataclass(eq=False)
class NoSuchPrivilegeDraft(Refusal):
    """Nothing is being written: it was published, dropped, or forgotten after `drafts.KEPT_DAYS`."""

    merchant_id: int


@dataclass(eq=False)
class PrivilegeDraftInTheWay(Refusal):
    """Another draft of the same person's is not published yet; `privilege_id` None: of a new privilege."""

    merchant_id: int
    privilege_id: int | None


@dataclass(eq=False)
class PrivilegeEditedMeanwhile(Refusal):
    """A draft began with version `based_on`; the privilege is at `version` by now."""

    privilege_id: int
    merchant_id: int
    based_on: int
    version: int


@dataclass(frozen=True, slots=True)
class Draft(drafts.Draft):
    """A privilege that somebody is writing."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be written before it can be published; «holds» stands for whom it is for."""
        parts = [part for part in NEEDED if part not in self.document]
        return (*parts, *(() if _for_somebody(self.document) else ("holds",)))


def written(privilege: Privilege) -> Document:
    """A privilege's document as drafts hold it: what it does not say is not there."""
    found: Document = json.loads(privilege.model_dump_json(exclude_none=True))
    return {part: said for part, said in found.items() if said != []}


def _for_somebody(document: Mapping[str, Any]) -> bool:
    return bool(document.get("holds") or document.get("tiers"))


def checked(document: Mapping[str, Any]) -> Privilege | None:
    """The privilege that a document says; None where something is still missing.

    Raises:
        pydantic.ValidationError: what is there already breaks a rule.
    """
    whole = all(part in document for part in NEEDED) and _for_somebody(document)
    anybody = {} if _for_somebody(document) else _ANYBODY
    found = Privilege.model_validate_json(json.dumps({**_FILLERS, **anybody, **document}))
    return found if whole else None


_VERSION = text("SELECT document::text FROM privilege_version WHERE privilege_id = :id AND version = :version")


async def base_of(tx: AsyncConnection, draft: Draft) -> Document:
    """The document that a draft began with; empty for a new privilege."""
    if draft.subject_id is None:
        return {}
    said = await tx.scalar(_VERSION, {"id": draft.subject_id, "version": draft.base_version})
    return written(Privilege.model_validate_json(said or ""))


async def _published(tx: AsyncConnection, privilege_id: int) -> Published:
    this = await privileges.one(tx, privilege_id)
    return Published(this.merchant_id, this.version, written(this.privilege))


_KEPT = Drafts(
    "privilege_draft",
    "privilege_id",
    Draft,
    none=NoSuchPrivilegeDraft,
    in_the_way=PrivilegeDraftInTheWay,
    published=_published,
    unknown=NoSuchPrivilege,
    base=base_of,
)
find, mine, unfinished = _KEPT.find, _KEPT.mine, _KEPT.unfinished
begin, begin_change, changes, drop = _KEPT.begin, _KEPT.begin_change, _KEPT.changes, _KEPT.drop


async def change(
    tx: AsyncConnection, draft: Draft, parts: Mapping[str, Any], *, guide: str | None, now: dt.datetime
) -> Draft:
    """Write parts of the document (None: without it) and what is asked next.

    Raises:
        pydantic.ValidationError: the document would break a rule. The draft is as it was.
    """
    document = merged(draft.document, parts)
    found = checked(document)
    return await _KEPT.keep(tx, draft, document if found is None else written(found), guide=guide, now=now)


async def onto_latest(tx: AsyncConnection, draft: Draft, *, now: dt.datetime) -> Draft:
    """Carry a draft's changes over to the privilege as it is now: where both changed the same part, the draft's stands.

    Raises:
        pydantic.ValidationError: the two together break a rule.
    """
    assert draft.subject_id is not None
    mine_ = await changes(tx, draft)
    this = await privileges.one(tx, draft.subject_id)
    fresh = replace(draft, base_version=this.version, document=written(this.privilege), guide=None)
    return await change(tx, fresh, mine_, guide=None, now=now)


async def put_up(tx: AsyncConnection, draft: Draft, *, by: str, now: dt.datetime) -> tuple[int, int]:
    """Publish a draft, which ends with it; one that is switched off stays so. Gives the privilege's id and version.

    Raises:
        PrivilegeEditedMeanwhile → what `privileges.publish` refuses.
    """
    privilege = Privilege.model_validate_json(json.dumps(draft.document))
    if draft.subject_id is not None:
        await privileges.lock(tx, draft.merchant_id, privilege.code)
        this = await privileges.one(tx, draft.subject_id)
        if this.version != draft.base_version:
            based_on = draft.base_version or 0
            raise PrivilegeEditedMeanwhile(draft.subject_id, draft.merchant_id, based_on, this.version)
    made = await privileges.publish(tx, privilege, active=None, by=by, now=now)
    await drop(tx, draft.merchant_id, draft.member_id)
    return made
