-- Frozen: the limit that api_get_run is measured against. One run by its primary key, every column
-- that the answer of GET /v1/runs/{run_id} is made of, no check of who asks. Do not improve it.
\set i random(1000000, 1099999)
SELECT r.run_id, r.application_id, r.version_number, p.state, p.termination_reason,
       p.error_code, p.error_message, p.item_count, p.pending_count, p.processing_count,
       p.user_error_count, p.system_error_count, p.skipped_count, p.succeeded_count,
       r.custom_metadata_text, r.custom_metadata_checksum, r.submitted_at, r.submitted_by,
       r.organization_id, p.terminated_at, r.due_date, r.deadline
FROM runs r JOIN run_progress p ON p.run_id = r.run_id
WHERE r.run_id = ('0190000000007000800000000' || :i)::uuid;
