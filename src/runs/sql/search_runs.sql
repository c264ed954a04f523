-- $1 submitted_by text, $2 organization_id text, $3 user_id text, $4 caller_organization_id text, $5 role text, $6 email text, $7 application_id text, $8 version_number text, $9 external_id text, $10 custom_metadata jsonpath, $11 sort_fields text[], $12 sort_descending boolean[], $13 limit bigint, $14 offset bigint
-- → run_id uuid, application_id text, version_number text, state text, termination_reason text, error_code text, error_message text, item_count integer, pending_count integer, processing_count integer, user_error_count integer, system_error_count integer, skipped_count integer, succeeded_count integer, custom_metadata_text text, custom_metadata_checksum text, submitted_at timestamptz, submitted_by text, organization_id text, terminated_at timestamptz, due_date timestamptz, deadline timestamptz, queue_curve integer[]
-- Filters that are null do not filter; without sort fields the newest come first. With a user_id
-- only those runs are found that this caller may see.
SELECT r.run_id, r.application_id, r.version_number, p.state, p.termination_reason,
       p.error_code, p.error_message, p.item_count, p.pending_count, p.processing_count,
       p.user_error_count, p.system_error_count, p.skipped_count, p.succeeded_count,
       r.custom_metadata_text, r.custom_metadata_checksum, r.submitted_at, r.submitted_by,
       r.organization_id, p.terminated_at, r.due_date, r.deadline,
       CASE WHEN p.pending_count > 0 THEN (run_queue_curve(r.run_id, r.organization_id))[1:3] END AS queue_curve
FROM runs r
JOIN run_progress p ON p.run_id = r.run_id
JOIN application_versions v ON v.version_id = r.version_id
WHERE ($1::text IS NULL OR r.submitted_by = $1)
  AND ($2::text IS NULL OR r.organization_id = $2)
  AND ($3::text IS NULL
       OR may_change_run(r.submitted_by, r.organization_id, $3, $4, $5)
       OR r.run_id IN (SELECT g.run_id FROM grants g
                       WHERE g.revoked_at IS NULL
                         AND g.subject = ANY (caller_subjects($3, $4, $5, $6, NULL))))
  AND ($7::text IS NULL OR r.application_id = $7)
  AND ($8::text IS NULL OR r.version_number = $8)
  AND ($9::text IS NULL OR EXISTS (SELECT FROM items i WHERE i.run_id = r.run_id AND i.external_id = $9))
  AND ($10::jsonpath IS NULL OR r.custom_metadata @? $10)
ORDER BY
    CASE WHEN NOT ($12::boolean[])[1] THEN run_sort_key(($11::text[])[1], r, p, v.precedence) END ASC,
    CASE WHEN ($12::boolean[])[1] THEN run_sort_key(($11::text[])[1], r, p, v.precedence) END DESC NULLS LAST,
    CASE WHEN NOT ($12::boolean[])[2] THEN run_sort_key(($11::text[])[2], r, p, v.precedence) END ASC,
    CASE WHEN ($12::boolean[])[2] THEN run_sort_key(($11::text[])[2], r, p, v.precedence) END DESC NULLS LAST,
    CASE WHEN NOT ($12::boolean[])[3] THEN run_sort_key(($11::text[])[3], r, p, v.precedence) END ASC,
    CASE WHEN ($12::boolean[])[3] THEN run_sort_key(($11::text[])[3], r, p, v.precedence) END DESC NULLS LAST,
    CASE WHEN NOT ($12::boolean[])[4] THEN run_sort_key(($11::text[])[4], r, p, v.precedence) END ASC,
    CASE WHEN ($12::boolean[])[4] THEN run_sort_key(($11::text[])[4], r, p, v.precedence) END DESC NULLS LAST,
    CASE WHEN NOT ($12::boolean[])[5] THEN run_sort_key(($11::text[])[5], r, p, v.precedence) END ASC,
    CASE WHEN ($12::boolean[])[5] THEN run_sort_key(($11::text[])[5], r, p, v.precedence) END DESC NULLS LAST,
    CASE WHEN NOT ($12::boolean[])[6] THEN run_sort_key(($11::text[])[6], r, p, v.precedence) END ASC,
    CASE WHEN ($12::boolean[])[6] THEN run_sort_key(($11::text[])[6], r, p, v.precedence) END DESC NULLS LAST,
    CASE WHEN NOT ($12::boolean[])[7] THEN run_sort_key(($11::text[])[7], r, p, v.precedence) END ASC,
    CASE WHEN ($12::boolean[])[7] THEN run_sort_key(($11::text[])[7], r, p, v.precedence) END DESC NULLS LAST,
    CASE WHEN NOT ($12::boolean[])[8] THEN run_sort_key(($11::text[])[8], r, p, v.precedence) END ASC,
    CASE WHEN ($12::boolean[])[8] THEN run_sort_key(($11::text[])[8], r, p, v.precedence) END DESC NULLS LAST,
    r.submitted_at DESC, r.run_id DESC
LIMIT $13 OFFSET $14
