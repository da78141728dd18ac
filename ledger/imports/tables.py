"""Tables of imports: files and their rows, and how a merchant's files name their columns."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

import_file = Table(
    "import_file",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, comment="what its sender called it"),
    Column("size", Integer, nullable=False, comment="bytes"),
    Column("digest", LargeBinary, comment="SHA-256; null until the content is here"),
    Column("sent_by", Text, nullable=False, comment="as entries name an actor: staff:3, api_key:5"),
    Column("member_id", BigInteger, comment="who is told how it goes; null: nobody, it came over HTTP"),
    Column("history", Boolean, nullable=False, comment="whether it may say what happened long ago"),
    Column("at_once", Boolean, nullable=False, comment="runs as soon as it is read, without a trial"),
    Column(
        "columns", JSONB, nullable=False, comment="field by the name of its column, where it is not one of the usual"
    ),
    Column("telegram_file", Text, comment="Telegram's id of it, until the content is here"),
    Column("fetch_after", DateTime(timezone=True), comment="when to ask Telegram for it next"),
    Column("key", LargeBinary, comment="seals content and rows; null: forgotten, nobody can read them any more"),
    Column("content", LargeBinary, comment="sealed; null as soon as its rows are kept"),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0", comment="in a row, that came to nothing"),
    Column("error", JSONB, comment="why it was refused or stopped: code, and the words in Chinese and English"),
    Column("row_count", Integer, nullable=False, server_default="0"),
    Column("unread_count", Integer, nullable=False, server_default="0", comment="rows that can't be read"),
    Column("place", Integer, nullable=False, server_default="0", comment="the unit that was worked on last"),
    Column("good", Integer, nullable=False, server_default="0", comment="rows of this phase: done, or would be"),
    Column("known", Integer, nullable=False, server_default="0", comment="rows that had been done before"),
    Column(
        "bad", Integer, nullable=False, server_default="0", comment="rows refused, those that can't be read among them"
    ),
    Column("points", BigInteger, nullable=False, server_default="0", comment="issued in this phase, or would be"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("tried_at", DateTime(timezone=True)),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("confirmed_by", Text),
    Column("done_at", DateTime(timezone=True)),
    Column("worked_at", DateTime(timezone=True), comment="files under way take turns"),
    CheckConstraint("kind IN ('purchases', 'members', 'balances', 'codes', 'used_vouchers')", "kind"),
    CheckConstraint(
        "state IN ('sent', 'received', 'read', 'tried', 'running', 'done', 'refused', 'dropped', 'stopped')", "state"
    ),
    CheckConstraint("(state = 'sent') = (telegram_file IS NOT NULL)", "sent"),
    CheckConstraint("(state = 'received') = (content IS NOT NULL)", "received"),
    CheckConstraint("(confirmed_at IS NULL) = (confirmed_by IS NULL)", "confirmed"),
    Index("ix_import_file_merchant", "merchant_id", "id"),
    Index(
        "ix_import_file_under_way",
        "worked_at",
        postgresql_where=text("state IN ('sent', 'received', 'read', 'running')"),
    ),
)

import_row = Table(
    "import_row",
    metadata,
    Column("import_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="as spreadsheets count, the header is 1"),
    Column("unit", Integer, comment="number of the unit's first row; null: it can't be read"),
    Column("box", LargeBinary, comment="what it says by field, sealed; null where nobody may read it again"),
    Column("outcome", Text, nullable=False, comment="of the trial, then of the work"),
    Column("code", Text, comment="of the refusal"),
    Column("words", JSONB, comment="the refusal in Chinese and English"),
    Column("points", BigInteger),
    Column("result_id", BigInteger, comment="the purchase, entry, member or code that it made or met"),
    CheckConstraint("outcome IN ('waiting', 'would', 'done', 'already', 'refused')", "outcome"),
    CheckConstraint("(outcome = 'refused') = (code IS NOT NULL)", "code"),
    Index("ix_import_row_unit", "import_id", "unit", postgresql_where=text("unit IS NOT NULL")),
    Index("ix_import_row_refused", "import_id", "number", postgresql_where=text("outcome = 'refused'")),
)

import_columns = Table(
    "import_columns",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("columns", JSONB, nullable=False, comment="field by column name, as the merchant said last"),
    Column("at", DateTime(timezone=True), nullable=False),
)
