-- → organization_id text, bucket_name text, access_key_id text, objects bigint, used_bytes bigint
SELECT b.organization_id, b.bucket_name, b.access_key_id,
       (SELECT count(*) FROM bucket_objects o WHERE o.bucket_name = b.bucket_name) AS objects, b.used_bytes
FROM buckets b ORDER BY b.organization_id
