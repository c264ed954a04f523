-- $1 key_hash text
-- → user_id text, organization_id text, role text, email text, name text, can_write boolean
SELECT u.user_id, u.organization_id, u.role, u.email, u.name, k.can_write
FROM api_keys k JOIN users u USING (user_id)
WHERE k.key_hash = $1 AND k.revoked_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > platform_now())
