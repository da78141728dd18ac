-- One page of the nightly expiry, set-based: what the verb `expire` does for owner after owner, in six statements for all of them.
-- It locks what `points_load` locks, in the same order, reads only then — in later statements, whose snapshots are younger than the
-- locks — and takes its ids under them. Owners whom the verb would settle otherwise (something of theirs is due for release first, or
-- the key is used) are left to it and named in `other_ids`.
--
-- Planned anew for each page: a page is thousands of rows, and a plan made for an empty table would read all of what is due each time.
CREATE OR REPLACE FUNCTION points_expire(
    on_day date, at timestamptz, key_prefix text, who text,
    after_day date, after_account bigint, page_size integer,
    OUT then_day date, OUT then_account bigint,
    OUT entry_ids bigint[], OUT owner_kinds text[], OUT owner_ids bigint[], OUT currencies smallint[], OUT totals bigint[],
    OUT other_kinds text[], OUT other_ids bigint[], OUT other_currencies smallint[]
) LANGUAGE plpgsql VOLATILE SET plan_cache_mode = 'force_custom_plan' AS $$
DECLARE
    size integer;
    account_ids bigint[];
    balances bigint[];
    versions bigint[];
    expired_ids bigint[];
    keys text[];
    lot_places bigint[];
    lot_ids bigint[];
    lot_points bigint[];
    lot_issuers bigint[];
    pages bigint[];
    lots_at bigint;
