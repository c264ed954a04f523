-- $1 attempt_id uuid, $2 outcome text, $3 error_code text, $4 error_message text, $5 log_tail text, $6 peak_memory_bytes bigint, $7 output_artifacts json, $8 attempts_max integer
-- → result text
SELECT finish_attempt($1, $2, $3, $4, $5, $6, $7, $8) AS result
