"""Tables of clearing: closes and their lines, which only grow; what came late; disputes."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

clearing_close = Table(
    "clearing_close",
    metadata,
    Column("week", Date, primary_key=True, comment="its Monday"),
    Column("prices", JSONB, nullable=False, comment="ledger.clearing.prices.Prices: what the week was derived by"),
    Column("line_count", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the week's file"),
    Column("closed_at", DateTime(timezone=True), nullable=False),
)

clearing_line = Table(
    "clearing_line",
    metadata,
    Column("week", Date, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("day", Date, nullable=False, comment="business date of the event"),
    Column("entry_id", BigInteger, nullable=False, comment="the burn, or the entry that returned it"),
    Column("redemption_id", BigInteger),
    Column("dispute_id", BigInteger),
    Column("issuer_id", BigInteger, nullable=False),
    Column("redeemer_id", BigInteger, nullable=False),
    Column("currency_id", SmallInteger, nullable=False),
    Column("points", BigInteger, nullable=False, comment="spent; negative: returned; a dispute moves none"),
    Column("money", Text, nullable=False),
    Column("issuer_minor", BigInteger, nullable=False, comment="what the issuer pays"),
    Column("redeemer_minor", BigInteger, nullable=False, comment="what the redeemer gets, before the fee"),
    Column("fee_minor", BigInteger, nullable=False, comment="what the operator keeps of that"),
    Column("corrects_week", Date, comment="the line that this one corrects"),
    Column("corrects_number", Integer),
    CheckConstraint("kind IN ('redemption', 'return', 'dispute')", "kind"),
    CheckConstraint("(kind = 'redemption') = (corrects_number IS NULL)", "corrects"),
    CheckConstraint("(kind = 'dispute') = (dispute_id IS NOT NULL)", "dispute"),
    Index("ix_clearing_line_issuer", "issuer_id", "week", "number"),
    Index("ix_clearing_line_redeemer", "redeemer_id", "week", "number"),
    Index("ix_clearing_line_entry", "entry_id"),
    Index("ix_clearing_line_corrects", "corrects_week", "corrects_number"),
)

clearing_late = Table(
    "clearing_late",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="the event's entry, or the dispute"),
    Column("week", Date, nullable=False, index=True, comment="the week that counts it"),
    CheckConstraint("kind IN ('redemption', 'return', 'dispute')", "kind"),
)

clearing_dispute = Table(
    "clearing_dispute",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("week", Date, nullable=False),
    Column("number", Integer, nullable=False),
    Column("merchant_id", BigInteger, nullable=False, comment="who disputes it"),
    Column("member_id", BigInteger, nullable=False, comment="in person"),
    Column("reason", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_on", Date, comment="business date: the week in which it counts"),
    Column("words", Text, comment="what the operator answered"),
    CheckConstraint("state IN ('open', 'upheld', 'rejected')", "state"),
    CheckConstraint("(state = 'open') = (decided_on IS NULL)", "decided"),
    UniqueConstraint("week", "number"),
    Index("ix_clearing_dispute_state", "state", "id"),
    Index("ix_clearing_dispute_merchant", "merchant_id", "id"),
)
