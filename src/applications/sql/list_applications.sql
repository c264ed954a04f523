-- $1 organization_id text, $2 sort_fields text[], $3 sort_descending boolean[], $4 limit bigint, $5 offset bigint
-- → application_id text, name text, regulatory_classes text, description text, latest_number text, latest_released_at timestamptz
SELECT a.application_id, a.name, array_to_json(a.regulatory_classes)::text AS regulatory_classes,
       a.description, latest.number AS latest_number, latest.released_at AS latest_released_at
FROM applications a
JOIN LATERAL (
    SELECT v.number, v.released_at FROM application_versions v
    WHERE v.application_id = a.application_id AND may_see_version(v, $1)
    ORDER BY v.precedence DESC LIMIT 1
) AS latest ON true
ORDER BY
    CASE WHEN NOT ($3::boolean[])[1] THEN application_sort_key(($2::text[])[1], a) END ASC,
    CASE WHEN ($3::boolean[])[1] THEN application_sort_key(($2::text[])[1], a) END DESC NULLS LAST,
    CASE WHEN NOT ($3::boolean[])[2] THEN application_sort_key(($2::text[])[2], a) END ASC,
    CASE WHEN ($3::boolean[])[2] THEN application_sort_key(($2::text[])[2], a) END DESC NULLS LAST,
    CASE WHEN NOT ($3::boolean[])[3] THEN application_sort_key(($2::text[])[3], a) END ASC,
    CASE WHEN ($3::boolean[])[3] THEN application_sort_key(($2::text[])[3], a) END DESC NULLS LAST,
    CASE WHEN NOT ($3::boolean[])[4] THEN application_sort_key(($2::text[])[4], a) END ASC,
    CASE WHEN ($3::boolean[])[4] THEN application_sort_key(($2::text[])[4], a) END DESC NULLS LAST,
    a.application_id
LIMIT $4 OFFSET $5
