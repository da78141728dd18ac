-- The limit that the ledger is held against: the same effect on the same tables, each verb one hand-written function, one call and
-- one commit per happening. Idempotent by the unique key, overdrafts refused, lots burned soonest first, everything recorded.
CREATE SEQUENCE rival_ids START 100000000000;

CREATE FUNCTION rival_entry(k text, what text, who bigint, n bigint, counter bigint) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO entry (owner_id, id, key, fingerprint, kind, owner_kind, counter_kind, counter_id, currency_id, points, issuer_id,
        merchant_id, actor, facts, occurred_at, posted_at, posted_on)
    VALUES (who, nextval('rival_ids'), k, sha256(k::bytea), what, 'member', CASE WHEN counter IS NULL THEN NULL ELSE 'member' END,
        counter, 1, n, 1, 1, 'bench', '{}', '2026-11-22', '2026-11-22', '2026-11-22') RETURNING id
$$;

CREATE FUNCTION rival_accrue(k text, who bigint, n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE a account; e bigint; l bigint;
BEGIN
    SELECT * INTO a FROM account WHERE owner_id = who AND owner_kind = 'member' AND purpose = 'available' AND currency_id = 1
        AND issuer_id = 0 FOR NO KEY UPDATE;
    SELECT id INTO e FROM entry WHERE key = k;
    IF FOUND THEN RETURN e; END IF;
    e := rival_entry(k, 'accrue', who, n, NULL);
    INSERT INTO lot (id, owner_kind, owner_id, issuer_id, currency_id, entry_id, available_on, expires_on, points)
    VALUES (nextval('rival_ids'), 'member', who, 1, 1, e, '2026-11-22', '2027-11-30', n) RETURNING id INTO l;
    INSERT INTO posting VALUES (a.id, a.version + 1, e, l, 1, n, a.balance + n), (1, nextval('rival_ids'), e, l, 1, -n, NULL);
    INSERT INTO position VALUES (a.id, l, n, '2027-12-01');
    UPDATE account SET balance = balance + n, version = version + 1 WHERE id = a.id;
    RETURN e;
END $$;

-- Takes `n` points from an account in burn order and posts them to another; both sides of every lot.
CREATE FUNCTION rival_take(e bigint, a account, n bigint, target bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE lacking bigint := n; v bigint := a.version; b bigint := a.balance; p record; taken bigint; parts bigint[] := '{}';
BEGIN
    FOR p IN SELECT q.lot_id, q.points FROM position q JOIN lot ON lot.id = q.lot_id WHERE q.account_id = a.id
             ORDER BY q.due_on NULLS LAST, lot.available_on, q.lot_id LOOP
        EXIT WHEN lacking = 0;
        taken := least(lacking, p.points); v := v + 1; b := b - taken; lacking := lacking - taken;
        INSERT INTO posting VALUES (a.id, v, e, p.lot_id, 1, -taken, b);
        IF target IS NOT NULL THEN
            INSERT INTO posting VALUES (target, nextval('rival_ids'), e, p.lot_id, 1, taken, NULL);
        END IF;
        IF taken = p.points THEN DELETE FROM position WHERE account_id = a.id AND lot_id = p.lot_id;
        ELSE UPDATE position SET points = points - taken WHERE account_id = a.id AND lot_id = p.lot_id; END IF;
        parts := parts || p.lot_id || taken;
    END LOOP;
    UPDATE account SET balance = b, version = v WHERE id = a.id;
    RETURN parts;
END $$;

CREATE FUNCTION rival_burn(k text, who bigint, n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE a account; e bigint;
BEGIN
    SELECT * INTO a FROM account WHERE owner_id = who AND owner_kind = 'member' AND purpose = 'available' AND currency_id = 1
        AND issuer_id = 0 FOR NO KEY UPDATE;
    SELECT id INTO e FROM entry WHERE key = k;
    IF FOUND THEN RETURN e; END IF;
    IF a.balance < n THEN RETURN -1; END IF;
    e := rival_entry(k, 'burn', who, n, NULL);
    PERFORM rival_take(e, a, n, 2);
    RETURN e;
END $$;

CREATE FUNCTION rival_hold(k text, who bigint, n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE a account; h account; e bigint; parts bigint[]; i int; ids bigint[] := '{}'; ns bigint[] := '{}';
BEGIN
    PERFORM FROM account WHERE owner_id = who AND owner_kind = 'member' AND purpose IN ('available', 'held') AND currency_id = 1
        AND issuer_id = 0 ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO a FROM account WHERE owner_id = who AND owner_kind = 'member' AND purpose = 'available' AND currency_id = 1 AND issuer_id = 0;
    SELECT * INTO h FROM account WHERE owner_id = who AND owner_kind = 'member' AND purpose = 'held' AND currency_id = 1 AND issuer_id = 0;
    SELECT id INTO e FROM entry WHERE key = k;
    IF FOUND THEN RETURN e; END IF;
    IF a.balance < n THEN RETURN -1; END IF;
    e := rival_entry(k, 'hold', who, n, NULL);
    parts := rival_take(e, a, n, NULL);
    FOR i IN 1..cardinality(parts) / 2 LOOP
        INSERT INTO posting VALUES (h.id, h.version + i, e, parts[i * 2 - 1], 1, parts[i * 2], h.balance + parts[i * 2]);
        h.balance := h.balance + parts[i * 2];
        INSERT INTO position VALUES (h.id, parts[i * 2 - 1], parts[i * 2], NULL)
        ON CONFLICT (account_id, lot_id) DO UPDATE SET points = position.points + excluded.points;
        ids := ids || parts[i * 2 - 1]; ns := ns || parts[i * 2];
    END LOOP;
    UPDATE account SET balance = h.balance, version = h.version + cardinality(ids) WHERE id = h.id;
    INSERT INTO hold (owner_id, id, owner_kind, currency_id, points, lot_ids, lot_points) VALUES (who, e, 'member', 1, n, ids, ns);
    RETURN e;
END $$;

CREATE FUNCTION rival_transfer(k text, who bigint, target bigint, n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE a account; b account; e bigint; parts bigint[]; i int; l bigint;
BEGIN
    PERFORM FROM account WHERE owner_id IN (who, target) AND owner_kind = 'member' AND purpose = 'available' AND currency_id = 1
        AND issuer_id = 0 ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO a FROM account WHERE owner_id = who AND owner_kind = 'member' AND purpose = 'available' AND currency_id = 1 AND issuer_id = 0;
    SELECT * INTO b FROM account WHERE owner_id = target AND owner_kind = 'member' AND purpose = 'available' AND currency_id = 1 AND issuer_id = 0;
    SELECT id INTO e FROM entry WHERE key = k;
    IF FOUND THEN RETURN e; END IF;
    IF a.balance < n THEN RETURN -1; END IF;
    e := rival_entry(k, 'transfer', who, n, target);
    parts := rival_take(e, a, n, NULL);
    FOR i IN 1..cardinality(parts) / 2 LOOP
        INSERT INTO lot (id, owner_kind, owner_id, issuer_id, currency_id, entry_id, available_on, expires_on, points, parent_lot_id)
        SELECT nextval('rival_ids'), 'member', target, issuer_id, 1, e, '2026-11-22', expires_on, parts[i * 2], id
        FROM lot WHERE id = parts[i * 2 - 1] RETURNING id INTO l;
        b.balance := b.balance + parts[i * 2]; b.version := b.version + 1;
        INSERT INTO posting VALUES (b.id, b.version, e, l, 1, parts[i * 2], b.balance);
        INSERT INTO position SELECT b.id, l, parts[i * 2], expires_on + 1 FROM lot WHERE id = l;
    END LOOP;
    UPDATE account SET balance = b.balance, version = b.version WHERE id = b.id;
    RETURN e;
END $$;

CREATE FUNCTION rival_expire(k text, who bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE a account; e bigint; due bigint;
BEGIN
    SELECT * INTO a FROM account WHERE owner_id = who AND owner_kind = 'member' AND purpose = 'available' AND currency_id = 1
        AND issuer_id = 0 FOR NO KEY UPDATE;
    SELECT id INTO e FROM entry WHERE key = k;
    IF FOUND THEN RETURN e; END IF;
    SELECT sum(points) INTO due FROM position WHERE account_id = a.id AND due_on <= '2026-11-22';
    IF due IS NULL THEN RETURN -1; END IF;
    e := rival_entry(k, 'expire', who, due, NULL);
    PERFORM rival_take(e, a, due, 3);
    RETURN e;
END $$;
