-- The limit that the nightly run is held against: everything that is due ends in one statement, planned with statistics, in one
-- transaction that nobody else is in the way of. The same rows as the run leaves: an entry for each owner and currency, a leg on both
-- sides for each lot, no position, balances and versions moved. No lock taken first, no key looked up, nothing told.
WITH due AS MATERIALIZED (
    SELECT p.account_id, p.lot_id, p.points, l.issuer_id, a.owner_kind, a.owner_id, a.currency_id, a.balance, a.version,
           row_number() OVER w AS n, (sum(p.points) OVER w)::bigint AS running
      FROM position p JOIN account a ON a.id = p.account_id JOIN lot l ON l.id = p.lot_id
     WHERE p.due_on <= '2026-11-22' AND a.purpose = 'available'
    WINDOW w AS (PARTITION BY p.account_id ORDER BY l.expires_on, l.available_on, p.lot_id ROWS UNBOUNDED PRECEDING)
), gone AS (
    DELETE FROM position p USING account a WHERE a.id = p.account_id AND a.purpose = 'available' AND p.due_on <= '2026-11-22'
), owner AS MATERIALIZED (
    SELECT account_id, owner_kind, owner_id, currency_id, max(n) AS n, max(running) AS points, nextval('rival_ids') AS entry_id
      FROM due GROUP BY 1, 2, 3, 4
), w_account AS (
    UPDATE account a SET balance = balance - o.points, version = version + o.n FROM owner o WHERE a.id = o.account_id
), w_entry AS (
    INSERT INTO entry (owner_id, id, key, fingerprint, kind, owner_kind, currency_id, points, actor, facts, occurred_at,
           posted_at, posted_on)
    SELECT owner_id, entry_id, 'night:' || owner_kind || ':' || owner_id || ':' || currency_id,
           sha256(convert_to('["expire", ["' || owner_kind || '", ' || owner_id || '], ' || currency_id || ', null, [], {}]', 'UTF8')),
           'expire', owner_kind, currency_id, points, 'rival', '{}', now(), now(), '2026-11-22'
      FROM owner
)
INSERT INTO posting (account_id, number, entry_id, lot_id, issuer_id, points, balance_after)
SELECT d.account_id, d.version + d.n, o.entry_id, d.lot_id, d.issuer_id, -d.points, d.balance - d.running
  FROM due d JOIN owner o USING (account_id)
UNION ALL
SELECT x.id, nextval('rival_ids'), o.entry_id, d.lot_id, d.issuer_id, d.points, NULL
  FROM due d JOIN owner o USING (account_id)
  JOIN account x ON x.owner_kind = 'programme' AND x.owner_id = 0 AND x.purpose = 'expired' AND x.currency_id = d.currency_id
