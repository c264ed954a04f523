-- $1 worker_name text, $2 lease_seconds integer
-- → held boolean
SELECT take_lead($1, $2) AS held
