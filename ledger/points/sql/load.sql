-- Everything a batch needs, in one round trip: finds or makes the accounts, locks the owners' ones in ascending id order, and only
-- then — in later statements, whose snapshots are younger than the locks — reads balances, lots, holds, entries and used keys.
-- Ids are taken under the locks, so one owner's ids grow in the order in which that owner's entries happen.
CREATE OR REPLACE FUNCTION points_load(
    used_keys text[],
    kinds text[], owners bigint[], purposes text[], currencies smallint[], issuers bigint[], needs bigint[], make boolean[],
    on_day date,
    entry_ids bigint[],
    hold_ids bigint[],
    id_count integer,
    OUT page_ids bigint[],
    OUT account_ids bigint[], OUT account_kinds text[], OUT account_owners bigint[], OUT account_purposes text[],
    OUT account_currencies smallint[], OUT account_issuers bigint[], OUT balances bigint[], OUT versions bigint[],
    OUT positions json, OUT holds json, OUT entries json
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    lot_needs bigint[];
    missing boolean;
    pages integer;
BEGIN
    -- 1. Which accounts. An entry never changes, so the accounts it touched may be read before anything is locked.
    FOR attempt IN 1..2 LOOP
        SELECT array_agg(id ORDER BY id), array_agg(need ORDER BY id), coalesce(bool_or(lacking), false)
          INTO account_ids, lot_needs, missing
          FROM (
            SELECT a.id, max(w.need) AS need, bool_or(a.id IS NULL AND w.make) AS lacking
              FROM unnest(kinds, owners, purposes, currencies, issuers, needs, make)
                   AS w(kind, owner, purpose, currency, issuer, need, make)
              LEFT JOIN account a ON a.owner_id = w.owner AND a.owner_kind = w.kind AND a.purpose = w.purpose
                   AND a.currency_id = w.currency AND a.issuer_id = w.issuer
             GROUP BY a.id
            UNION ALL
            SELECT p.account_id, 9223372036854775807, false FROM posting p
             WHERE cardinality(entry_ids) > 0 AND p.entry_id = ANY (entry_ids) GROUP BY p.account_id
          ) found;
        EXIT WHEN NOT missing;
        INSERT INTO account (id, owner_kind, owner_id, purpose, currency_id, issuer_id)
        SELECT nextval('points_ids') * 64, w.kind, w.owner, w.purpose, w.currency, w.issuer
          FROM (SELECT DISTINCT * FROM unnest(kinds, owners, purposes, currencies, issuers, make)
                    AS u(kind, owner, purpose, currency, issuer, make) WHERE u.make
                 ORDER BY owner, kind, purpose, currency, issuer) w
         WHERE NOT EXISTS (SELECT FROM account a WHERE a.owner_id = w.owner AND a.owner_kind = w.kind
                    AND a.purpose = w.purpose AND a.currency_id = w.currency AND a.issuer_id = w.issuer)
        ON CONFLICT DO NOTHING;
    END LOOP;

    -- 2. Lock. Issuers' accounts carry no balance and are never locked: they would be the hot rows.
    PERFORM FROM account a
      WHERE a.id = ANY (account_ids) AND a.purpose IN ('available', 'pending', 'held', 'transit', 'deficit')
      ORDER BY a.id FOR NO KEY UPDATE;

    -- An account that was missing and is not to be made — a deficit — may have come while we waited for the owner's others; from
    -- now on nobody can post to it.
    IF array_position(account_ids, NULL) IS NOT NULL THEN
        SELECT account_ids || array_agg(a.id), lot_needs || array_agg(w.need)
          INTO account_ids, lot_needs
          FROM unnest(kinds, owners, purposes, currencies, issuers, needs, make)
               AS w(kind, owner, purpose, currency, issuer, need, make)
          JOIN account a ON a.owner_id = w.owner AND a.owner_kind = w.kind AND a.purpose = w.purpose
               AND a.currency_id = w.currency AND a.issuer_id = w.issuer
         WHERE NOT w.make AND NOT a.id = ANY (array_remove(account_ids, NULL));
    END IF;

    -- 3. Read what the locks protect. Of an account's lots only what is due and the first `need` points in burn order; of a pool's,
    -- whose lots of one day its owners share pro rata, the first days that hold so many.
    SELECT coalesce(json_agg(json_build_array(x.account_id, x.lot_id, x.points, x.owner_kind, x.owner_id, x.issuer_id,
               x.available_on, x.expires_on, x.rule, x.transferable, x.graced, x.parent_lot_id,
               CASE WHEN w.need = 9223372036854775807 AND x.expires_on < on_day THEN
                   (SELECT min(g.expires_on) FROM lot g WHERE g.grace_of = x.lot_id) END)), '[]')
      INTO positions
      FROM (SELECT n.id, n.need, a.owner_kind = 'pool' AND n.need > 0 AND n.need < 9223372036854775807 AS by_day
              FROM unnest(account_ids, lot_needs) AS n(id, need) JOIN account a ON a.id = n.id) w
      CROSS JOIN LATERAL (
        SELECT p.account_id, p.lot_id, p.points, p.due_on, l.owner_kind, l.owner_id, l.issuer_id, l.available_on, l.expires_on,
               l.rule, l.transferable, l.graced, l.parent_lot_id,
               CASE WHEN w.need > 0 AND w.need < 9223372036854775807 THEN
                   sum(p.points) FILTER (WHERE p.due_on IS NULL OR p.due_on > on_day)
                       OVER (ORDER BY p.due_on NULLS LAST, l.available_on, p.lot_id) - p.points
               ELSE 0 END AS before
          FROM position p JOIN lot l ON l.id = p.lot_id
         WHERE NOT w.by_day AND p.account_id = w.id AND (w.need > 0 OR p.due_on <= on_day)
        UNION ALL
        SELECT p.account_id, p.lot_id, p.points, p.due_on, l.owner_kind, l.owner_id, l.issuer_id, l.available_on, l.expires_on,
               l.rule, l.transferable, l.graced, l.parent_lot_id, 0
          FROM (SELECT min(day) FILTER (WHERE upto >= w.need) AS day FROM (
                    SELECT coalesce(due_on, 'infinity') AS day, sum(sum(points)) OVER (ORDER BY coalesce(due_on, 'infinity')) AS upto
                      FROM position WHERE w.by_day AND account_id = w.id AND (due_on IS NULL OR due_on > on_day) GROUP BY 1) days
               ) enough
          JOIN position p ON p.account_id = w.id AND (enough.day IS NULL OR coalesce(p.due_on, 'infinity') <= enough.day)
          JOIN lot l ON l.id = p.lot_id
         WHERE w.by_day
      ) x
     WHERE w.need >= 0 AND (x.due_on <= on_day OR x.before < w.need);

    IF cardinality(hold_ids) > 0 THEN
        SELECT coalesce(json_agg(json_build_array(h.id, h.owner_kind, h.owner_id, h.currency_id, h.points, h.lot_ids,
                   h.lot_points, h.state)), '[]')
          INTO holds
          FROM hold h WHERE h.owner_id = ANY (owners) AND h.id = ANY (hold_ids);
    END IF;

    IF cardinality(entry_ids) > 0 OR EXISTS (SELECT FROM entry WHERE key = ANY (used_keys)) THEN
        SELECT coalesce(json_agg(json_build_array(e.owner_kind, e.owner_id, e.id, e.key, encode(e.fingerprint, 'hex'), e.kind,
                   e.currency_id, e.points, e.issuer_id, e.counter_kind, e.counter_id, e.facts, e.posted_at,
                   CASE WHEN e.id = ANY (entry_ids) THEN
                       (SELECT coalesce(sum(u.points), 0) FROM entry u WHERE u.undoes_id = e.id) END,
                   CASE WHEN e.id = ANY (entry_ids) THEN
                       (SELECT count(*) FROM entry u WHERE u.undoes_id = e.id AND u.kind = 'reverse') END,
                   (SELECT coalesce(json_agg(json_build_array(p.account_id, a.owner_kind, a.owner_id, a.purpose, a.currency_id,
                               a.issuer_id, p.lot_id, p.issuer_id, p.points, p.balance_after) ORDER BY p.points > 0, p.account_id,
                               p.number), '[]')
                      FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id = e.id),
                   CASE WHEN e.id = ANY (entry_ids) THEN
                       (SELECT coalesce(json_agg(json_build_array(l.id, l.owner_kind, l.owner_id, l.issuer_id, l.available_on,
                                   l.expires_on, l.rule, l.transferable, l.graced, l.parent_lot_id, l.currency_id,
                                   l.grace_of, (SELECT min(g.expires_on) FROM lot g WHERE g.grace_of = l.id),
                                   (SELECT coalesce(sum(p.points), 0) FROM posting p JOIN account a ON a.id = p.account_id
                                     WHERE p.lot_id = l.id AND a.purpose = 'expired'))), '[]')
                          FROM (SELECT p.lot_id FROM posting p WHERE p.entry_id = e.id
                                UNION
                                -- What they became when their owner handed everything over.
                                SELECT k.id FROM posting p JOIN lot k ON k.parent_lot_id = p.lot_id
                                  JOIN entry h ON h.owner_id = e.owner_id AND h.id = k.entry_id AND h.kind = 'hand_over'
                                 WHERE p.entry_id = e.id) own
                          JOIN lot l ON l.id = own.lot_id OR l.grace_of = own.lot_id) END)), '[]')
          INTO entries
          FROM (SELECT id, owner_id FROM entry WHERE key = ANY (used_keys)
                UNION
                SELECT p.id, p.owner_id FROM entry p WHERE cardinality(entry_ids) > 0
                   AND p.owner_id = ANY (owners) AND p.id = ANY (entry_ids)
                UNION
                -- What somebody else handed over to one of them.
                SELECT p.id, p.owner_id FROM entry p WHERE cardinality(entry_ids) > 0
                   AND p.counter_id = ANY (owners) AND p.id = ANY (entry_ids) AND p.kind = 'hand_over') wanted
          JOIN entry e ON e.owner_id = wanted.owner_id AND e.id = wanted.id;
    END IF;

    -- 4. Ids: for the commands themselves, and for what their lots may need.
    pages := 1 + (id_count + 3 * json_array_length(positions)
             + CASE WHEN cardinality(entry_ids) > 0 THEN
                   3 * (SELECT count(*) FROM posting p WHERE p.entry_id = ANY (entry_ids)) ELSE 0 END) / 64;
    SELECT array_agg(nextval('points_ids')) INTO page_ids FROM generate_series(1, pages);

    SELECT array_agg(a.id), array_agg(a.owner_kind), array_agg(a.owner_id), array_agg(a.purpose), array_agg(a.currency_id),
           array_agg(a.issuer_id), array_agg(a.balance), array_agg(a.version)
      INTO account_ids, account_kinds, account_owners, account_purposes, account_currencies, account_issuers, balances, versions
      FROM account a WHERE a.id = ANY (account_ids);
END $$;
