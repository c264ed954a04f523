-- → position pg_lsn
-- A claim commits without waiting for the disk, for the next one waits for its lock. This transaction
-- is on the disk when it returns, and with it all that came before.
SELECT pg_logical_emit_message(true, 'slideway', '') AS position
