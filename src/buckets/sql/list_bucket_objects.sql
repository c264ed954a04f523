-- $1 bucket_name text, $2 prefix text, $3 delimiter text, $4 after text, $5 limit integer
-- → entry text, is_prefix boolean, size_bytes bigint, etag text, stored_at text
SELECT l.entry, l.is_prefix, l.size_bytes, l.etag,
       to_char(l.stored_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS stored_at
FROM list_bucket_objects($1, $2, $3, $4, $5) AS l
