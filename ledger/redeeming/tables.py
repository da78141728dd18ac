"""Tables of redeeming: offers with their versions, stock, redemptions, bookings; privileges and their uses."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
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
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

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
    Column(
        "contents",
        BigInteger,
        Computed(
            "hash_array_extended(ARRAY[hashtextextended(search_text, id), version, merchant_id, currency_id] || fulfillers,"
            " jsonb_hash_extended(document, id))",
            persisted=True,
        ),
        nullable=False,
        comment="hash of all but whether it is active",
    ),
    Column("search_text", Text, nullable=False, comment="name, English, pinyin, initials; lower case"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column(
        "fulfillers",
        ARRAY(BigInteger),
        nullable=False,
        server_default="{}",
        comment="merchants that agreed to hand it over, besides its own",
    ),
    Index("ix_offer_shelf", "contents", postgresql_include=["merchant_id"], postgresql_where=text("active")),
)

fulfilment = Table(
    "fulfilment",
    metadata,
    Column("offer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False, comment="who is to hand it over too"),
    Column("version", Integer, nullable=False, comment="of the offer, that it was asked about"),
    Column("state", Text, nullable=False, server_default="asked"),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column(
        "told", Boolean, nullable=False, server_default=text("false"), comment="whether those who run it were asked"
    ),
    Column("answered_at", DateTime(timezone=True)),
    Column("answered_by", Text, comment="actor"),
    Column("agreed_version", Integer, comment="the last that it agreed to; null: it never did"),
    CheckConstraint("state IN ('asked', 'agreed', 'declined', 'left')", "state"),
    CheckConstraint(
        "(state = 'asked') = (answered_at IS NULL) AND num_nulls(answered_at, answered_by) <> 1", "answered"
    ),
    Index("ix_fulfilment_merchant", "merchant_id"),
)

offer_version = Table(
    "offer_version",
    metadata,
    Column("offer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", JSONB, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("made_by", Text, comment="who published it, as entries name an actor; null: not kept then"),
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
    Index("ix_offer_stock_day", "day"),
)

redemption = Table(
    "redemption",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("member_id", BigInteger, nullable=False),
    Column("nonce", Text, nullable=False, comment="of the confirm button: two taps are one redemption"),
    Column("offer_id", BigInteger, nullable=False),
    Column("offer_version", Integer, nullable=False),
    Column(
        "merchant_id",
        BigInteger,
        nullable=False,
        comment="whose offer it is; once it was handed over, or its cash was taken at a counter: who did",
    ),
    Column("fulfillers", ARRAY(BigInteger), comment="who else hands it over; null: nobody"),
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
    Column("ended_at", DateTime(timezone=True), comment="taken back, expired, let go, lapsed, returned, or exchanged"),
    Column("settles_on", Date, comment="business date from which clearing counts it: used, or ended without a return"),
    Column(
        "piece",
        BigInteger,
        comment="of a limited stock, in the order in which its row was locked; the last of several; null: not limited",
    ),
    Column("cash_minor", BigInteger, nullable=False, server_default="0", comment="to be paid besides the points"),
    Column("hold_id", BigInteger, comment="of the points, with a cash part: entry_id is the hold's, then the burn's"),
    Column("held_until", DateTime(timezone=True), comment="on the programme's clock; null: there is no cash part"),
    Column("paid_at", DateTime(timezone=True), comment="when the cash part was"),
    Column(
        "origin_id", BigInteger, comment="whose points paid for it, where it came in exchange; clearing counts that one"
    ),
    Column("pool_id", BigInteger, comment="the family whose pool paid; null: the member"),
    Column("paid_by", BigInteger, comment="whose points paid, of an account that was merged into the member's since"),
    CheckConstraint(
        "state IN ('held', 'issued', 'used', 'taken_back', 'expired', 'let_go', 'lapsed', 'returned', 'exchanged')",
        "state",
    ),
    CheckConstraint("(state IN ('used', 'returned', 'exchanged')) = (used_at IS NOT NULL)", "used"),
    CheckConstraint("(cash_minor > 0) = (held_until IS NOT NULL) AND (cash_minor > 0) = (hold_id IS NOT NULL)", "cash"),
    CheckConstraint("(paid_at IS NOT NULL) = (cash_minor > 0 AND state NOT IN ('held', 'let_go', 'lapsed'))", "paid"),
    UniqueConstraint("member_id", "nonce"),
    Index("ix_redemption_member", "member_id", "offer_id", "issued_on"),
    Index("ix_redemption_pool", "pool_id", "member_id", "issued_on", postgresql_where=text("pool_id IS NOT NULL")),
    Index("ix_redemption_used", "merchant_id", "used_at"),
    Index("ix_redemption_open", "valid_until", postgresql_where=text("state = 'issued'")),
    Index(
        "ix_redemption_fulfillers",
        "fulfillers",
        postgresql_using="gin",
        postgresql_where=text("state = 'issued' AND fulfillers IS NOT NULL"),
    ),
    Index("ix_redemption_held", "held_until", postgresql_where=text("state = 'held'")),
    Index("ix_redemption_settles", "settles_on", postgresql_where=text("settles_on IS NOT NULL")),
    Index("ix_redemption_entry", "entry_id"),
    Index("ix_redemption_issued_on", "issued_on", postgresql_using="brin"),
    Index(
        "uq_redemption_origin",
        "origin_id",
        unique=True,
        postgresql_where=text("origin_id IS NOT NULL AND state IN ('issued', 'used')"),
    ),
    Index("uq_redemption_piece", "offer_id", "piece", unique=True, postgresql_where=text("piece IS NOT NULL")),
)

cash_payment = Table(
    "cash_payment",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("redemption_id", BigInteger, nullable=False),
    Column("merchant_id", BigInteger, nullable=False),
    Column("way", Text, nullable=False, comment="counter: a till took it; invoice: a payment provider"),
    Column("minor", BigInteger, nullable=False),
    Column("money", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("staff_id", BigInteger, comment="who took it at the counter"),
    Column("telegram_charge", Text, unique=True, comment="Telegram's id of the payment"),
    Column("provider_charge", Text, unique=True, comment="the provider's id of the payment"),
    Column("captured", Boolean, nullable=False, comment="it paid for the redemption; else it goes back"),
    CheckConstraint("way IN ('counter', 'invoice')", "way"),
    CheckConstraint("(way = 'counter') = (staff_id IS NOT NULL)", "counter"),
    CheckConstraint("(way = 'invoice') = (telegram_charge IS NOT NULL AND provider_charge IS NOT NULL)", "invoice"),
    CheckConstraint("minor > 0", "minor"),
    Index("ix_cash_payment_redemption", "redemption_id"),
    Index("ix_cash_payment_taken", "merchant_id", "at"),
    Index("uq_cash_payment_captured", "redemption_id", unique=True, postgresql_where=text("captured")),
)

cash_refund = Table(
    "cash_refund",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("payment_id", BigInteger, nullable=False, unique=True, comment="each goes back at most once"),
    Column("redemption_id", BigInteger, nullable=False, index=True),
    Column("member_id", BigInteger, nullable=False),
    Column("merchant_id", BigInteger, nullable=False),
    Column(
        "way", Text, nullable=False, comment="counter: the merchant's; invoice: the operator's, through the provider"
    ),
    Column("minor", BigInteger, nullable=False),
    Column("money", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("done_by", Text, comment="actor"),
    CheckConstraint("way IN ('counter', 'invoice')", "way"),
    CheckConstraint(
        "why IN ('taken_back', 'unused', 'let_go', 'lapsed', 'paid_already', 'other_amount', 'returned')", "why"
    ),
    CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", "done"),
    Index("ix_cash_refund_open", "way", "merchant_id", "id", postgresql_where=text("done_at IS NULL")),
)

return_claim = Table(
    "return_claim",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("redemption_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("merchant_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False, comment="of the member"),
    Column("wants", Text, nullable=False),
    Column(
        "box",
        LargeBinary,
        nullable=False,
        comment="words and Telegram's ids of the photos, sealed with the member's key",
    ),
    Column("opened_by", Text, nullable=False, comment="actor"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("answer_by", Date, nullable=False, comment="the merchant's last day; the day after, silence grants"),
    Column("state", Text, nullable=False, server_default="open"),
    Column("answered_at", DateTime(timezone=True)),
    Column("answered_by", Text, comment="actor"),
    Column("refusal", Text, comment="why the merchant refuses: from a list; what it was paid with is not on it"),
    Column("refusal_words", Text),
    Column("escalate_by", Date, comment="the member's last day to ask the operator, after a refusal"),
    Column("escalated_at", DateTime(timezone=True)),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", Text, comment="actor"),
    Column("decision_words", Text),
    Column("goods", Text, comment="back: on the shelf again; written_off"),
    Column("entry_id", BigInteger, unique=True, comment="that returned the points"),
    Column("replacement_id", BigInteger, unique=True, comment="the redemption that came in exchange"),
    CheckConstraint(
        "reason IN ('faulty', 'damaged', 'wrong_item', 'not_as_described', 'incomplete', 'changed_mind')", "reason"
    ),
    CheckConstraint("wants IN ('points', 'exchange')", "wants"),
    CheckConstraint(
        "state IN ('open', 'withdrawn', 'granted', 'exchanged', 'silent', 'refused', 'escalated', 'upheld', 'overturned')",
        "state",
    ),
    CheckConstraint(
        "refusal IN ('worn', 'damaged_later', 'incomplete', 'other_goods', 'as_described', 'perishable')", "refusal"
    ),
    CheckConstraint(
        "(refusal IS NOT NULL) = (state IN ('refused', 'escalated', 'upheld', 'overturned'))"
        " AND num_nulls(refusal, refusal_words, escalate_by) IN (0, 3)",
        "refused",
    ),
    CheckConstraint(
        "(state IN ('open', 'withdrawn')) = (answered_at IS NULL) AND num_nulls(answered_at, answered_by) <> 1",
        "answered",
    ),
    CheckConstraint("(state IN ('escalated', 'upheld', 'overturned')) = (escalated_at IS NOT NULL)", "escalated"),
    CheckConstraint(
        "(state IN ('upheld', 'overturned')) = (decided_at IS NOT NULL)"
        " AND num_nulls(decided_at, decided_by, decision_words) IN (0, 3)",
        "decided",
    ),
    CheckConstraint("goods IN ('back', 'written_off')", "goods"),
    CheckConstraint("(goods IS NOT NULL) = (state IN ('granted', 'exchanged', 'silent', 'overturned'))", "settled"),
    CheckConstraint("(entry_id IS NOT NULL) = (state IN ('granted', 'silent', 'overturned'))", "returned"),
    CheckConstraint("(replacement_id IS NOT NULL) = (state = 'exchanged')", "exchanged"),
    Index("uq_return_claim_live", "redemption_id", unique=True, postgresql_where=text("state <> 'withdrawn'")),
    Index("ix_return_claim_member", "member_id", "id"),
    Index("ix_return_claim_merchant", "merchant_id", "state", "id"),
    Index("ix_return_claim_open", "answer_by", postgresql_where=text("state = 'open'")),
    Index("ix_return_claim_escalated", "id", postgresql_where=text("state = 'escalated'")),
)

booking = Table(
    "booking",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("offer_id", BigInteger, nullable=False),
    Column("merchant_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("redemption_id", BigInteger, unique=True, comment="null while it is only held"),
    Column("starts_at", DateTime(timezone=True), nullable=False, comment="on the programme's clock, like all here"),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("day", Date, nullable=False, comment="on which it begins, in the programme's zone"),
    Column("place", Integer, nullable=False, comment="which of those who may be there at once"),
    Column("outlet_id", BigInteger, comment="where; null: wherever its member comes"),
    Column("state", Text, nullable=False),
    Column("held_until", DateTime(timezone=True), comment="while somebody chooses"),
    Column("chosen_at", DateTime(timezone=True), nullable=False),
    Column("change_until", DateTime(timezone=True), comment="until then it may be cancelled or moved"),
    Column("kept_until", DateTime(timezone=True), comment="from then on nobody came"),
    Column("freed_by", Text, comment="member or merchant"),
    Column("evening_for", DateTime(timezone=True), comment="the beginning that was told the evening before"),
    Column("soon_for", DateTime(timezone=True), comment="the beginning that was told some hours before"),
    CheckConstraint("state IN ('held', 'booked', 'attended', 'missed', 'freed')", "state"),
    CheckConstraint(
        "(state = 'held') = (redemption_id IS NULL) AND (state = 'held') = (held_until IS NOT NULL)", "held"
    ),
    CheckConstraint("num_nulls(redemption_id, change_until, kept_until) IN (0, 3)", "firm"),
    CheckConstraint("(state = 'freed') = (freed_by IS NOT NULL) AND freed_by IN ('member', 'merchant')", "freed"),
    CheckConstraint("starts_at < ends_at", "slot"),
    CheckConstraint("place > 0", "place"),
    # No place has two at once, whatever calendars its slots are from. Ranges have this of their own, without an extension; that of
    # an outlet which is not said has no ends, so such a place is taken at every outlet.
    ExcludeConstraint(
        (text("int8range(offer_id, offer_id, '[]')"), "&&"),
        (text("int8range(outlet_id, outlet_id, '[]')"), "&&"),
        (text("int4range(place, place, '[]')"), "&&"),
        (text("tstzrange(starts_at, ends_at)"), "&&"),
        where=text("state <> 'freed'"),
        name="ex_booking_place",
    ),
    Index("ix_booking_offer", "offer_id", "ends_at", postgresql_where=text("state <> 'freed'")),
    Index("ix_booking_day", "merchant_id", "day"),
    Index("ix_booking_kept", "kept_until", postgresql_where=text("state = 'booked'")),
    Index("ix_booking_coming", "starts_at", postgresql_where=text("state = 'booked'")),
    Index("ix_booking_held", "held_until", postgresql_where=text("state = 'held'")),
    Index("uq_booking_hold", "member_id", "offer_id", unique=True, postgresql_where=text("state = 'held'")),
)

diary = Table(
    "diary",
    metadata,
    Column("offer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("stamp", BigInteger, nullable=False, comment="a hash of the places that are taken"),
    postgresql_with={"fillfactor": 50},
)

booking_outlet = Table(
    "booking_outlet",
    metadata,
    Column("offer_id", BigInteger, primary_key=True, autoincrement=False),
    Column("outlet_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, comment="what the offer calls it, whatever its name is by now"),
    UniqueConstraint("offer_id", "name"),
)

booking_closure = Table(
    "booking_closure",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True, comment="nothing is booked on it"),
    Column(
        "outlet_id", BigInteger, primary_key=True, autoincrement=False, server_default="0", comment="0: nowhere at all"
    ),
    Column("closed_at", DateTime(timezone=True), nullable=False),
    Column("closed_by", Text, nullable=False, comment="actor"),
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

privilege_draft = Table(
    "privilege_draft",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False, comment="whoever writes it"),
    Column("privilege_id", BigInteger, comment="that it changes; null: a new one"),
    Column("base_version", Integer, comment="of the privilege, that it began with"),
    Column("document", JSONB, nullable=False, comment="of a Privilege, as far as it is written"),
    Column("guide", Text, comment="what is asked next of a new one; null: its writer chooses"),
    Column("nonce", Text, nullable=False, comment="in its buttons: those of an earlier draft do nothing"),
    Column("touched_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("(privilege_id IS NULL) = (base_version IS NULL)", "base"),
)

offer_draft = Table(
    "offer_draft",
    metadata,
    Column("merchant_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False, comment="whoever writes it"),
    Column("offer_id", BigInteger, comment="that it changes; null: a new one"),
    Column("base_version", Integer, comment="of the offer, that it began with"),
    Column("document", JSONB, nullable=False, comment="of an Offer, as far as it is written"),
    Column("guide", Text, comment="what is asked next of a new one; null: its writer chooses"),
    Column("nonce", Text, nullable=False, comment="in its buttons: those of an earlier draft do nothing"),
    Column("photo_file", Text, comment="Telegram's id of a picture that is still to be fetched"),
    Column("photo_tries", Integer, nullable=False, server_default="0"),
    Column("photo_due", DateTime(timezone=True), comment="not before then"),
    Column("touched_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("(offer_id IS NULL) = (base_version IS NULL)", "base"),
    CheckConstraint("(photo_file IS NULL) = (photo_due IS NULL)", "photo"),
    Index("ix_offer_draft_photo", "photo_due", postgresql_where=text("photo_file IS NOT NULL")),
)

offer_photo = Table(
    "offer_photo",
    metadata,
    Column("name", Text, primary_key=True, comment="what documents call it; of its content"),
    Column("merchant_id", BigInteger, nullable=False, comment="who brought it first"),
    Column("content", LargeBinary, nullable=False, comment="a small JPEG without notes of where and when it was taken"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(content) BETWEEN 1 AND 300000", "size"),
)

pool_request = Table(
    "pool_request",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("family_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False, comment="who asks"),
    Column("offer_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False, comment="pieces, or minor units of money"),
    Column("points", BigInteger, nullable=False, comment="what it cost then: so much may be spent"),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False, comment="on the programme's clock"),
    Column("state", Text, nullable=False, server_default="asked"),
    Column("answered_by", BigInteger, comment="the head then"),
    Column("answered_at", DateTime(timezone=True)),
    Column("redemption_id", BigInteger, comment="what it was used for"),
    CheckConstraint("state IN ('asked', 'allowed', 'refused', 'lapsed', 'used')", "state"),
    CheckConstraint("(state = 'used') = (redemption_id IS NOT NULL)", "used"),
    CheckConstraint("amount > 0 AND points > 0", "amounts"),
    Index("uq_pool_request_open", "member_id", unique=True, postgresql_where=text("state IN ('asked', 'allowed')")),
    Index("ix_pool_request_ends", "ends_at", postgresql_where=text("state IN ('asked', 'allowed')")),
)

together = Table(
    "together",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("token", LargeBinary, nullable=False, unique=True, comment="keyed digest of the link's"),
    Column("starter_id", BigInteger, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("friend_id", BigInteger, comment="who joined; null: nobody yet"),
    Column("offer_id", BigInteger, nullable=False),
    Column("offer_version", Integer, nullable=False),
    Column("currency_id", Integer, nullable=False),
    Column("points", BigInteger, nullable=False, comment="of one redemption"),
    Column("starter_points", BigInteger, nullable=False),
    Column("friend_points", BigInteger, nullable=False),
    Column("codes", Integer, nullable=False, comment="how many redemptions, a code each"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False, comment="on the programme's clock"),
    Column("state", Text, nullable=False, server_default="open"),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('open', 'done', 'withdrawn', 'declined', 'lapsed')", "state"),
    CheckConstraint("(state = 'open') = (ended_at IS NULL)", "ended"),
    CheckConstraint("starter_points > 0 AND friend_points > 0 AND codes IN (1, 2)", "shares"),
    CheckConstraint("starter_points + friend_points = points * codes", "whole"),
    CheckConstraint("friend_id <> starter_id", "sides"),
    UniqueConstraint("starter_id", "nonce"),
    Index("ix_together_ends", "ends_at", postgresql_where=text("state = 'open'")),
    Index("ix_together_starter", "starter_id", "offer_id", postgresql_where=text("state = 'open'")),
)
