-- $1 user_id text, $2 idempotency_key text, $3 body_digest text
-- → outcome text, quota jsonb, run_id uuid
-- The run of a request that was accepted once and would not be now (its due date has passed). Always
-- one row.
SELECT CASE WHEN k.run_id IS NULL THEN 'INVALID' ELSE 'CREATED' END AS outcome, NULL::jsonb AS quota, k.run_id
FROM (SELECT) AS one
LEFT JOIN idempotency_keys k
    ON k.user_id = $1 AND k.key = $2 AND k.body_digest = $3 AND k.expires_at > platform_now()
