-- $1 user_id text
-- → organization_id text, email text, name text, role text
SELECT organization_id, email, name, role FROM users WHERE user_id = $1
