-- $1 worker_id uuid, $2 attempts_max integer
-- → returned_items integer
SELECT leave_worker($1, $2) AS returned_items
