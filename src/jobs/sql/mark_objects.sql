-- $1 artifact_ids uuid[], $2 found boolean[]
-- → output_artifact_id uuid, object_key text
-- Those that are newly missing.
SELECT output_artifact_id, object_key FROM mark_objects($1, $2)
