-- $1 grant_id uuid, $2 user_id text, $3 organization_id text, $4 role text
-- → outcome text, grant_id uuid, resource_id uuid, subject_type text, subject_id text, relation text, created_by text, created_at timestamptz, revoked boolean
SELECT c.outcome, (c.revoked).grant_id, (c.revoked).run_id AS resource_id, (c.revoked).subject_type,
       (c.revoked).subject_id, (c.revoked).relation, (c.revoked).created_by, (c.revoked).created_at,
       (c.revoked).revoked_at IS NOT NULL AS revoked
FROM revoke_grant($1, $2, $3, $4) AS c
