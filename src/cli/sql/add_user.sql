-- $1 user_id text, $2 organization_id text, $3 email text, $4 name text, $5 role text
-- → is_new boolean
-- A known user is changed to what is given; what is not given stays.
INSERT INTO users (user_id, organization_id, email, name, role)
VALUES ($1, $2, $3, COALESCE($4, $1), COALESCE($5, 'member'))
ON CONFLICT (user_id) DO UPDATE
    SET organization_id = $2,
        email = COALESCE($3, users.email),
        name = COALESCE($4, users.name),
        role = COALESCE($5, users.role),
        updated_at = platform_now()
RETURNING (xmax = 0) AS is_new
