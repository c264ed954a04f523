-- $1 attempts_max integer
-- → leases integer, returned_items integer
SELECT leases, returned_items FROM expire_leases($1)
