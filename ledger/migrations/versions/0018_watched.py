"""Favourites watched: how each stood when it was last judged, and when its member last heard of it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "favourite",
        sa.Column(
            "watched",
            sa.Boolean(),
            server_default="true",
            nullable=False,
            comment="whether the member hears of changes",
        ),
    )
    op.add_column(
        "favourite",
        sa.Column(
            "stands", sa.Text(), nullable=True, comment="can, short, gone, else: as it was last judged; null: not yet"
        ),
    )
    op.add_column(
        "favourite", sa.Column("told_on", sa.Date(), nullable=True, comment="when the member last heard of it")
    )
    op.create_check_constraint(op.f("ck_favourite_stands"), "favourite", "stands IN ('can', 'short', 'gone', 'else')")
