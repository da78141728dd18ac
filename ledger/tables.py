"""Every table of the ledger, imported once so that `metadata` knows them all; and the programme's own document."""

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, SmallInteger, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from ledger.clearing import tables as clearing
from ledger.earning import tables as earning
from ledger.imports import tables as imports
from ledger.members import tables as members
from ledger.merchants import tables as merchants
from ledger.metadata import metadata
from ledger.points import tables as points
from ledger.redeeming import tables as redeeming

__all__ = ["clearing", "earning", "imports", "members", "merchants", "metadata", "points", "programme", "redeeming"]

programme = Table(
    "programme",
    metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False, server_default="1"),
    Column("version", Integer, nullable=False),
    Column("document", JSONB, nullable=False, comment="ledger.programme.Programme"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint("one = 1", "one"),
)
