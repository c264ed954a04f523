-- $1 user_id text, $2 address text
-- → wait_seconds integer, password_hash text
SELECT b.wait_seconds, b.password_hash FROM begin_login($1, $2) AS b
