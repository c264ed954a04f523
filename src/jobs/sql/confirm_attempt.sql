-- $1 attempt_id uuid
-- → running boolean, position pg_lsn
-- A claim commits without waiting for the disk, for the next one waits for its lock. This transaction
-- is on the disk when it returns, and with it all that came before: what runs by it stays claimed.
SELECT EXISTS (SELECT FROM attempts a WHERE a.attempt_id = $1 AND a.ended_at IS NULL) AS running,
       pg_logical_emit_message(true, 'slideway', '') AS position
