"""Keys of the merchant API, stored answers, webhooks to merchants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing has been written to the column so far: no earlier version answered API calls.
    op.drop_column("turn_key", "answer")
    op.add_column(
        "turn_key", sa.Column("request", sa.LargeBinary(), nullable=True, comment="SHA-256 of what an API call asked")
    )
    op.add_column("turn_key", sa.Column("status", sa.SmallInteger(), nullable=True, comment="of its answer"))
    op.add_column("turn_key", sa.Column("answer", sa.Text(), nullable=True, comment="its answer, letter by letter"))
    op.add_column(
        "turn_key",
        sa.Column(
            "member_id", sa.BigInteger(), nullable=True, comment="whom the answer names; erasure finds it by this"
        ),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "till", sa.Text(), nullable=True, comment="whose purchases are booked under it; null: the whole merchant's"
        ),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False, comment="what lists show of it"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the whole key"),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False, comment="requests that one process serves"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "ends_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="another has replaced it; both work until then",
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.Column("replaces", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_api_key_revoked")),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck_api_key_per_minute")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_key_prefix")),
    )
    op.create_index(op.f("ix_api_key_merchant_id"), "api_key", ["merchant_id"])
    op.create_table(
        "webhook",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False, comment="which secret signs: it follows from this"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "webhook_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="names what happened: it is told once"),
        sa.Column("body", sa.Text(), nullable=False, comment="what is sent, letter by letter"),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True, comment="someone is sending it until then"),
        sa.Column("answer", sa.Text(), nullable=True, comment="what came of the last try"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'dead')", name=op.f("ck_webhook_event_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_event")),
        sa.UniqueConstraint("merchant_id", "key", name=op.f("uq_webhook_event_merchant_id_key")),
    )
    op.create_index("ix_webhook_event_due", "webhook_event", ["due_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index("ix_webhook_event_merchant", "webhook_event", ["merchant_id", "id"])
