-- $1 retention_days integer
-- → run_id uuid
SELECT delete_outdated_run($1) AS run_id
