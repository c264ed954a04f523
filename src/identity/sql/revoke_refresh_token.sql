-- $1 refresh_hash text, $2 client_id text
-- → revoke_refresh_token void
SELECT revoke_refresh_token($1, $2)
