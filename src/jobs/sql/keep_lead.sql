-- $1 lease_seconds integer
-- → held boolean
WITH kept AS (
    UPDATE leadership SET lease_expires_at = platform_now() + $1::integer * interval '1 second'
    WHERE backend_pid = pg_backend_pid()
    RETURNING term
)
SELECT EXISTS (SELECT FROM kept) AS held
