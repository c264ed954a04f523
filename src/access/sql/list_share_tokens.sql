-- $1 user_id text, $2 role text, $3 run_id uuid, $4 created_by text, $5 revoked boolean, $6 sort_fields text[], $7 sort_descending boolean[], $8 limit bigint, $9 offset bigint
-- → outcome text, share_token_id uuid, created_at timestamptz, expires_at timestamptz, revoked boolean
-- With a run_id those that were ever granted to that run; a filter that is null does not filter.
SELECT 'FOUND' AS outcome, t.share_token_id, t.created_at, t.expires_at, t.revoked_at IS NOT NULL AS revoked
FROM share_tokens t
WHERE may_see_share_token(t.created_by, $1, $2)
  AND ($3::uuid IS NULL
       OR EXISTS (SELECT FROM grants g
                  WHERE g.run_id = $3 AND g.subject = 'share_token:' || t.share_token_id))
  AND ($4::text IS NULL OR t.created_by = $4)
  AND ($5::boolean IS NULL OR (t.revoked_at IS NOT NULL) = $5)
ORDER BY
    CASE WHEN NOT ($7::boolean[])[1] THEN share_token_sort_key(($6::text[])[1], t) END ASC,
    CASE WHEN ($7::boolean[])[1] THEN share_token_sort_key(($6::text[])[1], t) END DESC NULLS LAST,
    CASE WHEN NOT ($7::boolean[])[2] THEN share_token_sort_key(($6::text[])[2], t) END ASC,
    CASE WHEN ($7::boolean[])[2] THEN share_token_sort_key(($6::text[])[2], t) END DESC NULLS LAST,
    CASE WHEN NOT ($7::boolean[])[3] THEN share_token_sort_key(($6::text[])[3], t) END ASC,
    CASE WHEN ($7::boolean[])[3] THEN share_token_sort_key(($6::text[])[3], t) END DESC NULLS LAST,
    CASE WHEN NOT ($7::boolean[])[4] THEN share_token_sort_key(($6::text[])[4], t) END ASC,
    CASE WHEN ($7::boolean[])[4] THEN share_token_sort_key(($6::text[])[4], t) END DESC NULLS LAST,
    CASE WHEN NOT ($7::boolean[])[5] THEN share_token_sort_key(($6::text[])[5], t) END ASC,
    CASE WHEN ($7::boolean[])[5] THEN share_token_sort_key(($6::text[])[5], t) END DESC NULLS LAST,
    CASE WHEN NOT ($7::boolean[])[6] THEN share_token_sort_key(($6::text[])[6], t) END ASC,
    CASE WHEN ($7::boolean[])[6] THEN share_token_sort_key(($6::text[])[6], t) END DESC NULLS LAST,
    CASE WHEN NOT ($7::boolean[])[7] THEN share_token_sort_key(($6::text[])[7], t) END ASC,
    CASE WHEN ($7::boolean[])[7] THEN share_token_sort_key(($6::text[])[7], t) END DESC NULLS LAST,
    CASE WHEN NOT ($7::boolean[])[8] THEN share_token_sort_key(($6::text[])[8], t) END ASC,
    CASE WHEN ($7::boolean[])[8] THEN share_token_sort_key(($6::text[])[8], t) END DESC NULLS LAST,
    t.created_at DESC, t.share_token_id DESC
LIMIT $8 OFFSET $9
