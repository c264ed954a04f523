-- $1 user_id text, $2 organization_id text
-- → email text, name text, updated_at timestamptz, organization_name text, organization_display_name text, bucket_name text, access_key_id text, sealed_secret text, assigned_protocol text
-- assigned_protocol is null for a bucket of ours.
SELECT u.email, u.name, u.updated_at, o.name AS organization_name, o.display_name AS organization_display_name,
       coalesce(a.bucket_name, b.bucket_name) AS bucket_name,
       coalesce(a.access_key_id, b.access_key_id) AS access_key_id,
       coalesce(a.sealed_secret, b.sealed_secret) AS sealed_secret, a.protocol AS assigned_protocol
FROM (VALUES (1)) AS caller
LEFT JOIN users u ON u.user_id = $1
LEFT JOIN organizations o ON o.organization_id = $2
LEFT JOIN buckets b ON b.organization_id = $2
LEFT JOIN assigned_buckets a ON a.organization_id = $2
