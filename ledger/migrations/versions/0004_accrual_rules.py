"""Accrual rules: owned by a merchant or the programme, proposed and approved; campaigns; a clock that tells of changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column(
        "accrual_rule",
        "merchant_id",
        existing_type=sa.BigInteger(),
        nullable=True,
        comment="null: the programme's, for every merchant",
    )
    op.alter_column(
        "accrual_rule", "document", existing_type=postgresql.JSONB(), comment="ledger.earning.rules.documents.RULE"
    )
    op.add_column("accrual_rule", sa.Column("state", sa.Text(), server_default="approved", nullable=False))
    decided_by = "who approved, rejected or withdrew it; null: nobody had to, or not yet"
    op.add_column("accrual_rule", sa.Column("decided_by", sa.Text(), nullable=True, comment=decided_by))
    op.add_column("accrual_rule", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("accrual_rule", sa.Column("why", sa.Text(), nullable=True, comment="why it was rejected"))
    op.create_check_constraint(
        op.f("ck_accrual_rule_state"), "accrual_rule", "state IN ('proposed', 'approved', 'rejected', 'withdrawn')"
    )
    op.create_check_constraint(
        op.f("ck_accrual_rule_two_people"),
        "accrual_rule",
        "state <> 'approved' OR decided_by IS NULL OR decided_by <> made_by",
    )
    op.create_check_constraint(
        op.f("ck_accrual_rule_days"), "accrual_rule", "valid_to IS NULL OR valid_from <= valid_to"
    )
    op.create_table(
        "campaign",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True, comment="null: the programme's"),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column(
            "budget",
            postgresql.JSONB(),
            nullable=True,
            comment="ledger.earning.rules.documents.Budget of all its rules together; null: without limit",
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_campaign")),
    )
    op.create_table(
        "rule_clock",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "version",
            sa.Text(),
            nullable=False,
            comment="another one after every change of rules; never one that was",
        ),
        sa.CheckConstraint("one = 1", name=op.f("ck_rule_clock_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_rule_clock")),
    )
