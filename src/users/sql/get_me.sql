-- $1 user_id text, $2 organization_id text
-- → email text, name text, updated_at timestamptz, organization_name text, organization_display_name text
SELECT u.email, u.name, u.updated_at, o.name AS organization_name, o.display_name AS organization_display_name
FROM (VALUES (1)) AS caller
LEFT JOIN users u ON u.user_id = $1
LEFT JOIN organizations o ON o.organization_id = $2
