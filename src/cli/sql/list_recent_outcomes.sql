-- → outcome text, count bigint, median_seconds double precision
-- Of the attempts that ended within the last hour.
SELECT outcome, count(*) AS count,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)::double precision)
           AS median_seconds
FROM attempts
WHERE ended_at > platform_now() - interval '1 hour'
GROUP BY outcome
ORDER BY count DESC, outcome
