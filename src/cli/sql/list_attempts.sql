-- $1 run_id uuid
-- → external_id text, number integer, outcome text, worker_name text, duration_seconds numeric, peak_memory_bytes bigint, error_code text, error_message text, attempt_id uuid, started_at text, ended_at text, log_tail text
SELECT i.external_id, a.number, a.outcome, w.name AS worker_name,
       round(extract(epoch FROM coalesce(a.ended_at, platform_now()) - a.started_at), 3) AS duration_seconds,
       a.peak_memory_bytes, a.error_code, a.error_message, a.attempt_id,
       to_char(a.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS started_at,
       to_char(a.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ended_at,
       a.log_tail
FROM audit u
JOIN attempts a ON a.attempt_id = u.attempt_id
JOIN items i ON i.item_id = a.item_id
JOIN workers w ON w.worker_id = a.worker_id
WHERE u.run_id = $1 AND u.action = 'item.claimed'
ORDER BY i.ordinal, a.started_at, a.number
LIMIT 100000
