-- Leases, among messages of one policy, the oldest waiting one of each chat where nobody is at it: of chat :first alone
-- (:only), or of the chats from :first on. Chats are hopped over by the index on waiting rows, so a long queue in one chat
-- costs one step.
WITH RECURSIVE head AS (
    (SELECT o.chat_id, o.id, o.lease_until FROM outbox o
      WHERE o.policy = :policy AND o.state = 'waiting' AND o.chat_id >= :first ORDER BY o.chat_id, o.id LIMIT 1)
    UNION ALL
    SELECT n.chat_id, n.id, n.lease_until
      FROM head h
     CROSS JOIN LATERAL (
        SELECT o.chat_id, o.id, o.lease_until FROM outbox o
         WHERE o.policy = :policy AND o.state = 'waiting' AND o.chat_id > h.chat_id ORDER BY o.chat_id, o.id LIMIT 1
     ) n
     WHERE NOT CAST(:only AS boolean)
), free AS (
    SELECT chat_id, id FROM head
     WHERE (lease_until IS NULL OR lease_until < clock_timestamp()) AND (NOT CAST(:only AS boolean) OR chat_id = :first)
     LIMIT :limit
), picked AS (
    SELECT o.chat_id, o.id FROM outbox o JOIN free USING (chat_id, id)
     WHERE o.state = 'waiting' AND (o.lease_until IS NULL OR o.lease_until < clock_timestamp())
       FOR UPDATE OF o SKIP LOCKED
)
UPDATE outbox o
   SET lease_until = clock_timestamp() + make_interval(secs => :lease),
       tries = o.tries + 1,
       -- Said at most once: from here on nobody repeats it, whatever happens to us.
       state = CASE WHEN o.policy = 'promotional' THEN 'unknown' ELSE o.state END
  FROM picked p
 WHERE o.chat_id = p.chat_id AND o.id = p.id
RETURNING o.chat_id, o.id, o.policy, o.params, o.key, o.member_id, o.not_after, o.tries
