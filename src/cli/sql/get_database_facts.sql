-- → version text, size_bytes bigint, server_connections bigint, worker_connections bigint
SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
       pg_database_size(current_database()) AS size_bytes,
       count(*) FILTER (WHERE application_name = 'slideway-server') AS server_connections,
       count(*) FILTER (WHERE application_name = 'slideway-worker') AS worker_connections
FROM pg_stat_activity
WHERE datname = current_database()
