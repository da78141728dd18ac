"""Friends who were invited, by whom, and what came of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "referral",
        sa.Column(
            "friend_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="whoever was invited: once ever"
        ),
        sa.Column("inviter_id", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="joined"),
        sa.Column("purchase_id", sa.BigInteger(), comment="the one that counts, or may"),
        sa.Column("counts_on", sa.Date(), comment="the first day after its return window"),
        sa.Column("least_minor", sa.BigInteger(), comment="what has to be left of it after refunds"),
        sa.Column(
            "suspects",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            server_default="{}",
            comment="why an operator looks at it",
        ),
        sa.Column("reason", sa.Text(), comment="why it does not count"),
        sa.Column("decided_by", sa.Text(), comment="actor, where an operator looked at it"),
        sa.Column("rewarded_on", sa.Date()),
        sa.Column("issuer_id", sa.BigInteger(), comment="merchant that funded both rewards"),
        sa.Column("inviter_points", sa.BigInteger(), comment="0: past a cap"),
        sa.Column("inviter_entry_id", sa.BigInteger()),
        sa.Column("friend_points", sa.BigInteger()),
        sa.Column("friend_entry_id", sa.BigInteger()),
        sa.CheckConstraint("friend_id <> inviter_id", name=op.f("ck_referral_another")),
        sa.CheckConstraint(
            "state IN ('joined', 'bought', 'review', 'rewarded', 'refunded', 'undone', 'not_counted')",
            name=op.f("ck_referral_state"),
        ),
        sa.CheckConstraint("(state = 'not_counted') = (reason IS NOT NULL)", name=op.f("ck_referral_reason")),
        sa.CheckConstraint(
            "num_nulls(purchase_id, counts_on, least_minor) IN (0, 3)", name=op.f("ck_referral_purchase")
        ),
        sa.CheckConstraint(
            "(state IN ('rewarded', 'refunded', 'undone')) = (rewarded_on IS NOT NULL)"
            " AND num_nulls(rewarded_on, issuer_id, inviter_points, friend_points) IN (0, 4)",
            name=op.f("ck_referral_rewarded"),
        ),
        sa.PrimaryKeyConstraint("friend_id", name=op.f("pk_referral")),
    )
    op.create_index("ix_referral_inviter", "referral", ["inviter_id", "friend_id"])
    op.create_index("ix_referral_purchase", "referral", ["purchase_id"])
    open_ = sa.text("state IN ('joined', 'bought', 'review', 'refunded')")
    op.create_index("ix_referral_open", "referral", ["state", "friend_id"], postgresql_where=open_)


def downgrade() -> None:
    op.drop_table("referral")
