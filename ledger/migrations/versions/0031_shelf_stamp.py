"""An offer's hash is of all that a list or a search reads of it, and an index alone answers whether what is on the shelf changed."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_BEFORE = "jsonb_hash_extended(document, id)"
_NOW = (
    "hash_array_extended(ARRAY[hashtextextended(search_text, id), version, merchant_id, currency_id] || fulfillers,"
    " jsonb_hash_extended(document, id))"
)


def _contents(made: str, comment: str) -> None:
    op.drop_column("offer", "contents")
    hashed = sa.Column("contents", sa.BigInteger(), sa.Computed(made, persisted=True), nullable=False, comment=comment)
    op.add_column("offer", hashed)


def upgrade() -> None:
    _contents(_NOW, "hash of all but whether it is active")
    active = sa.text("active")
    op.create_index(
        "ix_offer_shelf", "offer", ["contents"], postgresql_include=["merchant_id"], postgresql_where=active
    )


def downgrade() -> None:
    op.drop_index("ix_offer_shelf", "offer")
    _contents(_BEFORE, "hash of the document")
