-- $1 code_hash text, $2 client_id text, $3 redirect_uri text, $4 challenge text, $5 family_id uuid, $6 refresh_hash text
-- → outcome text, user_id text, organization_id text, role text, email text, name text, scope text, nonce text
SELECT g.outcome, g.user_id, g.organization_id, g.role, g.email, g.name, g.scope, g.nonce
FROM redeem_code($1, $2, $3, $4, $5, $6) AS g
