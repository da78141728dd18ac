"""Test keys, webhooks whose events say that they are a test; rates of keys over several processes; applications over
HTTP."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, comment in (("api_key", "it reaches the sandbox alone"), ("webhook", "its events say so")):
        op.add_column(
            table,
            sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment=comment),
        )
    op.alter_column(
        "api_key",
        "per_minute",
        comment="requests that are served",
        existing_comment="requests that one process serves",
    )
    op.create_table(
        "api_rate",
        sa.Column("key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False, comment="requests left, as of `at`"),
        sa.Column("drawn", sa.Double(), nullable=False, comment="by the process that asked last"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_rate")),
        prefixes=["UNLOGGED"],
    )
    op.alter_column(
        "merchant_application",
        "member_id",
        nullable=True,
        comment="who applies; the owner once it is certified; null: it came over HTTP",
        existing_comment="who applies; the owner once it is certified",
    )
    for column in (
        sa.Column(
            "from_index", sa.LargeBinary(), nullable=True, comment="blinded network address of who applied over HTTP"
        ),
        sa.Column(
            "stated",
            postgresql.JSONB(),
            nullable=True,
            comment="numbers of certificates as stated over HTTP: ledger.merchants.applicants.Stated",
        ),
        sa.Column(
            "taken_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when the owner's link and the first key were taken over HTTP",
        ),
    ):
        op.add_column("merchant_application", column)
    op.create_check_constraint(
        op.f("ck_merchant_application_came"), "merchant_application", "(member_id IS NULL) = (from_index IS NOT NULL)"
    )
    op.create_index(
        "ix_merchant_application_from",
        "merchant_application",
        ["from_index", "begun_at"],
        postgresql_where=sa.text("from_index IS NOT NULL"),
    )
    op.alter_column("merchant_file", "file_id", nullable=True)
    op.add_column(
        "merchant_file",
        sa.Column("content", sa.LargeBinary(), nullable=True, comment="of a file that came over HTTP"),
    )
    op.create_check_constraint(
        op.f("ck_merchant_file_kept"), "merchant_file", "(file_id IS NULL) = (content IS NOT NULL)"
    )
