"""Redemptions with a cash part: held until it is paid; payments, and cash that has to go back."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "redemption",
        sa.Column(
            "cash_minor", sa.BigInteger(), server_default="0", nullable=False, comment="to be paid besides the points"
        ),
    )
    op.add_column(
        "redemption",
        sa.Column(
            "hold_id",
            sa.BigInteger(),
            nullable=True,
            comment="of the points, with a cash part: entry_id is the hold's, then the burn's",
        ),
    )
    op.add_column(
        "redemption",
        sa.Column(
            "held_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="on the programme's clock; null: there is no cash part",
        ),
    )
    op.add_column(
        "redemption",
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True, comment="when the cash part was"),
    )
    op.alter_column("redemption", "ended_at", comment="taken back, expired, let go, or lapsed")
    op.drop_constraint(op.f("ck_redemption_state"), "redemption", type_="check")
    op.create_check_constraint(
        op.f("ck_redemption_state"),
        "redemption",
        "state IN ('held', 'issued', 'used', 'taken_back', 'expired', 'let_go', 'lapsed')",
    )
    op.create_check_constraint(
        op.f("ck_redemption_cash"),
        "redemption",
        "(cash_minor > 0) = (held_until IS NOT NULL) AND (cash_minor > 0) = (hold_id IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck_redemption_paid"),
        "redemption",
        "(paid_at IS NOT NULL) = (cash_minor > 0 AND state NOT IN ('held', 'let_go', 'lapsed'))",
    )
    op.create_index(
        "ix_redemption_held", "redemption", ["held_until"], unique=False, postgresql_where=sa.text("state = 'held'")
    )
    op.create_table(
        "cash_payment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("redemption_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False, comment="counter: a till took it; invoice: a payment provider"),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True, comment="who took it at the counter"),
        sa.Column("telegram_charge", sa.Text(), nullable=True, comment="Telegram's id of the payment"),
        sa.Column("provider_charge", sa.Text(), nullable=True, comment="the provider's id of the payment"),
        sa.Column("captured", sa.Boolean(), nullable=False, comment="it paid for the redemption; else it goes back"),
        sa.CheckConstraint("way IN ('counter', 'invoice')", name=op.f("ck_cash_payment_way")),
        sa.CheckConstraint("(way = 'counter') = (staff_id IS NOT NULL)", name=op.f("ck_cash_payment_counter")),
        sa.CheckConstraint(
            "(way = 'invoice') = (telegram_charge IS NOT NULL AND provider_charge IS NOT NULL)",
            name=op.f("ck_cash_payment_invoice"),
        ),
        sa.CheckConstraint("minor > 0", name=op.f("ck_cash_payment_minor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_payment")),
        sa.UniqueConstraint("telegram_charge", name=op.f("uq_cash_payment_telegram_charge")),
        sa.UniqueConstraint("provider_charge", name=op.f("uq_cash_payment_provider_charge")),
    )
    op.create_index("ix_cash_payment_redemption", "cash_payment", ["redemption_id"], unique=False)
    op.create_index("ix_cash_payment_taken", "cash_payment", ["merchant_id", "at"], unique=False)
    op.create_index(
        "uq_cash_payment_captured",
        "cash_payment",
        ["redemption_id"],
        unique=True,
        postgresql_where=sa.text("captured"),
    )
    op.create_table(
        "cash_refund",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False, comment="each goes back at most once"),
        sa.Column("redemption_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "way",
            sa.Text(),
            nullable=False,
            comment="counter: the merchant's; invoice: the operator's, through the provider",
        ),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True, comment="actor"),
        sa.CheckConstraint("way IN ('counter', 'invoice')", name=op.f("ck_cash_refund_way")),
        sa.CheckConstraint(
            "why IN ('taken_back', 'unused', 'let_go', 'lapsed', 'paid_already', 'other_amount')",
            name=op.f("ck_cash_refund_why"),
        ),
        sa.CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", name=op.f("ck_cash_refund_done")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_refund")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_cash_refund_payment_id")),
    )
    op.create_index(op.f("ix_cash_refund_redemption_id"), "cash_refund", ["redemption_id"], unique=False)
    op.create_index(
        "ix_cash_refund_open",
        "cash_refund",
        ["way", "merchant_id", "id"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
