"""Privileges kept and read: publishing versions, switching off, and judging a merchant's or everybody's for one member."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.errors import Refusal
from ledger.members.named import must_be_known
from ledger.merchants import log
from ledger.merchants import merchant as merchants
from ledger.points import statements
from ledger.points.commands import Owner
from ledger.redeeming.may_use import Facts, Here, Listed, No, Yes, may_use
from ledger.redeeming.offers import Names
from ledger.redeeming.privilege import Privilege, parse

LISTED_MOST = 300
"""So many privileges of one list are judged at most."""


@dataclass(eq=False)
class NoSuchPrivilege(Refusal):
    """No privilege goes by this id, at this merchant."""

    privilege_id: int


@dataclass(eq=False)
class CurrencyNotHeldFor(Refusal):
    """A privilege asks for common points, or for the merchant's own."""

    currency: str


@dataclass(eq=False)
class NoOutletOfThatName(Refusal):
    """The merchant has no open outlet of this name."""

    outlet: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A privilege as it is for one member now."""

    listed: Listed
    facts: Facts
    verdict: Yes | No


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a privilege: who published it (as entries name an actor), and when."""

    version: int
    privilege: Privilege
    made_by: str
    made_at: dt.datetime


_LISTED = """
    SELECT p.id, p.version, p.active, p.merchant_id, m.name_zh AS merchant_zh, m.name_en AS merchant_en,
           m.status IN ('certified', 'suspended') AS serves, m.money, p.currency_id, c.name_zh, c.name_en,
           c.issuer_id IS NULL AS common,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(o.id, o.name) ORDER BY o.id), '[]') FROM outlet o
            WHERE o.id = ANY(p.outlet_ids)) AS outlets,
           p.document::text AS document
    FROM privilege p JOIN merchant m ON m.id = p.merchant_id LEFT JOIN currency c ON c.id = p.currency_id
"""
_ONE = text(f"{_LISTED} WHERE p.id = :id")
_OF_MERCHANT = text(
    f"{_LISTED} WHERE p.merchant_id = :merchant AND (p.active OR :all) ORDER BY p.id LIMIT {LISTED_MOST}"
)
_EVERYWHERE = text(
    f"{_LISTED} WHERE p.active AND m.status IN ('certified', 'suspended') ORDER BY p.id LIMIT {LISTED_MOST}"
)
_MINE = text(
    "SELECT id, version, active, document = CAST(:document AS jsonb) AS same FROM privilege"
    " WHERE merchant_id = :merchant_id AND code = :code"
)
_INSERT = text(
    "INSERT INTO privilege (merchant_id, code, version, currency_id, outlet_ids, document, active)"
    " VALUES (:merchant_id, :code, 1, :currency_id, :outlet_ids, CAST(:document AS jsonb),"
    " coalesce(CAST(:active AS boolean), true)) RETURNING id"
)
_UPDATE = text(
    "UPDATE privilege SET version = :version, currency_id = :currency_id, outlet_ids = :outlet_ids,"
    " document = CAST(:document AS jsonb), active = coalesce(CAST(:active AS boolean), active) WHERE id = :id"
)
_VERSION = text(
    "INSERT INTO privilege_version (privilege_id, version, document, made_by, made_at)"
    " VALUES (:id, :version, CAST(:document AS jsonb), :by, :now)"
)
_VERSIONS = text(
    "SELECT version, document::text AS document, made_by, made_at FROM privilege_version"
    " WHERE privilege_id = :id AND version <= :most ORDER BY version DESC LIMIT :limit"
)
_SWITCH = text(
    "UPDATE privilege SET active = :active WHERE id = :id AND merchant_id = :merchant AND active <> :active RETURNING code"
)
_OUTLETS = text("SELECT id, name FROM outlet WHERE merchant_id = :merchant AND closed_at IS NULL")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('privilege-code:' || :merchant || ':' || :code, 0))")


