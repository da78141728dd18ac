"""Tables of redeeming: offers with their versions, stock, redemptions; privileges and their uses."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

offer = Table(
    "offer",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("merchant_id", BigInteger, nullable=False, index=True),
    Column("category", Text, nullable=False),
    Column("currency_id", Integer, nullable=False),
    Column("least_points", BigInteger, nullable=False, comment="what its smallest amount costs"),
    Column("document", JSONB, nullable=False, comment="ledger.redeeming.offers.Offer"),
    Column("search_text", Text, nullable=False, comment="name, English, pinyin, initials; lower case"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
)

offer_version = Table(
    "offer_version",
    metadata,
    Column("offer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", JSONB, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

offer_stock = Table(
    "offer_stock",
    metadata,
    Column("offer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True, comment="0001-01-01: the whole stock; else that day's allowance"),
    Column("taken", Integer, nullable=False, server_default="0"),
    Column("limit_to", Integer, nullable=False),
    Column(
        "handed",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="pieces ever handed out, those that came back included; it never goes down",
    ),
    CheckConstraint("taken BETWEEN 0 AND limit_to", "never_oversold"),
    CheckConstraint("taken <= handed", "handed"),
)

redemption = Table(
    "redemption",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("member_id", BigInteger, nullable=False),
    Column("nonce", Text, nullable=False, comment="of the confirm button: two taps are one redemption"),
    Column("offer_id", BigInteger, nullable=False),
    Column("offer_version", Integer, nullable=False),
    Column("merchant_id", BigInteger, nullable=False),
    Column("currency_id", Integer, nullable=False),
    Column("units", Integer, nullable=False, server_default="1"),
    Column("points", BigInteger, nullable=False),
    Column("value_minor", BigInteger, nullable=False),
    Column("code_index", LargeBinary, nullable=False, unique=True, comment="HMAC of the code"),
    Column("code_box", LargeBinary, comment="the code, sealed with the member's key, to show it again"),
    Column("state", Text, nullable=False),
    Column("entry_id", BigInteger, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("undo_until", DateTime(timezone=True), nullable=False),
    Column("valid_until", Date, nullable=False, comment="last day"),
    Column("used_at", DateTime(timezone=True)),
    Column("used_by", BigInteger, comment="staff id"),
    Column("ended_at", DateTime(timezone=True), comment="taken back, or expired"),
    Column("settles_on", Date, comment="business date from which clearing counts it: used, or ended without a return"),
    Column(
        "piece",
        BigInteger,
        comment="of a limited stock, in the order in which its row was locked; the last of several; null: not limited",
    ),
    CheckConstraint("state IN ('issued', 'used', 'taken_back', 'expired')", "state"),
    CheckConstraint("(state = 'used') = (used_at IS NOT NULL)", "used"),
    UniqueConstraint("member_id", "nonce"),
    Index("ix_redemption_member", "member_id", "offer_id", "issued_on"),
    Index("ix_redemption_used", "merchant_id", "used_at"),
    Index("ix_redemption_open", "valid_until", postgresql_where=text("state = 'issued'")),
    Index("ix_redemption_settles", "settles_on", postgresql_where=text("settles_on IS NOT NULL")),
    Index("ix_redemption_entry", "entry_id"),
    Index("uq_redemption_piece", "offer_id", "piece", unique=True, postgresql_where=text("piece IS NOT NULL")),
)

code_attempt = Table(
    "code_attempt",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("staff_id", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Index("ix_code_attempt_staff", "staff_id", "at"),
)

favourite = Table(
    "favourite",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("offer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kept_at", DateTime(timezone=True), nullable=False),
    Column("watched", Boolean, nullable=False, server_default="true", comment="whether the member hears of changes"),
    Column("stands", Text, comment="can, short, gone, else: as it was last judged; null: not yet"),
    Column("told_on", Date, comment="when the member last heard of it"),
    CheckConstraint("stands IN ('can', 'short', 'gone', 'else')", "stands"),
)

code_pool = Table(
    "code_pool",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", LargeBinary, nullable=False, comment="seals its codes"),
    UniqueConstraint("merchant_id", "name"),
)

partner_code = Table(
    "partner_code",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("pool_id", BigInteger, nullable=False),
    Column("code_index", LargeBinary, nullable=False, comment="HMAC of the code: a merchant brings it once"),
    Column("box", LargeBinary, nullable=False, comment="the code, sealed with the pool's key"),
    Column("valid_until", Date, comment="last day; null: no end"),
    Column("taken_at", DateTime(timezone=True)),
    Column("taken_for", Text, unique=True, comment="names what it was taken for: that takes one code only"),
    CheckConstraint("(taken_at IS NULL) = (taken_for IS NULL)", "taken"),
    UniqueConstraint("merchant_id", "code_index"),
    Index("ix_partner_code_free", "pool_id", "valid_until", "id", postgresql_where=text("taken_at IS NULL")),
)

privilege = Table(
    "privilege",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("currency_id", Integer, comment="of the points that have to be held; null: none have to"),
    Column("outlet_ids", ARRAY(BigInteger), comment="where it holds; null: at all of the merchant's"),
    Column("document", JSONB, nullable=False, comment="ledger.redeeming.privilege.Privilege"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("merchant_id", "code"),
)

privilege_version = Table(
    "privilege_version",
    metadata,
    Column("privilege_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", JSONB, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

privilege_use = Table(
    "privilege_use",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="of the tap that made it: two taps are one use"),
    Column("privilege_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("merchant_id", BigInteger, nullable=False),
    Column("staff_id", BigInteger, nullable=False),
    Column("till", Text, comment="where a shift was worked"),
    Column("before_minor", BigInteger, comment="null: nothing was to pay"),
    Column("after_minor", BigInteger),
    Column("money", Text, nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=False),
    Column("used_on", Date, nullable=False, comment="business date: limits count by it"),
    Column("month", Date, nullable=False, comment="its first day"),
    Column(
        "place", Integer, nullable=False, comment="which of the member's uses in that month; free again once undone"
    ),
    Column("undone_at", DateTime(timezone=True)),
    Column("undone_by", BigInteger, comment="staff id"),
    Column("reason", Text, comment="why it was undone"),
    CheckConstraint("num_nulls(before_minor, after_minor) IN (0, 2)", "amounts"),
    CheckConstraint("after_minor BETWEEN 0 AND before_minor", "less"),
    CheckConstraint("num_nulls(undone_at, undone_by, reason) IN (0, 3)", "undone"),
    CheckConstraint("place > 0", "place"),
    Index(
        "uq_privilege_use_place",
        "member_id",
        "privilege_id",
        "month",
        "place",
        unique=True,
        postgresql_where=text("undone_at IS NULL"),
    ),
    Index("ix_privilege_use_merchant", "merchant_id", "used_at"),
    Index("ix_privilege_use_month", "privilege_id", "month"),
)
