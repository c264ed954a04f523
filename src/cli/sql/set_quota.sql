-- $1 scope text, $2 subject_id text, $3 name text, $4 maximum integer
-- → is_new boolean
-- The operator's change is written down with it.
WITH changed AS (
    INSERT INTO quotas (scope, subject_id, name, maximum) VALUES ($1, $2, $3, $4)
    ON CONFLICT (scope, subject_id, name) DO UPDATE SET maximum = excluded.maximum
    RETURNING (xmax = 0) AS is_new
),
written AS (
    INSERT INTO audit (actor, action, organization_id, detail)
    SELECT 'operator', 'quota.set', CASE $1 WHEN 'organization' THEN nullif($2, '*') END,
           jsonb_build_object('scope', $1, 'subject_id', $2, 'name', $3, 'maximum', $4)
)
SELECT is_new FROM changed
