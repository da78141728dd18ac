"""Tables of members. Personal fields live in `person.box`, encrypted; forgetting a person deletes that row and its key."""

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
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger.metadata import metadata

member = Table(
    "member",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column(
        "status",
        Text,
        nullable=False,
        comment="unclaimed: imported, nobody joined yet; merged: another account has what it had",
    ),
    Column("language", Text, comment="chosen; null: as Telegram says"),
    Column("telegram_language", Text, comment="what their Telegram said last; null: nothing yet"),
    Column("region", Text),
    Column("birth_month", SmallInteger),
    Column("birth_day", SmallInteger),
    Column("birth_told_on", Date),
    Column("kind", Text, nullable=False, server_default="person", comment="a company's account has no Telegram"),
    Column("tier", Text, comment="code of the programme's tier in force today; null: none looked at yet"),
    Column("joined_on", Date),
    Column("unreachable_since", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint("status IN ('unclaimed', 'active', 'frozen', 'merged', 'closed')", "status"),
    CheckConstraint("(birth_month IS NULL) = (birth_day IS NULL)", "birthday"),
    CheckConstraint("kind IN ('person', 'company')", "kind"),
    Index("ix_member_birthday", "birth_month", "birth_day", "id", postgresql_where=text("birth_month IS NOT NULL")),
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
    Column("claimed_by", BigInteger, comment="the member who claimed it; who has it now says `succession`"),
    Column("claimed_at", DateTime(timezone=True)),
    Index("ix_external_account_claimed", "claimed_by", postgresql_where=text("claimed_by IS NOT NULL")),
)

paper_card_serial = Sequence("paper_card_serial", metadata=metadata)
paper_card_batch = Sequence("paper_card_batch", metadata=metadata)

paper_card = Table(
    "paper_card",
    metadata,
    Column(
        "serial", BigInteger, primary_key=True, autoincrement=False, comment="its number without prefix and check digit"
    ),
    Column("batch", BigInteger, nullable=False),
    Column("merchant_id", BigInteger, nullable=False, comment="who printed it"),
    Column("claim_index", LargeBinary, unique=True, comment="HMAC of the code under its scratch field"),
    Column("made_by", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Index("ix_paper_card_merchant", "merchant_id", "batch"),
)

walk_in = Table(
    "walk_in",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False, comment="the account, unclaimed at first"),
    Column("merchant_id", BigInteger, nullable=False, comment="where it was opened"),
    Column("kind", Text, nullable=False),
    Column(
        "handle_index", LargeBinary, nullable=False, unique=True, comment="HMAC of the card's or the phone's number"
    ),
    Column("key", LargeBinary, nullable=False),
    Column("box", LargeBinary, nullable=False, comment="encrypted JSON: digits"),
    Column("card_serial", BigInteger, unique=True, comment="of a paper card"),
    Column("opened_by", Text, nullable=False, comment="who said that the customer agreed to the terms"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('card', 'phone')", "kind"),
    CheckConstraint("(kind = 'card') = (card_serial IS NOT NULL)", "card"),
)

credit_standing = Table(
    "credit_standing",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("standing", Integer, nullable=False),
    Column("source", Text, nullable=False, comment="the assessor, as the member reads it"),
    Column("valid_until", Date, nullable=False, comment="the last good day"),
    Column("entered_by", Text, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
)

succession = Table(
    "succession",
    metadata,
    Column(
        "member_id", BigInteger, primary_key=True, autoincrement=False, comment="an account that was claimed or merged"
    ),
    Column("holder_id", BigInteger, nullable=False, index=True, comment="who has it now; nobody has theirs"),
)

account_merge = Table(
    "account_merge",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("from_id", BigInteger, nullable=False, comment="the account that is empty since"),
    Column("into_id", BigInteger, nullable=False, index=True, comment="the account that has what it had"),
    Column("nonce", Text, nullable=False, comment="of the confirm button: two taps are one"),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False, comment="actor"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("undo_until", Date, nullable=False, comment="the last day on which it can be undone"),
    Column(
        "moved",
        JSONB,
        nullable=False,
        comment="ids of what went over besides points: redemptions, friends, heirs; tier",
    ),
    Column("objected_by", BigInteger, comment="which of the two said that it is wrong"),
    Column("undone_at", DateTime(timezone=True)),
    Column("undone_by", Text, comment="actor"),
    CheckConstraint("from_id <> into_id", "two"),
    CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", "undone"),
    UniqueConstraint("made_by", "nonce"),
    Index("uq_account_merge_from", "from_id", unique=True, postgresql_where=text("undone_at IS NULL")),
    Index("ix_account_merge_objected", "id", postgresql_where=text("objected_by IS NOT NULL AND undone_at IS NULL")),
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
    Column("purpose", Text, nullable=False, comment="staff, company, family"),
    Column("merchant_id", BigInteger),
    Column("company_id", BigInteger),
    Column("family_id", BigInteger),
    Column("role", Text, nullable=False),
    Column("label", Text, comment="how receipts will name them: «3号台»"),
    Column("made_by", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_by", BigInteger),
    Column("used_at", DateTime(timezone=True)),
)

tier_standing = Table(
    "tier_standing",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tier", Text, nullable=False, comment="earned; what was granted is apart"),
    Column("since", Date, nullable=False),
    Column("until", Date, comment="last day of the period; null: the lowest tier has none"),
    Column("warned_until", Date, comment="the end that a warning was given of"),
)

tier_grant = Table(
    "tier_grant",
    metadata,
    Column("key", Text, primary_key=True, comment="what granted it, once"),
    Column("member_id", BigInteger, nullable=False, index=True),
    Column("tier", Text, nullable=False),
    Column("granted_on", Date, nullable=False),
    Column("until", Date, nullable=False, comment="the last good day"),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("taken_back_at", DateTime(timezone=True), comment="ended before its day, by whoever granted it"),
    CheckConstraint("until >= granted_on", "until"),
)

tier_change = Table(
    "tier_change",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("from_tier", Text, comment="null: there was none"),
    Column("to_tier", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("until", Date, comment="how long it holds, as said then"),
    Column("on_day", Date, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("why IN ('earned', 'kept', 'landed', 'granted', 'extended', 'taken_back', 'grant_ended')", "why"),
)

tier_proposal = Table(
    "tier_proposal",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("member_id", BigInteger, nullable=False),
    Column("tier", Text, nullable=False),
    Column("visits", Integer, nullable=False, comment="in the last 30 days"),
    Column("before", Integer, nullable=False, comment="in the 90 days before those"),
    Column("made_on", Date, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("decided_by", Text),
    Column("decided_on", Date),
    CheckConstraint("state IN ('open', 'accepted', 'declined', 'lapsed')", "state"),
    CheckConstraint("(state = 'open') = (decided_on IS NULL)", "decided"),
    Index("uq_tier_proposal_open", "member_id", unique=True, postgresql_where=text("state = 'open'")),
    Index("ix_tier_proposal_member", "member_id", "id"),
)

company = Table(
    "company",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False, comment="its account"),
    Column("name", Text, nullable=False),
    Column("made_by", BigInteger, nullable=False, comment="the member who set it up"),
    Column("made_at", DateTime(timezone=True), nullable=False),
)

company_person = Table(
    "company_person",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("company_id", BigInteger, nullable=False, index=True),
    Column("member_id", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
    CheckConstraint("role IN ('head', 'buyer', 'viewer')", "role"),
    Index(
        "uq_company_person_current", "member_id", "company_id", unique=True, postgresql_where=text("removed_at IS NULL")
    ),
)

acting = Table(
    "acting",
    metadata,
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("company_id", BigInteger, nullable=False, comment="whose account this person uses at the moment"),
    Column("since", DateTime(timezone=True), nullable=False),
)

family = Table(
    "family",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("head_id", BigInteger, nullable=False, comment="the member who invites, removes and dissolves"),
    Column("founded_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

family_place = Table(
    "family_place",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("family_id", BigInteger, nullable=False, index=True),
    Column("member_id", BigInteger, nullable=False, index=True),
    Column("joined_by", Text, nullable=False, comment="founded, or the trace of an invitation"),
    Column("joined_at", DateTime(timezone=True), nullable=False),
    Column("in_from", Date, nullable=False, comment="the first day on which they belong to it"),
    Column("left_at", DateTime(timezone=True), comment="null: the place is theirs"),
    Column("left_on", Date, comment="the first day on which they no longer do"),
    Column("how", Text, comment="how they left"),
    Column("again_on", Date, comment="the first day on which they may join or found another; null: any"),
    Column("gives", Text, nullable=False, server_default="nothing", comment="to the pool, each morning"),
    Column("gives_percent", SmallInteger, comment="of what is earned"),
    Column("given_through", Date, comment="what came up to this day is looked at"),
    Column(
        "spends_most",
        BigInteger,
        server_default="0",
        comment="of the pool in a calendar month, without asking; null: no such limit",
    ),
    CheckConstraint("how IN ('left', 'removed', 'dissolved', 'gone')", "how"),
    CheckConstraint("(left_at IS NULL) = (how IS NULL) AND (left_at IS NULL) = (left_on IS NULL)", "left"),
    CheckConstraint("gives IN ('nothing', 'share', 'everything')", "gives"),
    CheckConstraint(
        "(gives = 'share') = (gives_percent IS NOT NULL) AND gives_percent BETWEEN 1 AND 99"
        " AND (gives = 'nothing') = (given_through IS NULL)",
        "percent",
    ),
    CheckConstraint("spends_most >= 0", "spends"),
    Index("uq_family_place_current", "member_id", unique=True, postgresql_where=text("left_at IS NULL")),
    Index("ix_family_place_gives", "id", postgresql_where=text("gives <> 'nothing' AND left_at IS NULL")),
)

family_head = Table(
    "family_head",
    metadata,
    Column("family_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("from_id", BigInteger, nullable=False),
    Column("to_id", BigInteger, nullable=False, comment="head from then on"),
    Column("why", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    CheckConstraint("why IN ('handed', 'passed')", "why"),
)

gift = Table(
    "gift",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("giver_id", BigInteger, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("family_id", BigInteger, comment="both were of it; null: whoever opens the link"),
    Column("token", LargeBinary, unique=True, comment="keyed digest of the link's; null: it was given to somebody"),
    Column("receiver_id", BigInteger, comment="whom it is for; of a link whoever accepted it"),
    Column("points", BigInteger, nullable=False),
    Column("hold_id", BigInteger, nullable=False, comment="what it is made of"),
    Column("note_box", LargeBinary, comment="sealed with the giver's key"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("made_on", Date, nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False, comment="on the programme's clock"),
    Column("state", Text, nullable=False, server_default="offered"),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_on", Date),
    CheckConstraint("state IN ('offered', 'accepted', 'declined', 'withdrawn', 'returned')", "state"),
    CheckConstraint("points > 0 AND giver_id <> receiver_id", "sides"),
    CheckConstraint("(state = 'offered') = (ended_at IS NULL)", "ended"),
    CheckConstraint("(family_id IS NULL) = (token IS NOT NULL)", "way"),
    UniqueConstraint("giver_id", "nonce"),
    Index("ix_gift_giver", "giver_id", "made_on"),
    Index("ix_gift_receiver", "receiver_id", "ended_on"),
    Index("ix_gift_ends", "ends_at", postgresql_where=text("state = 'offered'")),
)

child = Table(
    "child",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("member_id", BigInteger, nullable=False, comment="who told of it, and agreed to its being kept"),
    Column("box", LargeBinary, nullable=False, comment="encrypted JSON with the member's key: name"),
    Column("birth_month", SmallInteger, nullable=False),
    Column("birth_day", SmallInteger, nullable=False),
    Column("told_on", Date, nullable=False),
    Index("ix_child_member", "member_id"),
    Index("ix_child_birthday", "birth_month", "birth_day", "id"),
)
