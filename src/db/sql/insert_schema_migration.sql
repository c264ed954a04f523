-- $1 number int, $2 name text, $3 checksum text
INSERT INTO schema_migrations (number, name, checksum) VALUES ($1::integer, $2, $3)
