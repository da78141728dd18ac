"""Receipts of what the merchant API booked, noted until they are told."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt_due",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "entry_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="booked by the API, not yet told"
        ),
        sa.PrimaryKeyConstraint("member_id", "entry_id", name=op.f("pk_receipt_due")),
    )
