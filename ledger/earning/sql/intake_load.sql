-- Everything by which a batch of purchases is decided, in one round trip: makes and locks the rows that count budgets and caps
-- (budgets first, each kind in its own order), and only then — in later statements, whose snapshots are younger than the locks —
-- reads them, which documents are booked already, and who the members are. Without `locking` nothing is made or locked: a quote.
-- Whatever is looked up row by row is LATERAL with a LIMIT: a plan made while a table was empty would else read all of it for ever.
CREATE OR REPLACE FUNCTION intake_load(
    locking boolean,
    merchants bigint[], documents text[],
    shops bigint[], outlets bigint[], members bigint[],
    first_members bigint[], first_merchants bigint[],
    scopes text[],
    cap_members bigint[], cap_rules text[], cap_periods text[]
) RETURNS json LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    budgets json := '[]';
    caps json := '[]';
    firsts json := '[]';
    places json := '[]';
    claimed json := '[]';
BEGIN
    -- An account that somebody claims at this moment is waited for, and then theirs.
    IF locking THEN
        PERFORM FROM unnest(members) AS w(id)
          CROSS JOIN LATERAL (SELECT FROM external_account x WHERE x.member_id = w.id LIMIT 1 FOR SHARE) locked;
    END IF;
    IF locking AND cardinality(scopes) > 0 THEN
        INSERT INTO budget_usage (scope) SELECT unnest(scopes) ON CONFLICT DO NOTHING;
        PERFORM FROM budget_usage WHERE scope = ANY (scopes) ORDER BY scope FOR UPDATE;
    END IF;
    IF locking AND cardinality(cap_members) > 0 THEN
        INSERT INTO cap_usage (member_id, rule, period)
        SELECT * FROM unnest(cap_members, cap_rules, cap_periods) ON CONFLICT DO NOTHING;
        -- They come in order, and are locked as they come.
        PERFORM FROM unnest(cap_members, cap_rules, cap_periods) AS w(member_id, rule, period)
          CROSS JOIN LATERAL (SELECT FROM cap_usage u WHERE u.member_id = w.member_id AND u.rule = w.rule
                                 AND u.period = w.period LIMIT 1 FOR UPDATE) locked;
    END IF;

    IF cardinality(scopes) > 0 THEN
        SELECT coalesce(json_agg(json_build_array(u.scope, u.points)), '[]') INTO budgets
          FROM budget_usage u WHERE u.scope = ANY (scopes);
    END IF;
    IF cardinality(cap_members) > 0 THEN
        SELECT coalesce(json_agg(json_build_array(w.member_id, w.rule, w.period, u.points)), '[]') INTO caps
          FROM unnest(cap_members, cap_rules, cap_periods) AS w(member_id, rule, period)
          CROSS JOIN LATERAL (SELECT points FROM cap_usage c WHERE c.member_id = w.member_id AND c.rule = w.rule
                                                               AND c.period = w.period LIMIT 1) u;
    END IF;
    -- A purchase that was wholly given back is nobody's first.
    IF cardinality(first_members) > 0 THEN
        SELECT coalesce(json_agg(json_build_array(w.member_id, w.merchant_id, here.one IS NOT NULL, anywhere.one IS NOT NULL)), '[]')
          INTO firsts
          FROM unnest(first_members, first_merchants) AS w(member_id, merchant_id)
          LEFT JOIN LATERAL (SELECT 1 AS one FROM purchase p WHERE p.member_id = w.member_id AND p.merchant_id = w.merchant_id
                                AND p.taken_back_at IS NULL AND (p.refunded_minor < p.amount_minor OR p.amount_minor = 0)
                              LIMIT 1) here ON true
          LEFT JOIN LATERAL (SELECT 1 AS one FROM purchase p WHERE p.member_id = w.member_id
                                AND p.taken_back_at IS NULL AND (p.refunded_minor < p.amount_minor OR p.amount_minor = 0)
                              LIMIT 1) anywhere ON true;
    END IF;
    IF cardinality(outlets) > 0 THEN
        SELECT coalesce(json_agg(json_build_array(o.id, o.merchant_id, o.region)), '[]') INTO places
          FROM outlet o WHERE o.id = ANY (outlets);
    END IF;

    SELECT coalesce(json_agg(json_build_array(s.member_id, s.holder_id)), '[]') INTO claimed
      FROM succession s WHERE s.member_id = ANY (members);

    RETURN json_build_object(
        'clock', (SELECT version FROM rule_clock),
        'budgets', budgets, 'caps', caps, 'firsts', firsts, 'outlets', places,
        'claimed', claimed,
        -- By the entry's key, on which there is one index: a plan made while the tables were empty could not choose another,
        -- and LIMIT keeps it from turning the join round.
        'booked', (SELECT coalesce(json_agg(json_build_array(w.merchant_id, w.document)), '[]')
                     FROM unnest(merchants, documents) AS w(merchant_id, document)
                     CROSS JOIN LATERAL (SELECT FROM entry e
                                          WHERE e.key = 'purchase:' || w.merchant_id || ':' || w.document LIMIT 1) found),
        'shops', (SELECT coalesce(json_agg(json_build_array(m.id, m.status, certified_until(m.id))), '[]')
                    FROM merchant m WHERE m.id = ANY (shops)),
        'values', (SELECT coalesce(json_agg(json_build_array(c.id, c.value_minor, c.value_points)), '[]') FROM currency c),
        'members', (SELECT coalesce(json_agg(json_build_array(m.id, m.joined_on, m.region, m.birth_month, m.birth_day,
                               m.birth_told_on,
                               -- Who has none written yet stands on the lowest; companies have none.
                               CASE WHEN m.kind = 'person' THEN coalesce(m.tier, (SELECT p.document #>> '{tiers,0,code}'
                                                                                    FROM programme p WHERE p.one = 1)) END,
                               m.kind, s.standing, s.valid_until)), '[]')
                      FROM member m
                      -- Kept only as long as they agree; the day that counts is the purchase's.
                      LEFT JOIN LATERAL (SELECT c.standing, c.valid_until FROM credit_standing c WHERE c.member_id = m.id
                                          LIMIT 1) s ON true
                      WHERE m.id = ANY (members)));
END $$;
