-- $1 run_id uuid, $2 external_id text, $3 user_id text, $4 organization_id text, $5 role text, $6 metadata text, $7 checksum text, $8 expected_checksum text
-- → outcome text
SELECT put_item_metadata($1, $2, $3, $4, $5, $6, $7, $8) AS outcome
