"""Tiers, business members, dividends and activities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acting",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "company_id", sa.BigInteger(), nullable=False, comment="whose account this person uses at the moment"
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_acting")),
    )
    op.create_table(
        "activity",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True, comment="of a check-in: where the code is shown"),
        sa.Column("points", sa.BigInteger(), nullable=False, comment="for each person, once"),
        sa.Column("people_max", sa.Integer(), nullable=False, comment="how many people it gives points to at most"),
        sa.Column(
            "people", sa.Integer(), server_default="0", nullable=False, comment="how many it has given points to"
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "questions",
            postgresql.JSONB(),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
            comment="of a survey",
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('check_in', 'survey', 'suggestions')", name=op.f("ck_activity_kind")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_activity_time")),
        sa.CheckConstraint("points > 0 AND people BETWEEN 0 AND people_max", name=op.f("ck_activity_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index(op.f("ix_activity_merchant_id"), "activity", ["merchant_id"], unique=False)
    op.create_table(
        "activity_part",
        sa.Column("activity_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "answers", postgresql.JSONB(), nullable=True, comment="of a survey: the number of each choice, from 0"
        ),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("activity_id", "member_id", name=op.f("pk_activity_part")),
    )
    op.create_table(
        "company",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="its account"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False, comment="the member who set it up"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_company")),
    )
    op.create_table(
        "company_person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('head', 'buyer', 'viewer')", name=op.f("ck_company_person_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_person")),
    )
    op.create_index(op.f("ix_company_person_company_id"), "company_person", ["company_id"], unique=False)
    op.create_index(
        "uq_company_person_current",
        "company_person",
        ["member_id", "company_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "dividend",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="of the tap that funded it, once"),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False, comment="first and last day of the purchases that count"),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("pool", sa.BigInteger(), nullable=False),
        sa.Column(
            "earned", sa.BigInteger(), nullable=False, comment="what all members together earned then, net of refunds"
        ),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=False, comment="the entry that funded it"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True, comment="when the last share was given"),
        sa.CheckConstraint(
            "pool > 0 AND earned > 0 AND members > 0 AND until >= since", name=op.f("ck_dividend_figures")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dividend")),
        sa.UniqueConstraint("key", name=op.f("uq_dividend_key")),
    )
    op.create_index("ix_dividend_merchant", "dividend", ["merchant_id", "since"], unique=False)
    op.create_index(
        "uq_dividend_paying", "dividend", ["merchant_id"], unique=True, postgresql_where=sa.text("paid_at IS NULL")
    )
    op.create_table(
        "dividend_share",
        sa.Column("dividend_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("earned", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=True, comment="null: not given yet"),
        sa.CheckConstraint("earned > 0 AND points > 0", name=op.f("ck_dividend_share_figures")),
        sa.PrimaryKeyConstraint("dividend_id", "member_id", name=op.f("pk_dividend_share")),
    )
    op.create_index(
        "ix_dividend_share_open",
        "dividend_share",
        ["dividend_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("entry_id IS NULL"),
    )
    op.create_table(
        "suggestion",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("activity_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("reply", sa.Text(), nullable=True, comment="what the merchant said to it"),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_suggestion_decided")),
        sa.CheckConstraint("state IN ('open', 'accepted', 'declined')", name=op.f("ck_suggestion_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion")),
    )
    op.create_index("ix_suggestion_activity", "suggestion", ["activity_id", "id"], unique=False)
    op.create_index(
        "uq_suggestion_open",
        "suggestion",
        ["member_id", "activity_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "tier_change",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("from_tier", sa.Text(), nullable=True, comment="null: there was none"),
        sa.Column("to_tier", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True, comment="how long it holds, as said then"),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "why IN ('earned', 'kept', 'landed', 'granted', 'grant_ended')", name=op.f("ck_tier_change_why")
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name=op.f("pk_tier_change")),
    )
    op.create_table(
        "tier_grant",
        sa.Column("key", sa.Text(), nullable=False, comment="what granted it, once"),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False, comment="the last good day"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("until >= granted_on", name=op.f("ck_tier_grant_until")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tier_grant")),
    )
    op.create_index(op.f("ix_tier_grant_member_id"), "tier_grant", ["member_id"], unique=False)
    op.create_table(
        "tier_proposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False, comment="in the last 30 days"),
        sa.Column("before", sa.Integer(), nullable=False, comment="in the 90 days before those"),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.CheckConstraint("(state = 'open') = (decided_on IS NULL)", name=op.f("ck_tier_proposal_decided")),
        sa.CheckConstraint("state IN ('open', 'accepted', 'declined', 'lapsed')", name=op.f("ck_tier_proposal_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_proposal")),
    )
    op.create_index("ix_tier_proposal_member", "tier_proposal", ["member_id", "id"], unique=False)
    op.create_index(
        "uq_tier_proposal_open", "tier_proposal", ["member_id"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "tier_standing",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tier", sa.Text(), nullable=False, comment="earned; what was granted is apart"),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True, comment="last day of the period; null: the lowest tier has none"),
        sa.Column("warned_until", sa.Date(), nullable=True, comment="the end that a warning was given of"),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_tier_standing")),
    )
    op.create_index(
        "ix_external_account_claimed",
        "external_account",
        ["claimed_by"],
        unique=False,
        postgresql_where=sa.text("claimed_by IS NOT NULL"),
    )
    op.add_column("invitation", sa.Column("company_id", sa.BigInteger(), nullable=True))
    op.alter_column(
        "invitation",
        "purpose",
        existing_type=sa.TEXT(),
        comment="staff, company",
        existing_comment="staff, operator",
        existing_nullable=False,
    )
    op.add_column(
        "member",
        sa.Column(
            "kind", sa.Text(), server_default="person", nullable=False, comment="a company's account has no Telegram"
        ),
    )
    op.add_column(
        "member",
        sa.Column(
            "tier",
            sa.Text(),
            nullable=True,
            comment="code of the programme's tier in force today; null: none looked at yet",
        ),
    )
    op.create_check_constraint(op.f("ck_member_kind"), "member", "kind IN ('person', 'company')")
