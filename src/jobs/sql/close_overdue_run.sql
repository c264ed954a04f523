-- → run_id uuid, cancelled boolean
-- Always one row; a null run_id: no deadline has passed.
SELECT closed_run_id AS run_id, cancelled FROM close_overdue_run()
