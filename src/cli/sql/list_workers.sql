-- → worker_id text, name text, state text, slots integer, busy_slots bigint, heartbeat_seconds bigint, age_seconds bigint
-- Those that are registered. SILENT: the lease is over, and nobody has taken the items back yet.
SELECT w.worker_id::text AS worker_id, w.name,
       CASE WHEN w.lease_expires_at > platform_now() THEN 'ALIVE' ELSE 'SILENT' END AS state, w.slots,
       (SELECT count(*) FROM attempts a WHERE a.worker_id = w.worker_id AND a.ended_at IS NULL)
           AS busy_slots,
       extract(epoch FROM platform_now() - w.heartbeat_at)::bigint AS heartbeat_seconds,
       extract(epoch FROM platform_now() - w.started_at)::bigint AS age_seconds
FROM workers w
WHERE w.ended_at IS NULL
ORDER BY w.lease_expires_at > platform_now(), w.name, w.worker_id
LIMIT 1000
