"""Two accounts of one person, joined: what went over, until when it can be undone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


_CLAIMED_BY = "the member who claimed it"


def upgrade() -> None:
    op.create_table(
        "succession",
        sa.Column(
            "member_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="an account that was claimed or merged",
        ),
        sa.Column("holder_id", sa.BigInteger(), nullable=False, comment="who has it now; nobody has theirs"),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_succession")),
    )
    op.create_index("ix_succession_holder_id", "succession", ["holder_id"])
    op.execute(
        "INSERT INTO succession SELECT member_id, claimed_by FROM external_account WHERE claimed_by IS NOT NULL"
        " ON CONFLICT DO NOTHING"
    )
    op.alter_column("external_account", "claimed_by", comment=f"{_CLAIMED_BY}; who has it now says `succession`")
    op.create_table(
        "account_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("from_id", sa.BigInteger(), nullable=False, comment="the account that is empty since"),
        sa.Column("into_id", sa.BigInteger(), nullable=False, comment="the account that has what it had"),
        sa.Column("nonce", sa.Text(), nullable=False, comment="of the confirm button: two taps are one"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False, comment="actor"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undo_until", sa.Date(), nullable=False, comment="the last day on which it can be undone"),
        sa.Column(
            "moved",
            JSONB(),
            nullable=False,
            comment="ids of what went over besides points: redemptions, friends, heirs; tier",
        ),
        sa.Column("objected_by", sa.BigInteger(), comment="which of the two said that it is wrong"),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by", sa.Text(), comment="actor"),
        sa.CheckConstraint("from_id <> into_id", name=op.f("ck_account_merge_two")),
        sa.CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name=op.f("ck_account_merge_undone")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_merge")),
        sa.UniqueConstraint("made_by", "nonce", name=op.f("uq_account_merge_made_by_nonce")),
    )
    in_force = sa.text("undone_at IS NULL")
    op.create_index("ix_account_merge_into_id", "account_merge", ["into_id"])
    op.create_index("uq_account_merge_from", "account_merge", ["from_id"], unique=True, postgresql_where=in_force)
    objected = sa.text("objected_by IS NOT NULL AND undone_at IS NULL")
    op.create_index("ix_account_merge_objected", "account_merge", ["id"], postgresql_where=objected)
    op.add_column(
        "redemption",
        sa.Column(
            "paid_by",
            sa.BigInteger(),
            comment="whose points paid, of an account that was merged into the member's since",
        ),
    )
    op.drop_constraint(op.f("ck_member_status"), "member", type_="check")
    op.create_check_constraint(
        op.f("ck_member_status"), "member", "status IN ('unclaimed', 'active', 'frozen', 'merged', 'closed')"
    )
    about = "unclaimed: imported, nobody joined yet"
    op.alter_column(
        "member", "status", comment=f"{about}; merged: another account has what it had", existing_comment=about
    )


def downgrade() -> None:
    op.alter_column("member", "status", comment="unclaimed: imported, nobody joined yet")
    op.drop_constraint(op.f("ck_member_status"), "member", type_="check")
    op.create_check_constraint(
        op.f("ck_member_status"), "member", "status IN ('unclaimed', 'active', 'frozen', 'closed')"
    )
    op.alter_column("external_account", "claimed_by", comment=f"{_CLAIMED_BY} and now holds its points")
    op.drop_table("succession")
    op.drop_column("redemption", "paid_by")
    op.drop_table("account_merge")
