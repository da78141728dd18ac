"""Privileges that are being written in chat."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privilege_draft",
        sa.Column("merchant_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False, autoincrement=False, comment="whoever writes it"),
        sa.Column("privilege_id", sa.BigInteger(), comment="that it changes; null: a new one"),
        sa.Column("base_version", sa.Integer(), comment="of the privilege, that it began with"),
        sa.Column("document", JSONB(), nullable=False, comment="of a Privilege, as far as it is written"),
        sa.Column("guide", sa.Text(), comment="what is asked next of a new one; null: its writer chooses"),
        sa.Column("nonce", sa.Text(), nullable=False, comment="in its buttons: those of an earlier draft do nothing"),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(privilege_id IS NULL) = (base_version IS NULL)", name=op.f("ck_privilege_draft_base")),
        sa.PrimaryKeyConstraint("merchant_id", "member_id", name=op.f("pk_privilege_draft")),
    )
