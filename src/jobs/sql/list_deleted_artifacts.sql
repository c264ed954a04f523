-- → output_artifact_id uuid, object_key text
SELECT output_artifact_id, object_key FROM deleted_artifacts(100)
