"""Applications, certificates, outlets and shifts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "what a suspension waits for: a certificate renewed, or the operator"
    op.add_column("merchant", sa.Column("suspended_for", sa.Text(), nullable=True, comment=comment))
    op.create_check_constraint(
        op.f("ck_merchant_suspended_for"), "merchant", "suspended_for IS NULL OR status = 'suspended'"
    )
    op.create_table(
        "merchant_application",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False, comment="who applies; the owner once it is certified"),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=True),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column(
            "region", sa.Text(), nullable=True, comment="a region of the programme; null: not asked yet, or nationwide"
        ),
        sa.Column("licence", sa.Text(), nullable=True, comment="number of the business licence"),
        sa.Column(
            "contact_key",
            sa.LargeBinary(),
            nullable=True,
            comment="seals the contact; gone once the application is rejected or withdrawn",
        ),
        sa.Column("contact_box", sa.LargeBinary(), nullable=True, comment="whom to reach and how, as they wrote it"),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True, comment="the merchant it became by being sent"),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'draft') = (merchant_id IS NULL)", name=op.f("ck_merchant_application_merchant")),
        sa.CheckConstraint(
            "state IN ('draft', 'sent', 'accepted', 'rejected', 'withdrawn')",
            name=op.f("ck_merchant_application_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_application")),
    )
    op.create_index("ix_merchant_application_merchant", "merchant_application", ["merchant_id"], unique=False)
    op.create_index("ix_merchant_application_state", "merchant_application", ["state", "id"], unique=False)
    op.create_index(
        "uq_merchant_application_open",
        "merchant_application",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'sent')"),
    )
    op.create_table(
        "merchant_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "application_id",
            sa.BigInteger(),
            nullable=True,
            comment="of an application, also when it has become a merchant",
        ),
        sa.Column(
            "merchant_id",
            sa.BigInteger(),
            nullable=True,
            comment="of a merchant; null while the application is not sent",
        ),
        sa.Column("purpose", sa.Text(), nullable=False, comment="what it is to prove"),
        sa.Column("kind", sa.Text(), nullable=False, comment="how Telegram keeps it"),
        sa.Column("file_id", sa.Text(), nullable=False, comment="Telegram's; good for this bot alone"),
        sa.Column("unique_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("caption", sa.Text(), server_default="", nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('photo', 'document')", name=op.f("ck_merchant_file_kind")),
        sa.CheckConstraint(
            "purpose IN ('licence', 'credit', 'assessment', 'filing', 'other')", name=op.f("ck_merchant_file_purpose")
        ),
        sa.CheckConstraint(
            "application_id IS NOT NULL OR merchant_id IS NOT NULL", name=op.f("ck_merchant_file_belongs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_file")),
    )
    op.create_index("ix_merchant_file_merchant", "merchant_file", ["merchant_id", "id"], unique=False)
    op.create_index("uq_merchant_file_application", "merchant_file", ["application_id", "unique_id"], unique=True)
    op.create_table(
        "certificate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False, comment="the last good day"),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "confirmed_by", sa.Text(), nullable=True, comment="null: waits for a second person and does not count yet"
        ),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "warned_days",
            sa.SmallInteger(),
            nullable=True,
            comment="the last warning given: so many days before the end, or fewer",
        ),
        sa.CheckConstraint("kind IN ('credit', 'assessment', 'filing')", name=op.f("ck_certificate_kind")),
        sa.CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name=op.f("ck_certificate_confirmed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
    )
    op.create_index("ix_certificate_merchant", "certificate", ["merchant_id", "kind", "id"], unique=False)
    op.create_table(
        "outlet",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "region", sa.Text(), nullable=True, comment="where purchases here are made; null: the merchant's own"
        ),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("hours", sa.Text(), server_default="", nullable=False, comment="opening hours, as people say them"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outlet")),
    )
    op.create_index(
        "ix_outlet_region",
        "outlet",
        ["region", "merchant_id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "uq_outlet_name", "outlet", ["merchant_id", "name"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "till",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("outlet_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False, comment="how receipts and lists name it"),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till")),
    )
    op.create_index("ix_till_outlet", "till", ["outlet_id"], unique=False)
    op.create_index(
        "uq_till_label", "till", ["merchant_id", "label"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "shift",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("till_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "closed_by", sa.Text(), nullable=True, comment="how it ended: closed, by the next shift, or with the day"
        ),
        sa.Column(
            "totals",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="ledger.merchants.shifts.Totals, as they were at the close",
        ),
        sa.CheckConstraint("closed_by IN ('cashier', 'next', 'day')", name=op.f("ck_shift_closed_by")),
        sa.CheckConstraint("closed_at >= opened_at", name=op.f("ck_shift_order")),
        sa.CheckConstraint("num_nulls(closed_at, closed_by, totals) IN (0, 3)", name=op.f("ck_shift_closed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index("ix_shift_merchant", "shift", ["merchant_id", "id"], unique=False)
    op.create_index("uq_shift_staff", "shift", ["staff_id"], unique=True, postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index("uq_shift_till", "shift", ["till_id"], unique=True, postgresql_where=sa.text("closed_at IS NULL"))
    op.create_table(
        "post_choice",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "merchant_id", sa.BigInteger(), nullable=False, comment="where somebody with several posts works today"
        ),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_post_choice")),
    )
    op.create_table(
        "merchant_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "who",
            sa.Text(),
            nullable=False,
            comment="as entries name an actor: staff:3, operator:5, member:7, job:certificates",
        ),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column(
            "facts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_log")),
    )
    op.create_index("ix_merchant_log_merchant", "merchant_log", ["merchant_id", "id"], unique=False)
    op.create_table(
        "green_rating",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("purchases", sa.BigInteger(), nullable=False, comment="in the days that count"),
        sa.Column(
            "by_class",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="net sales in minor units by green class; empty: none",
        ),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_green_rating")),
    )
