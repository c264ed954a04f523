-- $1 bucket_name text, $2 object_key text, $3 upload_id uuid, $4 part_number integer, $5 file_id uuid, $6 size_bytes bigint, $7 bytes_max bigint
-- → room_bytes bigint
SELECT begin_bucket_file($1, $2, $3, $4, $5, $6, $7) AS room_bytes
