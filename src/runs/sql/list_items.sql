-- $1 run_id uuid, $2 user_id text, $3 organization_id text, $4 role text, $5 email text, $6 share_token_hash text, $7 limit bigint, $8 offset bigint
-- → kind text, id uuid, name text, metadata text, metadata_checksum text, state text, reason text, error_code text, error_message text, ended_at timestamptz, url text, mime_type text, queue text
-- Rows come in groups: the run (or 'forbidden'; no row at all when there is none), then for each
-- item its own row, its input artifacts and its output artifacts. queue: of the run its curve of queue
-- positions (base/queue_curve.h), of an item that waits its place among those of the run.
WITH access AS (
    SELECT r.run_id, may_see_run(r.run_id, r.submitted_by, r.organization_id, $2, $3, $4, $5, $6) AS allowed,
           r.organization_id, r.artifact_output, p.next_ordinal, p.item_count - p.pending_count AS gone_count, p.pending_count
    FROM runs r JOIN run_progress p ON p.run_id = r.run_id WHERE r.run_id = $1
),
page AS MATERIALIZED (
    SELECT i.*, i.ordinal::bigint + 1 AS place
    FROM items i
    WHERE i.run_id = $1 AND (SELECT allowed FROM access)
    ORDER BY i.ordinal LIMIT $7 OFFSET $8
)
SELECT kind, id, name, metadata, metadata_checksum, state, reason, error_code, error_message, ended_at, url, mime_type, queue
FROM (
    SELECT 0::bigint AS place, 0 AS part, 0 AS ordinal, CASE WHEN a.allowed THEN 'run' ELSE 'forbidden' END AS kind,
           a.run_id AS id, NULL::text AS name, NULL::text AS metadata, NULL::text AS metadata_checksum,
           NULL::text AS state, NULL::text AS reason, NULL::text AS error_code, NULL::text AS error_message,
           NULL::timestamptz AS ended_at, NULL::text AS url, NULL::text AS mime_type,
           CASE WHEN a.allowed AND a.pending_count > 0
                THEN run_queue_curve(a.run_id, a.organization_id)::text END AS queue
    FROM access a
    UNION ALL
    SELECT i.place, 1, 0, 'item', i.item_id, i.external_id, i.custom_metadata_text, i.custom_metadata_checksum,
           i.state, i.termination_reason, i.error_code, i.error_message, i.terminated_at, NULL, NULL,
           CASE WHEN i.state <> 'PENDING' THEN NULL
                WHEN i.ordinal >= (SELECT next_ordinal FROM access)
                THEN (i.ordinal - (SELECT gone_count FROM access))::text
                ELSE requeued_place(i.item_id)::text END
    FROM page i
    UNION ALL
    SELECT i.place, 2, n.ordinal, 'input', n.input_artifact_id, n.name, n.metadata, NULL,
           NULL, NULL, NULL, NULL, NULL, n.download_url, NULL, NULL
    FROM page i JOIN input_artifacts n ON n.item_id = i.item_id
    UNION ALL
    SELECT i.place, 3, o.ordinal, 'output', o.output_artifact_id, o.name, o.metadata, NULL,
           (SELECT artifact_output FROM access), NULL, NULL, NULL, NULL, o.object_key, o.mime_type, NULL
    FROM page i JOIN output_artifacts o ON o.item_id = i.item_id AND o.visibility = 'EXTERNAL'
) AS parts
ORDER BY place, part, ordinal
