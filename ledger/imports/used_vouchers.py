"""Vouchers that a till took while it had no network, from a file: each used up once; what is not honoured says why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import text

from ledger.errors import Refusal
from ledger.imports.lines import UsedLine
from ledger.imports.working import Happened, Working
from ledger.redeeming import offline
from ledger.redeeming.offline import OfflineUnknown, Taken

UNKNOWN_MOST = 20
UNKNOWN_HOURS = 24
"""So many unknown codes in a merchant's files within these hours, and no further code is looked at: somebody guesses."""


@dataclass(eq=False)
class FileOfGuesses(Refusal):
    """The merchant's files had too many unknown codes lately; this row was not looked at."""

    most: int
    may_succeed_later: ClassVar[bool] = True


# Of the file at work, rows further on still say what became of them in the trial.
_UNKNOWN = text(
    "SELECT count(*) FROM import_file f JOIN import_row r ON r.import_id = f.id WHERE f.merchant_id = :merchant"
    " AND f.kind = 'used_vouchers' AND f.made_at > :since AND r.outcome = 'refused' AND r.code = 'offline_unknown'"
    " AND (f.id <> :file OR r.unit <= :place)"
)


async def do(working: Working, brought: Sequence[UsedLine]) -> list[Happened]:
    """Use these vouchers, in order.

    Refused: FileOfGuesses; OfflineUnknown → OfflineOfAnother → OfflineLost.
    """
    tx, file = working.tx, working.file
    since = working.at.now - dt.timedelta(hours=UNKNOWN_HOURS)
    asked = {"merchant": file.merchant_id, "since": since, "file": file.id, "place": file.place}
    unknown = int(await tx.scalar(_UNKNOWN, asked) or 0)
    kind, _, number = file.actor.partition(":")
    by = -int(number) if kind == "api_key" else int(number)
    happened: list[Happened] = []
    for line in brought:
        if unknown >= UNKNOWN_MOST:
            happened.append(Happened(FileOfGuesses(UNKNOWN_MOST)))
            continue
        [answer] = await offline.bring(
            tx,
            file.merchant_id,
            [Taken(line.code, line.used_at)],
            by=by,
            vault=working.vault,
            at=working.at,
            zone=working.zone,
        )
        if isinstance(answer, Refusal):
            unknown += isinstance(answer, OfflineUnknown)
            happened.append(Happened(answer))
        else:
            voucher, now = answer
            happened.append(Happened("done" if now else "already", None, voucher.id))
    return happened
