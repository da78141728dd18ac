"""Children whose birthdays are kept, by consent of the head of a family; whose birthday is kept on a day."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "child",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False, comment="who told of it, and agreed to its being kept"),
        sa.Column("box", sa.LargeBinary(), nullable=False, comment="encrypted JSON with the member's key: name"),
        sa.Column("birth_month", sa.SmallInteger(), nullable=False),
        sa.Column("birth_day", sa.SmallInteger(), nullable=False),
        sa.Column("told_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_child")),
    )
    op.create_index("ix_child_member", "child", ["member_id"])
    op.create_index("ix_child_birthday", "child", ["birth_month", "birth_day", "id"])
    op.create_index(
        "ix_member_birthday",
        "member",
        ["birth_month", "birth_day", "id"],
        postgresql_where=sa.text("birth_month IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_member_birthday", "member")
    op.drop_table("child")
