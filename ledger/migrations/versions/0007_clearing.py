"""Cover, weekly closes, statements and disputes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

GROWS_ONLY = ("clearing_close", "clearing_line", "cover_entry")

SETTLED = """
    UPDATE redemption r SET settles_on = (coalesce(r.used_at, r.ended_at) AT TIME ZONE coalesce(
        (SELECT document ->> 'zone' FROM programme WHERE one = 1), 'Asia/Shanghai'))::date
    FROM offer_version v
    WHERE v.offer_id = r.offer_id AND v.version = r.offer_version
      AND (r.state = 'used' OR (r.state = 'expired' AND v.document ->> 'unused' = 'forfeit'))
"""


def upgrade() -> None:
    comment = "business date from which clearing counts it: used, or ended without a return"
    op.add_column("redemption", sa.Column("settles_on", sa.Date(), nullable=True, comment=comment))
    op.execute(SETTLED)
    op.create_table(
        "cover",
        sa.Column(
            "merchant_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="none: it issues without a limit",
        ),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("float_minor", sa.BigInteger(), server_default="0", nullable=False, comment="paid in, less paid out"),
        sa.Column(
            "limit_minor",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="what it may owe beyond its float",
        ),
        sa.Column(
            "reserved_minor",
            sa.BigInteger(),
            nullable=False,
            comment="never less than what its outstanding points cost",
        ),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False, comment="what they cost when last counted"),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "told",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="0, 1 near its end, 2 used up: as told",
        ),
        sa.CheckConstraint(
            "float_minor >= 0 AND limit_minor >= 0 AND reserved_minor >= 0", name=op.f("ck_cover_amounts")
        ),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_cover")),
    )
    op.create_table(
        "cover_slice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False, comment="the process that may issue against it"),
        sa.Column("granted_minor", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False, comment="so long its holder may use it"),
        sa.CheckConstraint("granted_minor >= 0", name=op.f("ck_cover_slice_granted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover_slice")),
    )
    op.create_index(op.f("ix_cover_slice_merchant_id"), "cover_slice", ["merchant_id"], unique=False)
    op.create_table(
        "cover_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False, comment="paid: signed; limit: the new one"),
        sa.Column("reference", sa.Text(), nullable=True, comment="of the payment, booked once"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'limit') = (reference IS NULL)", name=op.f("ck_cover_entry_reference")),
        sa.CheckConstraint("kind IN ('paid_in', 'paid_out', 'limit')", name=op.f("ck_cover_entry_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover_entry")),
        sa.UniqueConstraint("merchant_id", "reference", name=op.f("uq_cover_entry_merchant_id_reference")),
    )
    op.create_index("ix_cover_entry_merchant", "cover_entry", ["merchant_id", "id"], unique=False)
    op.create_table(
        "clearing_close",
        sa.Column("week", sa.Date(), nullable=False, comment="its Monday"),
        sa.Column(
            "prices",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="ledger.clearing.prices.Prices: what the week was derived by",
        ),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the week's file"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_clearing_close")),
    )
    op.create_table(
        "clearing_line",
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="business date of the event"),
        sa.Column("entry_id", sa.BigInteger(), nullable=False, comment="the burn, or the entry that returned it"),
        sa.Column("redemption_id", sa.BigInteger(), nullable=True),
        sa.Column("dispute_id", sa.BigInteger(), nullable=True),
        sa.Column("issuer_id", sa.BigInteger(), nullable=False),
        sa.Column("redeemer_id", sa.BigInteger(), nullable=False),
        sa.Column("currency_id", sa.SmallInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False, comment="spent; negative: returned; a dispute moves none"),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("issuer_minor", sa.BigInteger(), nullable=False, comment="what the issuer pays"),
        sa.Column("redeemer_minor", sa.BigInteger(), nullable=False, comment="what the redeemer gets, before the fee"),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False, comment="what the operator keeps of that"),
        sa.Column("corrects_week", sa.Date(), nullable=True, comment="the line that this one corrects"),
        sa.Column("corrects_number", sa.Integer(), nullable=True),
        sa.CheckConstraint("(kind = 'dispute') = (dispute_id IS NOT NULL)", name=op.f("ck_clearing_line_dispute")),
        sa.CheckConstraint("(kind = 'redemption') = (corrects_number IS NULL)", name=op.f("ck_clearing_line_corrects")),
        sa.CheckConstraint("kind IN ('redemption', 'return', 'dispute')", name=op.f("ck_clearing_line_kind")),
        sa.PrimaryKeyConstraint("week", "number", name=op.f("pk_clearing_line")),
    )
    op.create_index("ix_clearing_line_corrects", "clearing_line", ["corrects_week", "corrects_number"], unique=False)
    op.create_index("ix_clearing_line_entry", "clearing_line", ["entry_id"], unique=False)
    op.create_index("ix_clearing_line_issuer", "clearing_line", ["issuer_id", "week", "number"], unique=False)
    op.create_index("ix_clearing_line_redeemer", "clearing_line", ["redeemer_id", "week", "number"], unique=False)
    op.create_table(
        "clearing_late",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="the event's entry, or the dispute"
        ),
        sa.Column("week", sa.Date(), nullable=False, comment="the week that counts it"),
        sa.CheckConstraint("kind IN ('redemption', 'return', 'dispute')", name=op.f("ck_clearing_late_kind")),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_clearing_late")),
    )
    op.create_index(op.f("ix_clearing_late_week"), "clearing_late", ["week"], unique=False)
    op.create_table(
        "clearing_dispute",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False, comment="who disputes it"),
        sa.Column("member_id", sa.BigInteger(), nullable=False, comment="in person"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True, comment="business date: the week in which it counts"),
        sa.Column("words", sa.Text(), nullable=True, comment="what the operator answered"),
        sa.CheckConstraint("(state = 'open') = (decided_on IS NULL)", name=op.f("ck_clearing_dispute_decided")),
        sa.CheckConstraint("state IN ('open', 'upheld', 'rejected')", name=op.f("ck_clearing_dispute_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clearing_dispute")),
        sa.UniqueConstraint("week", "number", name=op.f("uq_clearing_dispute_week_number")),
    )
    op.create_index("ix_clearing_dispute_merchant", "clearing_dispute", ["merchant_id", "id"], unique=False)
    op.create_index("ix_clearing_dispute_state", "clearing_dispute", ["state", "id"], unique=False)
    op.create_index(
        "ix_redemption_settles",
        "redemption",
        ["settles_on"],
        unique=False,
        postgresql_where=sa.text("settles_on IS NOT NULL"),
    )
    op.create_index("ix_redemption_entry", "redemption", ["entry_id"], unique=False)
    op.create_index(
        "ix_entry_spending",
        "entry",
        ["posted_on"],
        unique=False,
        postgresql_where=sa.text("kind IN ('burn', 'reinstate')"),
    )
    op.execute(
        "CREATE FUNCTION grows_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION '% only grows: what was wrong is corrected by a new row', TG_TABLE_NAME; END $$"
    )
    for table in GROWS_ONLY:
        op.execute(
            f"CREATE TRIGGER grows_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION grows_only()"
        )
