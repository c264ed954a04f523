-- $1 grant_id uuid, $2 user_id text, $3 organization_id text, $4 role text
-- → outcome text, grant_id uuid, resource_id uuid, subject_type text, subject_id text, relation text, created_by text, created_at timestamptz, revoked boolean
SELECT CASE WHEN may_change_run(g.run_submitted_by, g.run_organization_id, $2, $3, $4)
            THEN 'FOUND' ELSE 'FORBIDDEN' END AS outcome,
       g.grant_id, g.run_id AS resource_id, g.subject_type, g.subject_id, g.relation, g.created_by,
       g.created_at, g.revoked_at IS NOT NULL AS revoked
FROM grants g
WHERE g.grant_id = $1
