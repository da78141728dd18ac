"""Families, who has a place in them and who had, and their heads."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("invitation", "purpose", existing_type=sa.Text(), comment="staff, company, family")
    op.add_column("invitation", sa.Column("family_id", sa.BigInteger()))
    op.create_table(
        "family",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("head_id", sa.BigInteger(), nullable=False, comment="the member who invites, removes and dissolves"),
        sa.Column("founded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family")),
    )
    op.create_table(
        "family_place",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("family_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("joined_by", sa.Text(), nullable=False, comment="founded, or the trace of an invitation"),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_from", sa.Date(), nullable=False, comment="the first day on which they belong to it"),
        sa.Column("left_at", sa.DateTime(timezone=True), comment="null: the place is theirs"),
        sa.Column("left_on", sa.Date(), comment="the first day on which they no longer do"),
        sa.Column("how", sa.Text(), comment="how they left"),
        sa.Column("again_on", sa.Date(), comment="the first day on which they may join or found another; null: any"),
        sa.CheckConstraint("how IN ('left', 'removed', 'dissolved', 'gone')", name=op.f("ck_family_place_how")),
        sa.CheckConstraint(
            "(left_at IS NULL) = (how IS NULL) AND (left_at IS NULL) = (left_on IS NULL)",
            name=op.f("ck_family_place_left"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_family_place")),
    )
    op.create_index(op.f("ix_family_place_family_id"), "family_place", ["family_id"])
    op.create_index(op.f("ix_family_place_member_id"), "family_place", ["member_id"])
    op.create_index(
        "uq_family_place_current",
        "family_place",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "family_head",
        sa.Column("family_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("from_id", sa.BigInteger(), nullable=False),
        sa.Column("to_id", sa.BigInteger(), nullable=False, comment="head from then on"),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("why IN ('handed', 'passed')", name=op.f("ck_family_head_why")),
        sa.PrimaryKeyConstraint("family_id", "id", name=op.f("pk_family_head")),
    )
