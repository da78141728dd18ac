"""Customers without Telegram, credit standing, campaigns."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "currency",
        sa.Column(
            "name_en_one", sa.Text(), nullable=True, comment="what one point is called in English; null: as several"
        ),
    )
    for name in ("paper_card_serial", "paper_card_batch"):
        op.execute(sa.schema.CreateSequence(sa.Sequence(name)))
    op.create_table(
        "paper_card",
        sa.Column(
            "serial",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="its number without prefix and check digit",
        ),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False, comment="who printed it"),
        sa.Column("claim_index", sa.LargeBinary(), nullable=True, comment="HMAC of the code under its scratch field"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_paper_card")),
        sa.UniqueConstraint("claim_index", name=op.f("uq_paper_card_claim_index")),
    )
    op.create_index("ix_paper_card_merchant", "paper_card", ["merchant_id", "batch"], unique=False)
    op.create_table(
        "walk_in",
        sa.Column(
            "member_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="the account, unclaimed at first"
        ),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False, comment="where it was opened"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("handle_index", sa.LargeBinary(), nullable=False, comment="HMAC of the card's or the phone's number"),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False, comment="encrypted JSON: digits"),
        sa.Column("card_serial", sa.BigInteger(), nullable=True, comment="of a paper card"),
        sa.Column("opened_by", sa.Text(), nullable=False, comment="who said that the customer agreed to the terms"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('card', 'phone')", name=op.f("ck_walk_in_kind")),
        sa.CheckConstraint("(kind = 'card') = (card_serial IS NOT NULL)", name=op.f("ck_walk_in_card")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_walk_in")),
        sa.UniqueConstraint("handle_index", name=op.f("uq_walk_in_handle_index")),
        sa.UniqueConstraint("card_serial", name=op.f("uq_walk_in_card_serial")),
    )
    op.create_table(
        "welcome_due",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False, comment="as they were promised"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_welcome_due")),
    )
    op.add_column(
        "campaign",
        sa.Column(
            "is_open",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="closed, its rules give nothing",
        ),
    )
    op.create_table(
        "campaign_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True, comment="null: the programme's"),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("budget", postgresql.JSONB(), nullable=False, comment="to begin with, or to be added"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint("what IN ('open', 'add')", name=op.f("ck_campaign_change_what")),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'rejected', 'withdrawn')", name=op.f("ck_campaign_change_state")
        ),
        sa.CheckConstraint(
            "state <> 'approved' OR decided_by IS NULL OR decided_by <> made_by",
            name=op.f("ck_campaign_change_two_people"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_change")),
    )
    op.create_index(
        "ix_campaign_change_waiting",
        "campaign_change",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "credit_standing",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("standing", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="the assessor, as the member reads it"),
        sa.Column("valid_until", sa.Date(), nullable=False, comment="the last good day"),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_credit_standing")),
    )
