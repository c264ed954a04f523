-- $1 run_id uuid, $2 user_id text, $3 organization_id text, $4 role text
-- → outcome text
SELECT delete_artifacts($1, $2, $3, $4) AS outcome
