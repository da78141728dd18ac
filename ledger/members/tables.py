"""Tables of members. Personal fields live in `person.box`, encrypted; forgetting a person deletes that row and its key."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from ledger.metadata import metadata

member = Table(
    "member",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("status", Text, nullable=False, comment="unclaimed: imported, nobody joined yet"),
    Column("language", Text, comment="chosen; null: as Telegram says"),
    Column("telegram_language", Text, comment="what their Telegram said last; null: nothing yet"),
    Column("region", Text),
    Column("birth_month", SmallInteger),
    Column("birth_day", SmallInteger),
    Column("birth_told_on", Date),
    Column("joined_on", Date),
    Column("unreachable_since", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint("status IN ('unclaimed', 'active', 'frozen', 'closed')", "status"),
    CheckConstraint("(birth_month IS NULL) = (birth_day IS NULL)", "birthday"),
)

person = Table(
    "person",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("telegram_index", LargeBinary, nullable=False, unique=True, comment="HMAC of the Telegram id"),
    Column("key", LargeBinary, nullable=False, comment="this member's data key, wrapped by the programme's"),
    Column("box", LargeBinary, nullable=False, comment="encrypted JSON: telegram_id, chat_id, name, birth_year"),
)

consent = Table(
    "consent",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("purpose", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("given_at", DateTime(timezone=True), nullable=False),
    Column("withdrawn_at", DateTime(timezone=True)),
)

external_account = Table(
    "external_account",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("external_id", Text, primary_key=True),
    Column("member_id", BigInteger, nullable=False, index=True),
    Column("claim_index", LargeBinary, unique=True, comment="HMAC of the claim code; null once claimed or not given"),
    Column("claimed_by", BigInteger, comment="the member who claimed it and now holds its points"),
    Column("claimed_at", DateTime(timezone=True)),
)

claim_attempt = Table(
    "claim_attempt",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, comment="a wrong claim code was given"),
)

card_code = Table(
    "card_code",
    metadata,
    Column("code", Text, primary_key=True, comment="what a cashier scans or types"),
    Column("member_id", BigInteger, nullable=False, index=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("used_by", BigInteger, comment="staff id"),
)

operator = Table(
    "operator",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("role", Text, primary_key=True),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("removed_at", DateTime(timezone=True)),
    CheckConstraint("role IN ('admin', 'finance', 'support', 'auditor')", "role"),
)

invitation = Table(
    "invitation",
    metadata,
    Column("token_index", LargeBinary, primary_key=True, comment="HMAC of a one-time link's token"),
    Column("purpose", Text, nullable=False, comment="staff, operator"),
    Column("merchant_id", BigInteger),
    Column("role", Text, nullable=False),
    Column("label", Text, comment="how receipts will name them: «3号台»"),
    Column("made_by", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_by", BigInteger),
    Column("used_at", DateTime(timezone=True)),
)
