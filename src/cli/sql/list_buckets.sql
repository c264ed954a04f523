-- → organization_id text, bucket_name text, access_key_id text, used_bytes bigint, created_at timestamptz
SELECT b.organization_id, b.bucket_name, b.access_key_id, b.used_bytes, b.created_at
FROM buckets b ORDER BY b.organization_id
