-- $1 bucket_name text, $2 prefix text, $3 after_key text, $4 after_upload uuid, $5 limit bigint
-- → object_key text, upload_id uuid, begun_at text
SELECT u.object_key, u.upload_id,
       to_char(u.begun_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS begun_at
FROM bucket_uploads u
WHERE u.bucket_name = $1 AND starts_with(u.object_key, $2)
  AND (u.object_key > $3 OR (u.object_key = $3 AND u.upload_id > $4))
ORDER BY u.object_key, u.upload_id LIMIT $5
