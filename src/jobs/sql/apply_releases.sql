-- $1 organization_id text
-- → applied boolean
SELECT apply_releases($1, NULL) IS NOT NULL AS applied
