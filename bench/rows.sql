-- What a purchase leaves in the database, and nothing else: no look at member, rules, caps or earlier keys, no lock, no decision.
-- The least that any way of booking has to wait for; for `bench.api` alone.
CREATE FUNCTION bench_rows(merchant bigint, documents text[], members bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    page bigint := nextval('points_ids');
BEGIN
    PERFORM nextval('points_ids') FROM generate_series(1, 1 + 4 * cardinality(documents) / 64);
    WITH asked AS (
        SELECT document, member, place, page * 64 + 4 * place AS id
          FROM unnest(documents, members) WITH ORDINALITY AS a(document, member, place)
    ), w_account AS (
        UPDATE account a SET balance = balance + 123, version = version + 1 FROM asked
         WHERE a.owner_id = member AND a.owner_kind = 'member' AND a.purpose = 'pending' AND a.currency_id = 1 AND a.issuer_id = 0
        RETURNING a.id AS account_id, a.balance, a.version, asked.id
    ), w_entry AS (
        INSERT INTO entry (owner_id, id, key, fingerprint, kind, owner_kind, currency_id, points, issuer_id, merchant_id, actor,
               facts, trace, occurred_at, posted_at, posted_on)
        SELECT member, id, 'purchase:' || merchant || ':' || document, sha256(document::bytea), 'accrue', 'member', 1, 123,
               merchant, merchant, 'api_key:1',
               '{"what":"purchase","document":"bench-0000000","amount_minor":12300,"money":"CNY"}',
               '[{"what":"base","rate":"1","rule":"bench-base@1","points":"99","amount_minor":9900,"money":"CNY","category":"grocery"},'
               '{"what":"base","rate":"1","rule":"bench-base@1","points":"24","amount_minor":2400,"money":"CNY","category":"fruit"},'
               '{"what":"total","exact":"123","points":123}]', now(), now(), current_date
          FROM asked
    ), w_lot AS (
        INSERT INTO lot (id, owner_kind, owner_id, issuer_id, currency_id, entry_id, rule, available_on, expires_on, points)
        SELECT id + 1, 'member', member, merchant, 1, id, 'bench-base@1', current_date + 8, current_date + 400, 123 FROM asked
    ), w_posting AS (
        INSERT INTO posting (account_id, number, entry_id, lot_id, issuer_id, points, balance_after)
        SELECT 1, id + 2, id, id + 1, merchant, -123, NULL FROM asked
        UNION ALL SELECT account_id, version, id, id + 1, merchant, 123, balance FROM w_account
    ), w_position AS (
        INSERT INTO position (account_id, lot_id, points, due_on)
        SELECT account_id, id + 1, 123, current_date + 8 FROM w_account
    )
    INSERT INTO purchase (merchant_id, document, member_id, amount_minor, money, points, entry_id, rule_versions, bill, occurred_at,
           bought_on, channel, facts, shares)
    SELECT merchant, document, member, 12300, 'CNY', 123, id, '["bench-base@1"]',
           '{"parts":[[9900,"grocery"],[2400,"fruit"]],"paid_otherwise_minor":0}', now(), current_date, 'api',
           '{"bought_at":"2026-11-22T10:30:00","channel":"api","days_since_joining":325}', '{"bench-base":123}'
      FROM asked;
END $$;
