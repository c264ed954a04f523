-- $1 share_token_id uuid, $2 share_token_hash text, $3 expires_at timestamptz, $4 user_id text, $5 organization_id text
-- → outcome text, share_token_id uuid, created_at timestamptz, expires_at timestamptz, revoked boolean
SELECT 'CREATED' AS outcome, t.share_token_id, t.created_at, t.expires_at,
       t.revoked_at IS NOT NULL AS revoked
FROM create_share_token($1, $2, $3, $4, $5) AS t
