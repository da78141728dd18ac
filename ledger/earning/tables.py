"""Tables of earning: rule documents and purchases."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

accrual_rule = Table(
    "accrual_rule",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("merchant_id", BigInteger, index=True, comment="null: the programme's, for every merchant"),
    Column("document", JSONB, nullable=False, comment="ledger.earning.rules.documents.RULE"),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("state", Text, nullable=False, server_default="approved"),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("decided_by", Text, comment="who approved, rejected or withdrew it; null: nobody had to, or not yet"),
    Column("decided_at", DateTime(timezone=True)),
    Column("why", Text, comment="why it was rejected"),
    CheckConstraint("state IN ('proposed', 'approved', 'rejected', 'withdrawn')", "state"),
    CheckConstraint("state <> 'approved' OR decided_by IS NULL OR decided_by <> made_by", "two_people"),
    CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", "days"),
)

campaign = Table(
    "campaign",
    metadata,
    Column("code", Text, primary_key=True),
    Column("merchant_id", BigInteger, comment="null: the programme's"),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column(
        "budget", JSONB, comment="ledger.earning.rules.documents.Budget of all its rules together; null: without limit"
    ),
    Column("is_open", Boolean, nullable=False, server_default=text("true"), comment="closed, its rules give nothing"),
)

campaign_change = Table(
    "campaign_change",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("what", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("merchant_id", BigInteger, comment="null: the programme's"),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("budget", JSONB, nullable=False, comment="to begin with, or to be added"),
    Column("state", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("why", Text),
    CheckConstraint("what IN ('open', 'add')", "what"),
    CheckConstraint("state IN ('proposed', 'approved', 'rejected', 'withdrawn')", "state"),
    CheckConstraint("state <> 'approved' OR decided_by IS NULL OR decided_by <> made_by", "two_people"),
    Index("ix_campaign_change_waiting", "id", postgresql_where=text("state = 'proposed'")),
)

rule_clock = Table(
    "rule_clock",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("version", Text, nullable=False, comment="another one after every change of rules; never one that was"),
    CheckConstraint("one = 1", "one"),
)

purchase = Table(
    "purchase",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("document", Text, nullable=False, comment="the merchant's receipt number; booked once whatever the keys"),
    Column("member_id", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="paid with money"),
    Column("money", Text, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("points", BigInteger, nullable=False, comment="what it earned; claw-backs are entries of their own"),
    Column("entry_id", BigInteger, nullable=False),
    Column("rule_versions", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("bill", JSONB, nullable=False, comment="parts by category, and what was paid with points: to recompute it"),
    Column("staff_id", BigInteger),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("bought_on", Date, nullable=False, comment="business date: which rules applied"),
    Column("taken_back_at", DateTime(timezone=True)),
    Column("channel", Text, nullable=False, server_default="till"),
    Column("outlet_id", BigInteger),
    Column("till", Text),
    Column(
        "facts",
        JSONB,
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="ledger.earning.rules.facts.Facts that it was decided by: to recompute it",
    ),
    Column(
        "shares",
        JSONB,
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="its points by the rule that gave them",
    ),
    UniqueConstraint("merchant_id", "document"),
    CheckConstraint("amount_minor >= 0 AND refunded_minor BETWEEN 0 AND amount_minor", "amount"),
    CheckConstraint("channel IN ('till', 'api', 'file', 'card')", "channel"),
    Index("ix_purchase_member", "member_id", "merchant_id", "id"),
    Index("ix_purchase_day", "merchant_id", "occurred_at"),
)

refund = Table(
    "refund",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("document", Text, primary_key=True, comment="the merchant's refund number"),
    Column("purchase_id", BigInteger, primary_key=True, autoincrement=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False, comment="clawed back"),
    Column("entry_id", BigInteger, comment="null where nothing had been earned on it"),
    Column("staff_id", BigInteger),
    Column("reason", Text),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column(
        "lines",
        JSONB,
        nullable=False,
        server_default=text("'[]'::jsonb"),
        comment="what came back: [place in the bill, pieces]",
    ),
    Column(
        "shares",
        JSONB,
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="its points by the rule that had given them",
    ),
    CheckConstraint("amount_minor >= 0 AND points >= 0", "amount"),
    CheckConstraint("(points > 0) = (entry_id IS NOT NULL)", "entry"),
    Index("ix_refund_purchase", "purchase_id"),
)

declined_purchase = Table(
    "declined_purchase",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("document", Text, nullable=False, comment="not taken by this: it may come again and be booked"),
    Column("member_id", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="paid with money"),
    Column("money", Text, nullable=False),
    Column("currency_id", Integer, nullable=False, comment="of the points that were not given"),
    Column("bill", JSONB, nullable=False, comment="as a purchase has it"),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("bought_on", Date, nullable=False),
    Column("channel", Text, nullable=False),
    Column("staff_id", BigInteger),
    Column("actor", Text, nullable=False, comment="who entered it"),
    Column("outlet_id", BigInteger),
    Column("till", Text),
    Column("reason", Text, nullable=False),
    Column("after_entry_id", BigInteger, nullable=False, comment="the member's newest entry at that time"),
    Column("times", Integer, nullable=False, server_default="1", comment="how often it was declined"),
    Column("declined_at", DateTime(timezone=True), nullable=False, comment="first"),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("told_at", DateTime(timezone=True), comment="when the member was told"),
    Column("dropped_at", DateTime(timezone=True), comment="the merchant will not book it"),
    Column("dropped_by", Text),
    UniqueConstraint("merchant_id", "document"),
    CheckConstraint("channel IN ('till', 'api', 'file', 'card')", "channel"),
    CheckConstraint("reason IN ('cover_exhausted')", "reason"),
    CheckConstraint("(dropped_at IS NULL) = (dropped_by IS NULL)", "dropped"),
    Index("ix_declined_purchase_member", "member_id", "after_entry_id"),
    Index("ix_declined_purchase_last", "last_at"),
)

activity = Table(
    "activity",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("place", Text, comment="of a check-in: where the code is shown"),
    Column("points", BigInteger, nullable=False, comment="for each person, once"),
    Column("people_max", Integer, nullable=False, comment="how many people it gives points to at most"),
    Column("people", Integer, nullable=False, server_default="0", comment="how many it has given points to"),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("questions", JSONB, nullable=False, server_default=text("'[]'::jsonb"), comment="of a survey"),
    Column("closed_at", DateTime(timezone=True)),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('check_in', 'survey', 'suggestions')", "kind"),
    CheckConstraint("points > 0 AND people BETWEEN 0 AND people_max", "people"),
    CheckConstraint("ends_at > starts_at", "time"),
)

activity_part = Table(
    "activity_part",
    metadata,
    Column("activity_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("answers", JSONB, comment="of a survey: the number of each choice, from 0"),
    Column("entry_id", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

suggestion = Table(
    "suggestion",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("activity_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("words", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("reply", Text, comment="what the merchant said to it"),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('open', 'accepted', 'declined')", "state"),
    CheckConstraint("(state = 'open') = (decided_at IS NULL)", "decided"),
    Index("uq_suggestion_open", "member_id", "activity_id", unique=True, postgresql_where=text("state = 'open'")),
    Index("ix_suggestion_activity", "activity_id", "id"),
)

dividend = Table(
    "dividend",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="of the tap that funded it, once"),
    Column("merchant_id", BigInteger, nullable=False),
    Column("since", Date, nullable=False, comment="first and last day of the purchases that count"),
    Column("until", Date, nullable=False),
    Column("pool", BigInteger, nullable=False),
    Column("earned", BigInteger, nullable=False, comment="what all members together earned then, net of refunds"),
    Column("members", Integer, nullable=False),
    Column("expires_on", Date),
    Column("entry_id", BigInteger, nullable=False, comment="the entry that funded it"),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("paid_at", DateTime(timezone=True), comment="when the last share was given"),
    CheckConstraint("pool > 0 AND earned > 0 AND members > 0 AND until >= since", "figures"),
    Index("uq_dividend_paying", "merchant_id", unique=True, postgresql_where=text("paid_at IS NULL")),
    Index("ix_dividend_merchant", "merchant_id", "since"),
)

dividend_share = Table(
    "dividend_share",
    metadata,
    Column("dividend_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("earned", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("entry_id", BigInteger, comment="null: not given yet"),
    CheckConstraint("earned > 0 AND points > 0", "figures"),
    Index("ix_dividend_share_open", "dividend_id", "member_id", unique=True, postgresql_where=text("entry_id IS NULL")),
)

cap_usage = Table(
    "cap_usage",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", Text, primary_key=True, comment="its code; versions count together"),
    Column("period", Text, primary_key=True, comment="2026-11-11, 2026-11 or ever: of the purchases' days"),
    Column("points", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("points >= 0", "points"),
)

welcome_due = Table(
    "welcome_due",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("points", BigInteger, nullable=False, comment="as they were promised"),
    Column("since", DateTime(timezone=True), nullable=False),
)

budget_usage = Table(
    "budget_usage",
    metadata,
    Column("scope", Text, primary_key=True, comment="rule:<code> or campaign:<code>"),
    Column(
        "points",
        JSONB,
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="given so far, by currency id: one row, so that it can be locked as one",
    ),
    CheckConstraint("NOT jsonb_path_exists(points, '$.* ? (@ < 0)')", "points"),
)

green_rating = Table(
    "green_rating",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("as_of", Date, nullable=False),
    Column("purchases", BigInteger, nullable=False, comment="in the days that count"),
    Column("by_class", JSONB, nullable=False, comment="net sales in minor units by green class; empty: none"),
)
