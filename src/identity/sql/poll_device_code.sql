-- $1 device_hash text, $2 client_id text, $3 family_id uuid, $4 refresh_hash text
-- → outcome text, user_id text, organization_id text, role text, email text, name text, scope text, nonce text
SELECT g.outcome, g.user_id, g.organization_id, g.role, g.email, g.name, g.scope, g.nonce
FROM poll_device_code($1, $2, $3, $4) AS g
