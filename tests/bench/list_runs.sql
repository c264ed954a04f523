-- Frozen: the limit that api_list_runs is measured against. The 50 newest runs of one user by an
-- index, every column that the answer of GET /v1/runs is made of. Do not improve it.
\set u random(0, 99)
SELECT r.run_id, r.application_id, r.version_number, p.state, p.termination_reason,
       p.error_code, p.error_message, p.item_count, p.pending_count, p.processing_count,
       p.user_error_count, p.system_error_count, p.skipped_count, p.succeeded_count,
       r.custom_metadata_text, r.custom_metadata_checksum, r.submitted_at, r.submitted_by,
       r.organization_id, p.terminated_at, r.due_date, r.deadline
FROM (SELECT * FROM runs WHERE submitted_by = 'user-' || :u
      ORDER BY submitted_at DESC, run_id DESC LIMIT 50) AS r
JOIN run_progress p ON p.run_id = r.run_id
ORDER BY r.submitted_at DESC, r.run_id DESC;
