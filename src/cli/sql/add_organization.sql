-- $1 organization_id text, $2 name text
-- → is_new boolean
-- A known organisation keeps its name unless a new one is given.
INSERT INTO organizations (organization_id, name, display_name)
VALUES ($1, COALESCE($2, $1), COALESCE($2, $1))
ON CONFLICT (organization_id) DO UPDATE
    SET name = COALESCE($2, organizations.name),
        display_name = COALESCE($2, organizations.display_name)
RETURNING (xmax = 0) AS is_new
