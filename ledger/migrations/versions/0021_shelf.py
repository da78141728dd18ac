"""A hash of every offer's document beside it, so that what is on the shelf is known to be unchanged without reading it; stock and
redemptions found by their days."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "offer",
        sa.Column(
            "contents",
            sa.BigInteger(),
            sa.Computed("jsonb_hash_extended(document, id)", persisted=True),
            nullable=False,
            comment="hash of the document",
        ),
    )
    op.create_index("ix_redemption_issued_on", "redemption", ["issued_on"], postgresql_using="brin")
    op.create_index("ix_offer_stock_day", "offer_stock", ["day"])
