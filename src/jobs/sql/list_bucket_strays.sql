-- → file_id uuid, bucket_name text
SELECT s.file_id, s.bucket_name FROM bucket_strays s WHERE s.due_at <= platform_now()
ORDER BY s.due_at LIMIT 100
