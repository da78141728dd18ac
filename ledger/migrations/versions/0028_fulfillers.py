"""Offers that several merchants hand over."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "offer",
        sa.Column(
            "fulfillers",
            sa.ARRAY(sa.BigInteger()),
            nullable=False,
            server_default="{}",
            comment="merchants that agreed to hand it over, besides its own",
        ),
    )
    op.alter_column(
        "redemption",
        "merchant_id",
        comment="whose offer it is; once it was handed over, or its cash was taken at a counter: who did",
    )
    op.add_column(
        "redemption",
        sa.Column("fulfillers", sa.ARRAY(sa.BigInteger()), comment="who else hands it over; null: nobody"),
    )
    op.create_index(
        "ix_redemption_fulfillers",
        "redemption",
        ["fulfillers"],
        postgresql_using="gin",
        postgresql_where=sa.text("state = 'issued' AND fulfillers IS NOT NULL"),
    )
    op.create_table(
        "fulfilment",
        sa.Column("offer_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column(
            "merchant_id", sa.BigInteger(), nullable=False, autoincrement=False, comment="who is to hand it over too"
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="of the offer, that it was asked about"),
        sa.Column("state", sa.Text(), nullable=False, server_default="asked"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "told",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="whether those who run it were asked",
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("answered_by", sa.Text(), comment="actor"),
        sa.Column("agreed_version", sa.Integer(), comment="the last that it agreed to; null: it never did"),
        sa.CheckConstraint("state IN ('asked', 'agreed', 'declined', 'left')", name=op.f("ck_fulfilment_state")),
        sa.CheckConstraint(
            "(state = 'asked') = (answered_at IS NULL) AND num_nulls(answered_at, answered_by) <> 1",
            name=op.f("ck_fulfilment_answered"),
        ),
        sa.PrimaryKeyConstraint("offer_id", "merchant_id", name=op.f("pk_fulfilment")),
    )
    op.create_index("ix_fulfilment_merchant", "fulfilment", ["merchant_id"])
