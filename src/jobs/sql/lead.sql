-- $1 worker_id uuid
-- → leads boolean
-- The oldest living worker leads. One that hangs stops leading when its lease ends, which a lock of
-- its session would not give back.
SELECT coalesce($1 = (SELECT w.worker_id FROM workers w
                      WHERE w.ended_at IS NULL AND w.lease_expires_at > platform_now()
                      ORDER BY w.worker_id LIMIT 1), false) AS leads
