-- $1 refresh_hash text, $2 client_id text, $3 new_hash text
-- → outcome text, user_id text, organization_id text, role text, email text, name text, scope text, nonce text
SELECT g.outcome, g.user_id, g.organization_id, g.role, g.email, g.name, g.scope, g.nonce
FROM rotate_refresh_token($1, $2, $3) AS g
