-- $1 organization_id text, $2 limit bigint, $3 offset bigint
-- → run_id uuid, application_id text, version_number text, state text, termination_reason text, error_code text, error_message text, item_count integer, pending_count integer, processing_count integer, user_error_count integer, system_error_count integer, skipped_count integer, succeeded_count integer, custom_metadata_text text, custom_metadata_checksum text, submitted_at timestamptz, submitted_by text, organization_id text, terminated_at timestamptz, due_date timestamptz, deadline timestamptz, queue_curve integer[]
-- As list_runs, for all runs of an organisation. A plan that knows no limit expects a large page:
-- LIMIT 1 keeps it from reading all of run_progress.
SELECT r.run_id, r.application_id, r.version_number, p.state, p.termination_reason,
       p.error_code, p.error_message, p.item_count, p.pending_count, p.processing_count,
       p.user_error_count, p.system_error_count, p.skipped_count, p.succeeded_count,
       r.custom_metadata_text, r.custom_metadata_checksum, r.submitted_at, r.submitted_by,
       r.organization_id, p.terminated_at, r.due_date, r.deadline,
       CASE WHEN p.pending_count > 0 THEN (run_queue_curve(r.run_id, r.organization_id))[1:3] END AS queue_curve
FROM (SELECT * FROM runs WHERE organization_id = $1
      ORDER BY submitted_at DESC, run_id DESC LIMIT $2 OFFSET $3) AS r
CROSS JOIN LATERAL (SELECT * FROM run_progress WHERE run_id = r.run_id LIMIT 1) AS p
ORDER BY r.submitted_at DESC, r.run_id DESC
