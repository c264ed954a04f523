-- $1 organization_id text, $2 bucket_name text, $3 protocol text, $4 access_key_id text, $5 sealed_secret text
-- → assigned boolean
-- False: there is no such organisation. The operator's change is written down with it.
WITH changed AS (
    INSERT INTO assigned_buckets (organization_id, bucket_name, protocol, access_key_id, sealed_secret)
    SELECT o.organization_id, $2, $3, $4, $5 FROM organizations o WHERE o.organization_id = $1
    ON CONFLICT (organization_id) DO UPDATE
        SET bucket_name = excluded.bucket_name, protocol = excluded.protocol,
            access_key_id = excluded.access_key_id, sealed_secret = excluded.sealed_secret,
            assigned_at = excluded.assigned_at
    RETURNING organization_id
),
written AS (
    INSERT INTO audit (actor, action, organization_id, detail)
    SELECT 'operator', 'bucket.assigned', c.organization_id,
           jsonb_build_object('bucket_name', $2, 'access_key_id', $4)
    FROM changed c
)
SELECT EXISTS (SELECT FROM changed) AS assigned
