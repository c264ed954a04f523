-- $1 bucket_name text, $2 object_key text, $3 upload_id uuid
-- → aborted boolean
SELECT abort_bucket_upload($1, $2, $3) AS aborted
