-- $1 bucket_name text, $2 object_key text
-- → file_id uuid, size_bytes bigint, etag text, content_type text, headers text, stored_seconds bigint
SELECT o.file_id, o.size_bytes, o.etag, o.content_type, o.headers,
       floor(extract(epoch FROM o.stored_at))::bigint AS stored_seconds
FROM bucket_objects o WHERE o.bucket_name = $1 AND o.object_key = $2
