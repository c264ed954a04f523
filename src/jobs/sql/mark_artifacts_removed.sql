-- $1 artifact_ids uuid[]
UPDATE output_artifacts SET object_removed_at = platform_now() WHERE output_artifact_id = ANY ($1)
