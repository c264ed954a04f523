-- $1 access_key_id text, $2 run_id uuid
-- → bucket_name text, sealed_secret text
-- The bucket of that key, when it is that of the run's own organisation.
SELECT b.bucket_name, b.sealed_secret
FROM buckets b JOIN runs r ON r.organization_id = b.organization_id
WHERE b.access_key_id = $1 AND r.run_id = $2
