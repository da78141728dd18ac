"""One run of a till import: read the file, match, book chunk by chunk, report what became of every row."""

from __future__ import annotations

import csv
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from bot.bilingual import both
from bot.till_file import Export
from ledger.earning import till_book
from ledger.earning.rules.version import RuleVersion
from ledger.earning.till_import import COUNTED, Matcher, Purchase, Refund, RowResult, Survey, documents, survey
from ledger.points.commands import Moment
from ledger.points.engine import PINNED_PLANS, retryable

if TYPE_CHECKING:
    from rich.progress import Progress
    from sqlalchemy.ext.asyncio import AsyncEngine

    from ledger.merchants.merchant import Merchant

DOCUMENTS_PER_CHUNK = 2000
TRIES = 5

_PIN = text(
    "SELECT set_config(name, value, true)"
    " FROM unnest(CAST(:names AS text[]), CAST(:values AS text[])) AS pinned(name, value)"
)


@dataclass(slots=True)
class Tally:
    """What an import did. `outcomes` counts rows; `statuses` counts documents: booked, already, differs."""

    rows: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    purchases: int = 0
    refunds: int = 0
    earned: int = 0
    clawed_back: int = 0
    customers: set[str] = field(default_factory=set)

    def count(self, document: Purchase | Refund) -> None:
        """Add what one document comes to, booked now or before."""
        if isinstance(document, Purchase):
            self.purchases += 1
            self.earned += document.decision.points
            self.customers.add(document.customer)
        elif document.taken:
            self.refunds += 1
            self.clawed_back += sum(taken.points for taken in document.taken)


class Report:
    """A CSV with a line for every row of the export, in the order in which documents are booked. It appears under its name
    once it is whole."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._half = path.with_name(path.name + ".part") if path else None
        self._file = self._half.open("w", newline="", encoding="utf-8") if self._half else None
        self._writer = csv.writer(self._file, lineterminator="\n") if self._file else None
        if self._writer:
            self._writer.writerow(["row", "document", "outcome", "applied", "rest", "status"])

    def write(self, results: list[RowResult], status: str) -> None:
        """The rows of one document. `status` says whether the document was booked now; rows that don't count have none."""
        if self._writer:
            self._writer.writerows((*result, status if result.outcome in COUNTED else "") for result in results)

    def close(self, *, whole: bool) -> None:
        """Puts a whole report in its place; leaves no half one."""
        if self._file and self._half and self._path:
            self._file.close()
            if whole:
                os.replace(self._half, self._path)
            else:
                self._half.unlink(missing_ok=True)


@dataclass(slots=True)
class Import:
    """One import: from which file, into which merchant's books (None: a dry run), told how far by `progress`."""

    export: Export
    engine: AsyncEngine | None
    merchant: Merchant | None
    rules: list[RuleVersion]
    money: str
    at: Moment
    report: Report
    progress: Progress
    chunk_size: int = DOCUMENTS_PER_CHUNK
    tally: Tally = field(default_factory=Tally)

    async def run(self) -> Tally:
        """Reads, matches and books the whole file."""
        began = time.monotonic()
        with self._bar(both("查看", "surveying")) as hear:
            found = survey(self.export.rows(hear), refund_prefix=self.export.mapping.refund_prefix)
        self.tally.rows = found.rows
        with self._bar(both("试算", "dry run") if self.engine is None else both("入账", "booking")) as hear:
            chunk: list[tuple[Purchase | Refund | None, list[RowResult]]] = []
            for document in self._matched(found, hear):
                chunk.append(document)
                if len(chunk) >= self.chunk_size:
                    await self._book(chunk)
                    chunk = []
            await self._book(chunk)
        self.tally.seconds = time.monotonic() - began
        return self.tally

    def _matched(self, found: Survey, hear: Any) -> Iterator[tuple[Purchase | Refund | None, list[RowResult]]]:
        read = self.export.mapping
        matcher = Matcher(
            found,
            refund_prefix=read.refund_prefix,
            adjustment_prefix=read.adjustment_prefix,
            earns=till_book.earning(self.rules, money=self.money, zone=read.zone),
            instant=read.instant,
        )
        for document in documents(self.export.rows(hear), found):
            yield matcher.take(document)

    async def _book(self, chunk: list[tuple[Purchase | Refund | None, list[RowResult]]]) -> None:
        whats = [what for what, _ in chunk if what is not None]
        statuses = iter(await self._commit(whats) if whats and self.engine else [""] * len(whats))
        for what, results in chunk:
            status = ""
            if what is not None:
                status = next(statuses)
                self.tally.count(what)
                if status and (isinstance(what, Purchase) or what.taken):
                    self.tally.statuses[status] += 1
            self.tally.outcomes.update(result.outcome for result in results)
            self.report.write(results, status)

    async def _commit(self, whats: list[Purchase | Refund]) -> list[till_book.Status]:
        """One chunk, one transaction; a lost race is tried again."""
        assert self.engine is not None and self.merchant is not None, "a dry run books nothing"
        for attempt in range(TRIES):
            try:
                async with self.engine.begin() as tx:
                    await tx.execute(_PIN, {"names": list(PINNED_PLANS), "values": list(PINNED_PLANS.values())})
                    return await till_book.book(tx, self.merchant, whats, zone=self.export.mapping.zone, at=self.at)
            except Exception as error:
                if not retryable(error) or attempt == TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _bar(self, words: str) -> Iterator[Any]:
        task = self.progress.add_task(words, total=self.export.size)
        yield lambda position: self.progress.update(task, completed=position)
        self.progress.update(task, completed=self.export.size)
