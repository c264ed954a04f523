-- $1 run_id uuid, $2 user_id text, $3 organization_id text, $4 role text, $5 metadata text, $6 checksum text, $7 expected_checksum text
-- → outcome text
SELECT put_run_metadata($1, $2, $3, $4, $5, $6, $7) AS outcome
