-- $1 user_id text, $2 password_hash text
-- → set_password void
SELECT set_password($1, $2)
