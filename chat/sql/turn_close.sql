-- Closes a turn in one round trip: the dialogue (null: as it was) and the messages to be sent.
-- `messages` is a JSON array of {chat_id, member_id, method, params, policy, key, not_after, lease}; `lease` is in seconds.
-- `mine` are unsent rows that the calling process is sending right now, in order, so they are no backlog to it.
-- A message comes back leased when its chat has nothing else of its policy waiting; otherwise whoever empties the queue sends it.
CREATE OR REPLACE FUNCTION turn_close(
    chat bigint, new_state text, new_said jsonb, messages jsonb, mine bigint[]
) RETURNS TABLE (row_chat bigint, row_id bigint, row_key text, leased boolean) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF new_state = '' AND new_said = '{}'::jsonb THEN
        DELETE FROM dialogue WHERE chat_id = chat;
    ELSIF new_state IS NOT NULL THEN
        INSERT INTO dialogue (chat_id, state, data) VALUES (chat, new_state, new_said)
        ON CONFLICT (chat_id) DO UPDATE SET state = excluded.state, data = excluded.data, at = now();
    END IF;
    RETURN QUERY
    INSERT INTO outbox AS o (chat_id, member_id, method, params, policy, key, not_after, lease_until)
    SELECT m.chat_id, m.member_id, m.method, m.params, m.policy, m.key, m.not_after,
           CASE WHEN m.lease > 0 AND NOT EXISTS (
                    SELECT FROM outbox w
                     WHERE w.policy = m.policy AND w.chat_id = m.chat_id AND w.state = 'waiting' AND w.id <> ALL (mine)
                ) THEN clock_timestamp() + make_interval(secs => m.lease) END
      FROM ROWS FROM (jsonb_to_recordset(messages) AS (
               chat_id bigint, member_id bigint, method text, params jsonb, policy text, key text,
               not_after timestamptz, lease double precision
           )) WITH ORDINALITY AS m (chat_id, member_id, method, params, policy, key, not_after, lease, n)
     ORDER BY m.n
    ON CONFLICT (key) DO NOTHING
    RETURNING o.chat_id, o.id, o.key, o.lease_until IS NOT NULL;
END $$
