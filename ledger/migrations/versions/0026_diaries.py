"""A stamp for the diary of each offer: a hash of the places that are taken, so that what a process knows of it can be told from what is."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_HASH = (
    "hash_record_extended((b.offer_id, b.starts_at, b.ends_at, b.place, b.redemption_id, b.member_id, b.held_until), 0)"
)
_STAMP = """
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO diary AS d (offer_id, stamp)
        SELECT offer_id, bit_xor({hash}) AS change FROM ({rows}) b WHERE state <> 'freed'
        GROUP BY offer_id HAVING bit_xor({hash}) <> 0 ORDER BY offer_id
        ON CONFLICT (offer_id) DO UPDATE SET stamp = d.stamp # excluded.stamp;
        RETURN NULL;
    END $$
"""
_EVENTS = {
    "INSERT": ("NEW TABLE AS added", "SELECT * FROM added"),
    "UPDATE": (
        "OLD TABLE AS removed NEW TABLE AS added",
        "SELECT * FROM removed UNION ALL SELECT * FROM added",
    ),
    "DELETE": ("OLD TABLE AS removed", "SELECT * FROM removed"),
}


def upgrade() -> None:
    op.create_table(
        "diary",
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False, comment="a hash of the places that are taken"),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_diary")),
        postgresql_with={"fillfactor": "50"},
    )
    op.execute(
        f"INSERT INTO diary SELECT offer_id, bit_xor({_HASH}) FROM booking b WHERE state <> 'freed' GROUP BY offer_id"
    )
    for event, (tables, rows) in _EVENTS.items():
        name = f"stamp_diary_{event.lower()}"
        op.execute(_STAMP.format(name=name, hash=_HASH, rows=rows))
        op.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON booking REFERENCING {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )


def downgrade() -> None:
    for event in _EVENTS:
        name = f"stamp_diary_{event.lower()}"
        op.execute(f"DROP TRIGGER {name} ON booking")
        op.execute(f"DROP FUNCTION {name}()")
    op.drop_table("diary")
