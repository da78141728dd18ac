"""Tables of merchants and staff."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

merchant = Table(
    "merchant",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("region", Text),
    Column("money", Text, nullable=False, server_default="CNY"),
    Column("status", Text, nullable=False, server_default="certified"),
    Column("terms", JSONB, nullable=False, comment="ledger.merchants.merchant.Terms"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint("status IN ('applied', 'certified', 'suspended', 'closed')", "status"),
)

staff = Table(
    "staff",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("label", Text, nullable=False, comment="how receipts name them: «3号台»"),
    Column("added_by", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("removed_at", DateTime(timezone=True)),
    CheckConstraint("role IN ('owner', 'manager', 'cashier')", "role"),
    Index("uq_staff_current", "member_id", "merchant_id", unique=True, postgresql_where=text("removed_at IS NULL")),
)

merchant_mapping = Table(
    "merchant_mapping",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("document", JSONB, nullable=False, comment="ledger.merchants.mapping.Mapping"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
