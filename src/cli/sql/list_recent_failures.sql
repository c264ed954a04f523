-- → outcome text, error_code text, reason text, count bigint, last_seconds bigint, last_run_id text
-- What failed within the last hour, the same reasons together, the most frequent first. Clients read
-- a sentence about whose error it was before the reason; of a fault of the platform the attempt's
-- log has the reason.
WITH failed AS (
    SELECT outcome, error_code, ended_at, run_id,
           CASE WHEN outcome = 'LOST' THEN 'the lease of its worker ended'
                ELSE left(regexp_replace(
                         coalesce(CASE WHEN outcome = 'RETRY' THEN log_tail END, error_message, '-'),
                         '^[^\n]*:\n *', ''), 300)
           END AS reason
    FROM attempts
    WHERE ended_at > platform_now() - interval '1 hour'
      AND outcome IN ('USER_ERROR', 'SYSTEM_ERROR', 'RETRY', 'LOST')
)
SELECT outcome, error_code, reason, count(*) AS count,
       extract(epoch FROM platform_now() - max(ended_at))::bigint AS last_seconds,
       ((array_agg(run_id ORDER BY ended_at DESC))[1])::text AS last_run_id
FROM failed
GROUP BY outcome, error_code, reason
ORDER BY count DESC, last_seconds, reason
LIMIT 100
