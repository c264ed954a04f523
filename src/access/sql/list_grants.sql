-- $1 user_id text, $2 organization_id text, $3 role text, $4 resource_type text, $5 resource_id uuid, $6 subject_type text, $7 subject_id text, $8 relations text[], $9 revoked boolean, $10 sort_fields text[], $11 sort_descending boolean[], $12 limit bigint, $13 offset bigint
-- → outcome text, grant_id uuid, resource_id uuid, subject_type text, subject_id text, relation text, created_by text, created_at timestamptz, revoked boolean
-- The grants of all runs that the caller may change; a filter that is null does not filter.
SELECT 'FOUND' AS outcome, g.grant_id, g.run_id AS resource_id, g.subject_type, g.subject_id, g.relation,
       g.created_by, g.created_at, g.revoked_at IS NOT NULL AS revoked
FROM grants g
WHERE may_change_run(g.run_submitted_by, g.run_organization_id, $1, $2, $3)
  AND ($4::text IS NULL OR $4 = 'run')
  AND ($5::uuid IS NULL OR g.run_id = $5)
  AND ($6::text IS NULL OR g.subject_type = $6)
  AND ($7::text IS NULL OR g.subject_id = $7)
  AND ($8::text[] IS NULL OR g.relation = ANY ($8))
  AND ($9::boolean IS NULL OR (g.revoked_at IS NOT NULL) = $9)
ORDER BY
    CASE WHEN NOT ($11::boolean[])[1] THEN grant_sort_key(($10::text[])[1], g) END ASC,
    CASE WHEN ($11::boolean[])[1] THEN grant_sort_key(($10::text[])[1], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[2] THEN grant_sort_key(($10::text[])[2], g) END ASC,
    CASE WHEN ($11::boolean[])[2] THEN grant_sort_key(($10::text[])[2], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[3] THEN grant_sort_key(($10::text[])[3], g) END ASC,
    CASE WHEN ($11::boolean[])[3] THEN grant_sort_key(($10::text[])[3], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[4] THEN grant_sort_key(($10::text[])[4], g) END ASC,
    CASE WHEN ($11::boolean[])[4] THEN grant_sort_key(($10::text[])[4], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[5] THEN grant_sort_key(($10::text[])[5], g) END ASC,
    CASE WHEN ($11::boolean[])[5] THEN grant_sort_key(($10::text[])[5], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[6] THEN grant_sort_key(($10::text[])[6], g) END ASC,
    CASE WHEN ($11::boolean[])[6] THEN grant_sort_key(($10::text[])[6], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[7] THEN grant_sort_key(($10::text[])[7], g) END ASC,
    CASE WHEN ($11::boolean[])[7] THEN grant_sort_key(($10::text[])[7], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[8] THEN grant_sort_key(($10::text[])[8], g) END ASC,
    CASE WHEN ($11::boolean[])[8] THEN grant_sort_key(($10::text[])[8], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[5] THEN grant_sort_key(($10::text[])[5], g) END ASC,
    CASE WHEN ($11::boolean[])[5] THEN grant_sort_key(($10::text[])[5], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[6] THEN grant_sort_key(($10::text[])[6], g) END ASC,
    CASE WHEN ($11::boolean[])[6] THEN grant_sort_key(($10::text[])[6], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[7] THEN grant_sort_key(($10::text[])[7], g) END ASC,
    CASE WHEN ($11::boolean[])[7] THEN grant_sort_key(($10::text[])[7], g) END DESC NULLS LAST,
    CASE WHEN NOT ($11::boolean[])[8] THEN grant_sort_key(($10::text[])[8], g) END ASC,
    CASE WHEN ($11::boolean[])[8] THEN grant_sort_key(($10::text[])[8], g) END DESC NULLS LAST,
    g.created_at DESC, g.grant_id DESC
LIMIT $12 OFFSET $13
