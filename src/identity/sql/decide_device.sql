-- $1 session_hash text, $2 user_code_hash text, $3 allow boolean
-- → outcome text, client_id text, wait_seconds integer
SELECT d.outcome, d.client_id, d.wait_seconds FROM decide_device($1, $2, $3) AS d
