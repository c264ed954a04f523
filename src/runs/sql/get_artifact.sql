-- $1 run_id uuid, $2 user_id text, $3 organization_id text, $4 role text, $5 email text, $6 share_token_hash text, $7 artifact_id uuid
-- → allowed boolean, name text, output text, object_key text
-- No row: no such run. A null name: the run has no such artifact.
SELECT may_see_run(r.run_id, r.submitted_by, r.organization_id, $2, $3, $4, $5, $6) AS allowed,
       o.name, r.artifact_output AS output, o.object_key
FROM runs r
LEFT JOIN output_artifacts o ON o.output_artifact_id = $7 AND o.run_id = r.run_id
                             AND o.visibility = 'EXTERNAL'
WHERE r.run_id = $1
