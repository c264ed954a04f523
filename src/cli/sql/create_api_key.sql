-- $1 key_id uuid, $2 key_hash text, $3 user_id text, $4 key_name text, $5 can_write boolean, $6 expires_in_days integer
-- → created boolean
SELECT create_api_key($1, $2, $3, $4, $5, platform_now() + make_interval(days => $6)) AS created
