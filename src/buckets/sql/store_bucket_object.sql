-- $1 bucket_name text, $2 object_key text, $3 file_id uuid, $4 size_bytes bigint, $5 etag text, $6 content_type text, $7 headers text, $8 only_new boolean, $9 bytes_max bigint
-- → outcome text
SELECT store_bucket_object($1, $2, $3, $4, $5, $6, $7, $8, $9) AS outcome
