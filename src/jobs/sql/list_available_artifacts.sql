-- $1 after_artifact_id uuid
-- → output_artifact_id uuid, object_key text, size_bytes bigint
-- The order means nothing; it only lets a walk over all of them go on where it stopped.
SELECT output_artifact_id, object_key, size_bytes
FROM output_artifacts
WHERE output_artifact_id > $1 AND output = 'AVAILABLE'
ORDER BY output_artifact_id
LIMIT 200
