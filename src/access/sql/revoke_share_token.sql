-- $1 share_token_id uuid, $2 user_id text, $3 role text
-- → outcome text, share_token_id uuid, created_at timestamptz, expires_at timestamptz, revoked boolean
SELECT c.outcome, (c.revoked).share_token_id, (c.revoked).created_at, (c.revoked).expires_at,
       (c.revoked).revoked_at IS NOT NULL AS revoked
FROM revoke_share_token($1, $2, $3) AS c
