-- $1 user_id text, $2 address text, $3 password_hash text, $4 is_right boolean, $5 session_hash text
-- → logged_in boolean
SELECT finish_login($1, $2, $3, $4, $5) AS logged_in
