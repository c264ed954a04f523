-- $1 attempts_max integer
-- → returned_items integer
SELECT expire_leases($1) AS returned_items
