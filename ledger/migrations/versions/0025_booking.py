"""Bookings: places in slots, held while somebody chooses and firm with their voucher; days on which a merchant is closed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "booking",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("redemption_id", sa.BigInteger(), nullable=True, comment="null while it is only held"),
        sa.Column(
            "starts_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="on the programme's clock, like all here",
        ),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="on which it begins, in the programme's zone"),
        sa.Column("place", sa.Integer(), nullable=False, comment="which of those who may be there at once"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True, comment="while somebody chooses"),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "change_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="until then it may be cancelled or moved",
        ),
        sa.Column("kept_until", sa.DateTime(timezone=True), nullable=True, comment="from then on nobody came"),
        sa.Column("freed_by", sa.Text(), nullable=True, comment="member or merchant"),
        sa.Column(
            "evening_for",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the beginning that was told the evening before",
        ),
        sa.Column(
            "soon_for",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the beginning that was told some hours before",
        ),
        sa.CheckConstraint("state IN ('held', 'booked', 'attended', 'missed', 'freed')", name=op.f("ck_booking_state")),
        sa.CheckConstraint(
            "(state = 'held') = (redemption_id IS NULL) AND (state = 'held') = (held_until IS NOT NULL)",
            name=op.f("ck_booking_held"),
        ),
        sa.CheckConstraint(
            "num_nulls(redemption_id, change_until, kept_until) IN (0, 3)", name=op.f("ck_booking_firm")
        ),
        sa.CheckConstraint(
            "(state = 'freed') = (freed_by IS NOT NULL) AND freed_by IN ('member', 'merchant')",
            name=op.f("ck_booking_freed"),
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_booking_slot")),
        sa.CheckConstraint("place > 0", name=op.f("ck_booking_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
        sa.UniqueConstraint("redemption_id", name=op.f("uq_booking_redemption_id")),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(offer_id, offer_id, '[]')"), "&&"),
            (sa.text("int4range(place, place, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("state <> 'freed'"),
            using="gist",
            name="ex_booking_place",
        ),
    )
    op.create_index(
        "ix_booking_offer",
        "booking",
        ["offer_id", "ends_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'freed'"),
    )
    op.create_index("ix_booking_day", "booking", ["merchant_id", "day"], unique=False)
    op.create_index(
        "ix_booking_kept", "booking", ["kept_until"], unique=False, postgresql_where=sa.text("state = 'booked'")
    )
    op.create_index(
        "ix_booking_coming", "booking", ["starts_at"], unique=False, postgresql_where=sa.text("state = 'booked'")
    )
    op.create_index(
        "ix_booking_held", "booking", ["held_until"], unique=False, postgresql_where=sa.text("state = 'held'")
    )
    op.create_index(
        "uq_booking_hold",
        "booking",
        ["member_id", "offer_id"],
        unique=True,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "booking_closure",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="nothing is booked on it"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False, comment="actor"),
        sa.PrimaryKeyConstraint("merchant_id", "day", name=op.f("pk_booking_closure")),
    )