BEGIN
    -- 1. Whose. A page ends in the middle of an account at most, and that account is expired whole.
    WITH page AS MATERIALIZED (
        SELECT p.due_on, p.account_id FROM position p
         WHERE p.due_on <= on_day AND (p.due_on, p.account_id) > (after_day, after_account)
         ORDER BY p.due_on, p.account_id LIMIT page_size
    )
    SELECT count(*), max(due_on), (array_agg(account_id ORDER BY due_on DESC, account_id DESC))[1], array_agg(DISTINCT account_id)
      INTO size, then_day, then_account, account_ids
      FROM page;
    IF size < page_size THEN
        then_day := NULL;
        then_account := NULL;
    END IF;

    SELECT array_agg(a.id) INTO account_ids
      FROM unnest(account_ids) AS d(id)
      CROSS JOIN LATERAL (SELECT a.id FROM account a WHERE a.id = d.id AND a.purpose = 'available' LIMIT 1) a;
    IF account_ids IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO account (id, owner_kind, owner_id, purpose, currency_id, issuer_id)
    SELECT nextval('points_ids') * 64, 'programme', 0, 'expired', c.currency_id, 0
      FROM (SELECT DISTINCT a.currency_id FROM account a WHERE a.id = ANY (account_ids) ORDER BY 1) c
     WHERE NOT EXISTS (SELECT FROM account x WHERE x.owner_id = 0 AND x.owner_kind = 'programme' AND x.purpose = 'expired'
                AND x.currency_id = c.currency_id AND x.issuer_id = 0)
    ON CONFLICT DO NOTHING;

    -- 2. Lock what the verb would: each owner's available and pending account, in ascending id order.
    PERFORM FROM account a
      WHERE a.id = ANY (account_ids || ARRAY(
            SELECT s.id FROM unnest(account_ids) AS d(id) JOIN account a ON a.id = d.id
             CROSS JOIN LATERAL (SELECT s.id FROM account s WHERE s.owner_id = a.owner_id AND s.owner_kind = a.owner_kind
                    AND s.purpose = 'pending' AND s.currency_id = a.currency_id AND s.issuer_id = 0 LIMIT 1) s))
      ORDER BY a.id FOR NO KEY UPDATE;

    -- 3. Read what the locks protect, and leave the unusual to the verb.
    WITH read AS MATERIALIZED (
        SELECT a.id, a.owner_kind, a.owner_id, a.currency_id, a.balance, a.version, x.id AS expired_id, k.key,
               used.key IS NULL AND first.lot_id IS NULL AS plain
          FROM unnest(account_ids) AS d(id)
          JOIN account a ON a.id = d.id
          CROSS JOIN LATERAL (SELECT key_prefix || ':' || a.owner_kind || ':' || a.owner_id || ':' || a.currency_id AS key) k
          CROSS JOIN LATERAL (SELECT x.id FROM account x WHERE x.owner_id = 0 AND x.owner_kind = 'programme'
                AND x.purpose = 'expired' AND x.currency_id = a.currency_id AND x.issuer_id = 0 LIMIT 1) x
          LEFT JOIN LATERAL (SELECT e.key FROM entry e WHERE e.key = k.key LIMIT 1) used ON true
          LEFT JOIN LATERAL (SELECT q.lot_id FROM account s JOIN position q ON q.account_id = s.id
                WHERE s.owner_id = a.owner_id AND s.owner_kind = a.owner_kind AND s.purpose = 'pending'
                  AND s.currency_id = a.currency_id AND s.issuer_id = 0 AND q.due_on <= on_day LIMIT 1) first ON true
         ORDER BY a.id
    )
    SELECT array_agg(id) FILTER (WHERE plain), array_agg(balance) FILTER (WHERE plain), array_agg(version) FILTER (WHERE plain),
           array_agg(expired_id) FILTER (WHERE plain), array_agg(key) FILTER (WHERE plain),
           array_agg(owner_kind) FILTER (WHERE plain), array_agg(owner_id) FILTER (WHERE plain),
           array_agg(currency_id) FILTER (WHERE plain),
           array_agg(owner_kind) FILTER (WHERE NOT plain), array_agg(owner_id) FILTER (WHERE NOT plain),
           array_agg(currency_id) FILTER (WHERE NOT plain)
      INTO account_ids, balances, versions, expired_ids, keys, owner_kinds, owner_ids, currencies,
           other_kinds, other_ids, other_currencies
      FROM read;
    IF account_ids IS NULL THEN
        RETURN;
    END IF;

    -- 4. Take the positions away; of each what is needed to say so, in burn order. An owner's place is theirs in `account_ids`.
    WITH gone AS (
        DELETE FROM position p USING unnest(account_ids) WITH ORDINALITY AS d(id, place)
         WHERE p.account_id = d.id AND p.due_on <= on_day
        RETURNING d.place, p.lot_id, p.points
    )
    SELECT array_agg(place), array_agg(lot_id), array_agg(points), array_agg(issuer_id)
      INTO lot_places, lot_ids, lot_points, lot_issuers
      FROM (SELECT g.place, g.lot_id, g.points, l.issuer_id FROM gone g JOIN lot l ON l.id = g.lot_id
             ORDER BY g.place, l.expires_on, l.available_on, g.lot_id) ordered;
    IF lot_ids IS NULL THEN
        owner_kinds := NULL;
        RETURN;
    END IF;

    -- 5. Ids: an owner's entry is the owner's place, and after all of them comes each lot's leg on the programme's side.
    lots_at := cardinality(account_ids);
    SELECT array_agg(nextval('points_ids')) INTO pages FROM generate_series(0, (lots_at + cardinality(lot_ids)) / 64);

    -- 6. Write. Without joins of arrays: whatever a row needs is found by its place.
    WITH gone AS MATERIALIZED (
        SELECT place, lot_id, points, issuer_id, number, row_number() OVER w AS n, (sum(points) OVER w)::bigint AS running,
               pages[place / 64 + 1] * 64 + place % 64 AS entry_id, lots_at + number AS leg
          FROM unnest(lot_places, lot_ids, lot_points, lot_issuers) WITH ORDINALITY AS g(place, lot_id, points, issuer_id, number)
        WINDOW w AS (PARTITION BY place ORDER BY number ROWS UNBOUNDED PRECEDING)
    ), owner AS MATERIALIZED (
        SELECT place, entry_id, max(n) AS n, max(running) AS points FROM gone GROUP BY place, entry_id ORDER BY place
    ), w_account AS (
        UPDATE account a SET balance = a.balance - o.points, version = a.version + o.n FROM owner o WHERE a.id = account_ids[o.place]
    ), w_entry AS (
        INSERT INTO entry (owner_id, id, key, fingerprint, kind, owner_kind, currency_id, points, actor, facts, occurred_at,
               posted_at, posted_on)
        SELECT owner_ids[place], entry_id, keys[place],
               -- What `Command.fingerprint` makes of the same command.
               sha256(convert_to('["expire", ["' || owner_kinds[place] || '", ' || owner_ids[place] || '], ' || currencies[place]
                   || ', null, [], {}]', 'UTF8')),
               'expire', owner_kinds[place], currencies[place], points, who, '{}', at, at, on_day
          FROM owner
    ), w_posting AS (
        INSERT INTO posting (account_id, number, entry_id, lot_id, issuer_id, points, balance_after)
        SELECT account_ids[place], versions[place] + n, entry_id, lot_id, issuer_id, -points, balances[place] - running FROM gone
        UNION ALL
        SELECT expired_ids[place], pages[leg / 64 + 1] * 64 + leg % 64, entry_id, lot_id, issuer_id, points, NULL FROM gone
    )
    SELECT array_agg(entry_id), array_agg(owner_kinds[place]), array_agg(owner_ids[place]), array_agg(currencies[place]),
           array_agg(points)
      INTO entry_ids, owner_kinds, owner_ids, currencies, totals
      FROM owner;
END $$;
