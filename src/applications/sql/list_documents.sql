-- $1 application_id text, $2 number text, $3 organization_id text
-- → name text, document_id uuid, mime_type text, visibility text, created_at timestamptz, updated_at timestamptz
-- One row a public document; one row with null name when there is none. No row: no such version, or
-- it is not for the caller.
SELECT d.name, d.document_id, d.mime_type, d.visibility, d.created_at, d.updated_at
FROM application_versions v
LEFT JOIN version_documents d ON d.version_id = v.version_id AND d.visibility = 'public'
WHERE v.application_id = $1 AND v.number = $2 AND may_see_version(v, $3)
ORDER BY d.name
