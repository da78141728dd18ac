-- Opens a turn in one round trip: takes the chat's lock, claims the key, and only then looks. VOLATILE matters: each
-- statement in here sees what was committed before it began, so nothing is read from before the lock was granted.
CREATE OR REPLACE FUNCTION turn_open(
    lane bigint, this_key text, chat bigint, who bytea, known_version integer,
    OUT seen boolean,
    OUT at_state text, OUT said text,
    OUT member_id bigint, OUT status text, OUT language text, OUT region text, OUT joined_on date, OUT unreachable boolean,
    OUT heard text,
    OUT staff_at bigint[], OUT staff_role text[], OUT operator_role text[],
    OUT company_id bigint, OUT company_name text, OUT company_role text,
    OUT version integer, OUT document text, OUT ahead_days integer,
    OUT backlog boolean
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lane);
    INSERT INTO turn_key (key) VALUES (this_key) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        seen := true;
        RETURN;
    END IF;
    SELECT l.* INTO seen, at_state, said, member_id, status, language, region, joined_on, unreachable,
                    heard, staff_at, staff_role, operator_role, company_id, company_name, company_role,
                    version, document, ahead_days, backlog
      FROM turn_look(chat, who, known_version) l;
END $$
