-- $1 session_hash text
-- → ended boolean
SELECT end_session($1) AS ended
