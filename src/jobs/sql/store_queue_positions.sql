-- $1 run_ids uuid[], $2 curves text[]
INSERT INTO queue_positions (run_id, curve)
SELECT n.run_id, n.curve::integer[] FROM unnest($1::uuid[], $2::text[]) AS n (run_id, curve)
ON CONFLICT (run_id) DO UPDATE SET curve = excluded.curve
