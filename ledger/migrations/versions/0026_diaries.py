"""Every change of an offer's places gives its diary a new stamp, so that what a process knows of the diary can be told from what is."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_STAMP = """
    CREATE FUNCTION stamp_diary() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO diary (offer_id, stamp)
        SELECT offer_id, gen_random_uuid() FROM (SELECT DISTINCT offer_id FROM touched ORDER BY offer_id) t
        ON CONFLICT (offer_id) DO UPDATE SET stamp = excluded.stamp;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "diary",
        sa.Column("offer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.Uuid(), nullable=False, comment="another one after every change of its bookings"),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_diary")),
        postgresql_with={"fillfactor": "50"},
    )
    op.execute("INSERT INTO diary SELECT offer_id, gen_random_uuid() FROM (SELECT DISTINCT offer_id FROM booking) b")
    op.execute(_STAMP)
    for event, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER stamps_{event.lower()} AFTER {event} ON booking REFERENCING {rows} TABLE AS touched"
            " FOR EACH STATEMENT EXECUTE FUNCTION stamp_diary()"
        )


def downgrade() -> None:
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER stamps_{event} ON booking")
    op.execute("DROP FUNCTION stamp_diary()")
    op.drop_table("diary")
