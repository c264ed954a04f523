-- $1 attempt_ids uuid[], $2 log_tails text[], $3 peak_memory_bytes bigint[], $4 output_artifacts json[]
-- → committed_attempt_ids uuid[]
SELECT succeed_attempts($1, $2, $3, $4) AS committed_attempt_ids
