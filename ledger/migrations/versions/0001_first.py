"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("points_ids")))
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("currency_id", sa.SmallInteger(), nullable=False),
        sa.Column("issuer_id", sa.BigInteger(), server_default="0", nullable=False, comment="deficits only; else 0"),
        sa.Column("balance", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "CASE WHEN purpose IN ('available', 'pending', 'held', 'transit') THEN balance >= 0 WHEN purpose = 'deficit' THEN balance <= 0 ELSE balance = 0 AND version = 0 END",
            name=op.f("ck_account_sign"),
        ),
        sa.CheckConstraint(
            "owner_kind IN ('member', 'pool', 'merchant', 'programme')", name=op.f("ck_account_owner_kind")
        ),
        sa.CheckConstraint(
            "purpose IN ('available', 'pending', 'held', 'transit', 'deficit', 'issued', 'burned', 'expired', 'clawed_back')",
            name=op.f("ck_account_purpose"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint(
            "owner_id",
            "owner_kind",
            "purpose",
            "currency_id",
            "issuer_id",
            name=op.f("uq_account_owner_id_owner_kind_purpose_currency_id_issuer_id"),
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "accrual_rule",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False, comment="ledger.earning.rules.AccrualRule"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_accrual_rule")),
    )
    op.create_index(op.f("ix_accrual_rule_merchant_id"), "accrual_rule", ["merchant_id"], unique=False)
    op.create_table(
        "card_code",
        sa.Column("code", sa.Text(), nullable=False, comment="what a cashier scans or types"),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by", sa.BigInteger(), nullable=True, comment="staff id"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_card_code")),
    )
    op.create_index(op.f("ix_card_code_member_id"), "card_code", ["member_id"], unique=False)
    op.create_table(
        "claim_attempt",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="a wrong claim code was given"),
        sa.PrimaryKeyConstraint("member_id", "id", name=op.f("pk_claim_attempt")),
    )
    op.create_table(
        "code_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_attempt")),
    )
    op.create_index("ix_code_attempt_staff", "code_attempt", ["staff_id", "at"], unique=False)
    op.create_table(
        "consent",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("member_id", "purpose", "version", name=op.f("pk_consent")),
    )
    op.create_table(
        "currency",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "issuer_id",
            sa.BigInteger(),
            nullable=True,
            comment="merchant that owns it; null for the coalition's common points",
        ),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column(
            "value_minor",
            sa.Integer(),
            nullable=False,
            comment="published value of `value_points` points, in minor units",
        ),
        sa.Column("value_points", sa.Integer(), nullable=False),
        sa.Column("money", sa.Text(), server_default="CNY", nullable=False),
        sa.CheckConstraint("value_minor >= 0 AND value_points > 0", name=op.f("ck_currency_value")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_currency")),
        sa.UniqueConstraint("code", name=op.f("uq_currency_code")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="what the person was told to quote"),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("key", name=op.f("uq_dead_letter_key")),
    )
    op.create_index(op.f("ix_dead_letter_chat_id"), "dead_letter", ["chat_id"], unique=False)
    op.create_table(
        "dialogue",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("data", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", name=op.f("pk_dialogue")),
    )
    op.create_table(
        "entry",
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False, comment="what a repeat of the key must equal"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("counter_kind", sa.Text(), nullable=True),
        sa.Column("counter_id", sa.BigInteger(), nullable=True, comment="the other owner of a transfer"),
        sa.Column("currency_id", sa.SmallInteger(), nullable=False),
        sa.Column(
            "points", sa.BigInteger(), nullable=False, comment="size of the happening, ≥ 0; its direction is its kind's"
        ),
        sa.Column("issuer_id", sa.BigInteger(), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True, comment="where it happened"),
        sa.Column(
            "undoes_id", sa.BigInteger(), nullable=True, comment="the entry that this one takes back, wholly or in part"
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("trace", postgresql.JSONB(), nullable=True, comment="the arithmetic that «why» shows"),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False, comment="business date"),
        sa.CheckConstraint("points >= 0", name=op.f("ck_entry_points")),
        sa.PrimaryKeyConstraint("owner_id", "id", name=op.f("pk_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_entry_key")),
    )
    op.create_index(
        "ix_entry_counter",
        "entry",
        ["counter_id", "id"],
        unique=False,
        postgresql_where=sa.text("counter_id IS NOT NULL"),
    )
    op.create_index(
        "ix_entry_undoes", "entry", ["undoes_id"], unique=False, postgresql_where=sa.text("undoes_id IS NOT NULL")
    )
    op.create_table(
        "external_account",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "claim_index",
            sa.LargeBinary(),
            nullable=True,
            comment="HMAC of the claim code; null once claimed or not given",
        ),
        sa.Column(
            "claimed_by", sa.BigInteger(), nullable=True, comment="the member who claimed it and now holds its points"
        ),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("merchant_id", "external_id", name=op.f("pk_external_account")),
        sa.UniqueConstraint("claim_index", name=op.f("uq_external_account_claim_index")),
    )
    op.create_index(op.f("ix_external_account_member_id"), "external_account", ["member_id"], unique=False)
    op.create_table(
        "failure",
        sa.Column("key", sa.Text(), nullable=False, comment="the turn that failed"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_failure")),
    )
    op.create_index(op.f("ix_failure_code"), "failure", ["code"], unique=False)
    op.create_table(
        "hold",
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "id", sa.BigInteger(), autoincrement=False, nullable=False, comment="the id of the entry that placed it"
        ),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("currency_id", sa.SmallInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("lot_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("lot_points", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("resolved_by", sa.BigInteger(), nullable=True, comment="the entry that burned or voided it"),
        sa.CheckConstraint("(state = 'open') = (resolved_by IS NULL)", name=op.f("ck_hold_resolved")),
        sa.CheckConstraint("state IN ('open', 'burned', 'voided')", name=op.f("ck_hold_state")),
        sa.PrimaryKeyConstraint("owner_id", "id", name=op.f("pk_hold")),
    )
    op.create_index("ix_hold_open", "hold", ["ends_at"], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "invitation",
        sa.Column("token_index", sa.LargeBinary(), nullable=False, comment="HMAC of a one-time link's token"),
        sa.Column("purpose", sa.Text(), nullable=False, comment="staff, operator"),
        sa.Column("merchant_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True, comment="how receipts will name them: «3号台»"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_by", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token_index", name=op.f("pk_invitation")),
    )
    op.create_table(
        "lead",
        sa.Column("role", sa.Text(), nullable=False, comment="jobs, poller"),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_lead")),
    )
    op.create_table(
        "lot",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("issuer_id", sa.BigInteger(), nullable=False),
        sa.Column("currency_id", sa.SmallInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("available_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True, comment="last good day; null: never"),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("transferable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "parent_lot_id", sa.BigInteger(), nullable=True, comment="the lot this came from by gift, exchange or grace"
        ),
        sa.Column(
            "grace_of",
            sa.BigInteger(),
            nullable=True,
            comment="the lot whose late return this is; all of one lot end on one day",
        ),
        sa.Column(
            "graced",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="it or an ancestor is a grace lot",
        ),
        sa.CheckConstraint("expires_on >= available_on", name=op.f("ck_lot_life")),
        sa.CheckConstraint("points > 0", name=op.f("ck_lot_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
    )
    op.create_index(
        "ix_lot_grace_of", "lot", ["grace_of"], unique=False, postgresql_where=sa.text("grace_of IS NOT NULL")
    )
    op.create_index(
        "ix_lot_parent", "lot", ["parent_lot_id"], unique=False, postgresql_where=sa.text("parent_lot_id IS NOT NULL")
    )
    op.create_table(
        "member",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="unclaimed: imported, nobody joined yet"),
        sa.Column("language", sa.Text(), nullable=True, comment="chosen; null: as Telegram says"),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("birth_month", sa.SmallInteger(), nullable=True),
        sa.Column("birth_day", sa.SmallInteger(), nullable=True),
        sa.Column("birth_told_on", sa.Date(), nullable=True),
        sa.Column("joined_on", sa.Date(), nullable=True),
        sa.Column("unreachable_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('unclaimed', 'active', 'frozen', 'closed')", name=op.f("ck_member_status")),
        sa.CheckConstraint("(birth_month IS NULL) = (birth_day IS NULL)", name=op.f("ck_member_birthday")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
    )
    op.create_table(
        "merchant",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("money", sa.Text(), server_default="CNY", nullable=False),
        sa.Column("status", sa.Text(), server_default="certified", nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False, comment="ledger.merchants.merchant.Terms"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('applied', 'certified', 'suspended', 'closed')", name=op.f("ck_merchant_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant")),
        sa.UniqueConstraint("code", name=op.f("uq_merchant_code")),
    )
    op.create_table(
        "merchant_mapping",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False, comment="ledger.merchants.mapping.Mapping"),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_merchant_mapping")),
    )
    op.create_table(
        "offer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("currency_id", sa.Integer(), nullable=False),
        sa.Column("least_points", sa.BigInteger(), nullable=False, comment="what its smallest amount costs"),
        sa.Column("document", postgresql.JSONB(), nullable=False, comment="ledger.redeeming.offers.Offer"),
        sa.Column("search_text", sa.Text(), nullable=False, comment="name, English, pinyin, initials; lower case"),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("code", name=op.f("uq_offer_code")),
    )
    op.create_index(op.f("ix_offer_merchant_id"), "offer", ["merchant_id"], unique=False)
    op.create_table(
        "offer_stock",
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="0001-01-01: the whole stock; else that day's allowance"),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("limit_to", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken BETWEEN 0 AND limit_to", name=op.f("ck_offer_stock_never_oversold")),
        sa.PrimaryKeyConstraint("offer_id", "day", name=op.f("pk_offer_stock")),
    )
    op.create_table(
        "offer_version",
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("offer_id", "version", name=op.f("pk_offer_version")),
    )
    op.create_table(
        "operator",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('admin', 'finance', 'support', 'auditor')", name=op.f("ck_operator_role")),
        sa.PrimaryKeyConstraint("member_id", "role", name=op.f("pk_operator")),
    )
    op.create_table(
        "outbox",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True, comment="who is told; erasure finds its rows by it"),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column(
            "policy",
            sa.Text(),
            nullable=False,
            comment="reply, operational (at least once), promotional (at most once)",
        ),
        sa.Column("key", sa.Text(), nullable=True, comment="a notice that must be sent once names itself"),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True, comment="someone is sending it until then"),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("policy IN ('reply', 'operational', 'promotional')", name=op.f("ck_outbox_policy")),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'dropped', 'failed', 'unknown')", name=op.f("ck_outbox_state")
        ),
        sa.PrimaryKeyConstraint("chat_id", "id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["policy", "chat_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "pace",
        sa.Column(
            "name", sa.Text(), nullable=False, comment="unsolicited: messages nobody asked for, of all workers together"
        ),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False, comment="when the next one may leave"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pace")),
    )
    op.create_table(
        "person",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("telegram_index", sa.LargeBinary(), nullable=False, comment="HMAC of the Telegram id"),
        sa.Column(
            "key", sa.LargeBinary(), nullable=False, comment="this member's data key, wrapped by the programme's"
        ),
        sa.Column(
            "box", sa.LargeBinary(), nullable=False, comment="encrypted JSON: telegram_id, chat_id, name, birth_year"
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_person")),
        sa.UniqueConstraint("telegram_index", name=op.f("uq_person_telegram_index")),
    )
    op.create_table(
        "position",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column(
            "due_on",
            sa.Date(),
            nullable=True,
            comment="first day on which it must be released (pending) or expired (available); null: never",
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_position_points")),
        sa.PrimaryKeyConstraint("account_id", "lot_id", name=op.f("pk_position")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_position_due",
        "position",
        ["due_on", "account_id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    op.create_table(
        "posting",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "number",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="owner's accounts: version, gap-free; issuer's accounts: any fresh id",
        ),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("issuer_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=True, comment="owner's accounts only"),
        sa.CheckConstraint("points <> 0", name=op.f("ck_posting_points")),
        sa.PrimaryKeyConstraint("account_id", "number", name=op.f("pk_posting")),
    )
    op.create_index(op.f("ix_posting_entry_id"), "posting", ["entry_id"], unique=False)
    op.create_index(op.f("ix_posting_lot_id"), "posting", ["lot_id"], unique=False)
    op.create_table(
        "programme",
        sa.Column("one", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False, comment="ledger.programme.Programme"),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_programme_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_programme")),
    )
    op.create_table(
        "programme_clock",
        sa.Column("one", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column(
            "ahead_days",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="business dates run ahead by so many days",
        ),
        sa.Column("moved_on", sa.Date(), nullable=True),
        sa.CheckConstraint("ahead_days >= 0", name=op.f("ck_programme_clock_forward")),
        sa.CheckConstraint("one = 1", name=op.f("ck_programme_clock_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_programme_clock")),
    )
    op.create_table(
        "purchase",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "document",
            sa.Text(),
            nullable=False,
            comment="the merchant's receipt number; booked once whatever the keys",
        ),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False, comment="paid with money"),
        sa.Column("money", sa.Text(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "points", sa.BigInteger(), nullable=False, comment="what it earned; claw-backs are entries of their own"
        ),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_versions", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column(
            "bill",
            postgresql.JSONB(),
            nullable=False,
            comment="parts by category, and what was paid with points: to recompute it",
        ),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bought_on", sa.Date(), nullable=False, comment="business date: which rules applied"),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "amount_minor >= 0 AND refunded_minor BETWEEN 0 AND amount_minor", name=op.f("ck_purchase_amount")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase")),
        sa.UniqueConstraint("merchant_id", "document", name=op.f("uq_purchase_merchant_id_document")),
    )
    op.create_index("ix_purchase_day", "purchase", ["merchant_id", "occurred_at"], unique=False)
    op.create_index("ix_purchase_member", "purchase", ["member_id", "merchant_id", "id"], unique=False)
    op.create_table(
        "redemption",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False, comment="of the confirm button: two taps are one redemption"),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_version", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("currency_id", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), server_default="1", nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("value_minor", sa.BigInteger(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False, comment="HMAC of the code"),
        sa.Column(
            "code_box",
            sa.LargeBinary(),
            nullable=True,
            comment="the code, sealed with the member's key, to show it again",
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False, comment="last day"),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by", sa.BigInteger(), nullable=True, comment="staff id"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="taken back, or expired"),
        sa.CheckConstraint("(state = 'used') = (used_at IS NOT NULL)", name=op.f("ck_redemption_used")),
        sa.CheckConstraint("state IN ('issued', 'used', 'taken_back', 'expired')", name=op.f("ck_redemption_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redemption")),
        sa.UniqueConstraint("code_index", name=op.f("uq_redemption_code_index")),
        sa.UniqueConstraint("member_id", "nonce", name=op.f("uq_redemption_member_id_nonce")),
    )
    op.create_index("ix_redemption_member", "redemption", ["member_id", "offer_id", "issued_on"], unique=False)
    op.create_index(
        "ix_redemption_open", "redemption", ["valid_until"], unique=False, postgresql_where=sa.text("state = 'issued'")
    )
    op.create_index("ix_redemption_used", "redemption", ["merchant_id", "used_at"], unique=False)
    op.create_table(
        "refund",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="the merchant's refund number"),
        sa.Column("purchase_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False, comment="clawed back"),
        sa.Column("entry_id", sa.BigInteger(), nullable=True, comment="null where nothing had been earned on it"),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(points > 0) = (entry_id IS NOT NULL)", name=op.f("ck_refund_entry")),
        sa.CheckConstraint("amount_minor >= 0 AND points >= 0", name=op.f("ck_refund_amount")),
        sa.PrimaryKeyConstraint("merchant_id", "document", "purchase_id", name=op.f("pk_refund")),
    )
    op.create_index("ix_refund_purchase", "refund", ["purchase_id"], unique=False)
    op.create_table(
        "slot",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="due", nullable=False),
        sa.Column(
            "progress",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="where the next chunk begins",
        ),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("state IN ('due', 'running', 'done', 'failed')", name=op.f("ck_slot_state")),
        sa.PrimaryKeyConstraint("job", "due_at", name=op.f("pk_slot")),
    )
    op.create_index(
        "ix_slot_open", "slot", ["due_at"], unique=False, postgresql_where=sa.text("state IN ('due', 'running')")
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False, comment="how receipts name them: «3号台»"),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('owner', 'manager', 'cashier')", name=op.f("ck_staff_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
    )
    op.create_index(
        "uq_staff_current",
        "staff",
        ["member_id", "merchant_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "turn_key",
        sa.Column(
            "key",
            sa.Text(),
            nullable=False,
            comment="update:<bot>:<id>, api:<merchant>:<key>, job:<name>:<slot>:<chunk>",
        ),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=True, comment="the stored answer of an API call"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_turn_key")),
    )
    op.create_index(op.f("ix_turn_key_at"), "turn_key", ["at"], unique=False)
