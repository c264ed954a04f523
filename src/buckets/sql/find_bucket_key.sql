-- $1 access_key_id text
-- → organization_id text, bucket_name text, sealed_secret text
SELECT b.organization_id, b.bucket_name, b.sealed_secret FROM buckets b WHERE b.access_key_id = $1
