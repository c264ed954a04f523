-- $1 bucket_name text, $2 object_key text, $3 upload_id uuid, $4 after_number integer, $5 limit bigint
-- → part_number integer, file_id uuid, size_bytes bigint, etag text, stored_at text
-- Without a part, one row of nulls; no row: there is no such upload.
SELECT p.part_number, p.file_id, p.size_bytes, p.etag,
       to_char(p.stored_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS stored_at
FROM bucket_uploads u
LEFT JOIN LATERAL (SELECT * FROM bucket_parts k
                   WHERE k.upload_id = u.upload_id AND k.part_number > $4
                   ORDER BY k.part_number LIMIT $5) AS p ON true
WHERE u.upload_id = $3 AND u.bucket_name = $1 AND u.object_key = $2
ORDER BY p.part_number
