-- $1 organization_id text
-- → bucket_name text
SELECT rotate_bucket($1) AS bucket_name
