"""A merchant's files, received and worked on by hand: what tests of imports share."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook
from sqlalchemy import text

from bot.clock import Clock
from bot.imports import Imports
from chat.feature import discover
from ledger.imports import files, rows
from ledger.imports.files import ImportFile
from ledger.imports.kinds import Kind
from ledger.imports.rows import ImportRow
from ledger.members.vault import Vault
from ledger.merchants.merchant import Merchant
from ledger.points.audit import audit
from tests import turns
from tests.conftest import Database
from tests.driver import _log_plainly
from tests.ledger.earning.shop import NOON, ZONE, Shop, open_shop

SECRET = "a secret for tests"

HEADS: dict[Kind, list[str]] = {
    "purchases": ["单号", "顾客号", "时间", "金额", "分类", "货号", "数量"],
    "members": ["顾客号"],
    "balances": ["顾客号", "积分", "到期日"],
    "codes": ["券码池", "券码", "有效期"],
    "used_vouchers": ["券码", "用券时间"],
}


def csv_of(lines: Sequence[Sequence[object]], encoding: str = "utf-8-sig", delimiter: str = ",") -> bytes:
    """A CSV file."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(lines)
    return out.getvalue().encode(encoding)


def xlsx_of(lines: Sequence[Sequence[object]]) -> bytes:
    """An Excel workbook."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in lines:
        sheet.append(list(line))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def file_of(kind: Kind, *lines: Sequence[object]) -> bytes:
    """A CSV file of a kind, its usual header first."""
    return csv_of([HEADS[kind], *lines])


async def nothing(_: str) -> bytes:
    """No file comes from Telegram here."""
    raise AssertionError("nobody asked for that")


@dataclass
class Desk:
    """A shop with one point per yuan at noon of 11 November 2026, and somebody who works on its files."""

    database: Database
    shop: Shop
    vault: Vault
    clock: Clock
    imports: Imports

    @property
    def merchant(self) -> Merchant:
        return self.shop.merchant

    async def send(self, kind: Kind, content: bytes, **how: Any) -> ImportFile:
        """A file, as it comes over HTTP."""
        facts: dict[str, Any] = {"name": f"{kind}.csv", "by": "api_key:1", "now": self.clock.now(), "history": True}
        async with self.database.engine.begin() as tx:
            return await files.receive(
                tx, self.vault, merchant_id=self.merchant.id, kind=kind, content=content, **{**facts, **how}
            )

    async def work(self) -> None:
        """Do whatever there is to do."""
        while await self.imports.step():
            pass

    async def look(self, file: ImportFile) -> ImportFile:
        """The file as it stands now."""
        async with self.database.engine.connect() as tx:
            return await files.one(tx, self.merchant.id, file.id)

    async def tried(self, kind: Kind, content: bytes, **how: Any) -> ImportFile:
        """A file, tried."""
        file = await self.send(kind, content, **how)
        await self.work()
        return await self.look(file)

    async def confirm(self, file: ImportFile) -> ImportFile:
        """Say yes, and let it run to its end."""
        async with self.database.engine.begin() as tx:
            await files.confirm(tx, self.merchant.id, file.id, by="staff:1", now=self.clock.now())
        await self.work()
        return await self.look(file)

    async def done(self, kind: Kind, content: bytes, **how: Any) -> ImportFile:
        """A file, tried, confirmed and done."""
        return await self.confirm(await self.tried(kind, content, **how))

    async def rows(self, file: ImportFile) -> list[ImportRow]:
        """What became of each row."""
        async with self.database.engine.connect() as tx:
            return await rows.page(tx, self.vault, file, limit=100_000)

    async def outcomes(self, file: ImportFile) -> list[str]:
        """Of each row its outcome, or the code of its refusal."""
        return [row.trouble.code if row.trouble else row.outcome for row in await self.rows(file)]

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run one statement, committed; its rows."""
        async with self.database.engine.begin() as tx:
            found = await tx.execute(text(statement), values)
            return [tuple(row) for row in found.all()] if found.returns_rows else []

    async def fingerprint(self) -> dict[str, Any]:
        """Everything in the ledger that an import could have changed, in a form that two databases can share."""
        said: dict[str, Any] = {}
        said["purchases"] = await self.sql(
            "SELECT p.document, x.external_id, p.amount_minor, p.points FROM purchase p"
            " LEFT JOIN external_account x USING (member_id) ORDER BY 1"
        )
        said["accounts"] = await self.sql(
            "SELECT x.external_id, x.claim_index IS NOT NULL, a.purpose, a.balance FROM external_account x"
            " LEFT JOIN account a ON a.owner_kind = 'member' AND a.owner_id = x.member_id ORDER BY 1, 3"
        )
        said["entries"] = await self.sql("SELECT key, kind, points FROM entry ORDER BY 1")
        said["codes"] = await self.sql("SELECT code_index, valid_until FROM partner_code ORDER BY 1")
        said["issued"] = await self.sql("SELECT issuer_id, count(*), sum(points)::bigint FROM posting GROUP BY 1")
        return said

    async def holds(self) -> bool:
        """Whether the ledger adds up."""
        async with self.database.engine.connect() as tx:
            proof = await audit(tx)
        assert not proof.violations, proof.violations
        return proof.holds


async def open_desk(database: Database) -> Desk:
    """A desk on a test's database."""
    _log_plainly()
    discover()
    vault = Vault(SECRET, Entropy())
    clock = Clock(ZONE, lambda: NOON)
    async with database.engine.begin() as tx:
        await tx.execute(
            text("INSERT INTO programme (one, version, document) VALUES (1, 1, CAST(:document AS jsonb))"),
            {"document": turns.PROGRAMME.model_dump_json()},
        )
        shop = await open_shop(tx)
    return Desk(database, shop, vault, clock, Imports(database.engine, vault, clock, nothing))


class Entropy:
    """Chance of a counter."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, size: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(size, "big")


def day(days: int) -> dt.date:
    """A date, so many days from the desk's."""
    return NOON.astimezone(ZONE).date() + dt.timedelta(days=days)
