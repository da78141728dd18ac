"""Returns of redeemed goods: claims on them; redemptions that were returned or exchanged, and those that came in exchange."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "redemption",
        sa.Column(
            "origin_id",
            sa.BigInteger(),
            nullable=True,
            comment="whose points paid for it, where it came in exchange; clearing counts that one",
        ),
    )
    op.create_index(
        "uq_redemption_origin",
        "redemption",
        ["origin_id"],
        unique=True,
        postgresql_where=sa.text("origin_id IS NOT NULL AND state IN ('issued', 'used')"),
    )
    op.alter_column("redemption", "ended_at", comment="taken back, expired, let go, lapsed, returned, or exchanged")
    op.drop_constraint(op.f("ck_redemption_state"), "redemption", type_="check")
    op.create_check_constraint(
        op.f("ck_redemption_state"),
        "redemption",
        "state IN ('held', 'issued', 'used', 'taken_back', 'expired', 'let_go', 'lapsed', 'returned', 'exchanged')",
    )
    op.drop_constraint(op.f("ck_redemption_used"), "redemption", type_="check")
    op.create_check_constraint(
        op.f("ck_redemption_used"),
        "redemption",
        "(state IN ('used', 'returned', 'exchanged')) = (used_at IS NOT NULL)",
    )
    op.drop_constraint(op.f("ck_cash_refund_why"), "cash_refund", type_="check")
    op.create_check_constraint(
        op.f("ck_cash_refund_why"),
        "cash_refund",
        "why IN ('taken_back', 'unused', 'let_go', 'lapsed', 'paid_already', 'other_amount', 'returned')",
    )
    op.create_table(
        "return_claim",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("redemption_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, comment="of the member"),
        sa.Column("wants", sa.Text(), nullable=False),
        sa.Column(
            "box",
            sa.LargeBinary(),
            nullable=False,
            comment="words and Telegram's ids of the photos, sealed with the member's key",
        ),
        sa.Column("opened_by", sa.Text(), nullable=False, comment="actor"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "answer_by", sa.Date(), nullable=False, comment="the merchant's last day; the day after, silence grants"
        ),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True, comment="actor"),
        sa.Column(
            "refusal",
            sa.Text(),
            nullable=True,
            comment="why the merchant refuses: from a list; what it was paid with is not on it",
        ),
        sa.Column("refusal_words", sa.Text(), nullable=True),
        sa.Column(
            "escalate_by",
            sa.Date(),
            nullable=True,
            comment="the member's last day to ask the operator, after a refusal",
        ),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True, comment="actor"),
        sa.Column("decision_words", sa.Text(), nullable=True),
        sa.Column("goods", sa.Text(), nullable=True, comment="back: on the shelf again; written_off"),
        sa.Column("entry_id", sa.BigInteger(), nullable=True, comment="that returned the points"),
        sa.Column("replacement_id", sa.BigInteger(), nullable=True, comment="the redemption that came in exchange"),
        sa.CheckConstraint(
            "(entry_id IS NOT NULL) = (state IN ('granted', 'silent', 'overturned'))",
            name=op.f("ck_return_claim_returned"),
        ),
        sa.CheckConstraint(
            "(goods IS NOT NULL) = (state IN ('granted', 'exchanged', 'silent', 'overturned'))",
            name=op.f("ck_return_claim_settled"),
        ),
        sa.CheckConstraint(
            "(refusal IS NOT NULL) = (state IN ('refused', 'escalated', 'upheld', 'overturned')) AND num_nulls(refusal, refusal_words, escalate_by) IN (0, 3)",
            name=op.f("ck_return_claim_refused"),
        ),
        sa.CheckConstraint(
            "(replacement_id IS NOT NULL) = (state = 'exchanged')", name=op.f("ck_return_claim_exchanged")
        ),
        sa.CheckConstraint(
            "(state IN ('escalated', 'upheld', 'overturned')) = (escalated_at IS NOT NULL)",
            name=op.f("ck_return_claim_escalated"),
        ),
        sa.CheckConstraint(
            "(state IN ('open', 'withdrawn')) = (answered_at IS NULL) AND num_nulls(answered_at, answered_by) <> 1",
            name=op.f("ck_return_claim_answered"),
        ),
        sa.CheckConstraint(
            "(state IN ('upheld', 'overturned')) = (decided_at IS NOT NULL) AND num_nulls(decided_at, decided_by, decision_words) IN (0, 3)",
            name=op.f("ck_return_claim_decided"),
        ),
        sa.CheckConstraint("goods IN ('back', 'written_off')", name=op.f("ck_return_claim_goods")),
        sa.CheckConstraint(
            "reason IN ('faulty', 'damaged', 'wrong_item', 'not_as_described', 'incomplete', 'changed_mind')",
            name=op.f("ck_return_claim_reason"),
        ),
        sa.CheckConstraint(
            "refusal IN ('worn', 'damaged_later', 'incomplete', 'other_goods', 'as_described', 'perishable')",
            name=op.f("ck_return_claim_refusal"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'withdrawn', 'granted', 'exchanged', 'silent', 'refused', 'escalated', 'upheld', 'overturned')",
            name=op.f("ck_return_claim_state"),
        ),
        sa.CheckConstraint("wants IN ('points', 'exchange')", name=op.f("ck_return_claim_wants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_claim")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_return_claim_entry_id")),
        sa.UniqueConstraint("replacement_id", name=op.f("uq_return_claim_replacement_id")),
    )
    op.create_index(
        "ix_return_claim_escalated",
        "return_claim",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'escalated'"),
    )
    op.create_index("ix_return_claim_member", "return_claim", ["member_id", "id"], unique=False)
    op.create_index("ix_return_claim_merchant", "return_claim", ["merchant_id", "state", "id"], unique=False)
    op.create_index(
        "ix_return_claim_open", "return_claim", ["answer_by"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(
        "uq_return_claim_live",
        "return_claim",
        ["redemption_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
