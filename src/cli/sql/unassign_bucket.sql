-- $1 organization_id text
-- → unassigned boolean
WITH changed AS (
    DELETE FROM assigned_buckets a WHERE a.organization_id = $1 RETURNING a.organization_id, a.bucket_name
),
written AS (
    INSERT INTO audit (actor, action, organization_id, detail)
    SELECT 'operator', 'bucket.unassigned', c.organization_id, jsonb_build_object('bucket_name', c.bucket_name)
    FROM changed c
)
SELECT EXISTS (SELECT FROM changed) AS unassigned
