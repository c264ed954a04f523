-- $1 device_hash text, $2 user_code_hash text, $3 client_id text, $4 scope text
-- → create_device_code void
SELECT create_device_code($1, $2, $3, $4)
