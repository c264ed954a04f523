-- $1 object_days integer, $2 upload_days integer
-- → gone integer
SELECT expire_bucket_objects($1, $2) AS gone
