-- $1 all boolean
-- → name text, state text, leads boolean, slots integer, busy bigint, cpus integer, memory_bytes bigint, gpus integer, started_at text, heartbeat_at text
-- The living ones; all: also those that ended in the last day.
SELECT w.name,
       CASE WHEN w.ended_at IS NOT NULL THEN 'ended'
            WHEN w.lease_expires_at <= platform_now() THEN 'silent'
            WHEN w.draining THEN 'draining'
            ELSE 'working' END AS state,
       w.ended_at IS NULL AND w.name = l.worker_name AND l.lease_expires_at > platform_now() AS leads,
       w.slots,
       (SELECT count(*) FROM attempts a WHERE a.worker_id = w.worker_id AND a.ended_at IS NULL) AS busy,
       w.cpus, w.memory_bytes, w.gpus,
       to_char(w.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS started_at,
       to_char(w.heartbeat_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS heartbeat_at
FROM workers w
CROSS JOIN leadership l
WHERE w.ended_at IS NULL OR ($1 AND w.ended_at > platform_now() - interval '1 day')
ORDER BY w.name, w.started_at
LIMIT 10000
