-- $1 user_id text
-- → key_id uuid, user_id text, name text, scope text, created_at timestamptz, expires_at timestamptz, state text
SELECT k.key_id, k.user_id, k.name, CASE WHEN k.can_write THEN 'write' ELSE 'read' END AS scope, k.created_at,
       k.expires_at,
       CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked'
            WHEN k.expires_at <= platform_now() THEN 'expired' ELSE 'active' END AS state
FROM api_keys k
WHERE $1::text IS NULL OR k.user_id = $1
ORDER BY k.created_at, k.key_id
