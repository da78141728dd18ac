"""Purchases that were declined for cover, kept so that they can be booked once it is back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "declined_purchase",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="not taken by this: it may come again and be booked"),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False, comment="paid with money"),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("currency_id", sa.Integer(), nullable=False, comment="of the points that were not given"),
        sa.Column("bill", postgresql.JSONB(), nullable=False, comment="as a purchase has it"),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False, comment="who entered it"),
        sa.Column("outlet_id", sa.BigInteger(), nullable=True),
        sa.Column("till", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("after_entry_id", sa.BigInteger(), nullable=False, comment="the member's newest entry at that time"),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False, comment="how often it was declined"),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=False, comment="first"),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True, comment="when the member was told"),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True, comment="the merchant will not book it"),
        sa.Column("dropped_by", sa.Text(), nullable=True),
        sa.CheckConstraint("channel IN ('till', 'api', 'file', 'card')", name=op.f("ck_declined_purchase_channel")),
        sa.CheckConstraint("reason IN ('cover_exhausted')", name=op.f("ck_declined_purchase_reason")),
        sa.CheckConstraint("(dropped_at IS NULL) = (dropped_by IS NULL)", name=op.f("ck_declined_purchase_dropped")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declined_purchase")),
        sa.UniqueConstraint("merchant_id", "document", name=op.f("uq_declined_purchase_merchant_id_document")),
    )
    op.create_index("ix_declined_purchase_member", "declined_purchase", ["member_id", "after_entry_id"], unique=False)
    op.create_index("ix_declined_purchase_last", "declined_purchase", ["last_at"], unique=False)
