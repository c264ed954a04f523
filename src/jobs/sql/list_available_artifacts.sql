-- $1 after_artifact_id uuid
-- → output_artifact_id uuid, object_key text, size_bytes bigint, available boolean
-- Of the next thousands those that are available, at most 200, and the last one, so that a walk over all
-- of them goes on behind it; no row: there is none any more. The order means nothing.
WITH page AS MATERIALIZED (
    SELECT o.output_artifact_id, o.run_id, o.object_key, o.size_bytes
    FROM output_artifacts o WHERE o.output_artifact_id > $1 ORDER BY o.output_artifact_id LIMIT 5000
)
(SELECT n.output_artifact_id, n.object_key, n.size_bytes, true AS available
 FROM page n
 CROSS JOIN LATERAL (SELECT r.artifact_output FROM runs r WHERE r.run_id = n.run_id LIMIT 1) AS r
 WHERE r.artifact_output = 'AVAILABLE'
 ORDER BY n.output_artifact_id LIMIT 200)
UNION ALL
(SELECT n.output_artifact_id, n.object_key, n.size_bytes, false
 FROM page n ORDER BY n.output_artifact_id DESC LIMIT 1)
ORDER BY output_artifact_id
LIMIT 200
