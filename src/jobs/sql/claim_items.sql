-- $1 worker_id uuid, $2 count integer, $3 attempt_ids uuid[]
-- → attempt_id uuid, attempt_number integer, item_id uuid, run_id uuid, external_id text, organization_id text, application_id text, version_number text, folder text, manifest text, input_artifacts text
SELECT * FROM claim_items($1, $2, $3)
