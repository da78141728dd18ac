-- What a turn must know before it begins, in one row: the dialogue, who the person is, the programme, whether unsent
-- replies wait. STABLE: called from turn_open it sees what was committed when turn_open's lock was granted.
CREATE OR REPLACE FUNCTION turn_look(
    chat bigint, who bytea, known_version integer,
    OUT seen boolean,
    OUT at_state text, OUT said text,
    OUT member_id bigint, OUT status text, OUT language text, OUT region text, OUT joined_on date, OUT unreachable boolean,
    OUT heard text,
    OUT staff_at bigint[], OUT staff_role text[], OUT operator_role text[],
    OUT company_id bigint, OUT company_name text, OUT company_role text,
    OUT version integer, OUT document text, OUT ahead_days integer,
    OUT backlog boolean
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    seen := false;
    SELECT d.state, d.data::text INTO at_state, said FROM dialogue d WHERE d.chat_id = chat;
    SELECT m.id, m.status, m.language, m.region, m.joined_on, m.unreachable_since IS NOT NULL, m.telegram_language
      INTO member_id, status, language, region, joined_on, unreachable, heard
      FROM person p JOIN member m ON m.id = p.member_id
     WHERE p.telegram_index = who;
    IF member_id IS NOT NULL THEN
        SELECT array_agg(s.merchant_id ORDER BY s.merchant_id), array_agg(s.role ORDER BY s.merchant_id)
          INTO staff_at, staff_role
          FROM staff s WHERE s.member_id = turn_look.member_id AND s.removed_at IS NULL;
        SELECT array_agg(o.role) INTO operator_role
          FROM operator o WHERE o.member_id = turn_look.member_id AND o.removed_at IS NULL;
        SELECT c.member_id, c.name, p.role INTO company_id, company_name, company_role
          FROM acting a JOIN company c ON c.member_id = a.company_id
          JOIN member m ON m.id = a.company_id AND m.status = 'active'
          JOIN company_person p ON p.company_id = a.company_id AND p.member_id = a.member_id AND p.removed_at IS NULL
         WHERE a.member_id = turn_look.member_id;
    END IF;
    SELECT p.version, CASE WHEN p.version IS DISTINCT FROM known_version THEN p.document::text END
      INTO version, document FROM programme p WHERE p.one = 1;
    SELECT c.ahead_days INTO ahead_days FROM programme_clock c WHERE c.one = 1;
    backlog := EXISTS (
        SELECT FROM outbox o WHERE o.policy = 'reply' AND o.chat_id = chat AND o.state = 'waiting'
    );
END $$
