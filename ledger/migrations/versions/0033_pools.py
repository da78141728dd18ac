"""What families pool, who may spend it, and what the head was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "family_place",
        sa.Column("gives", sa.Text(), nullable=False, server_default="nothing", comment="to the pool, each morning"),
    )
    op.add_column("family_place", sa.Column("gives_percent", sa.SmallInteger(), comment="of what is earned"))
    op.add_column(
        "family_place", sa.Column("given_through", sa.Date(), comment="what came up to this day is looked at")
    )
    op.add_column(
        "family_place",
        sa.Column(
            "spends_most",
            sa.BigInteger(),
            server_default="0",
            comment="of the pool in a calendar month, without asking; null: no such limit",
        ),
    )
    op.create_check_constraint(
        op.f("ck_family_place_gives"), "family_place", "gives IN ('nothing', 'share', 'everything')"
    )
    op.create_check_constraint(
        op.f("ck_family_place_percent"),
        "family_place",
        "(gives = 'share') = (gives_percent IS NOT NULL) AND gives_percent BETWEEN 1 AND 99"
        " AND (gives = 'nothing') = (given_through IS NULL)",
    )
    op.create_check_constraint(op.f("ck_family_place_spends"), "family_place", "spends_most >= 0")
    op.create_index(
        "ix_family_place_gives",
        "family_place",
        ["id"],
        postgresql_where=sa.text("gives <> 'nothing' AND left_at IS NULL"),
    )
    op.add_column(
        "redemption", sa.Column("pool_id", sa.BigInteger(), comment="the family whose pool paid; null: the member")
    )
    op.create_index(
        "ix_redemption_pool",
        "redemption",
        ["pool_id", "member_id", "issued_on"],
        postgresql_where=sa.text("pool_id IS NOT NULL"),
    )
    op.create_table(
        "pool_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("family_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False, comment="who asks"),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="pieces, or minor units of money"),
        sa.Column("points", sa.BigInteger(), nullable=False, comment="what it cost then: so much may be spent"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="on the programme's clock"),
        sa.Column("state", sa.Text(), nullable=False, server_default="asked"),
        sa.Column("answered_by", sa.BigInteger(), comment="the head then"),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("redemption_id", sa.BigInteger(), comment="what it was used for"),
        sa.CheckConstraint(
            "state IN ('asked', 'allowed', 'refused', 'lapsed', 'used')", name=op.f("ck_pool_request_state")
        ),
        sa.CheckConstraint("(state = 'used') = (redemption_id IS NOT NULL)", name=op.f("ck_pool_request_used")),
        sa.CheckConstraint("amount > 0 AND points > 0", name=op.f("ck_pool_request_amounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_request")),
    )
    op.create_index(
        "uq_pool_request_open",
        "pool_request",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('asked', 'allowed')"),
    )
    op.create_index(
        "ix_pool_request_ends", "pool_request", ["ends_at"], postgresql_where=sa.text("state IN ('asked', 'allowed')")
    )


def downgrade() -> None:
    op.drop_table("pool_request")
    op.drop_index("ix_redemption_pool", "redemption")
    op.drop_column("redemption", "pool_id")
    op.drop_index("ix_family_place_gives", "family_place")
    for column in ("gives", "gives_percent", "given_through", "spends_most"):
        op.drop_column("family_place", column)
