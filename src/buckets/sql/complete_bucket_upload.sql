-- $1 bucket_name text, $2 object_key text, $3 upload_id uuid, $4 file_id uuid, $5 size_bytes bigint, $6 etag text
-- → outcome text
SELECT complete_bucket_upload($1, $2, $3, $4, $5, $6) AS outcome
