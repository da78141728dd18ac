"""Tables of the points engine. Ids are made by the writer; postings and entries are only ever inserted.

No foreign keys between the hot tables: each would lock the hot issuer row it points at. `audit` proves there are no orphans.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

IDS_PER_PAGE = 64
"""How many ids one step of `points_ids` stands for. Pages are taken after the accounts are locked, so an owner's ids grow in
the order in which that owner's entries happened."""

ids = Sequence("points_ids", metadata=metadata, start=1, increment=1, cache=1)

currency = Table(
    "currency",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column("issuer_id", BigInteger, comment="merchant that owns it; null for the coalition's common points"),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("name_en_one", Text, comment="what one point is called in English; null: as several"),
    Column("value_minor", Integer, nullable=False, comment="published value of `value_points` points, in minor units"),
    Column("value_points", Integer, nullable=False),
    Column("money", Text, nullable=False, server_default="CNY"),
    CheckConstraint("value_minor >= 0 AND value_points > 0", "value"),
)

account = Table(
    "account",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("owner_kind", Text, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("currency_id", SmallInteger, nullable=False),
    Column("issuer_id", BigInteger, nullable=False, server_default="0", comment="deficits only; else 0"),
    Column("balance", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("owner_id", "owner_kind", "purpose", "currency_id", "issuer_id"),
    CheckConstraint("owner_kind IN ('member', 'pool', 'merchant', 'programme')", "owner_kind"),
    CheckConstraint(
        "purpose IN ('available', 'pending', 'held', 'transit', 'deficit', 'issued', 'burned', 'expired', 'clawed_back')",
        "purpose",
    ),
    CheckConstraint(
        "CASE WHEN purpose IN ('available', 'pending', 'held', 'transit') THEN balance >= 0"
        " WHEN purpose = 'deficit' THEN balance <= 0 ELSE balance = 0 AND version = 0 END",
        "sign",
    ),
    postgresql_with={"fillfactor": 70},
)

lot = Table(
    "lot",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("owner_kind", Text, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("issuer_id", BigInteger, nullable=False),
    Column("currency_id", SmallInteger, nullable=False),
    Column("entry_id", BigInteger, nullable=False),
    Column("rule", Text),
    Column("available_on", Date, nullable=False),
    Column("expires_on", Date, comment="last good day; null: never"),
    Column("points", BigInteger, nullable=False),
    Column("transferable", Boolean, nullable=False, server_default=text("true")),
    Column("parent_lot_id", BigInteger, comment="the lot this came from by gift, exchange or grace"),
    Column("grace_of", BigInteger, comment="the lot whose late return this is; all of one lot end on one day"),
    Column("graced", Boolean, nullable=False, server_default=text("false"), comment="it or an ancestor is a grace lot"),
    CheckConstraint("points > 0", "points"),
    CheckConstraint("expires_on >= available_on", "life"),
    Index("ix_lot_grace_of", "grace_of", postgresql_where=text("grace_of IS NOT NULL")),
    Index("ix_lot_parent", "parent_lot_id", postgresql_where=text("parent_lot_id IS NOT NULL")),
)

position = Table(
    "position",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("lot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("points", BigInteger, nullable=False),
    Column(
        "due_on", Date, comment="first day on which it must be released (pending) or expired (available); null: never"
    ),
    CheckConstraint("points > 0", "points"),
    Index("ix_position_due", "due_on", "account_id", postgresql_where=text("due_on IS NOT NULL")),
    postgresql_with={"fillfactor": 80},
)

hold = Table(
    "hold",
    metadata,
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False, comment="the id of the entry that placed it"),
    Column("owner_kind", Text, nullable=False),
    Column("currency_id", SmallInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("lot_ids", ARRAY(BigInteger), nullable=False),
    Column("lot_points", ARRAY(BigInteger), nullable=False),
    Column("ends_at", DateTime(timezone=True)),
    Column("state", Text, nullable=False, server_default="open"),
    Column("resolved_by", BigInteger, comment="the entry that burned, gave or voided it"),
    CheckConstraint("state IN ('open', 'burned', 'given', 'voided')", "state"),
    CheckConstraint("(state = 'open') = (resolved_by IS NULL)", "resolved"),
    Index("ix_hold_open", "ends_at", postgresql_where=text("state = 'open'")),
)

entry = Table(
    "entry",
    metadata,
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    Column("fingerprint", LargeBinary, nullable=False, comment="what a repeat of the key must equal"),
    Column("kind", Text, nullable=False),
    Column("owner_kind", Text, nullable=False),
    Column("counter_kind", Text),
    Column("counter_id", BigInteger, comment="the other owner of a transfer"),
    Column("currency_id", SmallInteger, nullable=False),
    Column("points", BigInteger, nullable=False, comment="size of the happening, ≥ 0; its direction is its kind's"),
    Column("issuer_id", BigInteger),
    Column("merchant_id", BigInteger, comment="where it happened"),
    Column("undoes_id", BigInteger, comment="the entry that this one takes back, wholly or in part"),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("facts", JSONB, nullable=False),
    Column("trace", JSONB, comment="the arithmetic that «why» shows"),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("posted_at", DateTime(timezone=True), nullable=False),
    Column("posted_on", Date, nullable=False, comment="business date"),
    CheckConstraint("points >= 0", "points"),
    Index("ix_entry_counter", "counter_id", "id", postgresql_where=text("counter_id IS NOT NULL")),
    Index("ix_entry_undoes", "undoes_id", postgresql_where=text("undoes_id IS NOT NULL")),
    Index("ix_entry_spending", "posted_on", postgresql_where=text("kind IN ('burn', 'reinstate')")),
)

posting = Table(
    "posting",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "number",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="owner's accounts: version, gap-free; issuer's accounts: any fresh id",
    ),
    Column("entry_id", BigInteger, nullable=False, index=True),
    Column("lot_id", BigInteger, nullable=False, index=True),
    Column("issuer_id", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("balance_after", BigInteger, comment="owner's accounts only"),
    CheckConstraint("points <> 0", "points"),
)
