-- $1 bucket_name text, $2 object_keys text[]
-- → deleted integer
SELECT delete_bucket_objects($1, $2) AS deleted
