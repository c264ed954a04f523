-- $1 application_id text, $2 number text, $3 organization_id text, $4 document_name text
-- → name text, document_id uuid, mime_type text, visibility text, created_at timestamptz, updated_at timestamptz, object_key text
-- As list_documents, for one.
SELECT d.name, d.document_id, d.mime_type, d.visibility, d.created_at, d.updated_at, d.object_key
FROM application_versions v
LEFT JOIN version_documents d ON d.version_id = v.version_id AND d.visibility = 'public' AND d.name = $4
WHERE v.application_id = $1 AND v.number = $2 AND may_see_version(v, $3)
