"""Tiers sold for money at a counter, and grants that end before their day."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paid_tier",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="of the tap that sold it, and of the grant"),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("till", sa.Text(), nullable=True, comment="where a shift was worked"),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column(
            "extends_from",
            sa.Date(),
            nullable=True,
            comment="the end that the days were added to; null: they began on the day itself",
        ),
        sa.Column("until", sa.Date(), nullable=False, comment="the last good day"),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sold_on", sa.Date(), nullable=False),
        sa.Column(
            "take_back_until",
            sa.Date(),
            nullable=False,
            comment="the last day on which the seller may, as the terms were",
        ),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_by", sa.BigInteger(), nullable=True, comment="staff id"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was taken back"),
        sa.CheckConstraint("amount_minor > 0 AND days > 0 AND until > sold_on", name=op.f("ck_paid_tier_figures")),
        sa.CheckConstraint(
            "num_nulls(taken_back_at, taken_back_by, reason) IN (0, 3)", name=op.f("ck_paid_tier_taken_back")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paid_tier")),
        sa.UniqueConstraint("key", name=op.f("uq_paid_tier_key")),
    )
    op.create_index("ix_paid_tier_merchant", "paid_tier", ["merchant_id", "sold_at"], unique=False)
    op.create_index(
        "ix_paid_tier_back",
        "paid_tier",
        ["merchant_id", "taken_back_at"],
        unique=False,
        postgresql_where=sa.text("taken_back_at IS NOT NULL"),
    )
    op.create_index("ix_paid_tier_member", "paid_tier", ["member_id", "id"], unique=False)
    op.add_column(
        "tier_grant",
        sa.Column(
            "taken_back_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="ended before its day, by whoever granted it",
        ),
    )
    op.drop_constraint(op.f("ck_tier_change_why"), "tier_change", type_="check")
    op.create_check_constraint(
        op.f("ck_tier_change_why"),
        "tier_change",
        "why IN ('earned', 'kept', 'landed', 'granted', 'extended', 'taken_back', 'grant_ended')",
    )
