"""Tables of the turn: keys already used, dialogues, what is to be said, and what could not be done."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

turn_key = Table(
    "turn_key",
    metadata,
    Column("key", Text, primary_key=True, comment="update:<bot>:<id>, api:<merchant>:<key>, job:<name>:<slot>:<chunk>"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
    Column("request", LargeBinary, comment="SHA-256 of what an API call asked"),
    Column("status", SmallInteger, comment="of its answer"),
    Column("answer", Text, comment="its answer, letter by letter"),
    Column("member_id", BigInteger, comment="whom the answer names; erasure finds it by this"),
)

receipt_due = Table(
    "receipt_due",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False, comment="booked by the API, not yet told"),
)

dialogue = Table(
    "dialogue",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False, server_default=""),
    Column("data", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

outbox = Table(
    "outbox",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("member_id", BigInteger, comment="who is told; erasure finds its rows by it"),
    Column("method", Text, nullable=False),
    Column("params", JSONB, nullable=False),
    Column("policy", Text, nullable=False, comment="reply, operational (at least once), promotional (at most once)"),
    Column("key", Text, unique=True, comment="a notice that must be sent once names itself"),
    Column("not_after", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("lease_until", DateTime(timezone=True), comment="someone is sending it until then"),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("error", Text),
    CheckConstraint("policy IN ('reply', 'operational', 'promotional')", "policy"),
    CheckConstraint("state IN ('waiting', 'sent', 'dropped', 'failed', 'unknown')", "state"),
    Index("ix_outbox_waiting", "policy", "chat_id", "id", postgresql_where=text("state = 'waiting'")),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("chat_id", BigInteger, index=True),
    Column("payload", JSONB, nullable=False),
    Column("error", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("code", Text, nullable=False, comment="what the person was told to quote"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("resolved_at", DateTime(timezone=True)),
)

failure = Table(
    "failure",
    metadata,
    Column("key", Text, primary_key=True, comment="the turn that failed"),
    Column("tries", Integer, nullable=False),
    Column("code", Text, nullable=False, index=True),
    Column("chat_id", BigInteger),
    Column("error", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

lead = Table(
    "lead",
    metadata,
    Column("role", Text, primary_key=True, comment="jobs, poller"),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)

slot = Table(
    "slot",
    metadata,
    Column("job", Text, primary_key=True),
    Column("due_at", DateTime(timezone=True), primary_key=True),
    Column("state", Text, nullable=False, server_default="due"),
    Column(
        "progress", JSONB, nullable=False, server_default=text("'{}'::jsonb"), comment="where the next chunk begins"
    ),
    Column("epoch", BigInteger),
    Column("started_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", JSONB),
    CheckConstraint("state IN ('due', 'running', 'done', 'failed')", "state"),
    Index("ix_slot_open", "due_at", postgresql_where=text("state IN ('due', 'running')")),
)

pace = Table(
    "pace",
    metadata,
    Column("name", Text, primary_key=True, comment="unsolicited: messages nobody asked for, of all workers together"),
    Column("full_at", DateTime(timezone=True), nullable=False, comment="when the next one may leave"),
)

programme_clock = Table(
    "programme_clock",
    metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False, server_default="1"),
    Column(
        "ahead_days", Integer, nullable=False, server_default="0", comment="business dates run ahead by so many days"
    ),
    Column("moved_on", Date),
    CheckConstraint("one = 1", "one"),
    CheckConstraint("ahead_days >= 0", "forward"),
)
