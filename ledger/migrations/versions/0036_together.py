"""What two members redeem together: begun by one, open for a while, joined by the other."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "together",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False, comment="keyed digest of the link's"),
        sa.Column("starter_id", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("friend_id", sa.BigInteger(), comment="who joined; null: nobody yet"),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_version", sa.Integer(), nullable=False),
        sa.Column("currency_id", sa.Integer(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False, comment="of one redemption"),
        sa.Column("starter_points", sa.BigInteger(), nullable=False),
        sa.Column("friend_points", sa.BigInteger(), nullable=False),
        sa.Column("codes", sa.Integer(), nullable=False, comment="how many redemptions, a code each"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="on the programme's clock"),
        sa.Column("state", sa.Text(), nullable=False, server_default="open"),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('open', 'done', 'withdrawn', 'declined', 'lapsed')", name=op.f("ck_together_state")
        ),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_together_ended")),
        sa.CheckConstraint(
            "starter_points > 0 AND friend_points > 0 AND codes IN (1, 2)", name=op.f("ck_together_shares")
        ),
        sa.CheckConstraint("starter_points + friend_points = points * codes", name=op.f("ck_together_whole")),
        sa.CheckConstraint("friend_id <> starter_id", name=op.f("ck_together_sides")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_together")),
        sa.UniqueConstraint("token", name=op.f("uq_together_token")),
        sa.UniqueConstraint("starter_id", "nonce", name=op.f("uq_together_starter_id_nonce")),
    )
    still = sa.text("state = 'open'")
    op.create_index("ix_together_ends", "together", ["ends_at"], postgresql_where=still)
    op.create_index("ix_together_starter", "together", ["starter_id", "offer_id"], postgresql_where=still)


def downgrade() -> None:
    op.drop_table("together")
