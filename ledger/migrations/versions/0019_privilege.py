"""Privileges of members who hold enough points or are of a tier, their versions, and their uses at tills."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privilege",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "currency_id",
            sa.Integer(),
            nullable=True,
            comment="of the points that have to be held; null: none have to",
        ),
        sa.Column(
            "outlet_ids",
            postgresql.ARRAY(sa.BigInteger()),
            nullable=True,
            comment="where it holds; null: at all of the merchant's",
        ),
        sa.Column("document", postgresql.JSONB(), nullable=False, comment="ledger.redeeming.privilege.Privilege"),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privilege")),
        sa.UniqueConstraint("merchant_id", "code", name=op.f("uq_privilege_merchant_id_code")),
    )
    op.create_table(
        "privilege_version",
        sa.Column("privilege_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("privilege_id", "version", name=op.f("pk_privilege_version")),
    )
    op.create_table(
        "privilege_use",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="of the tap that made it: two taps are one use"),
        sa.Column("privilege_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("till", sa.Text(), nullable=True, comment="where a shift was worked"),
        sa.Column("before_minor", sa.BigInteger(), nullable=True, comment="null: nothing was to pay"),
        sa.Column("after_minor", sa.BigInteger(), nullable=True),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False, comment="business date: limits count by it"),
        sa.Column("month", sa.Date(), nullable=False, comment="its first day"),
        sa.Column(
            "place",
            sa.Integer(),
            nullable=False,
            comment="which of the member's uses in that month; free again once undone",
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.BigInteger(), nullable=True, comment="staff id"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was undone"),
        sa.CheckConstraint("num_nulls(before_minor, after_minor) IN (0, 2)", name=op.f("ck_privilege_use_amounts")),
        sa.CheckConstraint("after_minor BETWEEN 0 AND before_minor", name=op.f("ck_privilege_use_less")),
        sa.CheckConstraint("num_nulls(undone_at, undone_by, reason) IN (0, 3)", name=op.f("ck_privilege_use_undone")),
        sa.CheckConstraint("place > 0", name=op.f("ck_privilege_use_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privilege_use")),
        sa.UniqueConstraint("key", name=op.f("uq_privilege_use_key")),
    )
    op.create_index(
        "uq_privilege_use_place",
        "privilege_use",
        ["member_id", "privilege_id", "month", "place"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index("ix_privilege_use_merchant", "privilege_use", ["merchant_id", "used_at"], unique=False)
    op.create_index("ix_privilege_use_month", "privilege_use", ["privilege_id", "month"], unique=False)
