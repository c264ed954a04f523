-- $1 run_id uuid, $2 user_id text, $3 organization_id text, $4 role text, $5 email text, $6 name text, $7 application_id text, $8 version_number text, $9 custom_metadata text, $10 custom_metadata_checksum text, $11 callback_context text, $12 due_date timestamptz, $13 deadline timestamptz, $14 items json
-- → outcome text, problems jsonb
SELECT outcome, problems
FROM create_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
