"""Bookings at outlets: which one a place is at, which ones an offer is booked at, and days on which one of them is closed."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_BEFORE = "(b.offer_id, b.starts_at, b.ends_at, b.place, b.redemption_id, b.member_id, b.held_until)"
_NOW = "(b.offer_id, b.outlet_id, b.starts_at, b.ends_at, b.place, b.redemption_id, b.member_id, b.held_until)"
_STAMP = """
    CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO diary AS d (offer_id, stamp)
        SELECT offer_id, bit_xor({hash}) AS change FROM ({rows}) b WHERE state <> 'freed'
        GROUP BY offer_id HAVING bit_xor({hash}) <> 0 ORDER BY offer_id
        ON CONFLICT (offer_id) DO UPDATE SET stamp = d.stamp # excluded.stamp;
        RETURN NULL;
    END $$
"""
_ROWS = {
    "insert": "SELECT * FROM added",
    "update": "SELECT * FROM removed UNION ALL SELECT * FROM added",
    "delete": "SELECT * FROM removed",
}
_RANGES = ["int8range(offer_id, offer_id, '[]')", "int4range(place, place, '[]')", "tstzrange(starts_at, ends_at)"]


def _no_place_has_two(ranges: list[str]) -> None:
    op.execute("ALTER TABLE booking DROP CONSTRAINT ex_booking_place")
    taken = ", ".join(f"{each} WITH &&" for each in ranges)
    op.execute(
        f"ALTER TABLE booking ADD CONSTRAINT ex_booking_place EXCLUDE USING gist ({taken}) WHERE (state <> 'freed')"
    )


def _stamp(row: str) -> None:
    """Make the stamps of all diaries anew, and have the triggers keep them so."""
    made = f"hash_record_extended({row}, 0)"
    for event, rows in _ROWS.items():
        op.execute(_STAMP.format(name=f"stamp_diary_{event}", hash=made, rows=rows))
    op.execute("DELETE FROM diary")
    op.execute(
        f"INSERT INTO diary SELECT offer_id, bit_xor({made}) FROM booking b WHERE state <> 'freed' GROUP BY offer_id"
    )


def upgrade() -> None:
    op.add_column(
        "booking",
        sa.Column("outlet_id", sa.BigInteger(), nullable=True, comment="where; null: wherever its member comes"),
    )
    offer, place, times = _RANGES
    _no_place_has_two([offer, "int8range(outlet_id, outlet_id, '[]')", place, times])
    _stamp(_NOW)
    op.create_table(
        "booking_outlet",
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outlet_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="what the offer calls it, whatever its name is by now"),
        sa.PrimaryKeyConstraint("offer_id", "outlet_id", name=op.f("pk_booking_outlet")),
        sa.UniqueConstraint("offer_id", "name", name=op.f("uq_booking_outlet_offer_id_name")),
    )
    op.add_column(
        "booking_closure",
        sa.Column("outlet_id", sa.BigInteger(), nullable=False, server_default="0", comment="0: nowhere at all"),
    )
    op.drop_constraint(op.f("pk_booking_closure"), "booking_closure")
    op.create_primary_key(op.f("pk_booking_closure"), "booking_closure", ["merchant_id", "day", "outlet_id"])


def downgrade() -> None:
    op.execute("DELETE FROM booking_closure WHERE outlet_id <> 0")
    op.drop_constraint(op.f("pk_booking_closure"), "booking_closure")
    op.create_primary_key(op.f("pk_booking_closure"), "booking_closure", ["merchant_id", "day"])
    op.drop_column("booking_closure", "outlet_id")
    op.drop_table("booking_outlet")
    _no_place_has_two(_RANGES)
    _stamp(_BEFORE)
    op.drop_column("booking", "outlet_id")
