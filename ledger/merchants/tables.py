"""Tables of merchants: who they are, how they came in and under which certificates, their outlets, tills, shifts and staff."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ledger.metadata import metadata

merchant = Table(
    "merchant",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("region", Text),
    Column("money", Text, nullable=False, server_default="CNY"),
    Column("status", Text, nullable=False, server_default="certified"),
    Column("suspended_for", Text, comment="what a suspension waits for: a certificate renewed, or the operator"),
    Column("terms", JSONB, nullable=False, comment="ledger.merchants.merchant.Terms"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint("status IN ('applied', 'certified', 'suspended', 'closed')", "status"),
    CheckConstraint("suspended_for IS NULL OR status = 'suspended'", "suspended_for"),
)

staff = Table(
    "staff",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("label", Text, nullable=False, comment="how receipts name them: «3号台»"),
    Column("added_by", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("removed_at", DateTime(timezone=True)),
    CheckConstraint("role IN ('owner', 'manager', 'cashier')", "role"),
    Index("uq_staff_current", "member_id", "merchant_id", unique=True, postgresql_where=text("removed_at IS NULL")),
)

merchant_mapping = Table(
    "merchant_mapping",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("document", JSONB, nullable=False, comment="ledger.merchants.mapping.Mapping"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)

merchant_application = Table(
    "merchant_application",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("member_id", BigInteger, comment="who applies; the owner once it is certified; null: it came over HTTP"),
    Column("state", Text, nullable=False, server_default="draft"),
    Column("name_zh", Text),
    Column("name_en", Text),
    Column("category", Text),
    Column("region", Text, comment="a region of the programme; null: not asked yet, or nationwide"),
    Column("licence", Text, comment="number of the business licence"),
    Column("contact_key", LargeBinary, comment="seals the contact; gone once the application is rejected or withdrawn"),
    Column("contact_box", LargeBinary, comment="whom to reach and how, as they wrote it"),
    Column("merchant_id", BigInteger, comment="the merchant it became by being sent"),
    Column("from_index", LargeBinary, comment="blinded network address of who applied over HTTP"),
    Column("stated", JSONB, comment="numbers of certificates as stated over HTTP: ledger.merchants.applicants.Stated"),
    Column("taken_at", DateTime(timezone=True), comment="when the owner's link and the first key were taken over HTTP"),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", Text),
    Column("reason", Text),
    CheckConstraint("state IN ('draft', 'sent', 'accepted', 'rejected', 'withdrawn')", "state"),
    CheckConstraint("(state = 'draft') = (merchant_id IS NULL)", "merchant"),
    Index(
        "uq_merchant_application_open", "member_id", unique=True, postgresql_where=text("state IN ('draft', 'sent')")
    ),
    CheckConstraint("(member_id IS NULL) = (from_index IS NOT NULL)", "came"),
    Index("ix_merchant_application_from", "from_index", "begun_at", postgresql_where=text("from_index IS NOT NULL")),
    Index("ix_merchant_application_state", "state", "id"),
    Index("ix_merchant_application_merchant", "merchant_id"),
)

merchant_file = Table(
    "merchant_file",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("application_id", BigInteger, comment="of an application, also when it has become a merchant"),
    Column("merchant_id", BigInteger, comment="of a merchant; null while the application is not sent"),
    Column("purpose", Text, nullable=False, comment="what it is to prove"),
    Column("kind", Text, nullable=False, comment="how Telegram keeps it"),
    Column("file_id", Text, comment="Telegram's; good for this bot alone"),
    Column("content", LargeBinary, comment="of a file that came over HTTP"),
    Column("unique_id", Text, nullable=False),
    Column("name", Text),
    Column("size", BigInteger, nullable=False),
    Column("caption", Text, nullable=False, server_default=""),
    Column("added_by", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('photo', 'document')", "kind"),
    CheckConstraint("(file_id IS NULL) = (content IS NOT NULL)", "kept"),
    CheckConstraint("purpose IN ('licence', 'credit', 'assessment', 'filing', 'other')", "purpose"),
    CheckConstraint("application_id IS NOT NULL OR merchant_id IS NOT NULL", "belongs"),
    Index("uq_merchant_file_application", "application_id", "unique_id", unique=True),
    Index("ix_merchant_file_merchant", "merchant_id", "id"),
)

certificate = Table(
    "certificate",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("valid_until", Date, nullable=False, comment="the last good day"),
    Column("entered_by", Text, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    Column("confirmed_by", Text, comment="null: waits for a second person and does not count yet"),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("warned_days", SmallInteger, comment="the last warning given: so many days before the end, or fewer"),
    CheckConstraint("kind IN ('credit', 'assessment', 'filing')", "kind"),
    CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", "confirmed"),
    Index("ix_certificate_merchant", "merchant_id", "kind", "id"),
)

outlet = Table(
    "outlet",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("region", Text, comment="where purchases here are made; null: the merchant's own"),
    Column("address", Text, nullable=False, server_default=""),
    Column("hours", Text, nullable=False, server_default="", comment="opening hours, as people say them"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Index("uq_outlet_name", "merchant_id", "name", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("ix_outlet_region", "region", "merchant_id", postgresql_where=text("closed_at IS NULL")),
)

till = Table(
    "till",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("outlet_id", BigInteger, nullable=False),
    Column("label", Text, nullable=False, comment="how receipts and lists name it"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Index("uq_till_label", "merchant_id", "label", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("ix_till_outlet", "outlet_id"),
)

shift = Table(
    "shift",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("till_id", BigInteger, nullable=False),
    Column("staff_id", BigInteger, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", Text, comment="how it ended: closed, by the next shift, or with the day"),
    Column("totals", JSONB, comment="ledger.merchants.shifts.Totals, as they were at the close"),
    CheckConstraint("closed_by IN ('cashier', 'next', 'day')", "closed_by"),
    CheckConstraint("num_nulls(closed_at, closed_by, totals) IN (0, 3)", "closed"),
    CheckConstraint("closed_at >= opened_at", "order"),
    Index("uq_shift_till", "till_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("uq_shift_staff", "staff_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index("ix_shift_merchant", "merchant_id", "id"),
)

paid_tier = Table(
    "paid_tier",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="of the tap that sold it, and of the grant"),
    Column("merchant_id", BigInteger, nullable=False),
    Column("staff_id", BigInteger, nullable=False),
    Column("till", Text, comment="where a shift was worked"),
    Column("member_id", BigInteger, nullable=False),
    Column("tier", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("money", Text, nullable=False),
    Column("days", Integer, nullable=False),
    Column("extends_from", Date, comment="the end that the days were added to; null: they began on the day itself"),
    Column("until", Date, nullable=False, comment="the last good day"),
    Column("sold_at", DateTime(timezone=True), nullable=False),
    Column("sold_on", Date, nullable=False),
    Column("take_back_until", Date, nullable=False, comment="the last day on which the seller may, as the terms were"),
    Column("taken_back_at", DateTime(timezone=True)),
    Column("taken_back_by", BigInteger, comment="staff id"),
    Column("reason", Text, comment="why it was taken back"),
    CheckConstraint("amount_minor > 0 AND days > 0 AND until > sold_on", "figures"),
    CheckConstraint("num_nulls(taken_back_at, taken_back_by, reason) IN (0, 3)", "taken_back"),
    Index("ix_paid_tier_merchant", "merchant_id", "sold_at"),
    Index("ix_paid_tier_back", "merchant_id", "taken_back_at", postgresql_where=text("taken_back_at IS NOT NULL")),
    Index("ix_paid_tier_member", "member_id", "id"),
)

post_choice = Table(
    "post_choice",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("merchant_id", BigInteger, nullable=False, comment="where somebody with several posts works today"),
    Column("chosen_at", DateTime(timezone=True), nullable=False),
)

merchant_log = Table(
    "merchant_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column(
        "who", Text, nullable=False, comment="as entries name an actor: staff:3, operator:5, member:7, job:certificates"
    ),
    Column("what", Text, nullable=False),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index("ix_merchant_log_merchant", "merchant_id", "id"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False, index=True),
    Column("till", Text, comment="whose purchases are booked under it; null: the whole merchant's"),
    Column("label", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True, comment="what lists show of it"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the whole key"),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("per_minute", Integer, nullable=False, comment="requests that are served"),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), comment="another has replaced it; both work until then"),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_by", Text),
    Column("replaces", BigInteger),
    Column("test", Boolean, nullable=False, server_default=text("false"), comment="it reaches the sandbox alone"),
    CheckConstraint("per_minute > 0", "per_minute"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", "revoked"),
)

api_rate = Table(
    "api_rate",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tokens", Double, nullable=False, comment="requests left, as of `at`"),
    Column("drawn", Double, nullable=False, comment="by the process that asked last"),
    Column("at", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)

webhook = Table(
    "webhook",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("url", Text, nullable=False),
    Column("generation", Integer, nullable=False, comment="which secret signs: it follows from this"),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("test", Boolean, nullable=False, server_default=text("false"), comment="its events say so"),
)

webhook_event = Table(
    "webhook_event",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False, comment="names what happened: it is told once"),
    Column("body", Text, nullable=False, comment="what is sent, letter by letter"),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("lease_until", DateTime(timezone=True), comment="someone is sending it until then"),
    Column("answer", Text, comment="what came of the last try"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('waiting', 'sent', 'dead')", "state"),
    UniqueConstraint("merchant_id", "key"),
    Index("ix_webhook_event_due", "due_at", postgresql_where=text("state = 'waiting'")),
    Index("ix_webhook_event_merchant", "merchant_id", "id"),
)

cover = Table(
    "cover",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False, comment="none: it issues without a limit"),
    Column("money", Text, nullable=False),
    Column("float_minor", BigInteger, nullable=False, server_default="0", comment="paid in, less paid out"),
    Column("limit_minor", BigInteger, nullable=False, server_default="0", comment="what it may owe beyond its float"),
    Column("reserved_minor", BigInteger, nullable=False, comment="never less than what its outstanding points cost"),
    Column("outstanding_minor", BigInteger, nullable=False, comment="what they cost when last counted"),
    Column("counted_at", DateTime(timezone=True), nullable=False),
    Column("told", SmallInteger, nullable=False, server_default="0", comment="0, 1 near its end, 2 used up: as told"),
    CheckConstraint("float_minor >= 0 AND limit_minor >= 0 AND reserved_minor >= 0", "amounts"),
)

cover_slice = Table(
    "cover_slice",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False, index=True),
    Column("holder", Text, nullable=False, comment="the process that may issue against it"),
    Column("granted_minor", BigInteger, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False, comment="so long its holder may use it"),
    CheckConstraint("granted_minor >= 0", "granted"),
)

cover_entry = Table(
    "cover_entry",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("merchant_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="paid: signed; limit: the new one"),
    Column("reference", Text, comment="of the payment, booked once"),
    Column("actor", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('paid_in', 'paid_out', 'limit')", "kind"),
    CheckConstraint("(kind = 'limit') = (reference IS NULL)", "reference"),
    UniqueConstraint("merchant_id", "reference"),
    Index("ix_cover_entry_merchant", "merchant_id", "id"),
)

expiry_extension = Table(
    "expiry_extension",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="of the tap that ordered it, once"),
    Column("last_day", Date, nullable=False, comment="what was good until then comes back"),
    Column("issuer_id", BigInteger, comment="only what this merchant issued; null: whoever's"),
    Column("region", Text, comment="only of members who live there; null: wherever"),
    Column("expires_on", Date, nullable=False, comment="the new last day"),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("noted_at", DateTime(timezone=True), comment="when whose expiries it means was written down"),
    Column("done_at", DateTime(timezone=True), comment="when the last of them was restored"),
    CheckConstraint("expires_on > last_day", "expires_on"),
    Index("ix_expiry_extension_open", "id", unique=True, postgresql_where=text("done_at IS NULL")),
)

expiry_extension_part = Table(
    "expiry_extension_part",
    metadata,
    Column("extension_id", BigInteger, primary_key=True, autoincrement=False),
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False, comment="the expiry"),
    Column("owner_kind", Text, nullable=False),
    Column("currency_id", SmallInteger, nullable=False),
    Column("heir", BigInteger, nullable=False, comment="who gets it: the owner, or who claimed their account since"),
    Column("restored", BigInteger, comment="points; null: not yet"),
    Index(
        "ix_expiry_extension_part_open",
        "extension_id",
        "owner_id",
        "entry_id",
        unique=True,
        postgresql_where=text("restored IS NULL"),
    ),
)
