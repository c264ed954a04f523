-- $1 worker_id uuid, $2 count integer
-- → attempt_id uuid, attempt_number integer, item_id uuid, run_id uuid, external_id text, organization_id text, application_id text, version_number text, folder text, manifest text, input_artifacts text
SELECT c.attempt_id, c.attempt_number, c.item_id, i.run_id, i.external_id, r.organization_id,
       r.application_id, r.version_number, v.folder, v.manifest,
       (SELECT json_agg(json_build_object('input_artifact_id', a.input_artifact_id, 'name', a.name,
                                          'download_url', a.download_url, 'metadata', a.metadata::json)
                        ORDER BY a.ordinal)::text
        FROM input_artifacts a WHERE a.item_id = c.item_id) AS input_artifacts
FROM claim_items($1, $2) AS c
JOIN items i ON i.item_id = c.item_id
JOIN runs r ON r.run_id = i.run_id
JOIN application_versions v ON v.version_id = r.version_id
