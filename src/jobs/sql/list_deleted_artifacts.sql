-- → output_artifact_id uuid, object_key text
SELECT output_artifact_id, object_key
FROM output_artifacts
WHERE deleted_at IS NOT NULL AND object_removed_at IS NULL
ORDER BY deleted_at
LIMIT 100
