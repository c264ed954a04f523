-- $1 upload_id uuid, $2 bucket_name text, $3 object_key text, $4 content_type text, $5 headers text, $6 open_max integer
-- → begun boolean
SELECT begin_bucket_upload($1, $2, $3, $4, $5, $6) AS begun
