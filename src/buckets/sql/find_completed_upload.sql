-- $1 bucket_name text, $2 object_key text, $3 upload_id uuid
-- → etag text
SELECT o.etag FROM bucket_objects o
WHERE o.bucket_name = $1 AND o.object_key = $2 AND o.upload_id = $3
