-- → alive_count bigint, silent_count bigint
SELECT count(*) FILTER (WHERE lease_expires_at > platform_now()) AS alive_count,
       count(*) FILTER (WHERE lease_expires_at <= platform_now()) AS silent_count
FROM workers
WHERE ended_at IS NULL
