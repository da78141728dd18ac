"""What nobody will ask for any more goes: every hour, a few thousand rows at a time.

Telegram keeps an update for a day at most, so after two its key can't be needed; nor can that of an application over HTTP. Keys of
money stay with the journal. What was sent is kept long enough to answer questions; slots, failures and events told to merchants as
long as somebody may look into them; declined purchases as long as their merchant may still book them; drafts of offers and
privileges, and photos that nothing shows, until a month after somebody last touched them.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text

from jobs.duty import Chunk, Duty, Progress, Slot
from ledger.earning.declined import KEPT_DAYS
from ledger.redeeming.drafts import KEPT_DAYS as DRAFT_DAYS

ROWS_PER_CHUNK = 5_000

_PRUNE = {
    "keys": text(
        "DELETE FROM turn_key WHERE key IN (SELECT key FROM turn_key WHERE at < CAST(:now AS timestamptz) - interval '48 hours'"
        " AND (key LIKE 'update:%' OR key LIKE 'apply:%') ORDER BY at LIMIT :limit)"
    ),
    "outbox": text(
        "DELETE FROM outbox WHERE (chat_id, id) IN (SELECT chat_id, id FROM outbox"
        " WHERE state <> 'waiting' AND created_at < CAST(:now AS timestamptz) - interval '30 days' LIMIT :limit)"
    ),
    "slots": text(
        "DELETE FROM slot WHERE (job, due_at) IN (SELECT job, due_at FROM slot"
        " WHERE state IN ('done', 'failed') AND ended_at < CAST(:now AS timestamptz) - interval '7 days' LIMIT :limit)"
    ),
    "events": text(
        "DELETE FROM webhook_event WHERE id IN (SELECT id FROM webhook_event"
        " WHERE state = 'sent' AND sent_at < CAST(:now AS timestamptz) - interval '90 days' LIMIT :limit)"
    ),
    "declined": text(
        "DELETE FROM declined_purchase WHERE id IN (SELECT id FROM declined_purchase"
        f" WHERE last_at < CAST(:now AS timestamptz) - interval '{KEPT_DAYS} days' LIMIT :limit)"
    ),
    "drafts": text(
        "DELETE FROM offer_draft WHERE (merchant_id, member_id) IN (SELECT merchant_id, member_id FROM offer_draft"
        f" WHERE touched_at < CAST(:now AS timestamptz) - interval '{DRAFT_DAYS} days' LIMIT :limit)"
    ),
    "privilege drafts": text(
        "DELETE FROM privilege_draft WHERE (merchant_id, member_id) IN (SELECT merchant_id, member_id FROM privilege_draft"
        f" WHERE touched_at < CAST(:now AS timestamptz) - interval '{DRAFT_DAYS} days' LIMIT :limit)"
    ),
    # Photos that neither a version of an offer nor a draft shows.
    "photos": text(
        "DELETE FROM offer_photo WHERE name IN (SELECT name FROM offer_photo p"
        f" WHERE made_at < CAST(:now AS timestamptz) - interval '{DRAFT_DAYS} days'"
        " AND NOT EXISTS (SELECT FROM offer_version v WHERE v.document ->> 'photo' = p.name)"
        " AND NOT EXISTS (SELECT FROM offer_draft d WHERE d.document ->> 'photo' = p.name) LIMIT :limit)"
    ),
    # Buckets of keys and addresses that nobody asked for: they are full again.
    "rates": text("DELETE FROM api_rate WHERE at < CAST(:now AS timestamptz) - interval '1 hour'"),
    "failures": text("DELETE FROM failure WHERE at < CAST(:now AS timestamptz) - interval '30 days'"),
}


async def run(chunk: Chunk, slot: Slot) -> Progress | None:
    """Prune one portion; one kind after the other."""
    kinds = list(_PRUNE)
    kind = chunk.progress.get("kind", kinds[0])
    gone = (await chunk.tx.execute(_PRUNE[kind], {"now": chunk.at.now, "limit": ROWS_PER_CHUNK})).rowcount
    if kind != "failures" and gone >= ROWS_PER_CHUNK:
        return {"kind": kind}
    after = kinds.index(kind) + 1
    return {"kind": kinds[after]} if after < len(kinds) else None


duty = Duty("prune_keys", run, every=dt.timedelta(hours=1))
