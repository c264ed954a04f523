-- $1 worker_id uuid, $2 name text, $3 slots integer, $4 lease_seconds integer, $5 attempts_max integer, $6 cpus integer, $7 memory_bytes bigint, $8 gpus integer
-- → returned_items integer
SELECT register_worker($1, $2, $3, $4, $5, $6, $7, $8) AS returned_items
