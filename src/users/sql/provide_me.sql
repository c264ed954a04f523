-- $1 user_id text, $2 organization_id text, $3 bucket_name text, $4 access_key_id text, $5 sealed_secret text, $6 unreadable_key_id text
-- → email text, name text, updated_at timestamptz, organization_name text, organization_display_name text, bucket_name text, access_key_id text, sealed_secret text, assigned_protocol text
-- As get_me, for an organisation that needs a bucket of ours, or a key.
SELECT u.email, u.name, u.updated_at, o.name AS organization_name, o.display_name AS organization_display_name,
       b.bucket_name, b.access_key_id, b.sealed_secret, NULL::text AS assigned_protocol
FROM provide_bucket($2, $3, $4, $5, $6) AS b
LEFT JOIN users u ON u.user_id = $1
LEFT JOIN organizations o ON o.organization_id = $2