async def publish(
    tx: AsyncConnection, privilege: Privilege, *, active: bool | None = True, by: str, now: dt.datetime
) -> tuple[int, int]:
    """Put a privilege up, or a new version of it; an unchanged document makes no version. Gives its id and version.

    `active` None: one that is switched off stays so.

    Raises:
        NoSuchMerchant → CurrencyNotHeldFor → NoOutletOfThatName → NoSuchTier → NoSuchRegion.
    """
    giver = await merchants.by_code(tx, privilege.merchant)
    facts: dict[str, Any] = {
        "merchant_id": giver.id,
        "code": privilege.code,
        "currency_id": await _currency(tx, privilege, giver.id),
        "outlet_ids": await _places(tx, privilege, giver.id),
        "document": privilege.model_dump_json(exclude_none=True),
        "active": active,
    }
    await must_be_known(tx, tiers=set(privilege.tiers), regions={privilege.region} if privilege.region else set())
    await lock(tx, giver.id, privilege.code)
    old = (await tx.execute(_MINE, facts)).first()
    if old is None:
        id_, version = int(await tx.scalar(_INSERT, facts) or 0), 1
    else:
        id_, version = old.id, old.version + (not old.same)
        await tx.execute(_UPDATE, {**facts, "id": id_, "version": version})
    if old is None or not old.same:
        await tx.execute(_VERSION, {"id": id_, "version": version, "document": facts["document"], "by": by, "now": now})
        await log.write(tx, giver.id, "privilege_published", who=by, at=now, **_named(privilege))
    if old is not None and active is not None and old.active != active:
        await log.write(tx, giver.id, _SWITCHED[active], who=by, at=now, **_named(privilege))
    return id_, version


async def lock(tx: AsyncConnection, merchant_id: int, code: str) -> None:
    """Have one of a merchant's privileges for this transaction alone: its versions follow one another."""
    await tx.execute(_LOCK, {"merchant": str(merchant_id), "code": code})


_SWITCHED: dict[bool, log.What] = {True: "privilege_resumed", False: "privilege_paused"}


def _named(privilege: Privilege) -> dict[str, str]:
    return {"name_zh": privilege.name.zh, "name_en": privilege.name.en}


async def _currency(tx: AsyncConnection, privilege: Privilege, merchant_id: int) -> int | None:
    if privilege.holds is None:
        return None
    code = privilege.holds.currency
    known = (c for c in (await statements.currencies(tx)).values() if c.code == code)
    found = next((c for c in known if c.issuer_id in (None, merchant_id)), None)
    if found is None:
        raise CurrencyNotHeldFor(code)
    return found.id


async def _places(tx: AsyncConnection, privilege: Privilege, merchant_id: int) -> list[int] | None:
    if not privilege.outlets:
        return None
    named = {row.name: row.id for row in await tx.execute(_OUTLETS, {"merchant": merchant_id})}
    for name in privilege.outlets:
        if name not in named:
            raise NoOutletOfThatName(name)
    return [named[name] for name in privilege.outlets]


async def switch(
    tx: AsyncConnection, merchant_id: int, privilege_id: int, active: bool, *, by: str, now: dt.datetime
) -> None:
    """Switch a privilege off, or on again; what is so already stays so. `NoSuchPrivilege`."""
    this = await one(tx, privilege_id)
    if this.merchant_id != merchant_id:
        raise NoSuchPrivilege(privilege_id)
    values = {"id": privilege_id, "merchant": merchant_id, "active": active}
    if await tx.scalar(_SWITCH, values) is not None:
        await log.write(tx, merchant_id, _SWITCHED[active], who=by, at=now, **_named(this.privilege))


def _listed(row: Sequence[Any]) -> Listed:
    (
        id_, version, active, merchant_id, merchant_zh, merchant_en, serves, money, currency_id, name_zh, name_en, common,
        outlets, document,
    ) = row  # fmt: skip
    return Listed(
        id_,
        version,
        active,
        merchant_id,
        Names(zh=merchant_zh, en=merchant_en),
        serves,
        money,
        currency_id,
        None if currency_id is None else Names(zh=name_zh, en=name_en),
        common,
        tuple((outlet_id, name) for outlet_id, name in outlets),
        parse(document),
    )


