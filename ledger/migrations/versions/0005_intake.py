"""Purchases with lines, facts and shares; how much of caps and budgets is used."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EMPTY = sa.text("'{}'::jsonb")


def upgrade() -> None:
    op.add_column("purchase", sa.Column("channel", sa.Text(), server_default="till", nullable=False))
    op.create_check_constraint(op.f("ck_purchase_channel"), "purchase", "channel IN ('till', 'api', 'file', 'card')")
    op.execute(
        "UPDATE purchase p SET channel = 'file' FROM entry e"
        " WHERE e.owner_id = p.member_id AND e.id = p.entry_id AND e.actor = 'import'"
    )
    op.add_column("purchase", sa.Column("outlet_id", sa.BigInteger(), nullable=True))
    op.add_column("purchase", sa.Column("till", sa.Text(), nullable=True))
    facts = "ledger.earning.rules.facts.Facts that it was decided by: to recompute it"
    op.add_column(
        "purchase", sa.Column("facts", postgresql.JSONB(), server_default=EMPTY, nullable=False, comment=facts)
    )
    shares = "its points by the rule that gave them"
    op.add_column(
        "purchase", sa.Column("shares", postgresql.JSONB(), server_default=EMPTY, nullable=False, comment=shares)
    )
    lines = "what came back: [place in the bill, pieces]"
    op.add_column(
        "refund",
        sa.Column("lines", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False, comment=lines),
    )
    shares = "its points by the rule that had given them"
    op.add_column(
        "refund", sa.Column("shares", postgresql.JSONB(), server_default=EMPTY, nullable=False, comment=shares)
    )
    op.create_table(
        "cap_usage",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False, comment="its code; versions count together"),
        sa.Column("period", sa.Text(), nullable=False, comment="2026-11-11, 2026-11 or ever: of the purchases' days"),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("points >= 0", name=op.f("ck_cap_usage_points")),
        sa.PrimaryKeyConstraint("member_id", "rule", "period", name=op.f("pk_cap_usage")),
    )
    op.create_table(
        "budget_usage",
        sa.Column("scope", sa.Text(), nullable=False, comment="rule:<code> or campaign:<code>"),
        sa.Column(
            "points",
            postgresql.JSONB(),
            server_default=EMPTY,
            nullable=False,
            comment="given so far, by currency id: one row, so that it can be locked as one",
        ),
        sa.CheckConstraint("NOT jsonb_path_exists(points, '$.* ? (@ < 0)')", name=op.f("ck_budget_usage_points")),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_budget_usage")),
    )
