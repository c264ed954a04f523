-- $1 object_keys text[], $2 run_ids uuid[], $3 item_ids uuid[], $4 attempt_ids uuid[]
-- → object_key text
SELECT object_key FROM find_stray_objects($1, $2, $3, $4) AS object_key
