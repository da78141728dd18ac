-- Writes what became of messages. «gone» rows are deleted; a waiting one keeps quiet for its `wait` seconds. What was sent or given up
-- is never sent again: a file's content, which may hold codes that are worth points, goes at once.
WITH mark AS (
    SELECT * FROM unnest(
        CAST(:chats AS bigint[]), CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:errors AS text[]),
        CAST(:waits AS double precision[])
    ) AS m (chat_id, id, state, error, wait)
), gone AS (
    DELETE FROM outbox o USING mark m WHERE o.chat_id = m.chat_id AND o.id = m.id AND m.state = 'gone'
)
UPDATE outbox o
   SET state = m.state,
       error = m.error,
       params = CASE WHEN m.state <> 'waiting' AND o.params ? 'file' THEN o.params - 'file' ELSE o.params END,
       lease_until = CASE WHEN m.state = 'waiting' AND m.wait > 0 THEN clock_timestamp() + make_interval(secs => m.wait) END
  FROM mark m
 WHERE o.chat_id = m.chat_id AND o.id = m.id AND m.state <> 'gone'
