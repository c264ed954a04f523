-- $1 grant_id uuid, $2 run_id uuid, $3 subject_type text, $4 subject_id text, $5 subject_email text, $6 user_id text, $7 organization_id text, $8 role text
-- → outcome text, grant_id uuid, resource_id uuid, subject_type text, subject_id text, relation text, created_by text, created_at timestamptz, revoked boolean
SELECT c.outcome, (c.made).grant_id, (c.made).run_id AS resource_id, (c.made).subject_type,
       (c.made).subject_id, (c.made).relation, (c.made).created_by, (c.made).created_at,
       (c.made).revoked_at IS NOT NULL AS revoked
FROM create_grant($1, $2, $3, $4, $5, $6, $7, $8) AS c
