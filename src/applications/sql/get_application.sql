-- $1 application_id text, $2 organization_id text
-- → name text, regulatory_classes text, description text, number text, released_at timestamptz
-- One row a visible version, newest first; one row with null number when none is visible.
SELECT a.name, array_to_json(a.regulatory_classes)::text AS regulatory_classes, a.description,
       v.number, v.released_at
FROM applications a
LEFT JOIN application_versions v ON v.application_id = a.application_id AND may_see_version(v, $2)
WHERE a.application_id = $1
ORDER BY v.precedence DESC
