"""Tables of earning: rule documents and purchases."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

accrual_rule = Table(
    "accrual_rule",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("merchant_id", BigInteger, nullable=False, index=True),
    Column("document", JSONB, nullable=False, comment="ledger.earning.rules.AccrualRule"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

purchase = Table(
    "purchase",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("document", Text, nullable=False, comment="the merchant's receipt number; booked once whatever the keys"),
    Column("member_id", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="paid with money"),
    Column("money", Text, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("points", BigInteger, nullable=False, comment="what it earned; claw-backs are entries of their own"),
    Column("entry_id", BigInteger, nullable=False),
    Column("rule_versions", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("bill", JSONB, nullable=False, comment="parts by category, and what was paid with points: to recompute it"),
    Column("staff_id", BigInteger),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("bought_on", Date, nullable=False, comment="business date: which rules applied"),
    Column("taken_back_at", DateTime(timezone=True)),
    UniqueConstraint("merchant_id", "document"),
    CheckConstraint("amount_minor >= 0 AND refunded_minor BETWEEN 0 AND amount_minor", "amount"),
    Index("ix_purchase_member", "member_id", "merchant_id", "id"),
    Index("ix_purchase_day", "merchant_id", "occurred_at"),
)

refund = Table(
    "refund",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("document", Text, primary_key=True, comment="the merchant's refund number"),
    Column("purchase_id", BigInteger, primary_key=True, autoincrement=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False, comment="clawed back"),
    Column("entry_id", BigInteger, comment="null where nothing had been earned on it"),
    Column("staff_id", BigInteger),
    Column("reason", Text),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("amount_minor >= 0 AND points >= 0", "amount"),
    CheckConstraint("(points > 0) = (entry_id IS NOT NULL)", "entry"),
    Index("ix_refund_purchase", "purchase_id"),
)
