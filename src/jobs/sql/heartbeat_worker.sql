-- $1 worker_id uuid, $2 lease_seconds integer, $3 draining boolean
-- → alive boolean, cancelled_attempts text
WITH beat AS (
    UPDATE workers SET heartbeat_at = platform_now(), draining = $3,
                       lease_expires_at = platform_now() + $2::integer * interval '1 second'
    WHERE worker_id = $1 AND ended_at IS NULL
    RETURNING worker_id
)
SELECT EXISTS (SELECT FROM beat) AS alive,
       (SELECT string_agg(a.attempt_id::text, ',')
        FROM attempts a
        WHERE a.worker_id = $1 AND a.outcome IN ('LOST', 'CANCELLED')
          AND a.ended_at > platform_now() - interval '1 hour') AS cancelled_attempts
