"""Deadlines extended: orders, and whose expiries each is about."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "expiry_extension",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="of the tap that ordered it, once"),
        sa.Column("last_day", sa.Date(), nullable=False, comment="what was good until then comes back"),
        sa.Column(
            "issuer_id", sa.BigInteger(), nullable=True, comment="only what this merchant issued; null: whoever's"
        ),
        sa.Column("region", sa.Text(), nullable=True, comment="only of members who live there; null: wherever"),
        sa.Column("expires_on", sa.Date(), nullable=False, comment="the new last day"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "noted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when whose expiries it means was written down",
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True, comment="when the last of them was restored"),
        sa.CheckConstraint("expires_on > last_day", name=op.f("ck_expiry_extension_expires_on")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expiry_extension")),
        sa.UniqueConstraint("key", name=op.f("uq_expiry_extension_key")),
    )
    op.create_index(
        "ix_expiry_extension_open",
        "expiry_extension",
        ["id"],
        unique=True,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "expiry_extension_part",
        sa.Column("extension_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="the expiry"),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("currency_id", sa.SmallInteger(), nullable=False),
        sa.Column(
            "heir",
            sa.BigInteger(),
            nullable=False,
            comment="who gets it: the owner, or who claimed their account since",
        ),
        sa.Column("restored", sa.BigInteger(), nullable=True, comment="points; null: not yet"),
        sa.PrimaryKeyConstraint("extension_id", "owner_id", "entry_id", name=op.f("pk_expiry_extension_part")),
    )
    op.create_index(
        "ix_expiry_extension_part_open",
        "expiry_extension_part",
        ["extension_id", "owner_id", "entry_id"],
        unique=True,
        postgresql_where=sa.text("restored IS NULL"),
    )
