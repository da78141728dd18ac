"""Which piece of a limited stock each redemption got, by the count of all that were ever handed out."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "offer_stock",
        sa.Column(
            "handed",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="pieces ever handed out, those that came back included; it never goes down",
        ),
    )
    op.execute(
        """
        UPDATE offer_stock s SET handed = greatest(s.taken, n.units)
        FROM (SELECT offer_id, coalesce(issued_on, '0001-01-01') AS day, sum(units) AS units
              FROM redemption GROUP BY GROUPING SETS ((offer_id), (offer_id, issued_on))) n
        WHERE n.offer_id = s.offer_id AND n.day = s.day
        """
    )
    op.execute("UPDATE offer_stock SET handed = taken WHERE handed < taken")
    op.create_check_constraint(op.f("ck_offer_stock_handed"), "offer_stock", "taken <= handed")
    op.add_column(
        "redemption",
        sa.Column(
            "piece",
            sa.BigInteger(),
            nullable=True,
            comment="of a limited stock, in the order in which its row was locked; the last of several; null: not limited",
        ),
    )
    op.create_index(
        "uq_redemption_piece",
        "redemption",
        ["offer_id", "piece"],
        unique=True,
        postgresql_where=sa.text("piece IS NOT NULL"),
    )
