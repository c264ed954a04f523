-- $1 output_artifact_id uuid
UPDATE output_artifacts SET object_removed_at = platform_now() WHERE output_artifact_id = $1
