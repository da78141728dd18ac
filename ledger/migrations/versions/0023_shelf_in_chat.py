"""Offers written in chat: who published a version, drafts, and photos that were uploaded."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "offer_version",
        sa.Column("made_by", sa.Text(), comment="who published it, as entries name an actor; null: not kept then"),
    )
    op.create_table(
        "offer_draft",
        sa.Column("merchant_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False, autoincrement=False, comment="whoever writes it"),
        sa.Column("offer_id", sa.BigInteger(), comment="that it changes; null: a new one"),
        sa.Column("base_version", sa.Integer(), comment="of the offer, that it began with"),
        sa.Column("document", JSONB(), nullable=False, comment="of an Offer, as far as it is written"),
        sa.Column("guide", sa.Text(), comment="what is asked next of a new one; null: its writer chooses"),
        sa.Column("nonce", sa.Text(), nullable=False, comment="in its buttons: those of an earlier draft do nothing"),
        sa.Column("photo_file", sa.Text(), comment="Telegram's id of a picture that is still to be fetched"),
        sa.Column("photo_tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("photo_due", sa.DateTime(timezone=True), comment="not before then"),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(offer_id IS NULL) = (base_version IS NULL)", name=op.f("ck_offer_draft_base")),
        sa.CheckConstraint("(photo_file IS NULL) = (photo_due IS NULL)", name=op.f("ck_offer_draft_photo")),
        sa.PrimaryKeyConstraint("merchant_id", "member_id", name=op.f("pk_offer_draft")),
    )
    op.create_index(
        "ix_offer_draft_photo", "offer_draft", ["photo_due"], postgresql_where=sa.text("photo_file IS NOT NULL")
    )
    op.create_table(
        "offer_photo",
        sa.Column("name", sa.Text(), nullable=False, comment="what documents call it; of its content"),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False, comment="who brought it first"),
        sa.Column(
            "content",
            sa.LargeBinary(),
            nullable=False,
            comment="a small JPEG without notes of where and when it was taken",
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(content) BETWEEN 1 AND 300000", name=op.f("ck_offer_photo_size")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_offer_photo")),
    )
