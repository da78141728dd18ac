-- The last day on which a merchant's certificates let it issue: of each kind the one confirmed last, of those the first to end.
-- NULL: it has none. Issuing asks this at that moment, so that a certificate ends at midnight and not with the nightly duty.
CREATE OR REPLACE FUNCTION certified_until(merchant bigint) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT min(valid_until) FROM (
        SELECT DISTINCT ON (kind) valid_until FROM certificate
         WHERE merchant_id = merchant AND confirmed_at IS NOT NULL
         ORDER BY kind, confirmed_at DESC, id DESC) counting
$$;
