"""What a sandbox holds when it is new: the merchant and what goes with it, copied from the live programme, and nobody's points.

The live database is only read, over connections that can't write. Rows go from one to the other as JSON by their tables' names, so
that a column more is copied without a word here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.earning import rulebook

Rows = Mapping[str, str]
"""A JSON list of rows by table, in the order in which they are written."""

ACTIVITY_DAYS = 3_650
ACTIVITY_POINTS, ACTIVITY_PEOPLE = 20, 10_000

_SOURCES = {
    "programme": "programme WHERE one = 1",
    "merchant": "merchant WHERE id = :id",
    "currency": "currency WHERE issuer_id IS NULL OR issuer_id = :id",
    "accrual_rule": "accrual_rule WHERE (merchant_id = :id OR merchant_id IS NULL) AND state = 'approved'",
    "campaign": "campaign WHERE merchant_id = :id OR merchant_id IS NULL",
    "outlet": "outlet WHERE merchant_id = :id AND closed_at IS NULL",
    "till": "till WHERE merchant_id = :id AND closed_at IS NULL",
    "offer": "offer WHERE merchant_id = :id",
    "offer_version": "offer_version WHERE offer_id IN (SELECT id FROM offer WHERE merchant_id = :id)",
    "booking_outlet": "booking_outlet WHERE offer_id IN (SELECT id FROM offer WHERE merchant_id = :id)",
    "privilege": "privilege WHERE merchant_id = :id",
    "privilege_version": "privilege_version WHERE privilege_id IN (SELECT id FROM privilege WHERE merchant_id = :id)",
    "api_key": "api_key WHERE merchant_id = :id AND test",
}
_TABLES = text(
    "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
    " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)
_GUARDED = text(
    "SELECT DISTINCT quote_ident(relname) FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal"
)
_COUNTED = text(
    "SELECT quote_ident(table_name) FROM information_schema.columns"
    " WHERE table_schema = 'public' AND column_name = 'id' AND is_identity = 'YES' AND table_name = ANY(:tables)"
)
_WRITTEN = text(
    "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
    " WHERE attrelid = CAST(CAST(:table AS text) AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
)
"""A table's columns without those that PostgreSQL fills itself."""
_BEGIN = text("UPDATE merchant SET status = 'certified', suspended_for = NULL, created_at = :now")
# Nobody is there to approve.
_RULES_AT_ONCE = text("UPDATE programme SET document = document || '{\"rules_need_approval\": false}'")
_ACTIVITY = text(
    "INSERT INTO activity (merchant_id, kind, title, points, people_max, starts_at, ends_at, questions, made_by, made_at)"
    " SELECT id, 'check_in', '测试活动', :points, :people, :now, CAST(:until AS timestamptz), '[]', 'sandbox', :now FROM merchant"
)


async def read(live: AsyncConnection, merchant_id: int) -> Rows:
    """What to copy."""
    found = {}
    for table, source in _SOURCES.items():
        query = text(f"SELECT CAST(coalesce(jsonb_agg(t), '[]') AS text) FROM (SELECT * FROM {source}) t")
        found[table] = str(await live.scalar(query, {"id": merchant_id}))
    return found


async def fill(tx: AsyncConnection, rows: Rows, *, now: dt.datetime) -> None:
    """Empty a sandbox's database, whatever is in it, and write these rows. The merchant counts as certified here, whatever it is
    in life; `now` tells this filling from every other."""
    guarded = list(await tx.scalars(_GUARDED))
    for table in guarded:  # books that only grow: of a sandbox they may go
        await tx.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await tx.exec_driver_sql(f"TRUNCATE {await tx.scalar(_TABLES)} RESTART IDENTITY")
    for table in guarded:
        await tx.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for table, copied in rows.items():
        columns = await tx.scalar(_WRITTEN, {"table": table})
        await tx.execute(
            text(
                f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"
                f" SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, CAST(:rows AS jsonb))"
            ),
            {"rows": copied},
        )
    for table in await tx.scalars(_COUNTED, {"tables": list(rows)}):
        await tx.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
    await tx.execute(_BEGIN, {"now": now})
    await tx.execute(_RULES_AT_ONCE)
    until = now + dt.timedelta(days=ACTIVITY_DAYS)
    await tx.execute(_ACTIVITY, {"points": ACTIVITY_POINTS, "people": ACTIVITY_PEOPLE, "now": now, "until": until})
    await rulebook.moved(tx)
