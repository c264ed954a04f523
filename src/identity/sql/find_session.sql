-- $1 session_hash text
-- → user_id text
SELECT user_of_session($1) AS user_id
