-- $1 output_artifact_id uuid
UPDATE output_artifacts SET object_removed_at = now() WHERE output_artifact_id = $1
