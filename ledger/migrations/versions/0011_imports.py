"""Files that merchants send in: members, opening balances, code pools, purchases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "code_pool",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="seals its codes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_pool")),
        sa.UniqueConstraint("merchant_id", "name", name=op.f("uq_code_pool_merchant_id_name")),
    )
    op.create_table(
        "import_columns",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "columns",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="field by column name, as the merchant said last",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "kind", name=op.f("pk_import_columns")),
    )
    op.create_table(
        "import_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True, comment="what its sender called it"),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
        sa.Column("digest", sa.LargeBinary(), nullable=True, comment="SHA-256; null until the content is here"),
        sa.Column("sent_by", sa.Text(), nullable=False, comment="as entries name an actor: staff:3, api_key:5"),
        sa.Column(
            "member_id",
            sa.BigInteger(),
            nullable=True,
            comment="who is told how it goes; null: nobody, it came over HTTP",
        ),
        sa.Column("history", sa.Boolean(), nullable=False, comment="whether it may say what happened long ago"),
        sa.Column("at_once", sa.Boolean(), nullable=False, comment="runs as soon as it is read, without a trial"),
        sa.Column(
            "columns",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="field by the name of its column, where it is not one of the usual",
        ),
        sa.Column("telegram_file", sa.Text(), nullable=True, comment="Telegram's id of it, until the content is here"),
        sa.Column("fetch_after", sa.DateTime(timezone=True), nullable=True, comment="when to ask Telegram for it next"),
        sa.Column(
            "key",
            sa.LargeBinary(),
            nullable=True,
            comment="seals content and rows; null: forgotten, nobody can read them any more",
        ),
        sa.Column("content", sa.LargeBinary(), nullable=True, comment="sealed; null as soon as its rows are kept"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False, comment="in a row, that came to nothing"),
        sa.Column(
            "error",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="why it was refused or stopped: code, and the words in Chinese and English",
        ),
        sa.Column("row_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unread_count", sa.Integer(), server_default="0", nullable=False, comment="rows that can't be read"),
        sa.Column(
            "place", sa.Integer(), server_default="0", nullable=False, comment="the unit that was worked on last"
        ),
        sa.Column(
            "good", sa.Integer(), server_default="0", nullable=False, comment="rows of this phase: done, or would be"
        ),
        sa.Column("known", sa.Integer(), server_default="0", nullable=False, comment="rows that had been done before"),
        sa.Column(
            "bad",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="rows refused, those that can't be read among them",
        ),
        sa.Column(
            "points", sa.BigInteger(), server_default="0", nullable=False, comment="issued in this phase, or would be"
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True, comment="files under way take turns"),
        sa.CheckConstraint("(state = 'received') = (content IS NOT NULL)", name=op.f("ck_import_file_received")),
        sa.CheckConstraint("(state = 'sent') = (telegram_file IS NOT NULL)", name=op.f("ck_import_file_sent")),
        sa.CheckConstraint("kind IN ('purchases', 'members', 'balances', 'codes')", name=op.f("ck_import_file_kind")),
        sa.CheckConstraint(
            "state IN ('sent', 'received', 'read', 'tried', 'running', 'done', 'refused', 'dropped', 'stopped')",
            name=op.f("ck_import_file_state"),
        ),
        sa.CheckConstraint("(confirmed_at IS NULL) = (confirmed_by IS NULL)", name=op.f("ck_import_file_confirmed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_file")),
    )
    op.create_index("ix_import_file_merchant", "import_file", ["merchant_id", "id"], unique=False)
    op.create_index(
        "ix_import_file_under_way",
        "import_file",
        ["worked_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('sent', 'received', 'read', 'running')"),
    )
    op.create_table(
        "import_row",
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="as spreadsheets count, the header is 1",
        ),
        sa.Column(
            "unit", sa.Integer(), nullable=True, comment="number of the unit's first row; null: it can't be read"
        ),
        sa.Column(
            "box",
            sa.LargeBinary(),
            nullable=True,
            comment="what it says by field, sealed; null where nobody may read it again",
        ),
        sa.Column("outcome", sa.Text(), nullable=False, comment="of the trial, then of the work"),
        sa.Column("code", sa.Text(), nullable=True, comment="of the refusal"),
        sa.Column(
            "words",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="the refusal in Chinese and English",
        ),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column(
            "result_id",
            sa.BigInteger(),
            nullable=True,
            comment="the purchase, entry, member or code that it made or met",
        ),
        sa.CheckConstraint("(outcome = 'refused') = (code IS NOT NULL)", name=op.f("ck_import_row_code")),
        sa.CheckConstraint(
            "outcome IN ('waiting', 'would', 'done', 'already', 'refused')", name=op.f("ck_import_row_outcome")
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_row")),
    )
    op.create_index(
        "ix_import_row_refused",
        "import_row",
        ["import_id", "number"],
        unique=False,
        postgresql_where=sa.text("outcome = 'refused'"),
    )
    op.create_index(
        "ix_import_row_unit",
        "import_row",
        ["import_id", "unit"],
        unique=False,
        postgresql_where=sa.text("unit IS NOT NULL"),
    )
    op.create_table(
        "partner_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("pool_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "code_index", sa.LargeBinary(), nullable=False, comment="HMAC of the code: a merchant brings it once"
        ),
        sa.Column("box", sa.LargeBinary(), nullable=False, comment="the code, sealed with the pool's key"),
        sa.Column("valid_until", sa.Date(), nullable=True, comment="last day; null: no end"),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "taken_for", sa.Text(), nullable=True, comment="names what it was taken for: that takes one code only"
        ),
        sa.CheckConstraint("(taken_at IS NULL) = (taken_for IS NULL)", name=op.f("ck_partner_code_taken")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_code")),
        sa.UniqueConstraint("merchant_id", "code_index", name=op.f("uq_partner_code_merchant_id_code_index")),
        sa.UniqueConstraint("taken_for", name=op.f("uq_partner_code_taken_for")),
    )
    op.create_index(
        "ix_partner_code_free",
        "partner_code",
        ["pool_id", "valid_until", "id"],
        unique=False,
        postgresql_where=sa.text("taken_at IS NULL"),
    )
