"""Points given to another member: offered, accepted or not; a hold may end by being given."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def _said(now: str, before: str) -> None:
    op.alter_column("hold", "resolved_by", comment=now, existing_comment=before, existing_type=sa.BigInteger())


def upgrade() -> None:
    op.drop_constraint(op.f("ck_hold_state"), "hold")
    op.create_check_constraint(op.f("ck_hold_state"), "hold", "state IN ('open', 'burned', 'given', 'voided')")
    _said("the entry that burned, gave or voided it", "the entry that burned or voided it")
    op.create_table(
        "gift",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("giver_id", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("family_id", sa.BigInteger(), comment="both were of it; null: whoever opens the link"),
        sa.Column("token", sa.LargeBinary(), comment="keyed digest of the link's; null: it was given to somebody"),
        sa.Column("receiver_id", sa.BigInteger(), comment="whom it is for; of a link whoever accepted it"),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False, comment="what it is made of"),
        sa.Column("note_box", sa.LargeBinary(), comment="sealed with the giver's key"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="on the programme's clock"),
        sa.Column("state", sa.Text(), nullable=False, server_default="offered"),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_on", sa.Date()),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'withdrawn', 'returned')", name=op.f("ck_gift_state")
        ),
        sa.CheckConstraint("points > 0 AND giver_id <> receiver_id", name=op.f("ck_gift_sides")),
        sa.CheckConstraint("(state = 'offered') = (ended_at IS NULL)", name=op.f("ck_gift_ended")),
        sa.CheckConstraint("(family_id IS NULL) = (token IS NOT NULL)", name=op.f("ck_gift_way")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift")),
        sa.UniqueConstraint("token", name=op.f("uq_gift_token")),
        sa.UniqueConstraint("giver_id", "nonce", name=op.f("uq_gift_giver_id_nonce")),
    )
    op.create_index("ix_gift_giver", "gift", ["giver_id", "made_on"])
    op.create_index("ix_gift_receiver", "gift", ["receiver_id", "ended_on"])
    op.create_index("ix_gift_ends", "gift", ["ends_at"], postgresql_where=sa.text("state = 'offered'"))


def downgrade() -> None:
    op.drop_table("gift")
    _said("the entry that burned or voided it", "the entry that burned, gave or voided it")
    op.drop_constraint(op.f("ck_hold_state"), "hold")
    op.create_check_constraint(op.f("ck_hold_state"), "hold", "state IN ('open', 'burned', 'voided')")