async def one(tx: AsyncConnection, privilege_id: int) -> Listed:
    """One privilege, also when it is switched off. `NoSuchPrivilege`."""
    row = (await tx.execute(_ONE, {"id": privilege_id})).first()
    if row is None:
        raise NoSuchPrivilege(privilege_id)
    return _listed(row)


async def versions(tx: AsyncConnection, privilege_id: int, *, most: int, limit: int) -> list[Version]:
    """A privilege's versions up to `most`, the latest first."""
    values = {"id": privilege_id, "most": most, "limit": limit}
    return [
        Version(row.version, parse(row.document), row.made_by, row.made_at)
        for row in await tx.execute(_VERSIONS, values)
    ]


async def of_merchant(tx: AsyncConnection, merchant_id: int, *, paused: bool = False) -> list[Listed]:
    """A merchant's privileges, oldest first; with those switched off where `paused`."""
    return [_listed(row) for row in await tx.execute(_OF_MERCHANT, {"merchant": merchant_id, "all": paused})]


async def everywhere(tx: AsyncConnection) -> list[Listed]:
    """Every privilege that is on, of merchants that take part."""
    return [_listed(row) for row in await tx.execute(_EVERYWHERE)]


_WHO = text(
    """
    SELECT m.status, CASE WHEN m.kind = 'person' THEN coalesce(m.tier, p.document #>> '{tiers,0,code}') END AS tier,
           m.region, coalesce(p.document -> 'tiers', '[]') AS tiers, coalesce(p.document -> 'regions', '[]') AS regions
    FROM member m LEFT JOIN programme p ON p.one = 1 WHERE m.id = :member
    """
)
# What was used with a paper card counts on after its holder has claimed it.
_USED = text(
    """
    SELECT privilege_id, count(*) FILTER (WHERE used_on = :today) AS today, count(*) AS month
    FROM privilege_use
    WHERE member_id = ANY(ARRAY(SELECT CAST(:member AS bigint) UNION ALL
                                SELECT member_id FROM succession WHERE holder_id = :member))
      AND privilege_id = ANY(:ids) AND used_on >= :month AND undone_at IS NULL
    GROUP BY privilege_id
    """
)


async def facts(tx: AsyncConnection, member_id: int, asked: Iterable[Listed], *, today: dt.date) -> dict[int, Facts]:
    """What these privileges and this member are to each other, by privilege id, in two reads, or three where points count."""
    asked = list(asked)
    who = (await tx.execute(_WHO, {"member": member_id})).one()
    tiers, regions = ({r["code"]: (r["name_zh"], r["name_en"]) for r in said} for said in (who.tiers, who.regions))
    values = {"member": member_id, "ids": [each.id for each in asked], "today": today, "month": today.replace(day=1)}
    used = {row.privilege_id: (row.today, row.month) for row in await tx.execute(_USED, values)}
    held: dict[int, statements.Holding] = {}
    if any(each.currency_id is not None for each in asked):
        held = {h.currency.id: h for h in await statements.wallet(tx, Owner("member", member_id), today=today)}
    found = {}
    for each in asked:
        purse = held.get(each.currency_id) if each.currency_id is not None else None
        had_today, had_month = used.get(each.id, (0, 0))
        points = (purse.available, purse.pending, purse.next_release) if purse else (0, 0, None)
        found[each.id] = Facts(who.status, who.tier, tiers, *points, had_today, had_month, who.region, regions)
    return found


async def judged(
    tx: AsyncConnection, member_id: int, asked: Iterable[Listed], *, today: dt.date, here: Here | None = None
) -> list[Seen]:
    """These privileges for one member, in the order given. `here` as in `may_use`. Whoever asks has had their tier looked at."""
    asked = list(asked)
    if not asked:
        return []
    known = await facts(tx, member_id, asked, today=today)
    return [Seen(each, known[each.id], may_use(each, known[each.id], today=today, here=here)) for each in asked]
