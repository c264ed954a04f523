-- $1 run_id uuid, $2 user_id text, $3 organization_id text, $4 role text, $5 email text, $6 share_token_hash text, $7 item_ids uuid[], $8 external_ids text[], $9 state text, $10 termination_reason text, $11 custom_metadata jsonpath, $12 sort_fields text[], $13 sort_descending boolean[], $14 limit bigint, $15 offset bigint
-- → kind text, id uuid, name text, metadata text, metadata_checksum text, state text, reason text, error_code text, error_message text, ended_at timestamptz, url text, mime_type text, queue text
-- As list_items, with filters (null does not filter) and a sort order.
WITH access AS (
    SELECT r.run_id, may_see_run(r.run_id, r.submitted_by, r.organization_id, $2, $3, $4, $5, $6) AS allowed,
           r.organization_id, r.artifact_output, p.next_ordinal, p.item_count - p.pending_count AS gone_count, p.pending_count
    FROM runs r JOIN run_progress p ON p.run_id = r.run_id WHERE r.run_id = $1
),
found AS MATERIALIZED (
    SELECT i.item_id, row_number() OVER (ORDER BY
        CASE WHEN NOT ($13::boolean[])[1] THEN item_sort_key(($12::text[])[1], i) END ASC,
        CASE WHEN ($13::boolean[])[1] THEN item_sort_key(($12::text[])[1], i) END DESC NULLS LAST,
        CASE WHEN NOT ($13::boolean[])[2] THEN item_sort_key(($12::text[])[2], i) END ASC,
        CASE WHEN ($13::boolean[])[2] THEN item_sort_key(($12::text[])[2], i) END DESC NULLS LAST,
        CASE WHEN NOT ($13::boolean[])[3] THEN item_sort_key(($12::text[])[3], i) END ASC,
        CASE WHEN ($13::boolean[])[3] THEN item_sort_key(($12::text[])[3], i) END DESC NULLS LAST,
        CASE WHEN NOT ($13::boolean[])[4] THEN item_sort_key(($12::text[])[4], i) END ASC,
        CASE WHEN ($13::boolean[])[4] THEN item_sort_key(($12::text[])[4], i) END DESC NULLS LAST,
        CASE WHEN NOT ($13::boolean[])[5] THEN item_sort_key(($12::text[])[5], i) END ASC,
        CASE WHEN ($13::boolean[])[5] THEN item_sort_key(($12::text[])[5], i) END DESC NULLS LAST,
        CASE WHEN NOT ($13::boolean[])[6] THEN item_sort_key(($12::text[])[6], i) END ASC,
        CASE WHEN ($13::boolean[])[6] THEN item_sort_key(($12::text[])[6], i) END DESC NULLS LAST,
        CASE WHEN NOT ($13::boolean[])[7] THEN item_sort_key(($12::text[])[7], i) END ASC,
        CASE WHEN ($13::boolean[])[7] THEN item_sort_key(($12::text[])[7], i) END DESC NULLS LAST,
        CASE WHEN NOT ($13::boolean[])[8] THEN item_sort_key(($12::text[])[8], i) END ASC,
        CASE WHEN ($13::boolean[])[8] THEN item_sort_key(($12::text[])[8], i) END DESC NULLS LAST,
        i.ordinal) AS place
    FROM items i
    WHERE i.run_id = $1 AND (SELECT allowed FROM access)
      AND ($7::uuid[] IS NULL OR i.item_id = ANY ($7))
      AND ($8::text[] IS NULL OR i.external_id = ANY ($8))
      AND ($9::text IS NULL OR i.state = $9)
      AND ($10::text IS NULL OR i.termination_reason = $10)
      AND ($11::jsonpath IS NULL OR i.custom_metadata @? $11)
    ORDER BY place LIMIT $14 OFFSET $15
),
page AS MATERIALIZED (
    SELECT i.*, f.place FROM found f JOIN items i ON i.item_id = f.item_id
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
