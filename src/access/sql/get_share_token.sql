-- $1 share_token_id uuid, $2 user_id text, $3 role text
-- → outcome text, share_token_id uuid, created_at timestamptz, expires_at timestamptz, revoked boolean
SELECT CASE WHEN may_see_share_token(t.created_by, $2, $3) THEN 'FOUND' ELSE 'FORBIDDEN' END AS outcome,
       t.share_token_id, t.created_at, t.expires_at, t.revoked_at IS NOT NULL AS revoked
FROM share_tokens t
WHERE t.share_token_id = $1
