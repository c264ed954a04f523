-- → organization_id text, bucket_name text, kind text, access_key_id text, used_bytes bigint, created_at timestamptz
SELECT b.organization_id, b.bucket_name, 'own' AS kind, b.access_key_id, b.used_bytes, b.created_at
FROM buckets b
UNION ALL
SELECT a.organization_id, a.bucket_name, a.protocol, a.access_key_id, NULL, a.assigned_at
FROM assigned_buckets a
ORDER BY organization_id, kind
