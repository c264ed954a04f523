-- $1 session_hash text, $2 code_hash text, $3 client_id text, $4 redirect_uri text, $5 challenge text, $6 scope text, $7 nonce text
-- → allowed boolean
SELECT allow_client($1, $2, $3, $4, $5, $6, $7) AS allowed
