"""What goes over the wire about imported files."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bot.merchant_api.models import _Answered, _Asked
from ledger.imports.files import State
from ledger.imports.kinds import Kind
from ledger.imports.rows import Outcome


class ImportAsked(_Asked):
    """What the body is: a CSV file (UTF-8, UTF-16 or GB18030) or an Excel workbook."""

    kind: Kind
    dry_run: bool = Field(True, description="true: it is tried, and waits for `:confirm`; false: it runs at once")
    columns: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        None,
        description="columns with other headings, as `document=Invoice; amount=Total`; remembered for the next file",
    )
    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,80}$")] | None = Field(
        None, description="what the file is called, for people to know it by"
    )


class ConfirmIn(_Asked):
    """Nothing but the yes: `{}`."""


class ImportTrouble(_Answered):
    """Why a file, or a row, was refused: a stable code, and words in the reader's language."""

    code: str
    detail: str


class ImportOut(_Answered):
    """A file and where it stands: sent, received and read (being tried), tried (waits for `:confirm`), running, done; refused as a
    whole, dropped, or stopped after failing several times, when `:confirm` goes on with it."""

    id: int
    kind: Kind
    state: State
    name: str | None
    rows: int
    good: int = Field(description="rows that would be done, by the trial; after `:confirm`, that are done")
    known: int = Field(description="rows that had been done before; they change nothing")
    bad: int = Field(description="rows refused")
    points: int = Field(description="what the good rows issue")
    problem: ImportTrouble | None = Field(description="why it was refused or stopped")
    received_at: dt.datetime
    done_at: dt.datetime | None


class ImportRowOut(_Answered):
    """A row: what it says by column, what became of it. `claim_code`: by which a customer claims the account that this row opened;
    shown for seven days, while nobody has used it."""

    row: int = Field(description="as spreadsheets count; the header is row 1")
    cells: dict[str, str] | None = Field(
        description="codes are left out; null once the file was forgotten, after 90 days"
    )
    outcome: Outcome
    problem: ImportTrouble | None
    points: int | None
    claim_code: str | None


class ImportRowsOut(_Answered):
    """Rows in the file's order; `next` is where the next page begins."""

    rows: list[ImportRowOut]
    next: str | None


class ImportRowsAsked(_Asked):
    """Which rows."""

    after: int | None = Field(None, ge=0, le=2**31 - 1, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=1000)
    refused: bool = Field(False, description="true: only those that were refused")


class ReportAsked(_Asked):
    """Which form of the report; five thousand rows at a time."""

    format: Literal["csv", "xlsx"] = Field("csv")
    after: int | None = Field(None, ge=0, le=2**31 - 1, description="rows after this one")
